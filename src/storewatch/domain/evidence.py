"""What an explanation is made of, and how it reads: polls, annotations, reasons, hours and days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewatch.domain.instant import DAY, HOUR, MICROSECONDS
from storewatch.domain.shifts import date_of
from storewatch.domain.zone import clock_text, wall_clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storewatch.domain.shifts import Row

NO_HOURS = "no hours: open all the time"  # R2

_UNITS = {"day": DAY, "hour": HOUR, "minute": 60, "second": 1}


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
class Annotation:
    """An annotation that decides some of the window (R9)."""

    id: str
    about: str  # `store a`, `brand x`, `every store`
    begin: int  # seconds since 1970 UTC
    end: int | None  # None: until further notice
    counts_as: str
    reason: str  # "": none is given
    author: str  # "": nobody says
    made_at: int  # microseconds since 1970 UTC
    seconds: int  # open ones of the window that it decides

    @property
    def text(self) -> str:
        """What it is called: `annotation n1 by Ann: moving house`."""
        by = f" by {self.author}" if self.author else ""
        return f"annotation {self.id}{by}{f': {self.reason}' if self.reason else ''}"


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
    why: str  # a sentence; if it names a poll, `{}` is that one's time
    plain: str  # the same for people who know no rules, who call a poll a check
    named: int | None = None  # the instant (microseconds) of that poll
    decides: bool = True  # the poll that is named
    annotation: str | None = None  # the id of the one that decides instead of polls (R9)
    clock: Clock  # of the hour

    @property
    def decided_by(self) -> int | None:
        """The instant (microseconds) of the one poll that decides, if there is one."""
        return self.named if self.decides else None

    @property
    def is_of_polls(self) -> bool:
        """Whether polls give it a status."""
        return self.annotation is None and self.status != "unknown"

    def is_of(self, polls: Sequence[PollSeen]) -> bool:
        """Say whether it names all that there is to say of polls: one, which nothing contradicts."""
        return len(polls) == 1 and polls[0].at == self.named and not polls[0].disagreed

    @property
    def text(self) -> str:
        """The status and the reason; times are the wall clock's, seen from the hour."""
        return f"{self.status}: {self.because(self.clock)}"

    def because(self, clock: Clock) -> str:
        """Return the reason, seen from another part of the hour."""
        return f"{self._named(self.why, clock)}, {self.rule}"

    def told(self, clock: Clock) -> str:
        """Return the reason for people, seen from another part of the hour."""
        return self._named(self.plain, clock)

    def _named(self, text: str, clock: Clock) -> str:
        return text if self.named is None else text.format(clock.time(self.named))


@dataclass(frozen=True, kw_only=True)
class Hour:
    """A UTC hour with open time in the window, or the part of one in which one thing decides (R9, R15).

    What the window cuts off is not in `open`.
    """

    begin: int  # seconds since 1970 UTC, a full hour or where in it the status changes
    open: tuple[tuple[int, int], ...]  # (begin, end) in seconds since 1970 UTC, in order
    open_seconds: int
    rows: tuple[Row, ...]  # that open it; none: the store has no hours
    polls: tuple[PollSeen, ...]  # of the whole hour (or part) up to the as-of, discarded ones too, in order
    status: str  # up, down, unknown, excluded
    reason: Reason
    measured: bool  # R12
    parts: tuple[Part, ...]  # by local day, in order; those with open time


@dataclass(frozen=True, kw_only=True)
class Part:
    """What of an hour is in one local day: all of it, unless local midnight lies within the hour."""

    begin: int  # seconds since 1970 UTC: the hour's, or local midnight
    open: tuple[tuple[int, int], ...]  # as the hour's
    rows: tuple[Row, ...]  # that open it
    polls: tuple[PollSeen, ...]  # each with the part of its time; where that is closed, with the nearest
    status: str
    reason: Reason
    measured: bool  # as the hour

    @property
    def open_seconds(self) -> int:
        """How long it is open."""
        return sum(end - begin for begin, end in self.open)

    @property
    def is_carried(self) -> bool:
        """Whether its status comes from an earlier check (R12)."""
        return self.status in ("up", "down") and not self.measured and self.reason.annotation is None

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


def reason_stated(note: Annotation, clock: Clock) -> Reason:
    """Say why a time has the status that an annotation states."""
    plain = f"stated by {note.author or 'somebody'}{f': {note.reason}' if note.reason else ''}"
    return Reason(
        status=note.counts_as, rule="R9", why=note.text, plain=plain, annotation=note.id, clock=clock
    )


def reason_with_polls(status: str, polls: Sequence[PollSeen], clock: Clock) -> Reason:
    """Say why an hour with counted polls has its status (R4); `polls`: all of it, in order of time."""
    counted = [poll for poll in polls if poll.counted]
    latest, count = counted[-1], len(counted)
    word = "poll" if count == len(polls) else "counted poll"  # discarded ones are shown beside them
    agreeing = sum(poll.active is latest.active for poll in counted)
    if count == 1:
        why = f"its one {word}, of {{}}, is {latest.status}"
        plain = f"the only check, at {{}}, said {latest.status}"
    elif 2 * agreeing == count:
        why = f"tie of {agreeing} and {agreeing}, the latest {word}, of {{}}, decides"
        plain = f"{agreeing} said active and {agreeing} inactive; the latest, at {{}}, decides"
    else:
        most, kind = max(agreeing, count - agreeing), "active" if status == "up" else "inactive"
        why, plain = f"{most} of {count} {word}s {kind}", f"{most} of {count} checks said {kind}"
        return Reason(status=status, rule="R4", why=why, plain=plain, clock=clock)
    return Reason(status=status, rule="R4", why=why, plain=plain, named=latest.at, clock=clock)


def reason_observed(status: str, held: PollSeen | None, carry: int | None, clock: Clock) -> Reason:
    """Say why a part of an hour has its status, `held` being the latest counted poll at its begin (R15)."""
    if held is not None and held.at // MICROSECONDS == clock.at and status != "unknown":
        why, plain = f"the poll of {{}} is {held.status}", f"the check at {{}} said {held.status}"
        return Reason(status=status, rule="R15", why=why, plain=plain, named=held.at, clock=clock)
    return reason_without_polls(status, held, carry, clock, rule="R15")


def reason_without_polls(
    status: str, before: PollSeen | None, carry: int | None, clock: Clock, *, rule: str = "R5"
) -> Reason:
    """Say why an hour without counted polls has its status, `before` being the latest one before it.

    Of polls that are too old for every hour of a report none may be known.
    """
    if before is not None and status != "unknown":
        why, plain = "carried from the poll of {}", f"the last check before, at {{}}, said {before.status}"
        return Reason(status=status, rule=rule, why=why, plain=plain, named=before.at, clock=clock)
    if carry is None:
        why, plain = "no counted poll before", "no check before"
    elif before is None:
        why, plain = (f"no {word} in the {spelled(carry)} before" for word in ("counted poll", "check"))
    else:
        why = f"the latest counted poll, of {{}}, is older than {spelled(carry)}"
        plain = f"the last check, at {{}}, was more than {spelled(carry)} before"
    named = before.at if before else None
    return Reason(status="unknown", rule=rule, why=why, plain=plain, named=named, decides=False, clock=clock)


def spelled(seconds: int) -> str:
    """Return a length of time in its largest whole unit: `7 days`, `36 hours`."""
    unit, length = next((unit, length) for unit, length in _UNITS.items() if seconds % length == 0)
    count = seconds // length
    return f"{count:,} {unit}{'' if count == 1 else 's'}" if seconds else "0 seconds"
