"""Pairs that must have the same figures, whatever these are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from conformance.drafts.draft import EVERY_DAY, Draft, Rows, draft, fleet, opened, polled

_AS_OF = datetime(2023, 1, 25, 18, 12, 7, tzinfo=UTC)
_STATUS = ["down", "up", "up", "down", "up", "up", "up", "up", "down", "up", "down", "up", "up"]
_POLLS = tuple(
    f"2023-01-{19 + n // 2} {9 * (n % 2) + n % 7:02d}:{7 * n % 60:02d}:{11 * n % 60:02d}.{n:06d} {_STATUS[n]}"
    for n in range(len(_STATUS))
)
_WEEK = timedelta(weeks=1)
_HOURS = {
    "no-hours": [],
    "24-hours-a-day": ["00:00-24:00"],
    "24-hours-a-day-2359": ["00:00-23:59:59"],
    "two-halves": ["00:00-12:00", "12:00-24:00"],
    "four-overlapping": ["00:00-07:00", "06:00-13:00", "12:00-19:00", "18:00-24:00"],
    "from-noon-and-before-it": ["12:00-00:00", "00:00-12:00"],
    "day": ["09:00-21:00"],
    "day-split": ["09:00-13:00", "13:00-21:00"],
    "day-split-thrice": ["09:00-10:00", "09:30-19:00", "19:00-21:00", "12:00-13:00"],
    "day-with-an-empty-row": ["09:00-21:00", "10:00-10:00"],
    "night": ["18:00-03:00"],
    "night-split": ["18:00-24:00", "00:00-03:00"],
    "night-split-2359": ["18:00-23:59", "00:00-03:00"],
}
_SAME = [list(_HOURS)[:6], list(_HOURS)[6:10], list(_HOURS)[10:]]
_ZONE = "America/Chicago"


def drafts() -> list[Draft]:
    """Return the fleet, and the same fleet weeks later and with its rows turned about."""
    tests = "24 hours are the whole day, a split row is the row, a row of no length is nothing"
    return [
        _fleet("pairs", 0, f"{tests}, and no zone is Chicago."),
        _fleet("pairs-a-week-later", 1, f"{tests}; all of it a week later has the same figures."),
        _fleet(
            "pairs-turned-about",
            0,
            f"{tests}; rows in another order, and given twice, have the same figures.",
            turned=True,
        ),
    ]


def _fleet(name: str, weeks: int, tests: str, *, turned: bool = False) -> Draft:
    polls: Rows = []
    hours: Rows = []
    zones: Rows = []
    for store, spans in _HOURS.items():
        polls += polled(store, *(_later(poll, weeks) for poll in _POLLS))
        hours += opened(store, EVERY_DAY, *spans)
        zones += [(store, _ZONE)] if len(store) % 2 else []  # the others are there, too (R2)
    order = -1 if turned else 1
    again = polls[::3] if turned else []
    return draft(
        name,
        fleet(polls=(polls + again)[::order], hours=hours[::order], zones=zones[::order]),
        rules="R1 R2 R6",
        tests=tests,
        seen="Totals that depend on how rows are split, on their order, on doubles; a week that is one "
        "hour longer or shorter.",
        as_of=f"{_AS_OF + weeks * _WEEK:%Y-%m-%dT%H:%M:%SZ}",
        same=_SAME,
    )


def _later(poll: str, weeks: int) -> str:
    at, _, status = poll.rpartition(" ")
    return f"{datetime.fromisoformat(at) + weeks * _WEEK} {status}"
