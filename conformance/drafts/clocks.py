"""Clock changes: those near which something odd happens, each with the zones that it happens in."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from conformance.drafts.draft import Draft, Rows, draft, fleet, polled
from storewatch.domain.zone import offset_spans

_DAY = 86_400
_HALF_HOUR = 1_800
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - all of it is UTC

# Near this instant (UTC): zones, and what is odd.
_CHANGES = {
    "2023-03-12 07:00": (
        "America/New_York America/Chicago America/St_Johns America/Havana",
        "Havana has no midnight",
    ),
    "2023-11-05 06:00": (
        "America/New_York America/Chicago America/St_Johns America/Havana America/Denver",
        "Havana has midnight twice",
    ),
    "2023-10-01 15:30": (
        "Australia/Lord_Howe Australia/Adelaide Australia/Sydney",
        "Lord Howe changes by 30 minutes",
    ),
    "2023-04-01 15:00": (
        "Australia/Lord_Howe Australia/Adelaide Pacific/Auckland Pacific/Chatham",
        "Lord Howe changes by 30 minutes, Chatham is off the hour by 45",
    ),
    "2023-03-30 22:00": (
        "Asia/Beirut Asia/Gaza Africa/Cairo",
        "Beirut's change was moved two days before it, to and fro",
    ),
    "2023-03-26 01:00": (
        "Asia/Beirut Europe/London Europe/Berlin Antarctica/Troll Atlantic/Azores",
        "Troll changes by two hours",
    ),
    "2011-12-30 10:00": ("Pacific/Apia Pacific/Fakaofo Pacific/Kiritimati", "Apia had no 30 December"),
    "2023-03-19 02:00": ("Africa/Casablanca Africa/El_Aaiun Asia/Gaza", "clocks go back for Ramadan"),
    "2023-04-23 02:00": ("Africa/Casablanca Africa/El_Aaiun Africa/Cairo", "clocks go forward after Ramadan"),
    "2023-04-02 03:00": (
        "America/Santiago America/Asuncion Pacific/Easter",
        "Santiago has midnight's hour twice",
    ),
    "2023-09-03 04:00": ("America/Santiago Pacific/Easter", "Santiago has no midnight"),
    "2023-10-29 01:00": (
        "Antarctica/Troll Europe/London America/Godthab America/Scoresbysund",
        "Troll changes by two hours; Godthab is an old name",
    ),
    "2024-03-31 01:00": (
        "Antarctica/Troll America/Nuuk Asia/Kathmandu Europe/Dublin",
        "Dublin's winter time is its daylight saving; Nuuk's rules changed",
    ),
    "2023-09-23 14:00": (
        "Pacific/Chatham Pacific/Auckland Asia/Kathmandu",
        "Chatham and Kathmandu are off the hour by 45",
    ),
    "2024-02-29 00:00": (
        "Asia/Almaty Asia/Kathmandu Australia/Eucla Pacific/Marquesas",
        "a leap day; Almaty's standard time changes; Eucla and the Marquesas are off the hour",
    ),
    "2024-03-01 00:00": ("Asia/Almaty Asia/Qostanay Asia/Kolkata", "the standard time of Kazakhstan changed"),
    "2016-12-31 23:59": ("UTC Etc/GMT+12 Pacific/Kiritimati", "a leap second, which no clock here shows"),
    "1995-01-01 00:00": (
        "Pacific/Kiritimati Pacific/Enderbury",
        "the date line moved: a date that does not exist",
    ),
    "1993-08-21 00:00": ("Pacific/Kwajalein UTC", "the date line moved: a date that does not exist"),
    "2018-05-04 15:00": ("Asia/Pyongyang Asia/Seoul", "Pyongyang's standard time changed by half an hour"),
    "2007-12-09 07:00": ("America/Caracas Etc/GMT-14", "Caracas's standard time changed by half an hour"),
    "1972-01-07 00:44": ("Africa/Monrovia Europe/Amsterdam America/Guyana", "Monrovia's offset had seconds"),
    "1986-01-01 00:00": (
        "Asia/Kathmandu Asia/Katmandu America/Guyana",
        "Kathmandu's offset changed by a quarter of an hour",
    ),
}
_SEEN = (
    "A local day is taken as 86,400 s; the days after a change are shifted by an hour; opening at 02:30 that "
    "does not exist, or at 01:30 that comes twice, fails; UTC days are used to step through local ones."
)


def drafts() -> list[Draft]:
    """Return a case for each change."""
    return [_change(near, zones.split(), odd) for near, (zones, odd) in _CHANGES.items()]


def _change(near: str, zones: list[str], odd: str) -> Draft:
    at = int((datetime.fromisoformat(near) - _EPOCH).total_seconds())
    as_of = _EPOCH + timedelta(seconds=at + 20 * 3_600 + 13 * 60 + 7)
    polls: Rows = []
    hours: Rows = []
    of_stores: Rows = []
    for zone in zones:
        change, first, last = _odd_clock(zone, at)
        for number, (name, spans) in enumerate(_spans(first, last).items()):
            store = f"{zone.rpartition('/')[2]}-{name}"
            of_stores.append((store, zone))
            hours += [(store, f"{day}", *span) for day in _days(change, zone) for span in spans]
            polls += _polls(store, change, number)
    return draft(
        f"clock-{near.replace(' ', '-').replace(':', '')}",
        fleet(polls=polls, hours=hours, zones=of_stores),
        rules="R2 R6",
        tests=f"Hours and polls around a clock change near {near} UTC: {odd}.",
        seen=_SEEN,
        as_of=f"{as_of:%Y-%m-%dT%H:%M:%SZ}",
    )


def _odd_clock(zone: str, near: int) -> tuple[int, int, int]:
    """Return when the clock changes next to an instant, and between which wall-clock times it is odd.

    Where it does not change, it is 02:00 to 03:00 on that date.
    """
    spans = offset_spans(zone, near - 36 * 3_600, near + 36 * 3_600)
    if len(spans) == 1:
        midnight = (near + spans[0][2]) // _DAY * _DAY
        return midnight + 7_200 - spans[0][2], midnight + 7_200, midnight + 10_800
    (_, change, before), (_, _, after) = min(pairwise(spans), key=lambda pair: abs(pair[0][1] - near))
    return change, change + min(before, after), change + max(before, after)


def _spans(first: int, last: int) -> dict[str, list[tuple[str, str]]]:
    """Return hours that begin, end and lie in the odd time; none: the store has no hours."""
    middle = (first + last) // 2
    return {
        "always": [],
        "day": [("00:00", "24:00")],
        "opens-in-it": [(_clock(middle), _clock(last + _HALF_HOUR))],
        "closes-in-it": [(_clock(first - _HALF_HOUR), _clock(middle))],
        "night": [("22:00", "06:00")],
    }


def _clock(wall: int) -> str:
    second = wall % _DAY
    return f"{second // 3_600:02d}:{second % 3_600 // 60:02d}:{second % 60:02d}"


def _days(change: int, zone: str) -> list[int]:
    """Return the weekdays of the day before, of and after the change, on the wall clock."""
    offset = offset_spans(zone, change - 1, change)[0][2]
    return [((change + offset) // _DAY + step + 3) % 7 for step in (-1, 0, 1)]


def _polls(store: str, change: int, number: int) -> Rows:
    """Return polls around the change, other statuses for each store."""
    moment = _EPOCH + timedelta(seconds=change)
    steps = [
        timedelta(microseconds=-1),
        *(timedelta(minutes=minutes) for minutes in (-400, 10, 40, 550)),
    ]
    return polled(
        store, *(f"{moment + step} {'up' if (number + n) % 3 else 'down'}" for n, step in enumerate(steps))
    )
