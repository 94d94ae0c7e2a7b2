"""Made fleets, shaped like a real one.

The shape is that of one week of 14,092 polled stores: who has hours and zones, how hours are written,
how often a store is polled and how long it stays down. All counts scale with the number of stores.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
import polars as pl

from storewatch.errors import InputError
from storewatch.whole import whole_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ints: TypeAlias = NDArray[np.int64]
    Flags: TypeAlias = NDArray[np.bool_]

END: Final = 1_674_670_402  # 2023-01-25T18:13:22Z
HOUR, SECOND = 3_600_000_000, 1_000_000  # in microseconds

_SHAPE = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))

# The real fleet's figures; everything below is a share of them.
POLLED, WITH_HOURS = 14_092, 11_116
POLLS_AN_HOUR = 1_822_080 / POLLED / (7.8 * 24)
GROUPS = {tuple(group): stores for *group, stores in _SHAPE["groups"]}  # (polled, hours, zone)
ZONES: dict[str, int] = dict(_SHAPE["zones"])
BUSY_HOURS = range(5, 20)  # UTC hours in which nearly every store is polled
QUIET = 0.62  # how much rarer polls are in the others
INACTIVE, OUTAGE_HOURS = 0.068, 3.5  # share of polls in outages; their mean length
DOWN_FOR_GOOD, BEGINS_LATE = 0.004, 0.02  # shares of stores
PROMPT, DELAY = 0.9, 300  # share of polls near the start of their hour; mean distance from it in seconds
MOVED, DOUBLED, CONTRADICTING, WHOLE_SECOND = 0.05, 0.001, 0.25, 0.0005  # shares of polls; of doubled ones
NEWEST_BEFORE_END = 520_780  # microseconds: the as-of of the whole fleet is `end`

WEEK = 7  # days
OPENS, CLOSES, TAILS = (dict(_SHAPE[name]) for name in ("opens", "closes", "tails"))
CLOSED_DAYS = (8.1, 4.7, 2.9, 2.4, 2.3, 3.6, 10.0)  # how often each weekday is the one without rows
SAME_EVERY_DAY = 0.65  # share of the weeks whose weekend opens or closes like its Monday
POPULARITY = 2.5  # a few chains own many stores, and many weeks are one store's alone
GROUP_OF_DAY = [0, 0, 0, 0, 1, 1, 2]  # Monday to Thursday, Friday and Saturday, Sunday
NIGHT_ORDER = [5, 6, 4, 3, 2, 1, 0]  # first the morning after Friday


@dataclass(frozen=True)
class Habit:
    """One way of keeping hours, and how many of the 11,116 stores follow it."""

    stores: int
    patterns: int  # distinct weeks among them
    days: int  # with rows
    nights: int  # days that begin with the end of last night's opening
    split: bool  # closed for a while in the afternoon
    all_day: bool
    close: int | None  # every day at this second of the day


HABITS = [Habit(*row) for row in _SHAPE["habits"]]


def fleet(
    *, stores: int, days: float, seed: int, end: int = END
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Make polls, hours and zones of a fleet with `stores` polled stores over `days` days before `end`.

    All columns are text as an export has it, but the Int64 `day` (0 = Monday); rows are in no order. The
    same arguments make the same fleet. The newest poll is half a second before `end` (seconds since 1970).

    Raises:
        InputError: there would be no store, or no time.
    """
    polls, hours, zones = _fleet(stores=stores, days=days, seed=seed, end=end)
    return polls.with_columns(timestamp_utc=_stamp_text(pl.col("timestamp_utc"))), hours, zones


def write(folder: Path, *, stores: int, days: float, seed: int, parquet: bool = False) -> None:
    """Write a fleet as store_status, menu_hours and timezones, CSV or (stamps typed) Parquet; all or none.

    Raises:
        InputError: one of the files is there already, or `fleet` refuses.
    """
    ending = "parquet" if parquet else "csv"
    paths = [folder / f"{name}.{ending}" for name in ("store_status", "menu_hours", "timezones")]
    for path in paths:
        if path.exists():
            raise InputError(f"{path} is there already: name another folder, or remove it")
    make = _fleet if parquet else fleet
    frames = make(stores=stores, days=days, seed=seed, end=END)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        files = [stack.enter_context(whole_file(path, replace=False)) for path in paths]
        for frame, file in zip(frames, files, strict=True):
            if parquet:
                frame.write_parquet(file)
            else:
                frame.write_csv(file)
            file.flush()


def _fleet(
    *, stores: int, days: float, seed: int, end: int
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    if stores < 1 or not days > 0:
        raise InputError(f"a fleet of {stores} stores over {days} days is none: ask for at least one of each")
    name_rng, hours_rng, zone_rng, poll_rng = (np.random.default_rng([seed, part]) for part in range(4))
    groups = _groups(stores)
    names = _names(len(groups), name_rng)
    polled, has_hours, has_zone = groups.T
    return (
        _polls(names.filter(pl.Series(polled)), days=days, end=end, rng=poll_rng),
        _hours(names.filter(pl.Series(has_hours)), hours_rng),
        _zones(names.filter(pl.Series(has_zone)), zone_rng),
    )


def _shares(weights: Sequence[float], total: int) -> Ints:
    """Split `total` in proportion to `weights`, the largest remainders rounded up."""
    exact = np.asarray(weights, float) * total / sum(weights)
    parts = np.floor(exact).astype(np.int64)
    parts[np.argsort(parts - exact, kind="stable")[: total - int(parts.sum())]] += 1
    return parts


def _groups(stores: int) -> Flags:
    """Say of each store whether it has polls, hours, a zone: (n, 3), the polled ones first."""
    kinds = np.array(list(GROUPS))
    unpolled = round(stores * (sum(GROUPS.values()) - POLLED) / POLLED)
    counts = np.zeros(len(kinds), np.int64)
    for polled, total in ((True, stores), (False, unpolled)):
        here = kinds[:, 0] == polled
        counts[here] = _shares(np.array(list(GROUPS.values()))[here].tolist(), total)
    return kinds.repeat(counts, axis=0)


def _names(count: int, rng: np.random.Generator) -> pl.Series:
    """Make `count` distinct ids, positive 64-bit numbers: most have 19 digits."""
    spare = rng.integers(10**14, 2**63 - 1, count + 64)
    distinct = rng.permutation(np.unique(spare))[:count]
    return pl.Series("store_id", distinct).cast(pl.String)


def _zones(names: pl.Series, rng: np.random.Generator) -> pl.DataFrame:
    counts = _shares(list(ZONES.values()), len(names))
    zones = np.array(list(ZONES)).repeat(counts)
    return pl.DataFrame({"store_id": names, "timezone_str": rng.permutation(zones)})


# --- hours


def _hours(names: pl.Series, rng: np.random.Generator) -> pl.DataFrame:
    counts = _shares([habit.stores for habit in HABITS], len(names))
    first, chosen, weeks = 0, [], []
    for habit, count in zip(HABITS, counts, strict=True):
        size = max(1, round(habit.patterns * len(names) / WITH_HOURS))
        weeks.append(_weeks(habit, size, rng).with_columns(pl.col("week") + first))
        chosen.append(first + np.floor(size * rng.random(count) ** POPULARITY).astype(np.int64))
        first += size
    stores = pl.DataFrame(
        {"store_id": names.gather(rng.permutation(len(names))), "week": np.concatenate(chosen)}
    )
    rows = stores.join(pl.concat(weeks), on="week", maintain_order="left_right").drop("week")
    return rows[rng.permutation(len(rows))]


def _weeks(habit: Habit, size: int, rng: np.random.Generator) -> pl.DataFrame:
    """Make `size` weeks of a habit as rows week, day, start_time_local, end_time_local."""
    opens = np.zeros((size, WEEK), np.int64) if habit.all_day else _by_day(OPENS, size, rng)
    is_open = _open_days(habit, size, rng)
    has_tail = np.isin(np.arange(WEEK), NIGHT_ORDER[: habit.nights])
    closes = _closes(habit, opens, has_tail, rng)
    parts = [_rows(is_open & has_tail, np.zeros_like(opens), _by_day(TAILS, size, rng))]
    if habit.split:
        pause = rng.choice([14, 14.5, 15], (size, 1)) * 3_600
        again = pause + rng.choice([2, 2.5], (size, 1)) * 3_600
        parts.append(_rows(is_open, np.minimum(opens, 12 * 3_600), pause))
        parts.append(_rows(is_open, again, np.maximum(closes, 19 * 3_600)))
    else:
        parts.append(_rows(is_open, opens, closes))
    return pl.concat(parts)


def _closes(habit: Habit, opens: Ints, has_tail: Flags, rng: np.random.Generator) -> Ints:
    """Draw when each day of each week ends, some hours after it began: (weeks, 7)."""
    closes = np.full(opens.shape, habit.close) if habit.close else _by_day(CLOSES, len(opens), rng)
    if 0 < habit.nights < WEEK:  # only the nights that have a tail end at midnight
        closes = np.where(np.roll(has_tail, -1), closes, _by_day(CLOSES, len(opens), rng, least=20))
    return np.where(closes < opens + 3 * 3_600, np.minimum(opens + 8 * 3_600, 84_600), closes)


def _by_day(weights: dict[float, int], size: int, rng: np.random.Generator, *, least: float = 0) -> Ints:
    """Draw a second of the day for each of 7 days, mostly the same one: (size, 7)."""
    usable = {hour: weight for hour, weight in weights.items() if hour >= least}
    share = np.array(list(usable.values()), float)
    drawn = rng.choice(np.array(list(usable)) * 3_600, (size, 3), p=share / share.sum())
    drawn = np.where(rng.random((size, 3)) < SAME_EVERY_DAY, drawn[:, :1], drawn)
    seconds: Ints = np.rint(drawn[:, GROUP_OF_DAY]).astype(np.int64)
    return seconds


def _open_days(habit: Habit, size: int, rng: np.random.Generator) -> Flags:
    """Choose the days with rows, never closing one that belongs to a night: (size, 7)."""
    luck = rng.gumbel(size=(size, WEEK)) + np.log(CLOSED_DAYS)  # the luckiest days are free
    if habit.nights:
        luck[:, [4, *NIGHT_ORDER[: habit.nights]]] = -np.inf
    rank = np.argsort(np.argsort(luck, axis=1), axis=1)
    return rank < habit.days


def _rows(where: Flags, start: NDArray[np.number], end: NDArray[np.number]) -> pl.DataFrame:
    """Write one row for each true cell of (weeks, 7)."""
    week, day = np.nonzero(where)
    starts, ends = (np.broadcast_to(x, where.shape)[week, day].astype(np.int64) for x in (start, end))
    frame = pl.DataFrame({"week": week, "day": day, "start_time_local": starts, "end_time_local": ends})
    return frame.with_columns(_clock_text(pl.col("start_time_local", "end_time_local")))


def _clock_text(seconds: pl.Expr) -> pl.Expr:
    return (seconds * 1_000_000_000).cast(pl.Time).dt.to_string("%H:%M:%S")


# --- polls


def _polls(names: pl.Series, *, days: float, end: int, rng: np.random.Generator) -> pl.DataFrame:
    """Make polls store_id, status, timestamp_utc (Datetime, microseconds), shuffled."""
    first, last = int((end - days * 86_400) * SECOND), end * SECOND - NEWEST_BEFORE_END
    hours = np.arange(first // HOUR, last // HOUR + 1)
    begins = np.where(rng.random(len(names)) < BEGINS_LATE, rng.random(len(names)) * 0.9, 0) * len(hours)
    store, hour = np.nonzero(_visits(hours, begins, rng))
    active = ~_outages(len(names), len(hours), rng)[store, hour]
    stamp = _stamps(hours[hour], first=first, last=last, rng=rng)
    kept = np.nonzero((stamp >= first) & (stamp <= last))[0]
    doubled = kept[rng.random(len(kept)) < DOUBLED]
    active = np.append(active[kept], active[doubled] ^ (rng.random(len(doubled)) < CONTRADICTING))
    store, stamp = np.append(store[kept], store[doubled]), np.append(stamp[kept], stamp[doubled])
    stamp[:1] = last
    order = rng.permutation(len(store))
    return pl.DataFrame(
        {
            "store_id": names.gather(store[order]),
            "status": np.where(active[order], "active", "inactive"),
            "timestamp_utc": pl.Series(stamp[order]).cast(pl.Datetime("us", "UTC")),
        }
    )


def _visits(hours: Ints, begins: NDArray[np.float64], rng: np.random.Generator) -> Flags:
    """Say in which hours which store is polled: (stores, hours)."""
    often = np.where(np.isin(hours % 24, BUSY_HOURS), 1.0, QUIET)
    chance = (often * POLLS_AN_HOUR / often.mean() / (1 - BEGINS_LATE / 2)).astype(np.float32)
    drawn = rng.random((len(begins), len(hours)), dtype=np.float32) < chance
    visits: Flags = drawn & (np.arange(len(hours)) >= begins[:, None])
    return visits


def _outages(stores: int, hours: int, rng: np.random.Generator) -> Flags:
    """Say in which hours which store is down: (stores, hours). Most outages are those of few stores."""
    trouble = rng.exponential(INACTIVE / (1 - INACTIVE) * hours / OUTAGE_HOURS, stores)
    store = np.arange(stores).repeat(rng.poisson(trouble))
    start = rng.integers(1 - int(OUTAGE_HOURS), hours, len(store))
    length = np.ceil(rng.exponential(OUTAGE_HOURS - 0.5, len(store))).astype(np.int64)
    gone = np.nonzero(rng.random(stores) < DOWN_FOR_GOOD)[0]
    store = np.append(store, gone)
    stop = np.append(np.clip(start + length, 0, hours), np.full(len(gone), hours))
    start = np.append(np.maximum(start, 0), rng.integers(0, hours, len(gone)))
    edges = np.zeros((stores, hours + 1), np.int16)
    np.add.at(edges, (store, start), 1)
    np.add.at(edges, (store, stop), -1)
    down: Flags = edges[:, :-1].cumsum(axis=1, dtype=np.int16) > 0
    return down


def _stamps(hours: Ints, *, first: int, last: int, rng: np.random.Generator) -> Ints:
    """Place a poll in each hour: mostly in its first minutes, and some far from it."""
    count = len(hours)
    late = np.where(rng.random(count) < PROMPT, rng.exponential(DELAY, count), rng.random(count) * 3_600)
    stamp = hours * HOUR + (np.minimum(late, 3_599.999_999) * SECOND).astype(np.int64)
    moved = stamp + rng.integers(-2 * HOUR, 2 * HOUR, count)
    is_moved = (rng.random(count) < MOVED) & (moved >= first) & (moved <= last)
    stamp = np.where(is_moved, moved, stamp)
    return np.where(rng.random(count) < WHOLE_SECOND, stamp // SECOND * SECOND, stamp)


def _stamp_text(stamp: pl.Expr) -> pl.Expr:
    """Write stamps as the export does: the fraction without its last zeros, and none on a whole second."""
    text = stamp.dt.to_string("%Y-%m-%d %H:%M:%S%.6f")
    return text.str.strip_chars_end("0").str.strip_chars_end(".") + " UTC"
