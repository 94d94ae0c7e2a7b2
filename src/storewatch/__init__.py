"""Uptime reports for places that keep opening hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewatch.errors import InputError, NoPollsError, NoStoreError, StorewatchError, StorewatchWarning

if TYPE_CHECKING:
    from storewatch.entrypoints.library import Report, hours, report

__all__ = [
    "InputError",
    "NoPollsError",
    "NoStoreError",
    "Report",
    "StorewatchError",
    "StorewatchWarning",
    "hours",
    "report",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import what makes reports when it is first asked for: the command line's help needs no Polars."""
    if name in __all__:
        from storewatch.entrypoints import library  # noqa: PLC0415 - see above

        return getattr(library, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name all that there is, what was not asked for yet among it."""
    return sorted({*globals(), *__all__})
