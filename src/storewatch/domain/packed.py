"""Polls as sorted 64-bit keys, a UTC day at a time: to sort, settle and compare millions of them quickly.

A key holds, from the high bits down: the store's place among the sorted names (25 bits), the microsecond of
the day (37), and 1 for active. So a sorted day is in order of (store, at), and of two polls at one instant
the inactive one comes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.instant import DAY, MICROSECONDS
from storewatch.domain.uptime import dense_numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Keys = NDArray[np.int64]

DAY_US = DAY * MICROSECONDS
LARGE = 1 << 20  # polls that are held at a time where there may be any number of them

_STORE = 38  # where the bits of the store begin
_AT = (1 << _STORE - 1) - 1
_SHORT = 1 << 16  # days; NumPy sorts 16-bit integers by radix


def poll_stores(polls: pl.DataFrame) -> pl.Series:
    """Return the ids that the polls name, String, sorted, distinct."""
    return polls["store_id"].unique().cast(pl.String).sort()


def pack(polls: pl.DataFrame, names: pl.Series) -> dict[int, Keys]:
    """Return the settled polls of each UTC day as sorted keys: one poll an instant, inactive wins (R1).

    Args:
        polls: POLLS, `store_id` String or Categorical.
        names: Sorted, distinct ids; polls of other stores are left out.

    Returns:
        Keys by day (days since 1970), days in order.
    """
    store = dense_numbers(polls["store_id"], names)
    at, active = polls["at"].to_physical().to_numpy(), polls["active"].to_numpy()
    strange = store == len(names)
    if strange.any():
        store, at, active = store[~strange], at[~strange], active[~strange]
    return pack_columns(store, at, active)


def pack_columns(
    store: NDArray[np.integer], at: NDArray[np.int64], active: NDArray[np.bool_]
) -> dict[int, Keys]:
    """Return what `pack` does, of polls as columns: the stores' places, microseconds since 1970, statuses."""
    return {day: settle(keys) for day, keys in by_day(store, at, active)}


def by_day(
    store: NDArray[np.integer], at: NDArray[np.int64], active: NDArray[np.bool_]
) -> list[tuple[int, Keys]]:
    """Return the keys of each day, days in order, and the keys of each as they come."""
    day = at // DAY_US
    keys = store.astype(np.int64) << _STORE | (at - day * DAY_US) << 1 | active
    if not len(keys):
        return []
    first, last = int(day.min()), int(day.max())
    since = day - first
    order = np.argsort(since.astype(np.uint16) if last - first < _SHORT else since, kind="stable")
    numbers, counts = np.unique(since, return_counts=True)
    parts = np.split(keys.take(order), np.cumsum(counts)[:-1])
    return [(first + number, part) for number, part in zip(numbers.tolist(), parts, strict=True)]


def stores_of(keys: Keys) -> Keys:
    """Return the number of each key's store."""
    return keys >> _STORE


def first_key(store: int) -> int:
    """Return the least key that a store can have."""
    return store << _STORE


def with_stores(keys: Keys, store: NDArray[np.integer]) -> Keys:
    """Return the keys with other numbers of their stores."""
    return store.astype(np.int64) << _STORE | keys & ((1 << _STORE) - 1)


def settle(keys: Keys) -> Keys:
    """Return the keys of a day in order, one an instant, inactive wins (R1); sorts them in place."""
    if not len(keys):
        return keys
    keys.sort()
    instant = keys >> 1
    return keys.compress(np.concatenate(([True], instant[1:] != instant[:-1])))


def news(keys: Keys, known: Keys) -> Keys:
    """Return the keys that say something new.

    An instant that is known says nothing new, unless an inactive poll contradicts an active one (R1).

    Args:
        keys: Of one day, settled.
        known: Of the same day and the same names, settled.
    """
    if not len(known):
        return keys
    place = np.minimum(known.searchsorted(keys & ~1), len(known) - 1)  # the first at or after its instant
    there = known.take(place)
    return keys.compress((there >> 1 != keys >> 1) | (there & 1 > keys & 1))


def unpack(day: int, keys: Keys, coded: pl.Series) -> pl.DataFrame:
    """Return one day's keys as POLLS, in order of store and instant.

    Args:
        day: Days since 1970.
        keys: Of that day.
        coded: The names that they were packed with, as Categorical.
    """
    store, at, active = unpack_columns(day, keys)
    return pl.DataFrame(
        {
            "store_id": coded.gather(pl.Series(store)),
            "at": pl.Series(at).cast(pl.Datetime("us", "UTC")),
            "active": pl.Series(active),
        }
    )


def unpack_columns(day: int, keys: Keys) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.bool_]]:
    """Return one day's keys as the stores' places, the instants (microseconds since 1970), the statuses."""
    at = (keys >> 1 & _AT) + day * DAY_US
    return (keys >> _STORE).astype(np.uint32), at, (keys & 1).astype(np.bool_)


def span(day: int, keys: Keys) -> tuple[int, int]:
    """Return the first and last instant (microseconds since 1970 UTC) of one day's keys, at least one."""
    at = keys >> 1 & _AT
    return int(at.min()) + day * DAY_US, int(at.max()) + day * DAY_US


def pieces(stores: int, polls: int) -> list[range]:
    """Return ranges of about one length that together are the places of all stores.

    So many that each has about as many of some polls as may be held at a time; at least one.
    """
    count = max(min(-(-polls // LARGE), stores), 1)
    return [range(nth * stores // count, (nth + 1) * stores // count) for nth in range(count)]
