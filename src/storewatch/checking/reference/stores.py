"""The facts, taken apart by store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl

from storewatch.domain.ask import Ask
from storewatch.domain.kinds import ANNOTATIONS, EVERY_STORE, EXCEPTIONS, LABELS, NAME, TARGET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storewatch.domain.facts import Facts
    from storewatch.domain.label import Where

EVERYTHING = Ask()


@dataclass(frozen=True, kw_only=True)
class HoursRow:
    """One of a store's hours rows (R8)."""

    day: int  # 0 = Monday
    start: int  # seconds of the day as written
    end: int
    valid_from: int | None  # local dates as days since 1970, both inclusive; None: no limit
    valid_to: int | None


@dataclass(frozen=True, kw_only=True)
class OnDate:
    """An exception: what a store does on a date (R8)."""

    date: int  # days since 1970
    start: int | None  # seconds of the day as written; None, as the end: it is closed
    end: int | None


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """What somebody states of a time (R9)."""

    id: str
    store_id: str  # one of these three: "" or who it is about
    label: str  # *: every store
    value: str
    since: int  # seconds since 1970 UTC
    until: int | None  # None: until further notice
    counts_as: str  # excluded, up, down, unknown
    made_at: int  # microseconds since 1970 UTC


@dataclass(frozen=True, kw_only=True)
class Store:
    """What is known of one store."""

    store_id: str
    polls: pd.DataFrame  # at, active; any order, doubles allowed
    hours: pd.DataFrame  # day (0 = Monday), start, end (seconds of the day as written)
    zone: str
    rows: tuple[HoursRow, ...] = ()  # the hours once more, each with its validity
    exceptions: tuple[OnDate, ...] = ()
    annotations: tuple[Annotation, ...] = ()  # about the store, by rising precedence: a later one goes before
    labels: Mapping[str, str] = field(default_factory=dict)
    target: int | None = None  # in thousandths of a percent


def load(facts: Facts, ask: Ask = EVERYTHING) -> list[Store]:
    """Take the facts apart by store, in order of `store_id` by code point (R7).

    Every store that polls, hours, zones or `facts.stores` name is there, polled or not, in open hours or not,
    if it is one of those that are asked for.
    """
    polls, hours = polls_frame(facts.polls), hours_frame(facts.hours)
    zones = dict(zip(_ids(facts.zones), facts.zones["zone"].to_list(), strict=True))
    named = {*_ids(facts.polls), *_ids(facts.hours), *zones}
    named |= set() if facts.stores is None else set(facts.stores.to_list())
    labels, targets = _labels(facts), _targets(facts)
    chosen = named if ask.store_ids is None else named.intersection(ask.store_ids)
    wanted = sorted(store_id for store_id in chosen if has(labels.get(store_id, {}), ask.where))
    polls_of, hours_of = _by_store(polls), _by_store(hours)
    rows, exceptions, annotations = _rows(facts), _exceptions(facts), _annotations(facts)
    return [
        Store(
            store_id=store_id,
            polls=polls_of.get(store_id, polls.iloc[:0]),
            hours=hours_of.get(store_id, hours.iloc[:0]),
            zone=zones.get(store_id, "America/Chicago"),  # R2
            rows=tuple(rows.get(store_id, ())),
            exceptions=tuple(exceptions.get(store_id, ())),
            annotations=tuple(about(store_id, labels.get(store_id, {}), annotations)),
            labels=labels.get(store_id, {}),
            target=targets.get(store_id),
        )
        for store_id in wanted
    ]


def has(labels: Mapping[str, str], where: Where) -> bool:
    """Say whether a store with these labels has one of the wanted values of each label; "": none (R10)."""
    return all(labels.get(label, "") in values for label, values in where)


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


def about(store_id: str, labels: Mapping[str, str], annotations: Iterable[Annotation]) -> list[Annotation]:
    """Return the annotations about a store, the one that goes before all others last (R9)."""
    kept = []
    for note in annotations:
        if note.store_id:
            rank, meant = 2, note.store_id == store_id
        elif note.label != EVERY_STORE:
            rank, meant = 1, labels.get(note.label, "") == note.value
        else:
            rank, meant = 0, True
        if meant:
            kept.append((rank, note.made_at, note.id, note))
    return [note for *_, note in sorted(kept, key=lambda found: found[:3])]


def _rows(facts: Facts) -> dict[str, list[HoursRow]]:
    found: dict[str, list[HoursRow]] = {}
    for row in _plain(facts.hours):
        first, last = row.get("valid_from"), row.get("valid_to")
        hours = HoursRow(day=row["day"], start=row["start"], end=row["end"], valid_from=first, valid_to=last)
        found.setdefault(row["store_id"], []).append(hours)
    return found


def _exceptions(facts: Facts) -> dict[str, list[OnDate]]:
    found: dict[str, list[OnDate]] = {}
    for row in _plain(facts.of(EXCEPTIONS)):
        one = OnDate(date=row["date"], start=row["start"], end=row["end"])
        found.setdefault(row["store_id"], []).append(one)
    return found


def _annotations(facts: Facts) -> list[Annotation]:
    """Return those that are not withdrawn."""
    return [
        Annotation(
            id=row["id"],
            store_id=row["store_id"],
            label=row["label"],
            value=row["value"],
            since=row["since"] // 1_000_000,
            until=None if row["until"] is None else row["until"] // 1_000_000,
            counts_as=row["counts_as"],
            made_at=row["made_at"],
        )
        for row in _plain(facts.of(ANNOTATIONS))
        if row["withdrawn_at"] is None
    ]


def _labels(facts: Facts) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for row in _plain(facts.of(LABELS)):
        if row["label"] not in (NAME, TARGET):
            found.setdefault(row["store_id"], {})[row["label"]] = row["value"]
    return found


def _targets(facts: Facts) -> dict[str, int]:
    """Return targets in thousandths of a percent: 99.5 is 99,500."""
    rows = [row for row in _plain(facts.of(LABELS)) if row["label"] == TARGET and row["value"]]
    parts = {row["store_id"]: row["value"].partition(".") for row in rows}
    return {store: int(whole) * 1_000 + int(rest.ljust(3, "0")) for store, (whole, _, rest) in parts.items()}


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Return rows with dates as days and instants as microseconds since 1970."""
    return frame.with_columns(pl.col(pl.Date, pl.Datetime).to_physical()).to_dicts()


def _ids(frame: pl.DataFrame) -> list[str]:
    return frame["store_id"].cast(pl.String).to_list()


def _by_store(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(store_id): rows for store_id, rows in frame.groupby("store_id", sort=False)}
