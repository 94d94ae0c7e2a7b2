"""Stores and their keys in the database: which are wanted, and whose a key is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString

import numpy as np
import polars as pl

from storewatch.domain.slices import Slice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.domain.slices import Within

# Keys are in the order of ids within one load only: a slice is a run of them, and a list of those that later
# loads gave to stores that lie between.
CHOSEN = "(%(every)s OR store_key BETWEEN %(first)s AND %(last)s OR store_key = ANY(%(later)s))"
EVERY: Mapping[str, object] = {"every": True, "first": 0, "last": -1, "later": []}

# By code points: so are the columns of ids that there are.
WITHIN = """(%(first)s::text IS NULL OR store_id >= %(first)s) AND
(%(after)s::text IS NULL OR store_id < %(after)s) AND (%(ids)s::text[] IS NULL OR store_id = ANY(%(ids)s))"""

_STORES: LiteralString = "SELECT store_id, store_key FROM storewatch.stores WHERE load <= %(load)s AND "
_IN_ORDER: LiteralString = " ORDER BY store_id"


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Some stores of a version, or all."""

    ids: pl.Series  # String, sorted
    keys: NDArray[np.int32]  # of each
    chosen: Mapping[str, object]  # the parameters of CHOSEN
    within: Mapping[str, object]  # those of WITHIN

    def of(self, keys: NDArray[np.integer]) -> pl.Series:
        """Return the id of each key, which are all of these stores, Categorical."""
        places = places_of(self.keys, int(keys.max(initial=0)))
        return self.ids.cast(pl.Categorical).gather(pl.Series(places.take(keys)))


def find_stores(connection: Connection, within: Within, *, load: int) -> Stores:
    """Return the stores of a version, named for its last load."""
    of = within if isinstance(within, Slice) else Slice()
    ids = None if within is None or isinstance(within, Slice) else writable(within)
    wanted = {"first": of.first, "after": of.after, "ids": ids}
    rows = connection.execute(_STORES + WITHIN + _IN_ORDER, {"load": load, **wanted}).fetchall()
    keys = np.array([key for _, key in rows], dtype=np.int32)
    return Stores(
        ids=pl.Series("store_id", [name for name, _ in rows], dtype=pl.String),
        keys=keys,
        chosen=EVERY if within is None else choice(keys),
        within=wanted,
    )


def writable(ids: Iterable[str]) -> list[str]:
    """Return the ids that PostgreSQL can keep; it has no text with a zero byte in it."""
    return [store_id for store_id in ids if "\0" not in store_id]


def places_of(keys: NDArray[np.int32], last: int) -> NDArray[np.int64]:
    """Return the place of each key up to `last` among `keys`, -1 of one that is not there."""
    places = np.full(max(last, int(keys.max(initial=0))) + 1, -1, np.int64)
    places[keys] = np.arange(len(keys))
    return places


def choice(keys: NDArray[np.int32]) -> dict[str, object]:
    """Return the parameters of CHOSEN: the longest run of keys, and those that are not in it."""
    ordered = np.sort(keys)
    begins = np.flatnonzero(np.diff(ordered, prepend=-2) != 1)
    if not len(begins):
        return {**EVERY, "every": False}
    lengths = np.diff(begins, append=len(ordered))
    longest = int(lengths.argmax())
    run = slice(int(begins[longest]), int(begins[longest] + lengths[longest]))
    first, *_, last = ordered[run][[0, -1]].tolist()
    return {"every": False, "first": first, "last": last, "later": np.delete(ordered, run).tolist()}
