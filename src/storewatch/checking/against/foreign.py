"""Another program's report: its columns by their usual names, its cells as numbers, its ids to the letter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.instant import WINDOWS
from storewatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

_IDS = ("store_id", "storeid", "store", "id")
_UNITS = {  # words of a header → what they say
    word: unit
    for unit, words in {
        "seconds": "s sec secs second seconds",
        "minutes": "m min mins minute minutes",
        "hours": "h hr hrs hour hours",
        "days": "d day days",
        "percent of the known time": "% pct percent percentage",
    }.items()
    for word in words.split()
}
_UNIT = "|".join(_UNITS)
_KIND, _WINDOW = "(?P<kind>uptime|update|downtime|unknown|open)", "last_(?P<window>hour|day|week)"
_FIGURE = re.compile(
    rf"(?:(?P<before>{_UNIT})_)?{_KIND}_(?:in_)?(?:(?P<between>{_UNIT})_)?(?:in_)?(?:the_)?{_WINDOW}(?:_(?P<after>.*))?"
)
_TURNED = re.compile(rf"{_WINDOW}_{_KIND}(?:_(?P<after>.*))?")
_TYPED: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".json": partial(pl.read_json, infer_schema_length=None),
    ".parquet": pl.read_parquet,
}
_DECIMALS = r"\.([0-9]+)$"
_MOST_DECIMALS = 12  # a float written out in full
_NOTHING = ("", "-", "–", "nan", "null", "none", "n/a", "na")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of figures as it stands in the file."""

    name: str  # as written there
    kind: str  # uptime, downtime, unknown, open
    window: str  # hour, day, week
    unit: str | None  # if the name says it
    values: NDArray[np.float64]  # NaN where the cell is empty or no number
    place: float  # worth of the last decimal that is written


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """Another program's report."""

    ids: tuple[str, ...]  # distinct, as written there
    is_csv: bool
    columns: tuple[Column, ...]
    doubled: int  # rows of an id that came before, left out
    unread: int  # cells that are neither numbers nor empty


def read_foreign(path: Path) -> Foreign:
    """Read a report: CSV (gzipped too), JSON (an array of objects) or Parquet.

    Raises:
        InputError: It cannot be read, has no column of ids, or none of figures.
    """
    frame = _frame(path)
    names = {column: _plain(column) for column in frame.columns}
    id_column = next((c for wanted in _IDS for c, name in names.items() if name == wanted), None)
    found = {column: figure for column, name in names.items() if (figure := _figure(name))}
    if id_column is None or not found:
        raise InputError(
            f"{path}: this is no report: it needs store_id and columns like uptime_last_hour, "
            f"downtime_last_week, and has {', '.join(frame.columns)[:300]}"
        )
    ids = frame[id_column].fill_null("")
    once = ids.is_first_distinct() & (ids != "")
    cells = frame.filter(once).select(pl.col(list(found)).fill_null("").str.strip_chars().str.to_lowercase())
    columns = [_column(cells[name], *figure) for name, figure in found.items()]
    return Foreign(
        ids=tuple(ids.filter(once)),
        is_csv=path.suffix.lower() not in _TYPED,
        columns=tuple(_first_of_each(columns)),
        doubled=int((~once).sum()),
        unread=sum(int(np.isnan(c.values).sum()) - _empty(cells[c.name]) for c in columns),
    )


def _frame(path: Path) -> pl.DataFrame:
    """Return all cells as text."""
    try:
        if read := _TYPED.get(path.suffix.lower()):
            return read(path).cast(pl.String)
        frame = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
        for separator in ";\t":
            if frame.width == 1 and separator in frame.columns[0]:
                frame = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True, separator=separator)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path} cannot be read as a report: {str(error)[:200]}") from error
    return frame


def _plain(column: str) -> str:
    """Return a name in lower case with underscores: `UptimeLastHour (min)` → `uptime_last_hour_min`."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.strip("\ufeff \t"))
    return re.sub(r"[^a-z0-9%]+", "_", apart.lower()).strip("_")


def _figure(name: str) -> tuple[str, str, str | None] | None:
    """Return kind, window and perhaps unit of a column's name; None if it is no figure."""
    found = _FIGURE.fullmatch(name) or _TURNED.fullmatch(name)
    if not found:
        return None
    parts = found.groupdict()
    said = [parts.get("before"), parts.get("between"), *(parts["after"] or "").split("_")]
    unit = next((_UNITS[word] for word in said if word in _UNITS), None)
    return ("uptime" if parts["kind"] == "update" else parts["kind"]), parts["window"], unit


def _first_of_each(columns: list[Column]) -> list[Column]:
    """Keep the first column of each figure, a duration before a percentage, in the order of our windows."""
    first: dict[tuple[str, str], Column] = {}
    for column in sorted(columns, key=lambda column: column.unit == _UNITS["%"]):
        first.setdefault((column.kind, column.window), column)
    return sorted(first.values(), key=lambda column: list(WINDOWS).index(column.window))


def _empty(cells: pl.Series) -> int:
    return int(cells.is_in(list(_NOTHING)).sum())


def _column(cells: pl.Series, kind: str, window: str, unit: str | None) -> Column:
    texts = cells.str.strip_chars_end("%").str.strip_chars_end()
    if not texts.str.contains(".", literal=True).any():
        texts = texts.str.replace(",", ".", literal=True)
    numbers = texts.cast(pl.Float64, strict=False)
    decimals = texts.str.extract(_DECIMALS).str.len_chars().max()
    tiny = texts.str.contains("e-", literal=True).any()
    places = _MOST_DECIMALS if tiny else min(int(str(decimals or 0)), _MOST_DECIMALS)
    values = numbers.fill_null(float("nan")).to_numpy().copy()
    values[~np.isfinite(values)] = np.nan
    return Column(name=cells.name, kind=kind, window=window, unit=unit, values=values, place=10.0**-places)
