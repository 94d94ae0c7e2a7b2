"""Stretches of time of many stores, and what two sets of them have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

UP, DOWN, UNKNOWN, EXCLUDED = range(4)  # statuses
STATUSES = ("up", "down", "unknown", "excluded")
_SECOND_BITS = 36  # hold the seconds of any reach


@dataclass(frozen=True, kw_only=True)
class Spans:
    """Stretches, disjoint for each store, in any order."""

    store: NDArray[np.int64]
    begin: NDArray[np.int64]  # seconds since 1970 UTC
    end: NDArray[np.int64]  # the same, exclusive
    status: NDArray[np.integer]

    def take(self, chosen: NDArray[np.integer]) -> Spans:
        """Return the chosen ones."""
        return Spans(
            store=self.store.take(chosen),
            begin=self.begin.take(chosen),
            end=self.end.take(chosen),
            status=self.status.take(chosen),
        )


def joined(*parts: Spans) -> Spans:
    """Put sets together that have no time in common."""
    return Spans(
        store=np.concatenate([part.store for part in parts]),
        begin=np.concatenate([part.begin for part in parts]),
        end=np.concatenate([part.end for part in parts]),
        status=np.concatenate([part.status for part in parts]),
    )


def clipped(spans: Spans, since: int, until: int) -> Spans:
    """Return the parts of spans that lie in since ≤ t < until."""
    cut = replace(spans, begin=np.maximum(spans.begin, since), end=np.minimum(spans.end, until))
    return cut.take(np.flatnonzero(cut.begin < cut.end))


def within(spans: Spans, others: Spans) -> Spans:
    """Return the parts of spans that lie in some of the others of their store."""
    origin = _origin(spans, others)
    own, (begin, end, _) = _Line.of(spans, origin), _Line.of(others, origin)
    return _parts(spans, own, begin, end, origin)


def without(spans: Spans, others: Spans) -> Spans:
    """Return the parts of spans that lie in none of the others of their store."""
    if not len(others.store):
        return spans
    origin = _origin(spans, others)
    own, (begin, end, _) = _Line.of(spans, origin), _Line.of(others, origin)
    return _parts(spans, own, np.append(-1, end), np.append(begin, 1 << 62), origin)


class _Line(NamedTuple):
    """Spans on one line, the time of a store behind that of the store before; those of no length go."""

    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    source: NDArray[np.intp]  # where each is among the spans

    @classmethod
    def of(cls, spans: Spans, origin: int) -> _Line:
        """Put spans in order; `origin` is not after any of them."""
        source = np.flatnonzero(spans.begin < spans.end)
        base = (spans.store.take(source) << _SECOND_BITS) - origin
        begin, end = base + spans.begin.take(source), base + spans.end.take(source)
        if (begin[1:] < begin[:-1]).any():
            order = np.argsort(begin)
            begin, end, source = begin.take(order), end.take(order), source.take(order)
        return cls(begin, end, source)


def _origin(spans: Spans, others: Spans) -> int:
    return min((int(each.begin.min()) for each in (spans, others) if len(each.begin)), default=0)


def _parts(spans: Spans, own: _Line, begin: NDArray[np.int64], end: NDArray[np.int64], origin: int) -> Spans:
    """Return what spans have in common with stretches of the line, both in order and disjoint."""
    first = np.searchsorted(end, own.begin, side="right")
    count = np.maximum(np.searchsorted(begin, own.end) - first, 0)
    mine = np.repeat(np.arange(len(count)), count)
    other = np.arange(len(mine)) + np.repeat(first - (np.cumsum(count) - count), count)
    source, mask = own.source.take(mine), (1 << _SECOND_BITS) - 1
    low = np.maximum(own.begin.take(mine), begin.take(other))
    high = np.minimum(own.end.take(mine), end.take(other))
    return Spans(
        store=spans.store.take(source),
        begin=(low & mask) + origin,
        end=(high & mask) + origin,
        status=spans.status.take(source),
    )
