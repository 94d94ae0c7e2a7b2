"""Instants, carries and windows as people write them, and as the rules count them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from storewatch.errors import InputError, NoPollsError

HOUR = 3_600  # seconds
DAY = 86_400
WEEK = 604_800
MICROSECONDS = 1_000_000  # a second

WINDOWS = {"hour": HOUR, "day": DAY, "week": WEEK}  # R6, each ends at the as-of
DEFAULT_CARRY = WEEK  # R5

_FIRST, _LAST = 0, int(datetime(2201, 1, 1, tzinfo=UTC).timestamp())
_FINER = re.compile(r"[.,]\d{6}\d*[1-9]")  # a digit that is not 0 after the sixth
LONGEST_CARRY = _LAST - _FIRST  # seconds; no poll that counts lies farther from an as-of
_CARRY = re.compile(r"(\d{1,9})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": HOUR, "d": DAY}


def parse_as_of(value: str | datetime) -> int:
    """Return an as-of as whole seconds since 1970 UTC (R3).

    Args:
        value: An aware datetime, or ISO 8601 text with an offset or `Z`.

    Raises:
        InputError: It is no instant, has no offset, has a fraction of a second, or lies outside 1970–2200.
    """
    return parse_second(value, "as-of")


def parse_second(value: str | datetime, what: str) -> int:
    """Return an instant as `parse_as_of` does; messages call it `what`."""
    instant = _parse(value, what) if isinstance(value, str) else value
    if not isinstance(instant, datetime):
        raise InputError(
            f"{what} {value} is a {type(value).__name__}, which has no time zone: give an aware datetime, a "
            "pandas stamp with a zone, or text like 2023-01-25T18:12:00Z"
        )
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise InputError(
            f"{what} {value} has no time zone: write it with Z or an offset, like 2023-01-25T18:12:00Z"
        )
    seconds, fraction = divmod(instant - datetime(1970, 1, 1, tzinfo=UTC), timedelta(seconds=1))
    if fraction or _is_finer(value):
        raise InputError(f"{what} {value} has a fraction of a second: an {what} is a whole second")
    if not _FIRST <= seconds < _LAST:
        raise InputError(f"{what} {value} is outside the years 1970 to 2200")
    return seconds


def _is_finer(value: str | datetime) -> bool:
    """Say whether there are parts of a microsecond, which `datetime` itself drops."""
    if isinstance(value, str):
        return _FINER.search(value) is not None
    return bool(getattr(value, "nanosecond", 0))  # of pandas


def _parse(text: str, what: str) -> datetime:
    try:
        return datetime.fromisoformat(re.sub(r"\s+UTC$", "+00:00", text.strip()))
    except ValueError as error:
        raise InputError(f"{what} {text!r} is no instant: write it like 2023-01-25T18:12:00Z") from error


def as_of_from_newest(newest: int) -> int:
    """Round the newest poll's instant (microseconds) up to a whole second (R3)."""
    return -(-newest // MICROSECONDS)


def resolve_as_of(asked: int | None, newest: int | None) -> int:
    """Return the as-of asked for (seconds), else that of the newest poll (microseconds) (R3).

    Raises:
        NoPollsError: There is neither.
    """
    if asked is not None:
        return asked
    if newest is None:
        raise NoPollsError
    return as_of_from_newest(newest)


def parse_carry(text: str) -> int | None:
    """Return a carry such as `7d`, `36h`, `90m`, `45s` in seconds; `none`, which never ends, is None (R5).

    Raises:
        InputError: It is none of these, or longer than the years that an as-of may be in.
    """
    if text == "none":
        return None
    found = _CARRY.fullmatch(text)
    if not found:
        raise InputError(
            f"carry {text!r} is not understood: write a number with d, h, m or s, like 7d or 36h, or none"
        )
    seconds = int(found[1]) * _UNITS[found[2]]
    if seconds > LONGEST_CARRY:
        raise InputError(
            f"carry {text} is longer than {LONGEST_CARRY // DAY}d: write none for one without end"
        )
    return seconds


def iso(as_of: int) -> str:
    """Return an instant as `2023-01-25T18:12:00Z`."""
    return f"{datetime.fromtimestamp(as_of, UTC):%Y-%m-%dT%H:%M:%SZ}"


def compact(as_of: int) -> str:
    """Return an instant as file names carry it: `20230125T181200Z`."""
    return f"{datetime.fromtimestamp(as_of, UTC):%Y%m%dT%H%M%SZ}"
