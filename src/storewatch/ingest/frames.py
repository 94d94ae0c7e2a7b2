"""Frames of other libraries → the same checks, the same facts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from storewatch.domain.kinds import KINDS, Kind
from storewatch.errors import InputError
from storewatch.ingest.columns import check_types, normalise, row_texts
from storewatch.ingest.layout import Layout, find_layout, no_labels, wanted_columns
from storewatch.ingest.parts import Part, table_part
from storewatch.ingest.reading import Reading, combine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

Frame: TypeAlias = Any  # Polars, pandas, or whatever has `__arrow_c_stream__`


def from_frames(
    polls: Frame,
    hours: Frame | None = None,
    zones: Frame | None = None,
    *,
    exceptions: Frame | None = None,
    annotations: Frame | None = None,
    stores: Frame | None = None,
) -> Reading:
    """Check frames as `read` checks files, save that no poll is in the future.

    Args:
        polls: store_id, status, timestamp_utc; a Polars or pandas frame or anything that speaks the Arrow
            PyCapsule interface. Time stamps may be text or datetimes, and those without a zone are UTC.
        hours: store_id, day (or dayOfWeek), start_time_local, end_time_local, perhaps valid_from and
            valid_to; None: no store has any.
        zones: store_id, timezone_str; None: no store has one.
        exceptions: store_id, date, start_time_local, end_time_local, perhaps reason.
        annotations: Those of a file, see `docs/reference/input.md`.
        stores: store_id, store_name, perhaps target_percent and timezone_str; all others are labels.

    Returns:
        A Reading whose files are called by the names of their kinds (stores are `labels`), and whose lines
        are row numbers from 1.

    Raises:
        InputError: Something is no frame, or a column is missing, there twice, or of a type that cannot do.
    """
    given = {"polls": polls, "hours": hours, "zones": zones}
    given |= {"exceptions": exceptions, "annotations": annotations, "labels": stores}
    return check_frames({name: frame for name, frame in given.items() if frame is not None})


def check_frames(frames: Mapping[str, Frame]) -> Reading:
    """Do what `from_frames` does, with frames by the names of their kinds."""
    kinds = [(KINDS[name], frame) for name, frame in frames.items()]
    return combine([(kind.name, kind, _part(frame, kind)) for kind, frame in kinds])


def _part(frame: Frame, kind: Kind) -> Part:
    table = _to_polars(frame, kind)
    layout = _layout(table.columns, kind)
    check_types(layout, table.dtypes, where=kind.name)
    return table_part(normalise(table, layout), kind, None, partial(_rows, table))


def _rows(table: pl.DataFrame, places: Sequence[int]) -> list[str]:
    return row_texts(table[list(places)]) if len(places) else []


def _layout(columns: Sequence[str], kind: Kind) -> Layout:
    layout = find_layout(columns, [kind])
    if layout is None:
        found = ", ".join(columns) or "none"
        raise InputError(f"{kind.name}: columns found: {found}; wanted, each once: {wanted_columns(kind)}")
    for sentence in no_labels(layout):
        raise InputError(f"{kind.name}: {sentence}")
    return layout


def _to_polars(frame: Frame, kind: Kind) -> pl.DataFrame:
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if isinstance(frame, pl.DataFrame):
        return frame
    if type(frame).__module__.split(".")[0] == "pandas":
        return _from_pandas(frame, kind)
    if hasattr(frame, "__arrow_c_stream__"):
        return pl.DataFrame(frame)
    raise InputError(
        f"{kind.name}: a {type(frame).__name__} is no frame; give a Polars or pandas frame, or an Arrow table"
    )


def _from_pandas(frame: pd.DataFrame, kind: Kind) -> pl.DataFrame:
    """Take the columns that count; Polars itself would need pyarrow for this."""
    names = [f"{name}" for name in frame.columns]
    layout = _layout(names, kind)
    return pl.DataFrame([_series(names[place], frame.iloc[:, place]) for place in sorted(layout.at.values())])


def _series(name: str, column: pd.Series[Any]) -> pl.Series:
    if column.empty:
        return pl.Series(name, [], dtype=pl.String)
    if column.dtype.kind == "M":
        if getattr(column.dtype, "tz", None) is not None:
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        return pl.Series(name, column.dt.as_unit("us").to_numpy())
    if column.dtype.kind in "iuf" and not column.hasnans:
        return pl.Series(name, column.to_numpy())
    values = column.astype(object).where(column.notna(), None).tolist()
    if any(isinstance(value, float) for value in values):
        return pl.Series(name, values, dtype=pl.Float64, strict=False)
    return pl.Series(name, values, strict=False)
