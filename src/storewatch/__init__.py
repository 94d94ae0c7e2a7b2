"""Uptime reports for places that keep opening hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storewatch.entrypoints.library import report as report

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import `report` when it is first asked for: the command line's help needs no Polars."""
    if name == "report":
        from storewatch.entrypoints.library import report  # noqa: PLC0415 - see above

        return report
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
