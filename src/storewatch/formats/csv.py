"""The report as CSV: columns, units, rounding, and ids that no spreadsheet runs (R7, R10, R11)."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from storewatch.domain.window import FIRST, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FORMULA = r"^'*[=+\-@\t\r]"  # what a spreadsheet would run, and what an apostrophe already keeps from it
_LOOKED_UP = 20  # bits of a number of hundredths up to which its text is looked up: those of 400 days
_NO_SUM = ("allowed_", "left_", "longest_")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which columns of seconds rows have; the CSV's follow from them."""

    first: tuple[str, ...]  # before the seconds: `store_id`, or what rows are added up by
    windows: tuple[str, ...]  # their names
    has_excluded: bool  # not so in reports of earlier versions
    has_targets: bool
    is_compared: bool

    @classmethod
    def of(cls, names: list[str]) -> Columns:
        """Find them by the names of all columns."""
        up = [name for name in names if name.startswith("uptime_seconds_")]
        windows = [name.removeprefix("uptime_seconds_") for name in up if not name.endswith("_before")]
        return cls(
            first=tuple(names[: names.index(up[0])]),
            windows=tuple(windows),
            has_excluded=f"excluded_seconds_{windows[0]}" in names,
            has_targets="target_percent" in names,
            is_compared=len(up) > len(windows),
        )

    def hundredths(self) -> Iterator[pl.Expr]:
        """Yield the figures in order, whole hundredths of their unit; what is left of a target by size."""
        yield from self._figures("")
        if self.has_targets:
            for window in self.windows:
                met = pl.col(f"met_{window}")
                yield (
                    pl.when(met)
                    .then(pl.lit("yes"))
                    .when(~met)
                    .then(pl.lit("no"))
                    .alias(met.meta.output_name())
                )
            for figure in ("allowed", "left"):
                for window in self.windows:
                    yield _rounded(pl.col(f"{figure}_seconds_{window}").abs(), f"{figure}_{window}", window)
        if self.is_compared:
            yield from self._figures("_before")

    def short(self, rows: pl.DataFrame) -> Iterator[tuple[str, pl.Series]]:
        """Yield the columns of what is left of a target, each with whether that is less than nothing."""
        for window in self.windows if self.has_targets else ():
            yield f"left_{window}", rows[f"left_seconds_{window}"] < 0

    def _figures(self, end: str) -> Iterator[pl.Expr]:
        for figure in FIRST:
            yield from self._durations(figure, end)
        for window in self.windows:
            up, down = (pl.col(f"{figure}_seconds_{window}{end}") for figure in ("uptime", "downtime"))
            yield cut(up, up + down).alias(f"uptime_percent_{window}{end}")
        if self.has_excluded:
            yield from self._durations("excluded", end)
            for window in self.windows:
                measured, whole, excluded = (
                    pl.col(f"{figure}_seconds_{window}{end}") for figure in ("measured", "open", "excluded")
                )
                yield cut(measured, whole - excluded).alias(f"measured_percent_{window}{end}")

    def _durations(self, figure: str, end: str) -> Iterator[pl.Expr]:
        for window in self.windows:
            yield _rounded(pl.col(f"{figure}_seconds_{window}{end}"), f"{figure}_{window}{end}", window)


def _rounded(seconds: pl.Expr, name: str, window: str) -> pl.Expr:
    """Round half up to hundredths of the window's unit."""
    unit = unit_of(window)
    return ((100 * seconds + unit // 2) // unit).alias(name)


def cut(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    """Cut part ÷ whole to hundredths of a percent, null where the whole is 0 (R6)."""
    return pl.when(whole > 0).then(10_000 * part // whole)


def csv_pieces(parts: Iterable[pl.DataFrame]) -> Iterator[bytes]:
    """Yield rows as the CSV of R7: hours in minutes, all else in hours, two decimals; a piece a part.

    An id that a spreadsheet would take for a formula has an apostrophe before it (`safe`).
    """
    for nth, rows in enumerate(parts):
        buffer = io.BytesIO()
        _printed(rows).write_csv(buffer, include_header=not nth)
        yield buffer.getvalue()


def csv_bytes(rows: pl.DataFrame) -> bytes:
    """Return rows as the CSV of R7."""
    return b"".join(csv_pieces([rows]))


def column_sums(parts: Iterable[pl.DataFrame]) -> dict[str, int]:
    """Return the sum over the stores of all parts of each column of seconds that may be added up."""
    sums = pl.concat(rows.select(pl.col(_summed(rows.columns)).sum()) for rows in parts)
    return {name: int(sums[name].sum()) for name in sums.columns}


def _summed(names: list[str]) -> list[str]:
    return [name for name in names if "_seconds_" in name and not name.startswith(_NO_SUM)]


def safe(name: str) -> pl.Expr:
    """Put an apostrophe before each text that begins with `=`, `+`, `-`, `@`, a tab or a return.

    Spreadsheets run such cells as formulas. Texts that begin with apostrophes and then one of these get one
    more, so that taking one off gives the text back, and no two become one. No text is nothing, not `""`.
    """
    raw = pl.col(name).replace("", None)
    return pl.when(raw.str.contains(_FORMULA)).then("'" + raw).otherwise(raw).alias(name)


def bare_id(text: str) -> str:
    """Return the id that `safe` wrote so."""
    return text[1:] if text[:1] == "'" and re.match(_FORMULA, text) else text


def csv_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the CSV's columns in order, each figure the float that is nearest to what the CSV has."""
    columns = Columns.of(rows.columns)
    figures = rows.select(columns.hundredths()).with_columns(cs.integer().map_batches(divided))
    signed = [
        pl.when(is_short).then(-pl.col(name)).otherwise(name).alias(name)
        for name, is_short in columns.short(rows)
    ]
    return rows.select(columns.first).hstack(figures.with_columns(signed))


def divided(hundredths: pl.Series) -> pl.Series:
    """Divide by 100 in NumPy: Polars multiplies with the inverse, and 66.07 would be 66.07000000000001."""
    return pl.Series(hundredths.name, hundredths.to_numpy() / 100, nan_to_null=True)


def _printed(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the CSV's cells."""
    columns = Columns.of(rows.columns)
    figures = rows.select(columns.hundredths())
    numbers = figures.select(cs.integer())
    most: int = numbers.select(pl.max_horizontal(pl.all().max())).item() or 0
    figures = figures.with_columns(_texts(number, most.bit_length()).alias(number.name) for number in numbers)
    signed = [
        pl.when(is_short).then("-" + pl.col(name)).otherwise(name).alias(name)
        for name, is_short in columns.short(rows)
    ]
    texts = [safe(name) if rows.schema[name] == pl.String else pl.col(name) for name in columns.first]
    return rows.select(texts).hstack(figures.with_columns(signed))


def _texts(hundredths: pl.Series, bits: int) -> pl.Series:
    """Return numbers as they are printed: to look each up takes half as long as to print it."""
    return _all_texts(bits).gather(hundredths) if bits <= _LOOKED_UP else _in_two_decimals(hundredths)


@lru_cache(maxsize=4)
def _all_texts(bits: int) -> pl.Series:
    """Return how each number of hundredths of so many bits is printed."""
    return _in_two_decimals(pl.int_range(1 << bits, eager=True))


def _in_two_decimals(hundredths: pl.Series) -> pl.Series:
    return (hundredths // 100).cast(pl.String) + "." + (hundredths % 100).cast(pl.String).str.zfill(2)
