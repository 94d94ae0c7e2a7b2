"""What a load changes: the decision that every poll store takes alike (R1), pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.instant import DAY
from storewatch.ports.polls import LoadSummary

if TYPE_CHECKING:
    from storewatch.ports.polls import Load

_DAY_ENDS = DAY - 60  # 23:59:00: an end from here on is 24:00 (R2)
_WEEKDAYS = 7


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a load changes in hours, zones and the set of stores, and what is to be said about it."""

    hours: pl.DataFrame  # HOURS: all rows of each store whose hours become other ones
    zones: pl.DataFrame  # ZONES: of each store whose zone becomes another one
    stores: pl.Series  # String, sorted: the ids that no load named before
    named: int  # stores that the load names
    zones_changed: int  # stores known before whose zone becomes another one
    hours_new: int
    hours_replaced: tuple[str, ...]
    fewer_days: tuple[str, ...]
    kept_hours: tuple[str, ...]
    part_hours: tuple[str, ...]

    def summary(self, load: Load, *, version: str, new_polls: int, always_open: int) -> LoadSummary:
        """Return what the load changed, once it is committed."""
        return LoadSummary(
            load=load.name,
            version=version,
            polls=len(load.facts.polls),
            new_polls=new_polls,
            stores=self.named,
            new_stores=len(self.stores),
            hours_new=self.hours_new,
            hours_replaced=self.hours_replaced,
            fewer_days=self.fewer_days,
            kept_hours=self.kept_hours,
            part_hours=self.part_hours,
            zones_changed=self.zones_changed,
            always_open=always_open,
            empty_rows=int(_opens_not(load.facts.hours).sum()),
        )


def decide(
    load: Load, *, polled: pl.Series, hours: pl.DataFrame, zones: pl.DataFrame, stores: pl.Series
) -> Change:
    """Compare a load with what is known.

    Args:
        load: Checked.
        polled: The ids that its polls name, String, distinct.
        hours: HOURS known before, at least those of the stores that the load names or taints.
        zones: ZONES known before, the same.
        stores: String; ids that an earlier load named, the same.
    """
    had = hours["store_id"].unique()
    tainted = pl.Series(sorted(load.tainted), dtype=pl.String)
    kept, partly = _split(tainted, had)
    given = load.facts.hours.filter(_outside("store_id", kept)).unique()
    before = hours.filter(_inside("store_id", given["store_id"]))
    differing = _differing(given, before)
    fresh, replaced = differing.filter(~_is_in(differing, had)), differing.filter(_is_in(differing, had))
    rows = given.filter(_inside("store_id", differing)).sort("store_id", "day", "start", "end")
    new_zones = load.facts.zones.join(zones, on=["store_id", "zone"], how="anti", nulls_equal=True)
    named = _named(load, polled)
    return Change(
        hours=rows,
        zones=new_zones.sort("store_id"),
        stores=named.filter(~_is_in(named, stores)).sort(),
        named=len(named),
        zones_changed=int(_is_in(new_zones["store_id"], stores).sum()),
        hours_new=len(fresh),
        hours_replaced=tuple(replaced),
        fewer_days=_on_fewer_days(replaced, rows, before),
        kept_hours=tuple(kept),
        part_hours=tuple(partly),
    )


def replace(known: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return what is known, the rows of each store that `rows` names replaced by them, in order."""
    others = known.filter(_outside("store_id", rows["store_id"]))
    return pl.concat([others, rows.select(known.columns)]).sort(known.columns)


def _split(ids: pl.Series, among: pl.Series) -> tuple[pl.Series, pl.Series]:
    there = _is_in(ids, among)
    return ids.filter(there), ids.filter(~there)


def _is_in(ids: pl.Series, among: pl.Series) -> pl.Series:
    return ids.is_in(among.implode())


def _inside(column: str, ids: pl.Series) -> pl.Expr:
    return pl.col(column).is_in(ids.unique().implode())


def _outside(column: str, ids: pl.Series) -> pl.Expr:
    return ~_inside(column, ids)


def _named(load: Load, polled: pl.Series) -> pl.Series:
    facts = load.facts
    ids = [polled, facts.hours["store_id"], facts.zones["store_id"]]
    if facts.stores is not None:
        ids.append(facts.stores)
    return pl.concat([series.unique().rename("store_id") for series in ids]).unique()


def _differing(given: pl.DataFrame, before: pl.DataFrame) -> pl.Series:
    """Return the sorted ids of the stores that do not have the same rows in both; no row is twice in one."""
    both = pl.concat([given, before.select(given.columns)])
    return both.group_by(given.columns).len().filter(pl.col("len") == 1)["store_id"].unique().sort()


def _on_fewer_days(replaced: pl.Series, rows: pl.DataFrame, before: pl.DataFrame) -> tuple[str, ...]:
    days = pl.DataFrame({"store_id": replaced})
    for name, hours in (("now", rows), ("before", before)):
        days = days.join(_open_days(hours).rename({"days": name}), on="store_id", how="left")
    fewer = days.fill_null(0).filter(pl.col("now") < pl.col("before"))
    return tuple(fewer["store_id"].sort())


def _open_days(hours: pl.DataFrame) -> pl.DataFrame:
    """Return on how many days of the week each store is open at all; no row for one that never is."""
    opening = hours.filter(~_opens_not(hours))
    night = (pl.col("end") < pl.col("start")) & (pl.col("end") > 0) & (pl.col("end") < _DAY_ENDS)
    tails = opening.filter(night).with_columns(day=(pl.col("day") + 1) % _WEEKDAYS)
    return pl.concat([opening, tails]).group_by("store_id").agg(days=pl.col("day").n_unique())


def _opens_not(hours: pl.DataFrame) -> pl.Series:
    """Return which rows are of zero length: closed (R2)."""
    end = pl.when(pl.col("end") >= _DAY_ENDS).then(DAY).otherwise("end")
    return hours.select((pl.col("start") == end).alias("empty"))["empty"]
