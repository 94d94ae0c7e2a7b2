"""What an explanation is made of, and how it reads: hours rows, polls, reasons, outages."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

from storewatch.domain.dates import closing
from storewatch.domain.instant import DAY, HOUR, MICROSECONDS
from storewatch.domain.zone import clock_text, wall_clock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NO_HOURS = "no hours: open all the time"  # R2

_UNITS = {"day": DAY, "hour": HOUR, "minute": 60, "second": 1}


@dataclass(frozen=True, kw_only=True)
class HoursRow:
    """One of a store's hours rows, as it was given."""

    number: int  # from 1, in order of day, start, end
    day: int  # 0 = Monday
    start: int  # seconds of the day
    end: int

    @property
    def text(self) -> str:
        """The row in words: `row 3: Wednesday 09:00–17:00`, and how R2 reads what is unusual."""
        hours = f"{time_of_day(self.start)}–{time_of_day(self.end)}"
        return f"row {self.number}: {WEEKDAYS[self.day]} {hours}{self._note}"

    @property
    def _note(self) -> str:
        end = int(closing(self.end))
        if end == self.start:
            return " (closed: it ends where it starts, R2)"
        if end < self.start:
            return " (into the next day)"
        return " (to 24:00, R2)" if end != self.end else ""


@dataclass(frozen=True, kw_only=True)
class PollSeen:
    """A poll, settled (R1)."""

    at: int  # microseconds since 1970 UTC
    active: bool
    counted: bool  # False: discarded, outside open hours (R3)
    given: int = 1  # how often the input has a poll of this instant
    disagreed: bool = False  # it has both active and inactive ones

    @property
    def status(self) -> str:
        """What it says."""
        return "active" if self.active else "inactive"


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A store's wall clock, read from within a local day."""

    zone: str
    at: int  # seconds since 1970 UTC

    def time(self, at: int, form: str = "%H:%M") -> str:
        """Return the time of an instant (microseconds): `10:50`, on another day `Tue 24 Jan 20:55`.

        One that the clock shows twice has its offset: `01:30 -05:00`.
        """
        now, then = wall_clock(self.zone, self.at), wall_clock(self.zone, at // MICROSECONDS)
        time = clock_text(then, form)
        if then.date() == now.date():
            return time
        return f"{date_of(then)}{'' if then.year == now.year else f' {then.year}'} {time}"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why an hour counts as what it does."""

    status: str
    rule: str
    why: str  # a sentence; `{}` is the time of the poll that it names
    named: int | None = None  # the instant (microseconds) of that poll
    decides: bool = True  # the poll that is named
    clock: Clock  # of the hour

    @property
    def decided_by(self) -> int | None:
        """The instant (microseconds) of the one poll that decides, if there is one."""
        return self.named if self.decides else None

    @property
    def text(self) -> str:
        """The status and the reason; times are the wall clock's, seen from the hour."""
        return f"{self.status}: {self.because(self.clock)}"

    def because(self, clock: Clock) -> str:
        """Return the reason, seen from another part of the hour."""
        return f"{self.why.format('' if self.named is None else clock.time(self.named))}, {self.rule}"


@dataclass(frozen=True, kw_only=True)
class Hour:
    """A UTC hour with open time in the window, or the part of one that has one status (R15).

    What the window cuts off is not in `open`.
    """

    begin: int  # seconds since 1970 UTC, a full hour or where in it the status changes
    open: tuple[tuple[int, int], ...]  # (begin, end) in seconds since 1970 UTC, in order
    open_seconds: int
    rows: tuple[HoursRow, ...]  # that open it; none: the store has no hours
    polls: tuple[PollSeen, ...]  # of the whole hour (or part) up to the as-of, discarded ones too, in order
    status: str  # up, down, unknown
    reason: Reason
    parts: tuple[Part, ...]  # by local day, in order; those with open time


@dataclass(frozen=True, kw_only=True)
class Part:
    """What of an hour is in one local day: all of it, unless local midnight lies within the hour."""

    begin: int  # seconds since 1970 UTC: the hour's, or local midnight
    open: tuple[tuple[int, int], ...]  # as the hour's
    rows: tuple[HoursRow, ...]  # that open it
    polls: tuple[PollSeen, ...]  # each with the part of its time; where that is closed, with the nearest
    status: str
    reason: Reason

    @property
    def open_seconds(self) -> int:
        """How long it is open."""
        return sum(end - begin for begin, end in self.open)

    @property
    def clock(self) -> Clock:
        """The wall clock, read at its beginning."""
        return Clock(zone=self.reason.clock.zone, at=self.begin)


@dataclass(frozen=True, kw_only=True)
class Day:
    """A local date that the window touches. The days of a window add up to it."""

    begin: int  # seconds since 1970 UTC
    end: int
    parts: tuple[Part, ...]  # of its hours with open time, in order

    def seconds(self, status: str | None = None) -> int:
        """Return its open seconds of a status, by default of all."""
        return sum(part.open_seconds for part in self.parts if status in (None, part.status))


def by_day(hours: Sequence[Hour], days: Sequence[tuple[int, int]]) -> tuple[Day, ...]:
    """Return local days (begin, end) with the parts of hours that lie in them."""
    parts = [part for hour in hours for part in hour.parts]
    return tuple(
        Day(begin=begin, end=end, parts=tuple(part for part in parts if begin <= part.open[0][0] < end))
        for begin, end in days
    )


class Ending(StrEnum):
    """How an outage ended (R16)."""

    RECOVERED = "recovered"
    UNKNOWN = "unknown after"
    ONGOING = "still down"  # it reaches the as-of
    CLOSED = "closed while down"  # the store has not been open since


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A longest run of down open seconds; closed time does not part it, and is no part of it (R16)."""

    begin: int  # seconds since 1970 UTC, the first open second
    end: int  # after the last one
    open_seconds: int
    began_before: bool  # it was down already in the last open second before the window
    ending: Ending


def outages(hours: Sequence[Hour], *, as_of: int, began_before: bool) -> tuple[Outage, ...]:
    """Join hours that are down, in order. A night that is closed between two of them does not part them.

    Args:
        hours: With open time in the window, in order.
        as_of: The window's end, seconds since 1970 UTC.
        began_before: An outage that the window begins with began before it.
    """
    runs = [list(run) for _, run in groupby(hours, lambda hour: hour.status)]
    endings = {"up": Ending.RECOVERED, "unknown": Ending.UNKNOWN}
    found: list[Outage] = []
    for run, following in zip_longest(runs, runs[1:]):
        end = run[-1].open[-1][1]
        if run[0].status == "down":
            last = Ending.ONGOING if end == as_of else Ending.CLOSED
            found.append(
                Outage(
                    begin=run[0].open[0][0],
                    end=end,
                    open_seconds=sum(hour.open_seconds for hour in run),
                    began_before=began_before and run is runs[0],
                    ending=endings[following[0].status] if following else last,
                )
            )
    return tuple(found)


def reason_with_polls(status: str, polls: Sequence[PollSeen], clock: Clock) -> Reason:
    """Say why an hour with counted polls has its status (R4); `polls`: all of it, in order of time."""
    counted = [poll for poll in polls if poll.counted]
    latest, count = counted[-1], len(counted)
    word = "poll" if count == len(polls) else "counted poll"  # discarded ones are shown beside them
    agreeing = sum(poll.active is latest.active for poll in counted)
    if count == 1:
        why = f"its one {word}, of {{}}, is {latest.status}"
    elif 2 * agreeing == count:
        why = f"tie of {agreeing} and {agreeing}, the latest {word}, of {{}}, decides"
    else:
        most, kind = max(agreeing, count - agreeing), "active" if status == "up" else "inactive"
        why = f"{most} of {count} {word}s {kind}"
        return Reason(status=status, rule="R4", why=why, clock=clock)
    return Reason(status=status, rule="R4", why=why, named=latest.at, clock=clock)


def reason_observed(status: str, held: PollSeen | None, carry: int | None, clock: Clock) -> Reason:
    """Say why a part of an hour has its status, `held` being the latest counted poll at its begin (R15)."""
    if held is not None and held.at // MICROSECONDS == clock.at and status != "unknown":
        why = f"the poll of {{}} is {held.status}"
        return Reason(status=status, rule="R15", why=why, named=held.at, clock=clock)
    return reason_without_polls(status, held, carry, clock, rule="R15")


def reason_without_polls(
    status: str, before: PollSeen | None, carry: int | None, clock: Clock, *, rule: str = "R5"
) -> Reason:
    """Say why an hour without counted polls has its status, `before` being the latest one before it.

    Of polls that are too old for every hour of a report none may be known.
    """
    if before is not None and status != "unknown":
        why = "carried from the poll of {}"
        return Reason(status=status, rule=rule, why=why, named=before.at, clock=clock)
    if carry is None:
        why = "no counted poll before"
    elif before is None:
        why = f"no counted poll in the {spelled(carry)} before"
    else:
        why = f"the latest counted poll, of {{}}, is older than {spelled(carry)}"
    named = before.at if before else None
    return Reason(status="unknown", rule=rule, why=why, named=named, decides=False, clock=clock)


def date_of(local: datetime) -> str:
    """Return a day as `Wed 25 Jan`."""
    return f"{local:%a} {local.day} {local:%b}"


def time_of_day(seconds: int) -> str:
    """Return a time of day as `09:00`, with its seconds only if it has any."""
    text = f"{seconds // HOUR:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text


def spelled(seconds: int) -> str:
    """Return a length of time in its largest whole unit: `7 days`, `36 hours`."""
    unit, length = next((unit, length) for unit, length in _UNITS.items() if seconds % length == 0)
    count = seconds // length
    return f"{count:,} {unit}{'' if count == 1 else 's'}" if seconds else "0 seconds"
