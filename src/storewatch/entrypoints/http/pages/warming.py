"""What the first page would have to wait for, done while the service starts."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from storewatch.entrypoints.http.pages.rendering import error_page
from storewatch.errors import StorewatchError

if TYPE_CHECKING:
    from storewatch.entrypoints.http.on_demand import PollsOnDemand

_FIGURES = ("counts", "evidence", "files", "stating", "view")  # the modules that are slow to import


def warm(polls: PollsOnDemand) -> None:
    """Import what reads figures, compile the frame of the pages, and open the poll store if it answers."""
    for name in _FIGURES:
        import_module(f"storewatch.entrypoints.http.pages.{name}")
    import_module("storewatch.formats.published")
    error_page(404, "")
    with suppress(StorewatchError):
        polls.version()
