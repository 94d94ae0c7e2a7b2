"""Hours as schema.org gives them: OpeningHoursSpecification, weekly and on special dates."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from storewatch.domain.kinds import EXCEPTIONS, HOURS
from storewatch.ingest.documents import Format, Row, UnknownError, known_keys, shown

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_URL = re.compile(r"https?://schema\.org/")
_KEYS = ("dayOfWeek", "opens", "closes", "validFrom", "validThrough")
_SAYS_NOTHING = ("@type", "@id", "@context", "name", "description")
# A date, or the instant at which it begins or ends.
_FROM = re.compile(r"(\d{4}-\d\d-\d\d)(?:T00:00(?::00)?)?", re.ASCII)
_THROUGH = re.compile(r"(\d{4}-\d\d-\d\d)(?:T23:59(?::59)?)?", re.ASCII)
_MOST = 1_000  # dates of one entry
_CLOSED = ("00:00", "00:00")


def _weekly(entry: dict[str, Any]) -> list[Row]:
    """Read an entry of the week: hours, valid from and through if it says so.

    Closed ones with both dates take these away from the others; all other closed ones are hours of no length.
    """
    known_keys(entry, (*_KEYS, *_SAYS_NOTHING))
    first, last = _limits(entry)
    days, times = _days(entry), _times(entry)
    if first and last and (times is None or times[0] == times[1]):
        return _on_dates(entry, first, last)
    if days is None and not (first and last):
        raise UnknownError("without dayOfWeek")
    limits = ["" if limit is None else f"{limit}" for limit in (first, last)]
    return [Row.weekly(day, *(times or _CLOSED), *limits) for day in range(7) if days is None or day in days]


def _special(entry: dict[str, Any]) -> list[Row]:
    """Read an entry of special dates: exceptions."""
    known_keys(entry, (*_KEYS, *_SAYS_NOTHING))
    first, last = _limits(entry)
    if first is None or last is None:
        raise UnknownError("without validFrom or validThrough")
    return _on_dates(entry, first, last)


def _on_dates(entry: dict[str, Any], first: date, last: date) -> list[Row]:
    """Return an exception for each date of an entry; if its times are not known, the dates are rejected."""
    days = _days(entry)
    if not 0 <= (last - first).days < _MOST:
        raise UnknownError(f"from {first} through {last}, of at most {_MOST:,} dates")
    dates = [first + timedelta(days=step) for step in range((last - first).days + 1)]
    dates = [day for day in dates if days is None or day.weekday() in days]
    if not dates:
        raise UnknownError(shown("dayOfWeek", entry["dayOfWeek"]) + " on none of its dates")
    try:
        times = _times(entry)
    except UnknownError as error:
        return [Row.unknown(EXCEPTIONS, f"{error}", day) for day in dates]
    reason = next((text for key in ("name", "description") if isinstance(text := entry.get(key), str)), "")
    if times is None or times[0] == times[1]:
        times = ("", "")
    return [Row.on_date(day, *times, reason) for day in dates]


def _limits(entry: dict[str, Any]) -> tuple[date | None, date | None]:
    return _date(entry, "validFrom", _FROM), _date(entry, "validThrough", _THROUGH)


def _date(entry: dict[str, Any], key: str, form: re.Pattern[str]) -> date | None:
    value = entry.get(key)
    if value is None:
        return None
    found = form.fullmatch(value) if isinstance(value, str) else None
    try:
        return date.fromisoformat(found[1] if found else "")
    except ValueError as error:
        raise UnknownError(shown(key, value)) from error


def _days(entry: dict[str, Any]) -> list[int] | None:
    """Return days of the week (0 = Monday); None: none is named."""
    value = entry.get("dayOfWeek")
    if value is None or value == []:
        return None
    return [_day(day) for day in (value if isinstance(value, list) else [value])]


def _day(value: object) -> int:
    name = value.get("@id") if isinstance(value, dict) else value
    plain = _URL.sub("", name, count=1).casefold() if isinstance(name, str) else ""
    if plain not in _DAYS:
        raise UnknownError(shown("dayOfWeek", value))
    return _DAYS.index(plain)


def _times(entry: dict[str, Any]) -> tuple[str, str] | None:
    """Return when it opens and closes; None: neither is said, so it is closed."""
    if entry.get("opens") is None and entry.get("closes") is None:
        return None
    return _time(entry, "opens"), _time(entry, "closes")


def _time(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise UnknownError(shown(key, value) if key in entry else f"without {key}")
    return value


SCHEMA_ORG = Format(
    name="schema.org",
    id_key="branchCode",
    parts=(
        (("openingHoursSpecification",), HOURS, _weekly),
        (("specialOpeningHoursSpecification",), EXCEPTIONS, _special),
    ),
)
