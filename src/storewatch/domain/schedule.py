"""Weekly hours and a zone → the stretches of UTC in which a store is meant to be open (R2).

Many stores share their hours, so all work is done once a *distinct schedule*: a set of merged stretches of
the local week together with a zone. Schedule 0 is the one that is always open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from storewatch.domain.dates import Dated, LocalStretches, closing, local_stretches
from storewatch.domain.instant import DAY, WEEK
from storewatch.domain.zone import offset_spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ALWAYS_OPEN = 0  # the number of the schedule of stores without hours rows

_MONDAY = 4 * DAY  # 1970-01-05, the first Monday of UTC
_BITS = 20  # hold a second of the week, 604,800 included
_MASK = (1 << _BITS) - 1
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93, 0xBF58476D1CE4E5B9], np.uint64
)  # odd, of bits in no order
_WHOLE_WEEK = np.array([WEEK], dtype=np.int64)  # the code (begin, end) of the stretch [0, WEEK)


@dataclass(frozen=True, kw_only=True)
class Schedules:
    """The distinct schedules of a fleet.

    Schedule `i` is open in the local week from `begin[j]` to `end[j]` for each j in
    `first[i]` ≤ j < `first[i + 1]`; its stretches are in order, disjoint and do not touch.
    """

    of_store: NDArray[np.int32]  # [stores] the schedule's number
    first: NDArray[np.int64]  # [schedules + 1]
    begin: NDArray[np.int64]  # seconds since Monday 00:00 on the wall clock
    end: NDArray[np.int64]
    zone: tuple[str, ...]  # [schedules]
    dated: Dated | None = None  # of the schedules that go by the date, and so have no such stretches


@dataclass(frozen=True, kw_only=True)
class Stretches:
    """When each schedule is open in UTC, within [since, until).

    Like `Schedules`: schedule `i` owns `begin[j]`, `end[j]` for `first[i]` ≤ j < `first[i + 1]`, in order,
    disjoint and not touching.
    """

    since: int  # seconds since 1970 UTC
    until: int
    first: NDArray[np.int64]  # [schedules + 1]
    begin: NDArray[np.int64]  # seconds since 1970 UTC
    end: NDArray[np.int64]

    @property
    def schedule(self) -> NDArray[np.int64]:
        """The schedule that owns each stretch."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    def open_before(self, schedule: NDArray[np.integer], at: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many seconds schedules are open from `since` to instants of the reach, [any] both."""
        shift = (self.until - self.since).bit_length()  # packs (schedule, second since `since`)
        begins = (self.schedule << shift) + self.begin - self.since
        met = np.searchsorted(begins, (schedule.astype(np.int64) << shift) + at - self.since)
        total = np.concatenate(([0], np.cumsum(self.end - self.begin)))
        ahead = np.maximum(self.end.take(met - 1) - at, 0)  # of the last stretch that begins before
        first = self.first.take(schedule)
        return np.where(met > first, total.take(met) - total.take(first) - ahead, 0)


def distinct_schedules(
    store: NDArray[np.integer],
    day: NDArray[np.integer],
    start: NDArray[np.integer],
    end: NDArray[np.integer],
    *,
    zone_of_store: Sequence[str],
    dated: Dated | None = None,
) -> Schedules:
    """Merge each store's hours rows and number the schedules that differ.

    Args:
        store: [rows] dense store number of each hours row, in any order.
        day: [rows] 0 = Monday … 6 = Sunday.
        start: [rows] seconds of the day, < 86,400.
        end: [rows] seconds of the day as written, ≤ 86,400. From 23:59:00 on it is the end of the day; before
            `start` it is on the next day; equal to `start` the row is empty, but the store still has rows.
        zone_of_store: [stores] names of zones.
        dated: What stores have that go by the date; they have no rows among the others.
    """
    keys = _merge(_weekly_keys(store.astype(np.int64), day.astype(np.int64), start, end))
    codes = keys & ((1 << 2 * _BITS) - 1)
    bounds = np.searchsorted(keys >> 2 * _BITS, np.arange(len(zone_of_store) + 1))
    has_rows = np.zeros(len(zone_of_store), dtype=bool)
    has_rows[store] = True
    owners = np.flatnonzero(has_rows)
    names = {name: number for number, name in enumerate(dict.fromkeys(zone_of_store))}
    zone = np.array([names[name] for name in zone_of_store], dtype=np.int64)
    begin, count = bounds.take(owners), np.diff(bounds).take(owners)
    first, number = _alike(codes, count, zone.take(owners))
    of_store = np.zeros(len(zone_of_store), dtype=np.int32)
    of_store[owners] = number + ALWAYS_OPEN + 1
    count = count.take(first)
    place = np.arange(int(count.sum())) + np.repeat(begin.take(first) - (np.cumsum(count) - count), count)
    zones = ["UTC", *(zone_of_store[owner] for owner in owners.take(first).tolist())]
    if dated is not None:
        dated = _number_dated(dated, zone_of_store, zones, of_store)
    flat = np.concatenate((_WHOLE_WEEK, codes.take(place)))
    sizes = np.zeros(len(zones), dtype=np.int64)
    sizes[: len(count) + 1] = np.append(1, count)
    return Schedules(
        of_store=of_store,
        first=np.append(0, np.cumsum(sizes)),
        begin=flat >> _BITS,
        end=flat & _MASK,
        zone=tuple(zones),
        dated=dated,
    )


def _alike(
    codes: NDArray[np.int64], count: NDArray[np.int64], zone: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tell which stores have the same week in the same zone.

    They are found by a digest, then compared. Stores of one digest that differ have a schedule of their own,
    and so may their like: a schedule too many costs time, and changes nothing.

    Args:
        codes: Stretches, in order of store.
        count: [stores] how many each has.
        zone: [stores] its number.

    Returns:
        A store of each schedule, and [stores] the number of each one's schedule.
    """
    begin = np.cumsum(count) - count
    owner = np.repeat(np.arange(len(count)), count)
    mixed = codes.view(np.uint64) * _FACTORS[0]
    mixed += (np.arange(len(codes)) - begin.take(owner)).view(np.uint64) * _FACTORS[1]
    mixed = (mixed ^ mixed >> np.uint64(29)) * _FACTORS[2]
    digest = (zone << 32 | count).view(np.uint64) * _FACTORS[3]
    some = np.flatnonzero(count)
    if len(some):
        digest[some] += np.add.reduceat(mixed, begin.take(some))
    _, first, number = np.unique(digest, return_index=True, return_inverse=True)
    model = first.take(number)
    same = (count == count.take(model)) & (zone == zone.take(model))
    place = np.arange(len(codes)) + (begin.take(model) - begin).take(owner)
    same[owner.compress(codes != codes.take(place, mode="clip"))] = False
    other = np.flatnonzero(~same)
    number[other] = len(first) + np.arange(len(other))
    return np.concatenate((first, other)), number


def _number_dated(
    dated: Dated, zone_of_store: Sequence[str], zones: list[str], of_store: NDArray[np.int32]
) -> Dated:
    """Number the schedules of stores that go by the date too; return what is theirs."""
    number = np.full(len(zone_of_store), -1)
    stores = dated.owners()
    numbers: dict[tuple[bytes, str], int] = {}
    for store, text in zip(stores.tolist(), dated.texts(stores), strict=True):
        schedule = (text, zone_of_store[store])
        if schedule not in numbers:
            number[store] = numbers[schedule] = len(zones)
            zones.append(zone_of_store[store])
        of_store[store] = numbers[schedule]
    return dated.owned_by(number)


def _weekly_keys(
    store: NDArray[np.int64],
    day: NDArray[np.int64],
    start: NDArray[np.integer],
    end: NDArray[np.integer],
) -> NDArray[np.int64]:
    """Return the rows' pieces of the week as sorted keys (store, begin, end); a night row gives two."""
    end = closing(end)
    midnight = day * DAY
    tomorrow = (midnight + DAY) % WEEK
    straight, night = end > start, end < start
    tail = night & (end > 0)
    begin = np.concatenate(((midnight + start)[straight | night], tomorrow[tail]))
    until = np.concatenate(((midnight + np.where(night, DAY, end))[straight | night], (tomorrow + end)[tail]))
    owner = np.concatenate((store[straight | night], store[tail]))
    return np.sort(owner << 2 * _BITS | begin << _BITS | until)


def _merge(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Merge the pieces of a store that overlap or touch; keys stay sorted (store, begin, end)."""
    if not len(keys):
        return keys
    begin = keys >> _BITS  # (store, begin)
    end = np.maximum.accumulate((keys >> 2 * _BITS) << _BITS | keys & _MASK)  # (store, latest end so far)
    opens = np.concatenate(([True], begin[1:] > end[:-1]))
    closes = np.concatenate((opens[1:], [True]))
    return begin[opens] << _BITS | end[closes] & _MASK


def open_stretches(schedules: Schedules, *, since: int, until: int) -> Stretches:
    """Lay the schedules out over UTC.

    An instant is open exactly when its wall clock is inside the weekly hours; so the weekly hours are laid
    out once for each span of constant offset and cut at its edges, and clock changes need nothing more.

    Args:
        schedules: Distinct ones.
        since: Seconds since 1970 UTC.
        until: The same, after `since`.
    """
    shift = (until - since).bit_length()  # packs (schedule, second since `since`)
    begins, ends = [], []
    owner = np.repeat(np.arange(len(schedules.zone)), np.diff(schedules.first))
    zones = np.unique(schedules.zone, return_inverse=True)
    by_date = None if schedules.dated is None else _by_date(schedules.dated, since, until)
    for number, name in enumerate(zones[0].tolist()):
        mine = np.flatnonzero(zones[1][owner] == number)
        packed, opens, closes = owner[mine] << shift, schedules.begin[mine], schedules.end[mine]
        spans = offset_spans(name, since, until)
        local = [
            (packed, opens + monday, closes + monday, span)
            for span in spans
            for monday in range(_monday_before(span[0] + span[2]), span[1] + span[2], WEEK)
        ]
        if by_date is not None:
            there = np.flatnonzero(zones[1][by_date.owner] == number)
            owned, opens, closes = (
                values.take(there) for values in (by_date.owner << shift, by_date.begin, by_date.end)
            )
            local += [(owned, opens, closes, span) for span in spans]
        for packed, opens, closes, (low, high, offset) in local:
            begin, end = np.maximum(opens - offset, low), np.minimum(closes - offset, high)
            real = begin < end
            begins.append((packed + (begin - since)).compress(real))
            ends.append((packed + (end - since)).compress(real))
    return _from_packed(begins, ends, shift=shift, count=len(schedules.zone), since=since, until=until)


def _by_date(dated: Dated, since: int, until: int) -> LocalStretches:
    """Lay out all dates whose shifts can reach into [since, until) of UTC."""
    return local_stretches(dated, since=since // DAY - 2, until=until // DAY + 3)


def _monday_before(local: int) -> int:
    return (local - _MONDAY) // WEEK * WEEK + _MONDAY


def _from_packed(
    begins: list[NDArray[np.int64]],
    ends: list[NDArray[np.int64]],
    *,
    shift: int,
    count: int,
    since: int,
    until: int,
) -> Stretches:
    """Order packed (schedule, second) edges and join stretches that touch.

    A schedule's stretches are disjoint, so begins and ends may be sorted each by themselves.
    """
    begin, end = np.sort(np.concatenate(begins)), np.sort(np.concatenate(ends))
    apart = begin[1:] != end[:-1]
    begin = np.concatenate((begin[:1], begin[1:].compress(apart)))
    end = np.concatenate((end[:-1].compress(apart), end[-1:]))
    mask = (1 << shift) - 1
    return Stretches(
        since=since,
        until=until,
        first=np.searchsorted(begin >> shift, np.arange(count + 1)),
        begin=(begin & mask) + since,
        end=(end & mask) + since,
    )
