"""What an explanation is made of, and how it reads: hours rows, polls, reasons, outages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewatch.domain.instant import DAY, HOUR, MICROSECONDS
from storewatch.domain.schedule import closing
from storewatch.domain.zone import wall_clock

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
class Reason:
    """Why an hour counts as what it does."""

    rule: str
    decided_by: int | None  # the instant (microseconds) of the one poll that decides, if there is one
    text: str  # a sentence; times are the wall clock's


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


@dataclass(frozen=True, kw_only=True)
class Outage:
    """Hours that are down one after the other in open time; closed time between them is no part of it."""

    begin: int  # seconds since 1970 UTC, the first open second
    end: int  # after the last one
    open_seconds: int


def outages(hours: Sequence[Hour]) -> tuple[Outage, ...]:
    """Join hours that are down, in order. A night that is closed between two of them does not part them."""
    found: list[Outage] = []
    goes_on = False
    for hour in hours:
        is_down = hour.status == "down"
        if is_down:
            before = found.pop() if goes_on else None
            found.append(
                Outage(
                    begin=before.begin if before else hour.open[0][0],
                    end=hour.open[-1][1],
                    open_seconds=hour.open_seconds + (before.open_seconds if before else 0),
                )
            )
        goes_on = is_down
    return tuple(found)


def reason_with_polls(status: str, counted: Sequence[PollSeen], clock: Clock) -> Reason:
    """Say why an hour with counted polls, in order of time, has its status (R4)."""
    latest, polls = counted[-1], len(counted)
    agreeing = sum(poll.active is latest.active for poll in counted)
    if polls == 1:
        text = f"its one poll, of {clock.time(latest.at)}, is {latest.status}"
        return Reason(rule="R4", decided_by=latest.at, text=f"{status}: {text}, R4")
    if 2 * agreeing == polls:
        text = f"tie of {agreeing} and {agreeing}, the latest poll, of {clock.time(latest.at)}, decides"
        return Reason(rule="R4", decided_by=latest.at, text=f"{status}: {text}, R4")
    word, most = ("active" if status == "up" else "inactive"), max(agreeing, polls - agreeing)
    return Reason(rule="R4", decided_by=None, text=f"{status}: {most} of {polls} polls {word}, R4")


def reason_observed(status: str, held: PollSeen | None, carry: int | None, clock: Clock) -> Reason:
    """Say why a part of an hour has its status, `held` being the latest counted poll at its begin (R15)."""
    if held is not None and held.at // MICROSECONDS == clock.hour and status != "unknown":
        text = f"{status}: the poll of {clock.time(held.at)} is {held.status}"
        return Reason(rule="R15", decided_by=held.at, text=f"{text}, R15")
    return reason_without_polls(status, held, carry, clock, rule="R15")


def reason_without_polls(
    status: str, before: PollSeen | None, carry: int | None, clock: Clock, *, rule: str = "R5"
) -> Reason:
    """Say why an hour without counted polls has its status, `before` being the latest one before it.

    Of polls that are too old for every hour of a report none may be known.
    """
    if before is not None and status != "unknown":
        text = f"{status}: carried from the poll of {clock.time(before.at)}, {rule}"
        return Reason(rule=rule, decided_by=before.at, text=text)
    if carry is None:
        text = "no poll before"
    elif before is None:
        text = f"no poll in the {spelled(carry)} before"
    else:
        text = f"the latest poll, of {clock.time(before.at)}, is older than {spelled(carry)}"
    return Reason(rule=rule, decided_by=None, text=f"unknown: {text}, {rule}")


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A store's wall clock, read from within an hour."""

    zone: str
    hour: int  # seconds since 1970 UTC, any of the hour

    def time(self, at: int) -> str:
        """Return the time of an instant (microseconds): `10:50`, on another day `Tue 24 Jan 20:55`."""
        now, then = wall_clock(self.zone, self.hour), wall_clock(self.zone, at // MICROSECONDS)
        if then.date() == now.date():
            return f"{then:%H:%M}"
        return f"{date_of(then)}{'' if then.year == now.year else f' {then.year}'} {then:%H:%M}"


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
