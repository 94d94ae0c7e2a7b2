"""The report as a workbook: a sheet that says what it is, and a sheet of rows.

Ids are text cells, whatever they begin with and however many digits they have; figures are numbers, those of
the CSV. The same report gives the same bytes.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile

import polars as pl
import polars.selectors as cs
import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_rowcol_to_cell

from storewatch.domain.ask import Policy
from storewatch.domain.instant import DAY, HOUR, MICROSECONDS, iso
from storewatch.domain.label import words_of
from storewatch.domain.window import FIRST
from storewatch.domain.zone import DEFAULT_ZONE
from storewatch.errors import InputError
from storewatch.formats.csv import csv_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from storewatch.domain.ask import Ask
    from storewatch.domain.input import Input

MOST_STORES = 1_048_575  # rows of a sheet, less the header
LONGEST_ID = 32_767  # characters of a cell

_LONGEST_SHEET, _NO_SHEET = 31, r"[][:*?/\\']"  # characters of a sheet's name, and what it may not have
_ESCAPED = {  # signs of texts in XML, and those that it cannot hold
    "&": "&amp;",
    "<": "&lt;",
    r"_x([0-9A-Fa-f]{4})_": "_x005F_x${1}_",  # as spreadsheets write a sign by its number
    r"[\x00-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]": "\ufffd",
}
_WIDEST = 40  # characters of the id's column


@dataclass(frozen=True, kw_only=True)
class _Look:
    """The formats in use."""

    head: Format
    text: Format
    number: Format
    title: Format
    wrapped: Format


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a workbook is to say."""

    ask: Ask
    made_of: Input
    stores: int  # of the whole report
    totals: Mapping[str, int]  # the same
    rows: pl.DataFrame  # of the sheet Stores
    groups: pl.DataFrame | None  # its rows by a label


def xlsx_bytes(report: Contents) -> bytes:
    """Return the report as a workbook: a sheet About, one of Stores, and one of its groups, if it has any.

    Raises:
        InputError: It has more rows than a sheet, or an id or value that is longer than a cell holds.
    """
    ask, sheets = report.ask, {"Stores": report.rows}
    if report.groups is not None:
        sheets[f"By {re.sub(_NO_SHEET, '_', str(ask.by))}"[:_LONGEST_SHEET]] = report.groups
    for rows in sheets.values():
        _check(rows)
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"title": f"Uptime as of {iso(ask.instant)}", "created": _naive(ask.instant)})
    look = _look(book)
    _write_about(book.add_worksheet("About"), report, look)
    for name, rows in sheets.items():
        _write_rows(book.add_worksheet(name), csv_rows(rows), look)
    book.close()
    return buffer.getvalue()


def sheet_bytes(rows: pl.DataFrame, name: str, as_of: int) -> bytes:
    """Return rows of texts and numbers, whose first column is of ids, as a workbook of one sheet.

    Its cells are made column by column: one by one, those of 100,000 stores take a core half a minute.

    Raises:
        InputError: It has more rows than a sheet, or a text that is longer than a cell holds.
    """
    _check(rows)
    empty, full = io.BytesIO(), io.BytesIO()
    book = xlsxwriter.Workbook(empty, {"in_memory": True})
    book.set_properties({"title": f"{name} as of {iso(as_of)}", "created": _naive(as_of)})
    _write_head(book.add_worksheet(name), rows, _look(book))
    book.close()
    last = xl_rowcol_to_cell(rows.height, rows.width - 1)
    with ZipFile(empty) as plain, ZipFile(full, "w", ZIP_DEFLATED) as whole:
        for part in plain.infolist():
            content = plain.read(part).decode()
            if part.filename == "xl/worksheets/sheet1.xml":
                content = re.sub(r'(<dimension ref="A1)[^"]*', rf"\1:{last}", content)
                content = content.replace("</sheetData>", f"{_cells(rows)}</sheetData>")
            whole.writestr(part, content)
    return full.getvalue()


def _cells(rows: pl.DataFrame) -> str:
    """Return the rows of a sheet below its head as XML; a text stays one, whatever it looks like."""
    number = pl.int_range(2, pl.len() + 2).cast(pl.String)
    cells = []
    for place, (name, kind) in enumerate(rows.schema.items()):
        opening, value = f'<c r="{xl_col_to_name(place)}', pl.col(name).cast(pl.String)
        if kind == pl.String:
            for sign, escaped in _ESCAPED.items():
                value = value.str.replace_all(sign, escaped)
            text = pl.concat_str(number, pl.lit('" t="inlineStr"><is><t xml:space="preserve">'), value)
            cell = pl.concat_str(pl.lit(opening), text, pl.lit("</t></is></c>"))
        else:
            cell = pl.concat_str(pl.lit(opening), number, pl.lit('"><v>'), value, pl.lit("</v></c>"))
        cells.append(cell.fill_null(""))
    lines = rows.select(pl.concat_str(pl.lit('<row r="'), number, pl.lit('">'), *cells, pl.lit("</row>")))
    return "".join(lines.to_series())


def _check(rows: pl.DataFrame) -> None:
    if rows.height > MOST_STORES:
        raise InputError(
            f"a sheet holds {MOST_STORES:,} stores and this report has {rows.height:,}: "
            "take .csv or .parquet, or ask for fewer stores"
        )
    if any((text.str.len_chars() > LONGEST_ID).any() for text in rows.select(cs.string())):
        raise InputError(f"a cell holds {LONGEST_ID:,} characters and a text has more: take .csv or .parquet")


def _naive(as_of: int) -> datetime:
    return datetime.fromtimestamp(as_of, UTC).replace(tzinfo=None)


def _look(book: Workbook) -> _Look:
    return _Look(
        head=book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        text=book.add_format({"num_format": "@"}),  # stays text when somebody edits the cell
        number=book.add_format({"num_format": "0.00"}),
        title=book.add_format({"bold": True, "font_size": 14}),
        wrapped=book.add_format({"text_wrap": True, "valign": "top"}),
    )


# ---------------------------------------------------------------- rows


def _write_rows(sheet: Worksheet, rows: pl.DataFrame, look: _Look) -> None:
    _write_head(sheet, rows, look)
    for number, row in enumerate(rows.iter_rows(), start=1):
        sheet.write_string(number, 0, row[0], look.text)
        for column, cell in enumerate(row[1:], start=1):
            if isinstance(cell, str):
                sheet.write_string(number, column, cell)
            elif cell is not None:
                sheet.write_number(number, column, cell, look.number if isinstance(cell, float) else None)


def _write_head(sheet: Worksheet, rows: pl.DataFrame, look: _Look) -> None:
    """Write the names of the columns, and how the rows below are shown."""
    last, right = rows.height, rows.width - 1
    sheet.set_column(0, 0, _id_width(rows), look.text)
    sheet.set_column(1, right, 13)
    for column, name in enumerate(rows.columns):
        sheet.write_string(0, column, name, look.head)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, last, right)
    sheet.ignore_errors({"number_stored_as_text": f"A1:A{last + 1}"})


def _id_width(rows: pl.DataFrame) -> int:
    longest = rows.to_series().str.len_chars().max() or 0
    return min(max(int(str(longest)), len(rows.columns[0])) + 3, _WIDEST)


# ---------------------------------------------------------------- about


def _write_about(sheet: Worksheet, report: Contents, look: _Look) -> None:
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 4, 14)
    sheet.set_column(5, 5, 12)
    sheet.write_string(0, 0, "Uptime of stores in their open hours", look.title)
    line = 2
    for name, value in _heading(report):
        sheet.write_string(line, 0, name, look.wrapped)
        sheet.write(line, 1, value) if isinstance(value, int) else sheet.write_string(line, 1, value)
        line += 1
    line = _write_totals(sheet, report, look, line + 1)
    sheet.write_string(line + 1, 0, "What was assumed, and how to read the figures", look.head)
    for number, sentence in enumerate(_sentences(report.ask, report.made_of), start=line + 2):
        sheet.merge_range(number, 0, number, 5, "", look.wrapped)
        sheet.write_string(number, 0, sentence, look.wrapped)
        sheet.set_row(number, 30)


def _heading(report: Contents) -> Iterator[tuple[str, str | int]]:
    yield "as of", iso(report.ask.instant)
    if report.made_of.newest is not None:
        newest = datetime.fromtimestamp(report.made_of.newest / MICROSECONDS, UTC)
        yield "newest poll", f"{newest:%Y-%m-%dT%H:%M:%SZ}"
    yield "stores", report.stores
    if report.rows.height < report.stores:
        yield "chosen of these", report.rows.height
    if report.ask.where:
        yield "only stores with", words_of(report.ask.where)


def _write_totals(sheet: Worksheet, report: Contents, look: _Look, line: int) -> int:
    """Write the fleet's sums; return the next free line."""
    names = ["fleet total, hours", *FIRST, "uptime %", "excluded"]
    for column, name in enumerate(names):
        sheet.write_string(line, column, name, look.head)
    totals, windows = report.totals, report.ask.parsed_windows
    for number, window in enumerate(windows, start=line + 1):
        seconds = [totals[f"{figure}_seconds_{window.name}"] for figure in FIRST]
        sheet.write_string(number, 0, window.title)
        for column, value in enumerate(seconds, start=1):
            sheet.write_number(number, column, value / HOUR, look.number)
        if known := seconds[0] + seconds[1]:
            sheet.write_number(number, 5, 10_000 * seconds[0] // known / 100, look.number)
        excluded = totals.get(f"excluded_seconds_{window.name}", 0)
        sheet.write_number(number, 6, excluded / HOUR, look.number)
    return line + 1 + len(windows)


def _sentences(ask: Ask, made_of: Input) -> Iterator[str]:
    yield from made_of.doubts
    hours, zone = (_here(count) for count in (made_of.without_hours, made_of.without_zone))
    yield f"Stores without any hours{hours} count as open all the time."
    yield f"Stores without a zone{zone} count as being in {DEFAULT_ZONE}."
    if ask.policy is Policy.LAST_OBSERVATION:
        yield f"Each second has the status of the latest poll up to it{_reach(ask.carry)}."
        yield f"Polls outside open hours are discarded; the policy is {ask.policy}."
    else:
        yield f"An hour without polls has the status of the latest poll before it{_reach(ask.carry)}."
        yield "Polls outside open hours are discarded; an hour with polls has the status of most of them."
    units = (f"{each.title} in {'minutes' if each.unit < HOUR else 'hours'}" for each in ask.parsed_windows)
    yield f"Sheet Stores: {', '.join(units)}."
    yield "uptime + downtime + unknown + excluded = open time; uptime % = uptime ÷ (uptime + downtime), cut."


def _here(stores: int | None) -> str:
    return "" if stores is None else f" (here {stores:,})"


def _reach(carry: int | None) -> str:
    if carry is None:
        return ", however old that is"
    days, rest = divmod(carry, DAY)
    span = f"{days:,} days" if not rest else f"{carry / HOUR:,g} hours"
    return f", if that is no older than {span}; otherwise it is unknown"
