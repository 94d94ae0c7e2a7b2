"""Which store ids are most like one that nobody knows."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

NEIGHBOURS = 40  # ids on either side, in order of the ids, that are compared
_NEAREST = 3  # ids that are named


def nearest(store_id: str, ids: pl.Series) -> list[str]:
    """Return up to three ids that are most like one that is not among them, the most alike first.

    Only those are compared that begin or end like it: all of a large fleet would take seconds.

    Args:
        store_id: To the letter.
        ids: String, sorted, distinct.
    """
    mirrored = ids.str.reverse()
    order = mirrored.arg_sort()
    ends = _neighbours(store_id[::-1], mirrored.gather(order), ids.gather(order))
    return most_alike(store_id, [*_neighbours(store_id, ids, ids), *ends])


def most_alike(store_id: str, ids: Iterable[str]) -> list[str]:
    """Return up to three of some ids that are most like another one, the most alike first."""
    return difflib.get_close_matches(store_id, sorted(set(ids)), n=_NEAREST)


def _neighbours(text: str, ordered: pl.Series, ids: pl.Series) -> list[str]:
    """Return the ids whose texts, in order, are about a text."""
    place = int(ordered.search_sorted(text))
    first = max(place - NEIGHBOURS, 0)
    return ids[first : place + NEIGHBOURS].to_list()
