"""A report of another program, held against ours; each difference gets the known cause that explains it.

their file ─► foreign (columns, units, decimals) ─┐
facts ─► kernel (our figures) ────────────────────┼─► compare ─► agrees, a cause, or unexplained
facts ─► rules × causes (their figures, guessed) ─┘
"""

from storewatch.checking.against.compare import Comparison, compare
from storewatch.checking.against.foreign import Foreign, read_foreign

__all__ = ["Comparison", "Foreign", "compare", "read_foreign"]
