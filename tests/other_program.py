"""Another program that makes such reports: plain, slow, and wrong in the ways that it is told to be.

It walks through each window in steps of minutes and asks of each step whether the store is open and up. It
shares nothing with storewatch. An instant is a whole number of minutes since 1970 UTC.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from strategies import Poll, Row, of_day

AS_OF = datetime(2023, 3, 14, 18, 10, tzinfo=UTC)  # a Tuesday; clocks went forward on Sunday, in the US only
NOW = int(AS_OF.timestamp()) // 60
HOUR, DAY, WEEK = 60, 1_440, 10_080
MIDNIGHT = 24 * 3_600
OPENING = {
    *("literal-23:59", "last-shift", "first-shift", "no-daylight-saving", "one-offset", "local-mean-time"),
    *("no-zones", "default-utc", "missing-day-open", "no-hours-closed", "nights-dropped", "nights-cut"),
    *("sunday-first", "empty-row-open"),
}
JUDGING = {"last-observation", "all-polls", "endless-carry"}
MEAN_TIME = {"America/New_York": -296, "America/Chicago": -351, "Asia/Kolkata": 354}  # minutes
ZONES = dict.fromkeys(
    ["plain", "late", "split", "night", "days", "none", "empty", "doubled", "young", "quiet"],
    "America/New_York",
) | {"india": "Asia/Kolkata", "eve": "America/New_York"}

ODD_EDGES = {"literal-23:59": {"late", "eve"}, "local-mean-time": set(ZONES)}  # need steps of a minute


@cache
def hours_of(store: str) -> list[tuple[int, int, int]]:
    """Return day, start and end (seconds) of a store's rows, in the order of the file."""
    every = range(7)
    spans = {
        "plain": [(day, "09:00", "17:00") for day in every],
        "india": [(day, "09:30", "21:00") for day in every],
        "late": [(day, "10:00", "23:59") for day in every],
        "eve": [(day, "10:00", "23:59:00") for day in every if day != 2],
        "split": [row for day in every for row in ((day, "08:00", "12:00"), (day, "13:30", "19:00"))],
        "night": [(day, "18:00", "02:00") for day in every],
        "days": [(day, "09:00", f"{15 + day}:00") for day in range(5)],
        "empty": [(day, "09:00", "09:00" if day in {1, 5} else "17:00") for day in every],
        "doubled": [row for day in every for row in ((day, "09:00", "15:00"), (day, "12:00", "18:00"))],
        "young": [(day, "10:00", "16:00") for day in every],
        "quiet": [(day, "10:00", "20:00") for day in every],
        "nowhere": [(day, "11:00", "19:00") for day in every],
    }
    return [(day, of_day(start), of_day(end)) for day, start, end in spans.get(store, [])]


STORES = ("none", "nowhere", *(name for name in ZONES if name != "none"))


@cache
def polls_of(store: str) -> list[tuple[int, bool]]:
    """Return the polls of a store in order: most hours one, some three; whole multiples of five minutes."""
    rng = random.Random(f"polls of {store}")  # noqa: S311 - a made fleet
    begin = NOW - 2 * DAY - 3 * HOUR if store == "young" else NOW - 12 * DAY
    end = NOW - WEEK - 4 * HOUR if store == "quiet" else NOW
    polls, up = {}, True
    for hour in range(begin // HOUR, end // HOUR + 1):
        up = up if rng.random() < 0.85 else not up
        for _ in range(3 if rng.random() < 0.3 else 1):
            polls[hour * HOUR + 5 * rng.randrange(12)] = up ^ (rng.random() < 0.2)
    return sorted((at, active) for at, active in polls.items() if begin <= at <= end)


def inputs() -> tuple[list[Poll], list[Row], dict[str, str]]:
    """Return polls, hours and zones of the fleet as the tests' facts take them."""
    polls = [(store, at * 60_000_000, active) for store in STORES for at, active in polls_of(store)]
    hours = [(store, *row) for store in STORES for row in hours_of(store)]
    return polls, hours, ZONES


# ---------------------------------------------------------------- is it open?


def wall_clock(store: str, at: int, bugs: frozenset[str]) -> int:
    """Return the minute that the store's clock shows, counted from 1970 there."""
    zone = ZONES.get(store, "UTC" if "default-utc" in bugs else "America/Chicago")
    if "no-zones" in bugs:
        return at
    if "local-mean-time" in bugs:
        return at + MEAN_TIME[zone]
    if "no-daylight-saving" in bugs:
        return at + ahead(zone, int(datetime(2023, 1, 1, tzinfo=UTC).timestamp()) // 60)
    return at + ahead(zone, NOW if "one-offset" in bugs else at // 30 * 30)


@cache
def ahead(zone: str, at: int) -> int:
    """Return the minutes by which a zone's clock is ahead; it changes on half hours at most."""
    offset = datetime.fromtimestamp(at * 60, ZoneInfo(zone)).utcoffset() or timedelta()
    return int(offset.total_seconds()) // 60


@cache
def rows_of_day(store: str, day: int, bugs: frozenset[str]) -> list[tuple[int, int]]:
    rows = [(start, end) for weekday, start, end in hours_of(store) if weekday == day]
    if "last-shift" in bugs:
        return rows[-1:]
    return rows[:1] if "first-shift" in bugs else rows


@cache
def is_open(store: str, at: int, bugs: frozenset[str]) -> bool:
    """Tell whether an instant is counted as open."""
    if not hours_of(store):
        return "no-hours-closed" not in bugs
    wall = wall_clock(store, at, bugs)
    day = (wall // DAY + (4 if "sunday-first" in bugs else 3)) % 7  # 1970 began on a Thursday
    today, before = (rows_of_day(store, d % 7, bugs) for d in (day, day - 1))
    if not today and "missing-day-open" in bugs:
        return True
    second = wall % DAY * 60
    count = 0
    for start, end in today:
        closes = MIDNIGHT if end >= of_day("23:59") and "literal-23:59" not in bugs else end
        if start == closes:
            count += "empty-row-open" in bugs
        elif start < closes:
            count += start <= second < closes
        elif "nights-dropped" not in bugs:
            count += start <= second
    if not bugs & {"nights-dropped", "nights-cut"}:
        count += sum(end < start and second < end for start, end in before)
    return count > 0


# ---------------------------------------------------------------- is it up?


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What is known of one store."""

    polls: list[tuple[int, bool]]  # that count
    bugs: frozenset[str]

    def status(self, at: int) -> bool | None:
        """Return up or down at an instant; None if nothing is known."""
        if "last-observation" in self.bugs:
            return self.before(at + 1, since=at + 1)
        hour = at // HOUR * HOUR
        here = [active for _, active in self.polls[self.place(hour) : self.place(hour + HOUR)]]
        if not here:
            return self.before(hour, since=hour)
        return here[-1] if 2 * sum(here) == len(here) else 2 * sum(here) > len(here)

    def place(self, at: int) -> int:
        """Return how many polls came before an instant."""
        return bisect_left(self.polls, at, key=lambda poll: poll[0])

    def before(self, at: int, *, since: int) -> bool | None:
        """Return the status of the latest poll before an instant, if that is not too old."""
        place = self.place(at)
        if not place:
            return None
        when, active = self.polls[place - 1]
        return None if when < since - WEEK and "endless-carry" not in self.bugs else active


@cache
def status(store: str, at: int, bugs: frozenset[str]) -> bool | None:
    return watch(store, bugs).status(at)


@cache
def watch(store: str, bugs: frozenset[str]) -> Watch:
    polls = polls_of(store)
    if "all-polls" not in bugs:
        polls = [(when, active) for when, active in polls if is_open(store, when, bugs & OPENING)]
    return Watch(polls=polls, bugs=bugs)


# ---------------------------------------------------------------- windows


def windows(store: str, bugs: frozenset[str]) -> dict[str, tuple[int, int]]:
    now = polls_of(store)[-1][0] if "own-now" in bugs else NOW
    spans = {"hour": (now - HOUR, now), "day": (now - DAY, now), "week": (now - WEEK, now)}
    full = NOW // HOUR * HOUR
    spans |= {"hour": (full, NOW)} if "clock-hour" in bugs else {}
    spans |= {"hour": (full - HOUR, full)} if "full-hour" in bugs else {}
    for bug in bugs:
        clock, _, kind = bug.partition("-")
        if clock in {"utc", "local"}:
            zone = ZONES.get(store, "America/Chicago") if clock == "local" else "UTC"
            spans |= calendar(kind, zone)
    return spans


def calendar(kind: str, zone: str) -> dict[str, tuple[int, int]]:
    """Return the windows of a calendar that a program may take for the last hour, day or week."""
    today = AS_OF.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0)
    ago = [int((today - timedelta(days=days)).timestamp()) // 60 for days in range(8)]
    monday = ago[1]  # it is Tuesday
    kinds = {
        "today": {"day": (ago[0], NOW)},
        "yesterday": {"day": (ago[1], ago[0])},
        "monday": {"week": (monday, NOW)},
        "seven-days": {"week": (ago[7], ago[0])},
        "since-midnight": {"week": (ago[7], NOW)},
        "with-today": {"week": (ago[6], NOW)},
    }
    return kinds.get(kind, {})


def seconds(store: str, bugs: frozenset[str]) -> dict[str, float]:
    """Return uptime and downtime of a store in every window, in seconds."""
    step = 1 if any(store in ODD_EDGES.get(bug, ()) for bug in bugs) else 5
    found: dict[str, float] = defaultdict(float)
    for window, (begin, end) in windows(store, bugs).items():
        found[f"uptime_last_{window}"] = found[f"downtime_last_{window}"] = 0.0
        for at in range(begin, end, step):
            if is_open(store, at, bugs & OPENING):
                found[f"{judged(store, at, bugs)}_last_{window}"] += step * 60
    return {name: value for name, value in found.items() if name.startswith(("up", "down"))}


def judged(store: str, at: int, bugs: frozenset[str]) -> str:
    up = status(store, at, bugs & (OPENING | JUDGING))
    if up is None:
        return {"unknown-down": "downtime", "unknown-up": "uptime"}.get(
            next(iter(bugs & {"unknown-down", "unknown-up"}), ""), "unknown"
        )
    return "uptime" if up else "downtime"
