"""Rows that cannot be used: why, and as they were."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from storewatch.whole import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

REJECTS = {
    "file": pl.String,
    "line": pl.Int64,
    "reason": pl.String,
    "row": pl.String,
    "kind": pl.String,
    "value": pl.String,
}


class Reason(IntEnum):
    """Why a row is rejected. 0 is a good row; of two reasons the lower number is given."""

    GOOD = 0
    UTF8 = 1
    QUOTES = 2
    FIELDS = 3
    NO_ID = 4
    BAD_ID = 5
    STATUS = 6
    STAMP = 7
    YEAR = 8
    FUTURE = 9
    DAY = 10
    TIME = 11
    ZONE = 12
    TWO_ZONES = 13

    HEADER = 14
    WRONG_ID = 15

    ZERO = 16
    DATE = 17
    DATE_YEAR = 18
    VALIDITY = 19
    HALF_CLOSED = 20
    OPEN_AND_CLOSED = 21
    NOTE_ID = 22
    ABOUT = 23
    SECOND = 24
    ENDS = 25
    COUNTS_AS = 26
    TWO_NOTES = 27
    TARGET = 28
    TWO_STORES = 29
    FOREIGN = 30
    NO_STAMP = 31

    @property
    def text(self) -> str:
        """The reason as counts give it."""
        return _ABOUT[self].text

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, by our names, whose values it is about; none: the row as such."""
        return _ABOUT[self].columns


@dataclass(frozen=True)
class _About:
    text: str
    columns: tuple[str, ...]
    advice: str  # what is accepted instead


_INSTANTS = ("timestamp_utc", "start_utc", "end_utc", "made_at", "withdrawn_at")
_TIMES = ("start_time_local", "end_time_local")
_SPAN = ("start_utc", "end_utc")
_ABOUT = {
    Reason.GOOD: _About("", (), ""),
    Reason.UTF8: _About("not UTF-8", (), "export the file as UTF-8 (in Excel: CSV UTF-8)"),
    Reason.QUOTES: _About("broken quotes", (), 'a field in quotes ends with one, and has each " in it twice'),
    Reason.FIELDS: _About("wrong number of fields", (), "a row has as many as the header"),
    Reason.NO_ID: _About("store id missing", (), "each row names its store"),
    Reason.BAD_ID: _About("id destroyed by a spreadsheet", ("store_id",), "export ids as text"),
    Reason.STATUS: _About("unknown status", ("status",), "write active or inactive"),
    Reason.STAMP: _About("impossible time stamp", _INSTANTS, "write 2023-01-25 18:12:00 UTC"),
    Reason.YEAR: _About("year outside 1970-2200", _INSTANTS, "write 2023-01-25 18:12:00 UTC"),
    Reason.FUTURE: _About(
        "more than an hour in the future", ("timestamp_utc",), "correct it, or give --allow-future"
    ),
    Reason.DAY: _About("day is not 0 to 6", ("day",), "a day is 0 for Monday to 6 for Sunday"),
    Reason.TIME: _About(
        "impossible time of day",
        _TIMES,
        "write 09:30 or 09:30:00, 24:00 at most",
    ),
    Reason.ZONE: _About("unknown time zone", ("timezone_str",), "write an IANA name like America/Chicago"),
    Reason.TWO_ZONES: _About("two zones for one store", (), "keep one"),
    Reason.HEADER: _About("repeated header line", (), "take it out"),
    Reason.WRONG_ID: _About(
        "impossible store id", ("store_id",), "an id is 1 to 512 bytes of UTF-8 without control characters"
    ),
    Reason.ZERO: _About("zero byte in a text", (), "take it out"),
    Reason.DATE: _About("impossible date", ("date", "valid_from", "valid_to"), "write 2022-12-25"),
    Reason.DATE_YEAR: _About("date outside 1970-2200", ("date",), "write 2022-12-25"),
    Reason.VALIDITY: _About("valid_from after valid_to", ("valid_from", "valid_to"), "exchange them"),
    Reason.HALF_CLOSED: _About(
        "one time without the other", _TIMES, "give both, or neither where the store is closed"
    ),
    Reason.OPEN_AND_CLOSED: _About("open and closed on one date", (), "keep the one or the other"),
    Reason.NOTE_ID: _About(
        "impossible annotation id", ("id",), "an id is 1 to 512 bytes of UTF-8 without control characters"
    ),
    Reason.ABOUT: _About(
        "about nothing, or more than one thing",
        ("store_id", "label", "value"),
        "give a store_id, or a label and its value, or the label *",
    ),
    Reason.NO_STAMP: _About(
        "start_utc or made_at missing", ("start_utc", "made_at"), "give both, like 2023-01-25 18:12:00 UTC"
    ),
    Reason.SECOND: _About("not a whole second", _SPAN, "write 2023-01-25 18:12:00 UTC"),
    Reason.ENDS: _About("ends before it has begun", _SPAN, "an end is after its start, or empty"),
    Reason.COUNTS_AS: _About("unknown counts_as", ("counts_as",), "write excluded, up, down or unknown"),
    Reason.TWO_NOTES: _About("two annotations of one id", (), "keep one"),
    Reason.TARGET: _About(
        "impossible target",
        ("target_percent",),
        "write 99.5: more than 0, at most 100, up to three decimals",
    ),
    Reason.TWO_STORES: _About("two different rows for one store", (), "keep one"),
    Reason.FOREIGN: _About("not known in this format", (), "see which parts of documents are read"),
}
_ADVICE = {about.text: about.advice for about in _ABOUT.values()}
_LONGEST_VALUE = 60  # characters of a value that are shown

Codes: TypeAlias = NDArray[np.uint8]  # a Reason a row


def first_reason(rows: int, *flaws: tuple[Reason, NDArray[np.bool_]]) -> Codes:
    """Return the first reason of each row.

    Args:
        rows: How many there are.
        flaws: A reason and a mask of the rows that it holds for, most important first.
    """
    codes = np.zeros(rows, np.uint8)
    for reason, mask in reversed(flaws):
        codes[mask] = reason
    return codes


def flaws_of(codes: Codes) -> list[tuple[Reason, NDArray[np.bool_]]]:
    """Return reasons that were found already, as `first_reason` takes them."""
    return [(Reason(code), codes == code) for code in np.flatnonzero(np.bincount(codes)).tolist() if code]


def reject_table(
    lines: NDArray[np.int64], codes: Codes, rows: Iterable[str], values: pl.Series | None = None
) -> pl.DataFrame:
    """Return a table of line, reason, row, value; each from a line, a code (not 0), a row, a value.

    A value is what the reason is about, as it was; "" where that is the row as such.
    """
    texts = np.array([reason.text for reason in Reason], dtype=object)
    reasons = pl.Series("reason", texts[codes].tolist(), dtype=pl.String)
    line = pl.Series("line", lines, dtype=pl.Int64)
    row = pl.Series("row", list(rows), dtype=pl.String)
    value = pl.repeat("", len(row), eager=True) if values is None else values
    shown = value.str.head(_LONGEST_VALUE).str.replace_all(r"[[:cntrl:]]", "\N{REPLACEMENT CHARACTER}")
    return pl.DataFrame([line, reasons, row, shown.alias("value")])


def sentences(rejects: pl.DataFrame) -> pl.Series:
    """Return for each rejected row the reason, the value that it is about, and what is accepted."""
    value = pl.when(pl.col("value") == "").then(pl.lit("")).otherwise(pl.format(" `{}`", "value"))
    advice = pl.col("reason").replace_strict(_ADVICE, default="", return_dtype=pl.String)
    return rejects.select(pl.format("{}{}: {}", "reason", value, advice))["reason"]


def write_rejects(rejects: pl.DataFrame, path: Path) -> None:
    """Write rejected rows as CSV: file, line, reason (with its value and what is accepted), row.

    The file appears whole or not at all; its folder is made if it is not there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    told = rejects.select("file", "line", sentences(rejects), "row")
    with whole_file(path) as file:
        told.write_csv(file)
