"""Time stamps as exports write them → microseconds since 1970 UTC.

`2023-01-22 12:09:39.388884 UTC`: a space or `T`; 0–6 fractional digits, up to 9 are accepted and cut (R1);
then ` UTC`, `Z`, `±HH`, `±HH:MM`, `±HHMM` or nothing, which is UTC.

Two readers give the same figures. `stamps_from_bytes` takes eight bytes at a time and knows the common forms
only; `stamps_from_text` knows all of them and says what is wrong with the rest.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from storewatch.ingest.rejects import Codes, Reason, first_reason

FIRST_YEAR, LAST_YEAR = 1970, 2200
FIRST = 0
END = int(datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000  # the first instant too late
PADDING = 40  # bytes that must follow the last stamp, so that words can be read past its end

Words: TypeAlias = NDArray[np.uint64]
Places: TypeAlias = NDArray[np.int64]

_ROWS = 16_384  # at a time: what a step needs then stays in the core's own cache
_HIGH = np.uint64(0x8080808080808080)
_ZEROS = np.uint64(int.from_bytes(b"00000000", "little"))
_BYTE = np.uint64(0xFF)
_SPACE, _T, _DOT, _Z = (np.uint64(ord(sign)) for sign in " T.Z")
_UTC = np.uint64(int.from_bytes(b" UTC", "little"))
_OFFSET_0 = np.uint64(int.from_bytes(b"+00:00", "little"))
_SECONDS_END = 19  # bytes of `2023-01-22 12:09:39`
_MOST_DIGITS = 6
_FIRST_DIGITS = np.array([(1 << (8 * digits)) - 1 for digits in range(_MOST_DIGITS + 1)], np.uint64)


def _template(text: bytes) -> tuple[np.uint64, np.uint64]:
    """Return what to XOR with and what to add so that a byte's high bit says: not of this shape."""
    digits = [chr(sign).isdigit() for sign in text]
    limits = bytes(0x76 if digit else 0x7F for digit in digits)
    return np.uint64(int.from_bytes(text, "little")), np.uint64(int.from_bytes(limits, "little"))


_YEAR_MONTH = _template(b"0000-00-")
_DAY_MINUTE = _template(b"00 00:00")
_SECOND = _template(b":00")
_DIGITS = _template(b"000000")[1]
_T_OR_SPACE = np.uint64(0xFF << 16)
_THREE_BYTES = np.uint64(0xFFFFFF)


def _day_table() -> Places:
    """Return days since 1970 by (year − 1970) · 512 + month · 32 + day, −1 for days that do not exist."""
    years = LAST_YEAR - FIRST_YEAR + 1
    months = np.arange(12 * years + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    first, following = months[:-1, None], months[1:, None]
    table = np.full((years, 16, 32), -1, np.int64)
    days = first + np.arange(31)
    table[:, 1:13, 1:] = np.where(days < following, days, -1).reshape(years, 12, 31)
    return table.ravel()


_DAYS = _day_table()
_LAST_DAY_KEY = np.uint64(len(_DAYS) - 1)


def words_at(data: bytes, places: Places, count: int) -> Words:
    """Return the eight bytes, little-endian, from each place on, the eight after them …: [places, count]."""
    size = 8 * count
    wide = np.ndarray((max(len(data) - size + 1, 0),), f"V{size}", data, strides=(1,))
    return wide[places].view("<u8").reshape(-1, count)


def stamps_from_bytes(data: bytes, begins: Places, ends: Places) -> tuple[Places, NDArray[np.bool_]]:
    """Read stamps that lie in a buffer.

    Args:
        data: The buffer, which goes on for `PADDING` bytes after the last stamp.
        begins: Of each stamp, in bytes.
        ends: The same, exclusive.

    Returns:
        Microseconds since 1970 UTC, and whether the stamp was understood: those in other forms than the
        common ones are not, nor is what is wrong; `stamps_from_text` tells these apart.
    """
    at = np.empty(len(begins), np.int64)
    known = np.empty(len(begins), np.bool_)
    for row in range(0, len(begins), _ROWS):
        rows = slice(row, row + _ROWS)
        at[rows], known[rows] = _stamps(data, begins[rows], ends[rows])
    return at, known


def _stamps(data: bytes, begins: Places, ends: Places) -> tuple[Places, NDArray[np.bool_]]:
    year_month, day_minute, second, rest = np.ascontiguousarray(words_at(data, begins, 4).T)
    days, known = _days(year_month, day_minute)
    seconds, ok = _seconds_of_day(day_minute, second)
    known &= ok
    has_dot = ((second >> np.uint64(24)) & _BYTE) == _DOT
    fraction = (second >> np.uint64(32)) | (rest << np.uint64(32))
    last = words_at(data, ends - 8, 1)[:, 0]
    micros, ok = _fraction(fraction, has_dot, _rest_digits(last, ends - begins))
    known &= ok
    return (days * 86_400 + seconds) * 1_000_000 + micros, known


def _shape(word: Words, template: tuple[np.uint64, np.uint64]) -> tuple[Words, Words]:
    """Return the digits' values in place, and a word that is 0 if the shape is right."""
    value = word ^ template[0]
    return value, (value | (value + template[1])) & _HIGH


def _pairs(value: Words) -> Words:
    """Return at byte i the number that digits i and i + 1 make."""
    return value * np.uint64(10) + (value >> np.uint64(8))


def _pick(pairs: Words, byte: int) -> Words:
    return (pairs >> np.uint64(8 * byte)) & _BYTE


def _days(year_month: Words, day_minute: Words) -> tuple[Places, NDArray[np.bool_]]:
    value, bad = _shape(year_month, _YEAR_MONTH)
    pairs = _pairs(value)
    day = _pick(_pairs(day_minute ^ _ZEROS), 0)  # its shape is tested with the time of day
    year = _pick(pairs, 0) * np.uint64(100) + _pick(pairs, 2) - np.uint64(FIRST_YEAR)  # wraps below 1970
    month = _pick(pairs, 5)
    known = (bad == 0) & ((month | day) < 32) & (month < 16)  # noqa: PLR2004 - the sides of the table
    known &= year <= np.uint64(LAST_YEAR - FIRST_YEAR)
    key = np.minimum((year << np.uint64(9)) + (month << np.uint64(5)) + day, _LAST_DAY_KEY)
    days = _DAYS[key.view(np.int64)]
    return days, known & (days >= 0)


def _seconds_of_day(day_minute: Words, second: Words) -> tuple[Places, NDArray[np.bool_]]:
    between = (day_minute >> np.uint64(16)) & _BYTE
    value, bad = _shape((day_minute & ~_T_OR_SPACE) | (_SPACE << np.uint64(16)), _DAY_MINUTE)
    pairs = _pairs(value)
    hour, minute = _pick(pairs, 3), _pick(pairs, 6)
    value, bad_second = _shape(second & _THREE_BYTES, _SECOND)
    last = _pick(_pairs(value), 1)
    known = ((bad | bad_second) == 0) & ((between == _SPACE) | (between == _T))
    known &= (hour < 24) & (minute < 60) & (last < 60)  # noqa: PLR2004 - the clock's own figures
    seconds = (hour * np.uint64(60) + minute) * np.uint64(60) + last
    return seconds.view(np.int64), known


def _rest_digits(last: Words, lengths: Places) -> Places:
    """Return how many bytes stand between the dot and the suffix, −1 if there is no dot either."""
    rest = lengths - (_SECONDS_END + 1)
    utc = (last >> np.uint64(32)) == _UTC
    if utc.all():
        return rest - len(" UTC")
    offset = ((last >> np.uint64(16)) == _OFFSET_0) & (rest >= len("+00:00") - 1)
    rest[utc] -= len(" UTC")
    rest[(last >> np.uint64(56)) == _Z] -= len("Z")
    rest[offset] -= len("+00:00")
    return rest


def _fraction(word: Words, has_dot: NDArray[np.bool_], digits: Places) -> tuple[Places, NDArray[np.bool_]]:
    """Return microseconds, and whether there are a dot and 1–6 digits, or neither."""
    known = (has_dot & (digits >= 1) & (digits <= _MOST_DIGITS)) | (digits == -1)
    value = (word ^ _ZEROS) & _FIRST_DIGITS[np.clip(digits, 0, _MOST_DIGITS)]
    pairs = _pairs(value)
    micros = _pick(pairs, 0) * np.uint64(10_000) + _pick(pairs, 2) * np.uint64(100) + _pick(pairs, 4)
    known &= ((value | (value + _DIGITS)) & _HIGH) == 0
    return micros.view(np.int64), known


_STAMP = (
    r"^([0-9]{4})-([0-9]{2})-([0-9]{2})[ T]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,9}))?(?: ?(?:UTC|Z|([+-][0-9]{2})(?::?([0-9]{2}))?))?$"
)


def stamps_from_text(texts: pl.Series) -> tuple[Places, Codes]:
    """Read stamps in all forms (String, null is impossible).

    Returns:
        Microseconds since 1970 UTC (0 where there is a reason), and the reason of each: STAMP or YEAR.
    """
    names = ["year", "month", "day", "hour", "minute", "second", "fraction", "ahead", "more"]
    groups = texts.str.extract_groups(_STAMP).struct.rename_fields(names).struct.unnest()
    part = {name: groups[name].cast(pl.Int64).fill_null(0).to_numpy() for name in names if name != "fraction"}
    digits = groups["fraction"].fill_null("").str.pad_end(_MOST_DIGITS, "0").str.head(_MOST_DIGITS)
    offset = part["ahead"] * 3600 + np.where(_is_west(groups["ahead"]), -60, 60) * part["more"]
    seconds = (part["hour"] * 60 + part["minute"]) * 60 + part["second"] - offset
    days = _days_from_civil(part["year"], part["month"], part["day"])
    at = (days * 86_400 + seconds) * 1_000_000 + digits.cast(pl.Int64).to_numpy()
    codes = _check(groups["year"].is_null().to_numpy(), part, at)
    return np.where(codes == 0, at, 0), codes


_MICROSECONDS = {"ms": 1_000, "us": 1}


def stamps_of(stamps: pl.Series) -> tuple[Places, Codes]:
    """Read stamps as `stamps_from_text` does, of text or Datetime of any unit; null is impossible.

    What is finer than a microsecond is cut off; a zone changes how they are shown, not what they are.
    """
    if not isinstance(stamps.dtype, pl.Datetime):
        return stamps_from_text(stamps.cast(pl.String))
    missing = stamps.is_null().to_numpy()
    counts = stamps.to_physical().fill_null(0).to_numpy()
    seconds, scale = (
        (counts // 1000, 1)
        if stamps.dtype.time_unit == "ns"
        else (counts, _MICROSECONDS[stamps.dtype.time_unit])
    )
    early, late = FIRST // scale, END // scale
    outside = (seconds < early) | (seconds >= late)
    at = np.where(missing | outside, 0, seconds) * scale
    return at, first_reason(len(at), (Reason.STAMP, missing), (Reason.YEAR, outside))


def _is_west(ahead: pl.Series) -> NDArray[np.bool_]:
    """Tell where an offset is behind UTC; −00:30 shows it by its sign alone."""
    return ahead.fill_null("").str.starts_with("-").to_numpy()


def _days_from_civil(year: Places, month: Places, day: Places) -> Places:
    """Return days since 1970; a month that does not exist gives a day that is never used."""
    months = (year - 1970) * 12 + np.clip(month, 1, 12) - 1
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day - 1


def _check(unknown: NDArray[np.bool_], part: dict[str, Places], at: Places) -> Codes:
    month_begin = _days_from_civil(part["year"], part["month"], np.ones_like(part["day"]))
    following = _days_from_civil(
        part["year"] + part["month"] // 12, part["month"] % 12 + 1, np.ones_like(part["day"])
    )
    impossible = unknown | (part["month"] < 1) | (part["month"] > 12) | (part["day"] < 1)  # noqa: PLR2004 - months
    impossible |= part["day"] > following - month_begin
    for name, limit in (("hour", 24), ("minute", 60), ("second", 60), ("more", 60)):
        impossible |= part[name] >= limit
    impossible |= np.abs(part["ahead"]) >= 24  # noqa: PLR2004 - hours
    return first_reason(len(at), (Reason.STAMP, impossible), (Reason.YEAR, (at < FIRST) | (at >= END)))
