"""Which store ids are most like one that nobody knows."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

NEIGHBOURS = 40  # ids on either side, in order of the ids, that are compared
_NEAREST = 3  # ids that are named


def nearest(store_id: str, ids: pl.Series) -> list[str]:
    """Return up to three ids that are most like one that is not among them, the most alike first.

    Only those are compared that begin or end like it: all of a large fleet would take seconds.

    Args:
        store_id: To the letter.
        ids: String, sorted, distinct.
    """
    mirrored = pl.Series([name[::-1] for name in ids], dtype=pl.String).sort()
    ends = _neighbours(store_id[::-1], mirrored)
    return most_alike(store_id, [*_neighbours(store_id, ids), *(name[::-1] for name in ends)])


def most_alike(store_id: str, ids: Iterable[str]) -> list[str]:
    """Return up to three of some ids that are most like another one, the most alike first."""
    return difflib.get_close_matches(store_id, sorted(set(ids)), n=_NEAREST)


def _neighbours(store_id: str, ordered: pl.Series) -> list[str]:
    place = int(ordered.search_sorted(store_id))
    first = max(place - NEIGHBOURS, 0)
    return ordered[first : place + NEIGHBOURS].to_list()
