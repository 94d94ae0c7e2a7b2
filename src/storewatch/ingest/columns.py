"""Typed columns, of Parquet files and of frames → what the checks take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.kinds import Form
from storewatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storewatch.ingest.layout import Layout

_TEXT = (pl.String, pl.Categorical, pl.Enum, pl.Binary, pl.Null)
_NUMBERS = (pl.Float32, pl.Float64, pl.Decimal)
_INTEGERS = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
_ACCEPTED: dict[Form, tuple[type[pl.DataType], ...]] = {
    Form.TEXT: _TEXT,
    Form.ID: (*_TEXT, *_INTEGERS),
    Form.INSTANT: (*_TEXT, pl.Datetime),
    Form.DAY: (*_TEXT, *_INTEGERS, pl.Float32, pl.Float64),
    Form.TIME: (*_TEXT, pl.Time),
    Form.DATE: (*_TEXT, pl.Date, pl.Datetime),
    Form.NUMBER: (*_TEXT, *_INTEGERS, *_NUMBERS),
}
_CALENDAR = {"ms": 10**14, "us": 10**17, "ns": 2**63 - 1}  # counts of some thousand years
_ADVICE = {
    Form.TEXT: "text",
    Form.ID: "text, or whole numbers (floats lose digits of an id: export it as text)",
    Form.INSTANT: "text, or a timestamp",
    Form.DAY: "0 (Monday) to 6",
    Form.TIME: "text like 09:30:00, or a time",
    Form.DATE: "text like 2022-12-25, or a date",
    Form.NUMBER: "a number, or text",
}


def check_types(layout: Layout, types: Sequence[pl.DataType], *, where: str) -> None:
    """Check that every column of the kind has a type that can hold what it should.

    Args:
        layout: Of the file or frame.
        types: Of all its columns.
        where: Its name.

    Raises:
        InputError: One has not; the message names column, type and what is wanted.
    """
    forms = {column.name: column.form for column in layout.kind.columns}
    for name, place in layout.at.items():
        dtype, form = types[place], forms.get(name)
        if form is None:
            fits = not dtype.is_nested() and not isinstance(dtype, pl.Object)
        else:
            is_zoned = isinstance(dtype, pl.Datetime) and dtype.time_zone is not None
            fits = isinstance(dtype, _ACCEPTED[form]) and not (form is Form.DATE and is_zoned)
        if not fits:
            raise InputError(f"{where}: column {name} is {dtype}, wanted {_ADVICE[form or Form.TEXT]}")


def normalise(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Return the columns of a kind under our names: ids, numbers and labels as text, all text as String.

    Ids stay Categorical if they are; bytes that are not UTF-8 become null.
    """
    columns = []
    forms = {column.name: column.form for column in layout.kind.columns}
    for name, place in layout.at.items():
        series, form = frame.to_series(place).alias(name), forms.get(name)
        is_id = form is Form.ID
        if form in (None, Form.NUMBER) and not isinstance(series.dtype, _TEXT):
            series = text_of(series)
        elif isinstance(series.dtype, pl.Binary):
            series = pl.Series(name, [_decoded(value) for value in series.to_list()], dtype=pl.String)
        elif isinstance(series.dtype, pl.Datetime):
            series = series.to_physical().cast(pl.Datetime(series.dtype.time_unit, "UTC"))
        elif isinstance(series.dtype, (*_TEXT, *_INTEGERS) if is_id else _TEXT):
            series = (
                series
                if name == "store_id" and isinstance(series.dtype, pl.Categorical)
                else series.cast(pl.String)
            )
        columns.append(series)
    return pl.DataFrame(columns)


def _decoded(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def row_texts(frame: pl.DataFrame) -> list[str]:
    """Return each row as a line of CSV, nulls as nothing, nested values left out."""
    if not frame.width:
        return [""] * len(frame)
    parts = [_quoted(column) for column in frame.iter_columns()]
    return pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator=",")).to_series().to_list()


def text_of(column: pl.Series) -> pl.Series:
    """Return values as text, nulls as nothing; stamps that no calendar has as their counts since 1970."""
    if not isinstance(column.dtype, pl.Datetime):
        return column.cast(pl.String, strict=False).fill_null("")
    counts = column.to_physical()
    stamps = counts.cast(pl.Datetime(column.dtype.time_unit))
    known = counts.abs() < _CALENDAR[column.dtype.time_unit]
    text = stamps.set(~known, None).cast(pl.String)
    return text.zip_with(known.fill_null(value=True), counts.cast(pl.String)).fill_null("")


def _quoted(column: pl.Series) -> pl.Series:
    if column.dtype.is_nested() or isinstance(column.dtype, pl.Object):
        return pl.repeat("", len(column), eager=True).alias(column.name)
    if isinstance(column.dtype, pl.Binary):
        text = pl.Series(
            [(value or b"").decode(errors="backslashreplace") for value in column.to_list()], dtype=pl.String
        )
    else:
        text = text_of(column)
    needs = text.str.contains(r'[",\r\n]')
    return text.zip_with(~needs, '"' + text.str.replace_all('"', '""', literal=True) + '"').alias(column.name)
