"""Hours as a Google Business Profile gives them: regularHours and specialHours of a location."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from storewatch.domain.kinds import EXCEPTIONS, HOURS
from storewatch.ingest.documents import Format, Row, UnknownError, known_keys, shown

_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_DAY, _WEEK = 86_400, 604_800  # seconds
_TEXT = re.compile(r"(\d\d):(\d\d)", re.ASCII)  # as its version 4 wrote times
_UNITS = {"hours": 3_600, "minutes": 60, "seconds": 1}
_MOST = {"hours": 24, "minutes": 59, "seconds": 59, "nanos": 0}


def _regular(entry: dict[str, Any]) -> list[Row]:
    """Read a period of the week: a row for the day that it opens on, its tail included, or several.

    One of a day or longer is a row for each of its days, which together are the same.
    """
    known_keys(entry, ("openDay", "openTime", "closeDay", "closeTime"))
    opens, closes = _day(entry, "openDay"), _day(entry, "closeDay")
    start, end = _time(entry, "openTime"), _time(entry, "closeTime")
    if opens == closes and end <= start:
        raise UnknownError("closes before it has opened")
    length = ((closes - opens) * _DAY + end - start) % _WEEK or _WEEK
    if length < _DAY:
        until = start + length
        return [Row.weekly(opens, _clock(start), _clock(until if until <= _DAY else until - _DAY))]
    rows = []
    for step in range(-(-(start + length) // _DAY)):
        begin, until = max(start - step * _DAY, 0), min(start + length - step * _DAY, _DAY)
        rows.append(Row.weekly((opens + step) % 7, _clock(begin), _clock(until)))
    return rows


def _special(entry: dict[str, Any]) -> list[Row]:
    """Read a special period: an exception on the date that it starts on."""
    known_keys(entry, ("startDate", "endDate", "openTime", "closeTime", "closed", "isClosed"))
    day = _date(entry, "startDate")
    try:
        return [Row.on_date(day, *_special_times(entry, day))]
    except UnknownError as error:
        return [Row.unknown(EXCEPTIONS, f"{error}", day)]


def _special_times(entry: dict[str, Any], day: date) -> tuple[str, str]:
    """Return when a store opens and closes on a special date; neither: it is closed."""
    days = (_date(entry, "endDate") - day).days if entry.get("endDate") is not None else 0
    if days not in (0, 1):
        raise UnknownError(shown("endDate", entry["endDate"]) + ", neither its startDate nor the next date")
    if _is_closed(entry):  # its other fields do not count, as the format says
        return "", ""
    start, end = _time(entry, "openTime"), _time(entry, "closeTime")
    length = days * _DAY + end - start
    if length <= 0 or length > _DAY or (length == _DAY and start):
        raise UnknownError("closes before it has opened" if length <= 0 else "is open for 24 hours or more")
    until = start + length
    return _clock(start), _clock(until if until <= _DAY else until - _DAY)


def _is_closed(entry: dict[str, Any]) -> bool:
    """Say whether it is closed; `isClosed` is what version 4 called it."""
    values = [entry.get(key, False) for key in ("closed", "isClosed")]
    for value in values:
        if not isinstance(value, bool):
            raise UnknownError(shown("closed", value))
    return any(values)


def _day(entry: dict[str, Any], key: str) -> int:
    if entry.get(key) not in _DAYS:
        raise UnknownError(shown(key, entry[key]) if key in entry else f"without {key}")
    return _DAYS.index(entry[key])


def _time(entry: dict[str, Any], key: str) -> int:
    """Return a time as seconds of the day, 24:00 at most; what it leaves out is 0."""
    value = entry.get(key)
    if value is None:
        raise UnknownError(f"without {key}")
    if isinstance(value, str) and (found := _TEXT.fullmatch(value)):
        value = {"hours": int(found[1]), "minutes": int(found[2])}
    if not isinstance(value, dict) or not all(
        _is_number(value.get(name, 0), most) for name, most in _MOST.items()
    ):
        raise UnknownError(shown(key, value))
    known_keys(value, _MOST)
    second = sum(int(value.get(name, 0)) * unit for name, unit in _UNITS.items())
    if second > _DAY:
        raise UnknownError(shown(key, value))
    return second


def _is_number(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _date(entry: dict[str, Any], key: str) -> date:
    value = entry.get(key)
    if value is None:
        raise UnknownError(f"without {key}")
    try:
        known_keys(value, ("year", "month", "day"))
        return date(value["year"], value["month"], value["day"])
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise UnknownError(shown(key, value)) from error


def _clock(second: int) -> str:
    return f"{second // 3_600:02d}:{second % 3_600 // 60:02d}:{second % 60:02d}"


GOOGLE = Format(
    name="google",
    id_key="storeCode",
    parts=(
        (("regularHours", "periods"), HOURS, _regular),
        (("specialHours", "specialHourPeriods"), EXCEPTIONS, _special),
    ),
)
