"""Another program's report: its columns by their usual names, its cells as numbers, its ids to the letter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.instant import WINDOWS
from storewatch.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_IDS = ("store_id", "storeid", "store", "id")
_FIGURE = re.compile(r"(uptime|update|downtime|unknown|open)_(?:in_)?(?:the_)?last_(hour|day|week)(?:_.*)?")
_TURNED = re.compile(r"last_(hour|day|week)_(uptime|update|downtime|unknown|open)(?:_.*)?")
_NOT_A_DURATION = re.compile(r"percent|pct")
_DECIMALS = r"\.([0-9]+)$"
_MOST_DECIMALS = 12  # a float written out in full
_NOTHING = ("", "-", "–", "nan", "null", "none", "n/a", "na")


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of figures as it stands in the file."""

    name: str  # as written there
    kind: str  # uptime, downtime, unknown, open
    window: str  # hour, day, week
    values: NDArray[np.float64]  # NaN where the cell is empty or no number
    place: float  # worth of the last decimal that is written


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """Another program's report."""

    ids: tuple[str, ...]  # distinct
    columns: tuple[Column, ...]
    doubled: int  # rows of an id that came before, left out
    unread: int  # cells that are neither numbers nor empty


def read_foreign(path: Path) -> Foreign:
    """Read a report, CSV (gzipped too) or Parquet.

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
    ids = frame[id_column].fill_null("").str.strip_chars()
    once = ids.is_first_distinct() & (ids != "")
    cells = frame.filter(once).select(pl.col(list(found)).fill_null("").str.strip_chars().str.to_lowercase())
    columns = [_column(cells[name], kind, window) for name, (kind, window) in found.items()]
    return Foreign(
        ids=tuple(ids.filter(once)),
        columns=tuple(_first_of_each(columns)),
        doubled=int((~once).sum()),
        unread=sum(int(np.isnan(c.values).sum()) - _empty(cells[c.name]) for c in columns),
    )


def _frame(path: Path) -> pl.DataFrame:
    """Return all cells as text."""
    try:
        if path.suffix.lower() == ".parquet":
            return pl.read_parquet(path).cast(pl.String)
        frame = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True)
        if frame.width == 1 and ";" in frame.columns[0]:
            frame = pl.read_csv(path, infer_schema=False, truncate_ragged_lines=True, separator=";")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path} cannot be read as a report: {str(error)[:200]}") from error
    return frame


def _plain(column: str) -> str:
    """Return a name in lower case with underscores: `UptimeLastHour (min)` → `uptime_last_hour_min`."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.strip("\ufeff \t"))
    return re.sub(r"[^a-z0-9%]+", "_", apart.lower()).strip("_")


def _figure(name: str) -> tuple[str, str] | None:
    """Return kind and window of a column's name; None if it is no duration."""
    if _NOT_A_DURATION.search(name):
        return None
    if found := _FIGURE.fullmatch(name):
        kind, window = found.groups()
    elif found := _TURNED.fullmatch(name):
        window, kind = found.groups()
    else:
        found = re.fullmatch(r"(uptime|downtime|unknown|open)_seconds_last_(hour|day|week)", name)
        return (found[1], found[2]) if found else None
    return ("uptime" if kind == "update" else kind), window


def _first_of_each(columns: list[Column]) -> list[Column]:
    """Keep the first column of each figure, in the order of our windows."""
    first: dict[tuple[str, str], Column] = {}
    for column in columns:
        first.setdefault((column.kind, column.window), column)
    return sorted(first.values(), key=lambda column: list(WINDOWS).index(column.window))


def _empty(cells: pl.Series) -> int:
    return int(cells.is_in(list(_NOTHING)).sum())


def _column(cells: pl.Series, kind: str, window: str) -> Column:
    texts = cells.str.strip_chars_end("%").str.strip_chars_end()
    if not texts.str.contains(".", literal=True).any():
        texts = texts.str.replace(",", ".", literal=True)
    numbers = texts.cast(pl.Float64, strict=False)
    decimals = texts.str.extract(_DECIMALS).str.len_chars().max()
    tiny = texts.str.contains("e-", literal=True).any()
    places = _MOST_DECIMALS if tiny else min(int(str(decimals or 0)), _MOST_DECIMALS)
    values = numbers.fill_null(float("nan")).to_numpy().copy()
    values[~np.isfinite(values)] = np.nan
    return Column(name=cells.name, kind=kind, window=window, values=values, place=10.0**-places)
