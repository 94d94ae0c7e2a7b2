"""Rows that cannot be used: why, and as they were."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from storewatch.whole import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

REJECTS = {"file": pl.String, "line": pl.Int64, "reason": pl.String, "row": pl.String, "kind": pl.String}


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

    @property
    def text(self) -> str:
        """The reason as the rejects file and the summary give it."""
        return _TEXTS[self]


_TEXTS = {
    Reason.GOOD: "",
    Reason.UTF8: "not UTF-8",
    Reason.QUOTES: "broken quotes",
    Reason.FIELDS: "wrong number of fields",
    Reason.NO_ID: "store id missing",
    Reason.BAD_ID: "id destroyed by a spreadsheet",
    Reason.STATUS: "unknown status",
    Reason.STAMP: "impossible time stamp",
    Reason.YEAR: "year outside 1970-2200",
    Reason.FUTURE: "more than an hour in the future",
    Reason.DAY: "day is not 0 to 6",
    Reason.TIME: "impossible time of day",
    Reason.ZONE: "unknown time zone",
    Reason.TWO_ZONES: "two zones for one store",
}

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
    return [(Reason(int(code)), codes == code) for code in np.unique(codes) if code]


def reject_table(lines: NDArray[np.int64], codes: Codes, rows: Iterable[str]) -> pl.DataFrame:
    """Return a table of line, reason, row; one entry for every line, code (not 0) and row given."""
    texts = np.array([_TEXTS[reason] for reason in Reason], dtype=object)
    reasons = pl.Series("reason", texts[codes].tolist(), dtype=pl.String)
    line = pl.Series("line", lines, dtype=pl.Int64)
    return pl.DataFrame([line, reasons, pl.Series("row", list(rows), dtype=pl.String)])


def write_rejects(rejects: pl.DataFrame, path: Path) -> None:
    """Write rejected rows as CSV: file, line, reason, row.

    The file appears whole or not at all; its folder is made if it is not there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        rejects.select("file", "line", "reason", "row").write_csv(file)
