"""Slices: ranges of store ids, so that the parts of a report, one after the other, are the report (R7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The store ids of `first` ≤ id < `after`, by Unicode code point."""

    first: str | None = None  # None: there is none before
    after: str | None = None  # None: there is none after

    def of(self, ids: pl.Series) -> pl.Series:
        """Return those of sorted `ids` (String) that lie in it."""
        return ids.slice(*self.place(ids))

    def place(self, ids: pl.Series) -> tuple[int, int]:
        """Return where those of sorted `ids` (String) begin that lie in it, and how many they are."""
        first = 0 if self.first is None else int(ids.search_sorted(self.first))
        after = len(ids) if self.after is None else int(ids.search_sorted(self.after))
        return first, max(after - first, 0)


Within: TypeAlias = Slice | Sequence[str] | None  # a range of store ids, some ids, or all there are


def only(ids: pl.Series, within: Within) -> pl.Series:
    """Return those of sorted `ids` (String) that are wanted."""
    if within is None:
        return ids
    return within.of(ids) if isinstance(within, Slice) else ids.filter(ids.is_in(list(within)))


def cut(ids: pl.Series, count: int) -> list[Slice]:
    """Return up to `count` slices that together cover all ids there can be, each with as many of these.

    Args:
        ids: String, sorted, distinct.
        count: At least 1.
    """
    parts = min(count, max(len(ids), 1))
    return between(ids[nth * len(ids) // parts] for nth in range(1, parts))


def between(edges: Iterable[str]) -> list[Slice]:
    """Return the slices that meet at these ids, which are in order."""
    return [Slice(first=first, after=after) for first, after in pairwise([None, *edges, None])]
