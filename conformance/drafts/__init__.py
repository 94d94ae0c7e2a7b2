"""What the cases are made from; `python -m conformance.build` writes them, with what is expected."""

from __future__ import annotations

from conformance.drafts import clocks, files, first, hours, ids, loads, observed, pairs, polls, rejects
from conformance.drafts.draft import Draft

__all__ = ["Draft", "drafts"]


def drafts() -> list[Draft]:
    """Return the drafts of all cases."""
    modules = (first, clocks, hours, polls, ids, files, rejects, loads, pairs, observed)
    return [draft for module in modules for draft in module.drafts()]
