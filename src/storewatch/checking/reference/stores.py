"""The facts, taken apart by store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storewatch.domain.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Store:
    """What is known of one store."""

    store_id: str
    polls: pd.DataFrame  # at, active; any order, doubles allowed
    hours: pd.DataFrame  # day (0 = Monday), start, end (seconds of the day as written)
    zone: str


def load(facts: Facts, store_ids: Iterable[str] | None = None) -> list[Store]:
    """Take the facts apart by store, in order of `store_id` by code point (R7).

    Every store that polls, hours, zones or `facts.stores` name is there: polled or not, in open hours or not.
    """
    polls, hours = polls_frame(facts.polls), hours_frame(facts.hours)
    zones = dict(zip(_ids(facts.zones), facts.zones["zone"].to_list(), strict=True))
    named = {*_ids(facts.polls), *_ids(facts.hours), *zones}
    named |= set() if facts.stores is None else set(facts.stores.to_list())
    wanted = sorted(named if store_ids is None else named.intersection(store_ids))
    polls_of, hours_of = _by_store(polls), _by_store(hours)
    return [
        Store(
            store_id=store_id,
            polls=polls_of.get(store_id, polls.iloc[:0]),
            hours=hours_of.get(store_id, hours.iloc[:0]),
            zone=zones.get(store_id, "America/Chicago"),  # R2
        )
        for store_id in wanted
    ]


def polls_frame(polls: pl.DataFrame) -> pd.DataFrame:
    """Return polls as pandas: store_id, at, active."""
    at = polls["at"].to_physical().to_numpy().astype("datetime64[us]")
    return pd.DataFrame(
        {"store_id": _ids(polls), "at": pd.DatetimeIndex(at, tz="UTC"), "active": polls["active"].to_numpy()}
    )


def hours_frame(hours: pl.DataFrame) -> pd.DataFrame:
    """Return hours as pandas: store_id, day, start, end as int64."""
    columns = {name: hours[name].to_numpy().astype("int64") for name in ("day", "start", "end")}
    return pd.DataFrame({"store_id": _ids(hours), **columns})


def _ids(frame: pl.DataFrame) -> list[str]:
    return frame["store_id"].cast(pl.String).to_list()


def _by_store(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(store_id): rows for store_id, rows in frame.groupby("store_id", sort=False)}
