"""What a load changes: the decision that every poll store takes alike (R1), pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.dates import closing
from storewatch.domain.kinds import HOURS, LABELS, NAME, TARGET, replaced_kinds, spoken_of
from storewatch.domain.slices import between
from storewatch.domain.validity import begun
from storewatch.ingest import Spill
from storewatch.ports.polls import LoadSummary

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date

    from storewatch.domain.kinds import Kind
    from storewatch.domain.slices import Slice
    from storewatch.ports.polls import Load, PollsByDay

_WEEKDAYS = 7
_ROWS = 1 << 17  # of a kind that are compared at a time, about


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """What a load changes of one kind. Units are frames of the columns that make one, sorted."""

    rows: pl.DataFrame  # all rows of each unit whose rows become other ones, sorted
    before: pl.DataFrame  # the rows of these units before, of those that had any
    new: pl.DataFrame  # units that had no rows and get some
    other: pl.DataFrame  # units that had other rows
    kept: pl.DataFrame  # units with a rejected row, which keep what they had
    part: pl.DataFrame  # units with a rejected row and no rows before: the good ones are taken


_FRAMES = tuple(field.name for field in fields(Replaced))


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a load changes in all but polls, and what is to be said about it."""

    kinds: Mapping[str, Replaced]
    stores: pl.Series  # String, sorted: the ids that no load named before
    named: int  # stores that the load names
    zones_changed: int  # stores known before whose zone becomes another one
    new_labels: tuple[str, ...]
    strangers: Mapping[str, int]  # by kind that only speaks of stores: ids that nothing names, if any

    def summary(
        self, load: Load, *, polls: PollsByDay, version: str, new_polls: int, always_open: int, run_out: int
    ) -> LoadSummary:
        """Return what the load changed, once it is committed."""
        hours = self.kinds["hours"]
        replaced = hours.other["store_id"]
        return LoadSummary(
            load=load.name,
            version=version,
            polls=sum(polls.days.values()),
            new_polls=new_polls,
            stores=self.named,
            new_stores=len(self.stores),
            hours_new=len(hours.new),
            hours_replaced=tuple(replaced),
            fewer_days=_on_fewer_days(replaced, hours.rows, hours.before, load.hours_from),
            hours_from=load.hours_from,
            units={
                kind.name: (len(of_kind.new), len(of_kind.other))
                for kind in replaced_kinds()
                if not kind.names_stores and len((of_kind := self.kinds[kind.name]).rows)
            },
            kept_dates=tuple(
                self.kinds["exceptions"].kept.select(pl.format("{} {}", "store_id", "date")).to_series()
            ),
            new_labels=self.new_labels,
            strangers=self.strangers,
            run_out=run_out,
            kept_hours=tuple(hours.kept["store_id"]),
            part_hours=tuple(hours.part["store_id"]),
            zones_changed=self.zones_changed,
            always_open=always_open,
            empty_rows=int(_opens_not(load.facts.hours).sum()),
        )


def polls_of(load: Load) -> PollsByDay:
    """Return the polls of a load by day, wherever they are."""
    if load.polls is not None:
        return load.polls
    spill = Spill()
    spill.add(load.facts.polls)
    return spill


def decide(
    load: Load,
    *,
    polled: pl.Series,
    known: Mapping[str, pl.DataFrame],
    stores: pl.Series,
    labels: Collection[str],
) -> Change:
    """Compare a load with what is known.

    Args:
        load: Checked.
        polled: The ids that its polls name, String, sorted, distinct.
        known: The rows of each kind that loads replace, at least those of the units that this load names or
            taints.
        stores: String, sorted; ids that an earlier load named, at least those that this load names or
            speaks of.
        labels: Those of this load's labels that an earlier load gave.
    """
    kinds = {kind.name: _replaced(kind, load, known[kind.name]) for kind in replaced_kinds()}
    others = [ids for ids in load.facts.ids()[1:] if len(ids)]
    named = pl.concat([polled, *(ids.unique() for ids in others)]).unique().sort() if others else polled
    return Change(
        kinds=kinds,
        stores=named.filter(~_is_among(named, stores)),
        named=len(named),
        zones_changed=int(_is_among(kinds["zones"].rows["store_id"], stores).sum()),
        new_labels=tuple(sorted(labels_of(load) - {*labels})),
        strangers=dict(_strangers(load, named, stores)),
    )


def _strangers(load: Load, *names: pl.Series) -> Iterator[tuple[str, int]]:
    """Yield the kinds that speak of stores which are in none of some sorted series, and of how many."""
    for kind in spoken_of():
        ids = spoken_ids(load, kind)
        for known in names:
            ids = ids.filter(~_is_among(ids, known))
        if len(ids):
            yield kind.name, len(ids)


def labels_of(load: Load) -> set[str]:
    """Return the labels that a load gives, but for the reserved ones."""
    return {*load.facts.of(LABELS)["label"].unique()} - {NAME, TARGET}


def spoken_ids(load: Load, kind: Kind) -> pl.Series:
    """Return the ids, each once, that a load's rows of a kind speak of."""
    ids = load.facts.of(kind)["store_id"].unique()
    return ids.filter(ids != "")


def _replaced(kind: Kind, load: Load, known: pl.DataFrame) -> Replaced:
    """Compare the rows of a kind; those kept by store in ranges of stores, for hashes take room."""
    given = kind.filled(load.facts.of(kind))
    frames = (given, load.tainted.get(kind.name, known.select(kind.replaces).clear()), known)
    since = load.hours_from if kind is HOURS else None
    if not kind.by_store:
        return _compared(kind, *frames, since)
    given, tainted, known = (frame.sort("store_id") for frame in frames)
    longer = max(given["store_id"], known["store_id"], key=len)
    edges = longer.gather_every(_ROWS, offset=_ROWS).unique(maintain_order=True)
    parts = [
        _compared(kind, _within(given, within), _within(tainted, within), _within(known, within), since)
        for within in between(edges)
    ]
    return Replaced(**{name: pl.concat([getattr(part, name) for part in parts]) for name in _FRAMES})


def _within(rows: pl.DataFrame, within: Slice) -> pl.DataFrame:
    """Return the rows of a range of stores, of rows in order of their stores."""
    return rows.slice(*within.place(rows["store_id"]))


def _compared(
    kind: Kind, given: pl.DataFrame, tainted: pl.DataFrame, known: pl.DataFrame, since: date | None
) -> Replaced:
    unit = list(kind.replaces)
    had = known.select(unit).unique()
    tainted = tainted.sort(unit)
    kept = _inside(tainted, had)
    given = _outside(given.unique(), kept)
    if since is not None:
        given = begun(given, known, since)
    before = _inside(known, given.select(unit))
    differing = _differing(given, before).select(unit).unique().sort(unit)
    other = _inside(differing, had)
    return Replaced(
        rows=_inside(given, differing).sort(given.columns),
        before=_inside(before, other),
        new=_outside(differing, had),
        other=other,
        kept=kept,
        part=_outside(tainted, had),
    )


def replace(kind: Kind, known: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return what is known, the rows of each unit that `rows` names replaced by them, in order."""
    others = _outside(known, rows.select(kind.replaces))
    return pl.concat([others, rows.select(known.columns)]).sort(known.columns)


def _is_among(ids: pl.Series, stores: pl.Series) -> pl.Series:
    """Return which ids are among sorted ones: of ids in order far faster than by their hashes."""
    if not len(stores):
        return pl.repeat(value=False, n=len(ids), eager=True)
    place = stores.search_sorted(ids).clip(upper_bound=len(stores) - 1)
    return stores.gather(place) == ids


def _inside(rows: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of some units, in order."""
    return rows.join(units, on=units.columns, how="semi", maintain_order="left")


def _outside(rows: pl.DataFrame, units: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of other units, in order."""
    return rows.join(units, on=units.columns, how="anti", maintain_order="left")


def _differing(given: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that are in one of both only; no row is twice in one."""
    both = pl.concat([given, before.select(given.columns)])
    return both.group_by(given.columns).len().filter(pl.col("len") == 1)


def _on_fewer_days(
    replaced: pl.Series, rows: pl.DataFrame, before: pl.DataFrame, since: date | None
) -> tuple[str, ...]:
    """Compare the days of the week; of hours from a date on, by those that hold on it or later."""
    days = pl.DataFrame({"store_id": replaced})
    holds = pl.lit(value=True) if since is None else (pl.col("valid_to") >= since).fill_null(value=True)
    for name, hours in (("now", rows.filter(holds)), ("before", before.filter(holds))):
        days = days.join(_open_days(hours).rename({"days": name}), on="store_id", how="left")
    fewer = days.fill_null(0).filter(pl.col("now") < pl.col("before"))
    return tuple(fewer["store_id"].sort())


def _open_days(hours: pl.DataFrame) -> pl.DataFrame:
    """Return on how many days of the week each store is open at all; no row for one that never is."""
    opening = _read(hours).filter(pl.col("start") != pl.col("end"))
    night = (pl.col("end") < pl.col("start")) & (pl.col("end") > 0)
    tails = opening.filter(night).with_columns(day=(pl.col("day") + 1) % _WEEKDAYS)
    return pl.concat([opening, tails]).group_by("store_id").agg(days=pl.col("day").n_unique())


def _opens_not(hours: pl.DataFrame) -> pl.Series:
    """Return which rows are of zero length: closed (R2)."""
    return _read(hours).select(empty=pl.col("start") == pl.col("end"))["empty"]


def _read(hours: pl.DataFrame) -> pl.DataFrame:
    return hours.with_columns(end=pl.Series(closing(hours["end"].to_numpy()), dtype=pl.Int32))
