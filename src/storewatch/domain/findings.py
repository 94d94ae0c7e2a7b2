"""What somebody should look at, found on the hours of all stores (R13): frames in, frames out.

A fleet is gone through slice by slice: stores are counted by hour and group, for there is no median before,
and single stores are looked at. Only where many stores were down together, or the poller was, does that
change what is said of single ones: then they are looked at once more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.hours import POLLED, STATED
from storewatch.domain.instant import HOUR, MICROSECONDS, WEEK
from storewatch.domain.kinds import EVERY_STORE, LABELS, NAME, TARGET
from storewatch.domain.uptime import dense_numbers, store_names, zones_of
from storewatch.domain.validity import run_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from numpy.typing import NDArray

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.domain.hours import Columns

ZONE = "timezone_str"  # in place of a label: stores of one zone are a group too
COUNTS = ("open", "polled", "fell")


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """From which on something is worth a look."""

    polled_share: float = (
        0.5  # of the usual number of polled stores: in an hour with fewer the poller was down
    )
    together_share: float = 0.5  # of a group's open stores that go down in one hour, at least
    together_times: float = 3.0  # the same, of the usual share
    together_stores: int = 10  # that a group has open in that hour, at least
    silent_gaps: float = 6.0  # usual gaps between polls, in open time, that a silence is longer than
    silent_seconds: int = 6 * HOUR  # of open time, that a silence has at least


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many stores are what in each hour of the week, [groups, hours]."""

    open: NDArray[np.int64]  # with open time that nobody states something of
    polled: NDArray[np.int64]  # of these, with a counted poll
    fell: NDArray[np.int64]  # of these, down and not so in the open hour before


def group_sizes(facts: Facts) -> pl.DataFrame:
    """Return how many stores of a slice each label's value and each zone has: label, value, stores."""
    members = _members(facts, store_names(facts))
    return members.group_by("label", "value").agg(stores=pl.len().cast(pl.Int64))


def large_groups(sizes: Sequence[pl.DataFrame], thresholds: Thresholds) -> pl.DataFrame:
    """Return the groups of a fleet that are large enough to be looked at, all stores first: label, value."""
    whole = pl.DataFrame({"label": [EVERY_STORE], "value": [""]})
    others = (
        pl.concat(sizes)
        .group_by("label", "value")
        .agg(pl.col("stores").sum())
        .filter((pl.col("stores") >= thresholds.together_stores) & (pl.col("label") != EVERY_STORE))
        .sort(pl.col("label") == ZONE, "label", "value")
    )
    return pl.concat([whole, others.select("label", "value")])


def _members(facts: Facts, names: pl.Series) -> pl.DataFrame:
    """Return the groups that stores are in: store_id, label, value."""
    labels = facts.of(LABELS).filter(
        (pl.col("value") != "")
        & ~pl.col("label").is_in([NAME, TARGET])
        & pl.col("store_id").is_in(names.implode())
    )
    of_zones = pl.DataFrame({"store_id": names, "label": ZONE, "value": zones_of(facts, names)})
    of_all = of_zones.with_columns(label=pl.lit(EVERY_STORE), value=pl.lit(""))
    return pl.concat([of_all, of_zones, labels], how="vertical_relaxed")


def counted(week: Week, facts: Facts, groups: pl.DataFrame) -> pl.DataFrame:
    """Count the stores of a slice.

    Args:
        week: Of the slice.
        facts: The same.
        groups: label, value; the first is all stores.

    Returns:
        `COUNTS` (Int64), for each group its hours one after the other.
    """
    size = (groups.height + 1) * week.hours
    found = {name: np.zeros(size, dtype=np.int64) for name in COUNTS}
    masks = (week.is_free, week.is_free & week.is_polled, week.fell)
    for group in week.groups(facts, groups):
        cell = group.take(week.store) * week.hours + week.hour
        for name, mask in zip(COUNTS, masks, strict=True):
            found[name] += np.bincount(cell.compress(mask), minlength=size)
    return pl.DataFrame({name: values[: -week.hours] for name, values in found.items()})


@dataclass(frozen=True, kw_only=True)
class Week:
    """The hours of a slice's stores in the week before the as-of, a place a row."""

    names: pl.Series
    begin: int  # of the first hour, seconds since 1970 UTC
    hours: int
    store: NDArray[np.int64]  # the place among the names
    hour: NDArray[np.int64]  # from the first on
    seconds: NDArray[np.int64]  # open ones
    downtime: NDArray[np.int64]  # seconds
    is_free: NDArray[np.bool_]  # not stated: what somebody states of an hour needs no look
    is_polled: NDArray[np.bool_]  # and free

    @classmethod
    def of(cls, names: pl.Series, columns: Columns, ask: Ask) -> Week:
        """Take what is looked at from all that `hour_columns` says of that week; the as-of is settled."""
        begin = _begin(ask)
        return cls(
            names=names,
            begin=begin,
            hours=-(-(ask.instant - begin) // HOUR),
            store=columns["store_id"],
            hour=(columns["hour"] // MICROSECONDS - begin) // HOUR,
            seconds=columns["open_seconds"].astype(np.int64),
            downtime=columns["downtime_seconds"].astype(np.int64),
            is_free=columns["how"] != STATED,
            is_polled=columns["how"] == POLLED,
        )

    @property
    def is_down(self) -> NDArray[np.bool_]:
        """Whether a free hour has down time."""
        return (self.downtime > 0) & self.is_free

    @property
    def follows(self) -> NDArray[np.bool_]:
        """Whether the row before is of the same store."""
        return np.equal(np.diff(self.store, prepend=-1), 0)

    @property
    def fell(self) -> NDArray[np.bool_]:
        """Whether the store is down, and was not so in the open hour before."""
        is_down = self.is_down
        return is_down & ~np.append(np.zeros(1, np.bool_), is_down[:-1])[: len(is_down)] & self.follows

    def take(self, chosen: NDArray[np.intp]) -> Week:
        """Return the chosen rows."""
        columns = ("store", "hour", "seconds", "downtime", "is_free", "is_polled")
        return replace(self, **{name: getattr(self, name).take(chosen) for name in columns})

    def ends(self, after: NDArray[np.intp], store: NDArray[np.int64]) -> pl.Series:
        """Return when rows after runs of stores begin; null where the store has no more."""
        there = np.append(self.store, -1).take(after) == store
        at = self.begin + np.append(self.hour, 0).take(after) * HOUR
        return pl.Series(np.where(there, at, -1)).replace(-1, None)

    def frame(
        self, finding: str, rows: NDArray[np.intp], **columns: NDArray[np.int64] | pl.Series
    ) -> pl.DataFrame:
        """Return a finding of the stores of some rows since these."""
        return pl.DataFrame(
            {
                "finding": pl.repeat(finding, len(rows), eager=True, dtype=pl.String()),
                "store_id": self.names.gather(self.store.take(rows)),
                "since": self.begin + self.hour.take(rows) * HOUR,
                **columns,
            }
        )

    def groups(self, facts: Facts, groups: pl.DataFrame) -> Iterator[NDArray[np.int64]]:
        """Yield, for each label, the place of each store's group; the number of groups: it is in none."""
        placed = _members(facts, self.names).join(groups.with_row_index("group"), on=["label", "value"])
        for part in placed.partition_by("label"):
            group = np.full(len(self.names), groups.height, dtype=np.int64)
            group[dense_numbers(part["store_id"], self.names)] = part["group"].to_numpy()
            yield group


@dataclass(frozen=True, kw_only=True)
class FirstLook:
    """What the counts of the whole fleet say."""

    groups: pl.DataFrame  # label, value; the first is all stores
    counts: Counts
    begin: int  # of the first hour, seconds since 1970 UTC
    fallen: NDArray[np.bool_]  # [groups + 1, hours] whether unusually many of a group's stores went down
    down: NDArray[np.intp]  # the hours in which the poller seems to have been down
    thresholds: Thresholds

    @classmethod
    def nothing(cls, groups: pl.DataFrame, ask: Ask, thresholds: Thresholds) -> Self:
        """Return what counts say in which nothing is unusual."""
        zeros = np.zeros(
            (groups.height, -(-(ask.instant - _begin(ask)) // HOUR), len(COUNTS)), dtype=np.int64
        )
        return cls.of([pl.DataFrame(zeros.reshape(-1, len(COUNTS)))], groups, ask, thresholds)

    @property
    def is_unusual(self) -> bool:
        """Whether it changes what is said of single stores."""
        return bool(len(self.down)) or bool(self.fallen.any())

    @classmethod
    def of(
        cls, counted: Sequence[pl.DataFrame], groups: pl.DataFrame, ask: Ask, thresholds: Thresholds
    ) -> Self:
        """Judge what `counted` returned for all slices."""
        week = [rows.to_numpy().reshape(groups.height, -1, len(COUNTS)) for rows in counted]
        counts = Counts(**dict(zip(COUNTS, np.moveaxis(np.sum(week, axis=0), -1, 0), strict=True)))
        begin = _begin(ask)
        passed = begin + (1 + np.arange(counts.open.shape[1])) * HOUR <= ask.instant
        return cls(
            groups=groups,
            counts=counts,
            begin=begin,
            fallen=_fallen(counts, thresholds),
            down=_poller_down(counts, passed, thresholds),
            thresholds=thresholds,
        )


def _poller_down(counts: Counts, passed: NDArray[np.bool_], thresholds: Thresholds) -> NDArray[np.intp]:
    """Find the hours with fewer than half as many polled stores as in the median hour.

    And half of the share of open stores: at night fewer are open. Hours with few open stores tell nothing,
    nor do single ones where stores are polled every other hour.
    """
    opened, polled = counts.open[0], counts.polled[0]
    hours = np.flatnonzero(passed & (opened > 0))
    share = polled / np.maximum(opened, 1)
    usual, usual_share, usual_open = (_median(each.take(hours)) for each in (polled, share, opened))
    is_few = (polled < thresholds.polled_share * usual) & (share < thresholds.polled_share * usual_share)
    is_few = (is_few & (opened >= min(thresholds.together_stores, usual_open / 2))).take(hours)
    usual_gap = _median(np.diff(hours.compress(~is_few)))
    runs = runs_of(hours.compress(is_few))
    return np.concatenate([hours[:0], *(run for run in runs if len(run) >= usual_gap)])


def runs_of(hours: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Part hours, in order, where one does not follow the other."""
    return np.split(hours, np.flatnonzero(np.diff(hours) > 1) + 1)


def _fallen(counts: Counts, thresholds: Thresholds) -> NDArray[np.bool_]:
    share = counts.fell / np.maximum(counts.open, 1)
    usual = [_median(own.compress(opened > 0)) for own, opened in zip(share, counts.open, strict=True)]
    fallen: NDArray[np.bool_] = (
        (counts.open >= thresholds.together_stores)
        & (share >= thresholds.together_share)
        & (share >= thresholds.together_times * np.array(usual).reshape(-1, 1))
    )
    return np.vstack((fallen, np.zeros((1, fallen.shape[1]), dtype=np.bool_)))


def _median(values: NDArray[np.floating | np.integer]) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _begin(ask: Ask) -> int:
    """Return when the first UTC hour of the week begins."""
    return (ask.instant - WEEK) // HOUR * HOUR


# finding: its kind; group and since only where it has them; instants in seconds since 1970 UTC
STORES: dict[str, pl.DataType] = {
    "finding": pl.String(),
    "store_id": pl.String(),
    "group": pl.Int64(),
    "since": pl.Int64(),
    "until": pl.Int64(),  # null: it goes on at the as-of
    "seconds": pl.Int64(),
}


def looked_at(week: Week, facts: Facts, ask: Ask, first: FirstLook) -> pl.DataFrame:
    """Return what is to be said of the stores of a slice, as `STORES`; the as-of is settled."""
    polled = week.names.is_in(facts.polls["store_id"].unique().cast(pl.String).implode()).to_numpy()
    has_hours, has_zone = (
        week.names.is_in(rows["store_id"].implode()) for rows in (facts.hours, facts.zones)
    )
    lacking = {
        "without_hours": ~has_hours,
        "without_zone": ~has_zone,
        "without_polls": pl.Series(~polled),
        "hours_run_out": week.names.is_in(run_out(facts.hours, facts.zones, ask.instant).implode()),
    }
    groups = week.groups(facts, first.groups) if first.fallen.any() else ()
    return pl.concat(
        [
            pl.DataFrame(schema=STORES),
            *(_together(week, group, first.fallen) for group in groups),
            _silent(week, polled, first),
            *(
                pl.DataFrame({"finding": name, "store_id": week.names.filter(mask)})
                for name, mask in lacking.items()
            ),
        ],
        how="diagonal_relaxed",
    )


def _together(week: Week, group: NDArray[np.int64], fallen: NDArray[np.bool_]) -> pl.DataFrame:
    """Return the stores that went down with their groups, and for how long each did."""
    mine = np.flatnonzero(week.fell & fallen[group.take(week.store), week.hour])
    is_down = week.is_down
    parted = ~week.follows
    parted[1:] |= is_down[1:] != is_down[:-1]
    runs = _Runs.of(parted)
    run = np.cumsum(parted).take(mine) - 1
    return week.frame(
        "together",
        mine,
        group=group.take(week.store.take(mine)),
        until=week.ends(runs.after.take(run), week.store.take(mine)),
        seconds=runs.sums(week.downtime).take(run),
    )


def _silent(week: Week, polled: NDArray[np.bool_], first: FirstLook) -> pl.DataFrame:
    """Return the stores that were not polled for far longer than usual, the last time of each."""
    is_up = np.ones(week.hours, dtype=np.bool_)
    is_up[first.down] = False
    week = week.take(np.flatnonzero(week.is_free & is_up.take(week.hour) & polled.take(week.store)))
    # A run is an hour that has polls and those after it that have none.
    runs = _Runs.of(~week.follows | week.is_polled)
    store, begins = week.store.take(runs.first), week.is_polled.take(runs.first)
    whole = runs.sums(week.seconds)
    goes_on = np.append(store[1:] == store[:-1], False)[: len(store)]
    silence = whole - week.seconds.take(runs.first) * begins
    gaps = pl.DataFrame({"store": store, "gap": whole}).filter(pl.Series(begins & goes_on))
    usual = np.zeros(len(week.names))
    for each, gap in gaps.group_by("store").agg(pl.col("gap").median()).iter_rows():
        usual[each] = gap
    limit = np.maximum(first.thresholds.silent_gaps * usual.take(store), first.thresholds.silent_seconds)
    found = np.flatnonzero(silence >= limit)
    found = found.compress(np.diff(store.take(found), append=-1) != 0)
    return week.frame(
        "silent",
        runs.first.take(found) + begins.take(found),
        until=week.ends(runs.after.take(found), store.take(found)),
        seconds=silence.take(found),
    )


@dataclass(frozen=True, kw_only=True)
class _Runs:
    """Rows that belong together."""

    first: NDArray[np.intp]  # of each run
    after: NDArray[np.intp]  # the row after its last

    @classmethod
    def of(cls, parted: NDArray[np.bool_]) -> _Runs:
        """Find the runs; the first row parts."""
        first = np.flatnonzero(parted)
        return cls(first=first, after=np.append(first[1:], len(parted))[: len(first)])

    def sums(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sum over each run."""
        sums: NDArray[np.int64] = np.add.reduceat(values, self.first) if len(self.first) else values
        return sums
