"""Frames as the kernel takes them: stores, polls and schedules by number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.counted import Polls
from storewatch.domain.dates import EVERY_DAY, Dated
from storewatch.domain.groups import having
from storewatch.domain.kinds import EXCEPTIONS, HOURS
from storewatch.domain.schedule import Schedules, distinct_schedules
from storewatch.domain.zone import DEFAULT_ZONE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts

FEW_ROWS = 1_000  # plain Python goes through them before Polars has begun

_EVER = 1 << 40  # days


def store_names(facts: Facts) -> pl.Series:
    """Return the ids of all stores that any input names, String, distinct, by Unicode code point."""
    return _all_names(facts, distinct(facts.polls["store_id"]))


def named_stores(facts: Facts, ask: Ask) -> tuple[pl.Series, NDArray[np.uint32]]:
    """Return the ids of the stores of a report, and the place of each poll's among them (`dense_numbers`)."""
    polled = distinct(facts.polls["store_id"])
    names = _all_names(facts, polled)
    if ask.store_ids is not None:
        names = names.filter(names.is_in(list(ask.store_ids)))
    names = having(names, facts, ask.where)
    return names, _places(polled, names)


def _all_names(facts: Facts, polled: Distinct) -> pl.Series:
    named = facts.ids()[1:]
    if len(polled.ids) + sum(map(len, named)) <= FEW_ROWS:
        found = set(polled.ids.to_list()).union(*(series.to_list() for series in named))
        return pl.Series(polled.ids.name, sorted(found), dtype=pl.String)
    others = [series.unique() for series in named]
    return pl.concat([polled.ids, *others]).unique().sort()


def dense_numbers(ids: pl.Series, names: pl.Series) -> NDArray[np.uint32]:
    """Return the place of each id in the sorted names; `len(names)` for one that is not among them.

    Args:
        ids: String or Categorical, without nulls. Runs of equal ids (a file sorted by store) are cheap.
        names: String, sorted, distinct.
    """
    return _places(distinct(ids), names)


def _places(found: Distinct, names: pl.Series) -> NDArray[np.uint32]:
    if not len(names):
        return np.zeros(len(found.index), dtype=np.uint32)
    if len(names) + len(found.ids) <= FEW_ROWS:
        places = {name: place for place, name in enumerate(names.to_list())}
        numbers = [places.get(name, len(names)) for name in found.ids.to_list()]
        return np.array(numbers, dtype=np.uint32).take(found.index)
    place = names.search_sorted(found.ids).to_numpy()
    known = found.ids.is_in(names.implode()).to_numpy()
    return np.where(known, place, len(names)).astype(np.uint32).take(found.index)


@dataclass(frozen=True, kw_only=True)
class Distinct:
    """A column of ids, each text once or a few times, and where each row's text is."""

    ids: pl.Series  # String
    index: NDArray[np.integer]  # [rows]


def distinct(ids: pl.Series) -> Distinct:
    """Find the texts of a column of ids (String or Categorical, no nulls) without comparing all of them."""
    if ids.dtype == pl.String:
        if len(ids) <= FEW_ROWS:
            texts = ids.to_list()
            index = {text: number for number, text in enumerate(dict.fromkeys(texts))}
            return Distinct(
                ids=pl.Series(ids.name, list(index), dtype=pl.String),
                index=np.array([index[text] for text in texts], dtype=np.int64),
            )
        changes = (ids != ids.shift(1)).fill_null(value=True).to_numpy()
        begins = np.flatnonzero(changes)
        if len(begins) * 4 < len(ids):
            return Distinct(ids=ids.gather(begins), index=np.cumsum(changes) - 1)
        ids = ids.cast(pl.Categorical)
    codes = ids.to_physical().to_numpy()  # of a pool that other frames share, so not dense
    row = np.full(int(codes.max(initial=0)) + 1, -1)
    row[codes] = np.arange(len(codes))
    used = np.flatnonzero(row >= 0)
    place = np.zeros(len(row), dtype=np.uint32)
    place[used] = np.arange(len(used))
    return Distinct(ids=ids.gather(row[used]).cast(pl.String), index=place.take(codes))


def numbered_polls(polls: pl.DataFrame, names: pl.Series) -> Polls:
    """Return the polls as the kernel takes them, those of other stores left out."""
    return kernel_polls(polls, dense_numbers(polls["store_id"], names), len(names))


def kernel_polls(polls: pl.DataFrame, store: NDArray[np.uint32], stores: int) -> Polls:
    """Return polls as `numbered_polls` does; `store`: the number of each one's store."""
    arrays = Polls(store=store, at=polls["at"].to_physical().to_numpy(), active=polls["active"].to_numpy())
    strange = store == stores
    return arrays.take(np.flatnonzero(~strange)) if strange.any() else arrays


def numbered_schedules(facts: Facts, names: pl.Series, zones: Sequence[str]) -> Schedules:
    """Return the distinct schedules of the named stores, whose zones these are."""
    store = dense_numbers(facts.hours["store_id"], names)
    mine = store < len(names)
    dated = _dated(facts, names, store)
    if dated is not None:
        by_date = np.zeros(len(names) + 1, dtype=np.bool_)
        by_date[dated.owners()] = True
        mine &= ~by_date.take(store)
    day, start, end = (
        facts.hours[name].to_numpy()[mine].astype(np.int64) for name in ("day", "start", "end")
    )
    return distinct_schedules(store[mine], day, start, end, zone_of_store=zones, dated=dated)


def zones_of(facts: Facts, names: pl.Series) -> list[str]:
    """Return the zone of each of the named stores (R2)."""
    if len(names) + len(facts.zones) <= FEW_ROWS:
        known = dict(facts.zones.iter_rows())
        return [known.get(name, DEFAULT_ZONE) for name in names.to_list()]
    held = names.to_frame("store_id").join(facts.zones, on="store_id", how="left", maintain_order="left")
    return held["zone"].fill_null(DEFAULT_ZONE).to_list()


def _dated(facts: Facts, names: pl.Series, store: NDArray[np.uint32]) -> Dated | None:
    """Return what goes by the date, None if nothing does; `store` says whose each hours row is."""
    exceptions, hours = facts.of(EXCEPTIONS), facts.hours
    has_validity = [
        name for name in HOURS.optional if name in hours.columns and hours[name].null_count() < len(hours)
    ]
    if not exceptions.height and not has_validity:
        return None
    whose = dense_numbers(exceptions["store_id"], names)
    known = np.flatnonzero(whose < len(names))
    owners = np.zeros(len(names) + 1, dtype=np.bool_)
    owners[whose] = True
    for name in has_validity:
        owners[store[hours[name].is_not_null().to_numpy()]] = True
    owners[-1] = False
    rows = np.flatnonzero(owners.take(store))
    has_rows = np.zeros(len(names) + 1, dtype=np.bool_)
    has_rows[store] = True
    without = np.flatnonzero(owners & ~has_rows)
    written = _numbers(hours, {"day": 0, "start": 0, "end": 0, "valid_from": -_EVER, "valid_to": _EVER})
    return Dated(
        owner=np.concatenate((store.take(rows), np.repeat(without, len(EVERY_DAY)))).astype(np.int64),
        rows=np.concatenate((written.take(rows, axis=0), np.tile(EVERY_DAY, (len(without), 1)))),
        exception_owner=whose.take(known).astype(np.int64),
        exceptions=_numbers(exceptions, {"date": 0, "start": -1, "end": -1}).take(known, axis=0),
    )


def _numbers(rows: pl.DataFrame, columns: Mapping[str, int]) -> NDArray[np.int64]:
    """Return columns as whole numbers, dates as days since 1970, with what stands for a null or no column."""
    return np.column_stack(
        [
            rows[name].to_physical().cast(pl.Int64).fill_null(null).to_numpy()
            if name in rows.columns
            else np.full(len(rows), null)
            for name, null in columns.items()
        ]
    )
