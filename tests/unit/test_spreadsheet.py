"""The workbook, and ids that a spreadsheet would run as formulas."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace

import openpyxl
import polars as pl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.checking import reference
from storewatch.domain.ask import Ask, Policy
from storewatch.domain.input import Input
from storewatch.errors import InputError
from storewatch.formats import workbook
from storewatch.formats.csv import csv_bytes, csv_rows
from storewatch.formats.report import Report
from storewatch.formats.rows import Rows
from strategies import DAY, WEEK, facts_of, instant

AS_OF = 1_674_670_320  # 2023-01-25T18:12:00Z
FORMULAS = ["=1+1", "+1", "-5", "@x", "\t=1", "\r=1", "'=1", "''-5"]
PLAIN = ["007", "8139926242460185114", "'x", "a=b", "1-5", "''", 'the "x"', " =1", "_x0041_"]


def made(
    *store_ids: str,
    figures: list[int] | None = None,
    carry: int | None = WEEK,
    without_hours: int = 0,
    without_zone: int = 0,
) -> Report:
    figures = figures or [0] * 12
    columns = {
        name: [figure] * len(store_ids)
        for name, figure in zip(reference.figure_columns(), figures, strict=True)
    }
    schema = {"store_id": pl.String} | dict.fromkeys(reference.figure_columns(), pl.Int64)
    rows = pl.DataFrame({"store_id": store_ids} | columns, schema=schema)
    made_of = replace(
        Input.of(facts_of(), rows["store_id"], version="1", as_of=AS_OF),
        newest=AS_OF * 1_000_000 - 1,
        without_hours=without_hours,
        without_zone=without_zone,
    )
    return Report(parts=Rows(rows), ask=Ask(as_of=AS_OF, carry=carry), made_of=made_of)


def sheet(report: Report, name: str) -> Worksheet:
    found = openpyxl.load_workbook(io.BytesIO(report.xlsx_bytes()))[name]
    assert isinstance(found, Worksheet)
    return found


def about(report: Report) -> str:
    rows = sheet(report, "About").iter_rows(values_only=True)
    return "\n".join("|".join("" if cell is None else str(cell) for cell in row) for row in rows)


def ids_of_csv(report: Report) -> list[str]:
    # With line ends as they are: a return may stand in an id.
    return [row[0] for row in csv.reader(io.StringIO(report.csv_bytes().decode(), newline=""))][1:]


def test_the_first_sheet_says_what_the_report_is_and_the_second_has_the_rows() -> None:
    book = openpyxl.load_workbook(io.BytesIO(made("a").xlsx_bytes()))

    assert book.sheetnames == ["About", "Stores"]


def test_ids_are_text_cells_to_the_letter_whatever_they_begin_with() -> None:
    ids = [*FORMULAS, *PLAIN]
    cells = next(sheet(made(*ids), "Stores").iter_cols(min_row=2, max_col=1))

    assert [cell.data_type for cell in cells] == ["s"] * len(ids)
    # openpyxl reads the return of one id as the escape in which the file holds it.
    assert [str(cell.value).replace("_x000D_", "\r") for cell in cells[:-1]] == ids[:-1]


def test_no_cell_of_the_workbook_is_a_formula() -> None:
    packed = zipfile.ZipFile(io.BytesIO(made(*FORMULAS).xlsx_bytes()))

    assert not re.search(rb"<f[ >]", packed.read("xl/worksheets/sheet2.xml"))


def test_figures_are_numbers_those_of_the_csv() -> None:
    report = made("a", figures=[2, 1, 0, 3, 86_399, 1, 0, 86_400, 0, 0, 604_800, 604_800])
    head, row = sheet(report, "Stores").iter_rows(values_only=True)
    names, cells = csv.reader(report.csv_bytes().decode().splitlines())

    assert list(head) == names
    assert [None if cell == "" else float(cell) for cell in cells[1:]] == list(row[1:])
    assert row[-1] is None  # nothing known in the week: no percentage


def test_each_number_is_the_float_nearest_to_what_the_csv_has() -> None:
    rows = made(*(f"{number:05}" for number in range(10_000))).rows
    rows = rows.with_columns(uptime_seconds_last_week=pl.int_range(pl.len()) * 36)
    texts = [row["uptime_last_week"] for row in csv.DictReader(io.StringIO(csv_bytes(rows).decode()))]
    assert csv_rows(rows)["uptime_last_week"].to_list() == [float(text) for text in texts]
    assert texts[6607] == "66.07"


def test_the_header_stands_still_can_be_filtered_and_columns_are_wide_enough() -> None:
    found = sheet(made("8139926242460185114"), "Stores")

    assert found.freeze_panes == "B2"
    assert found.auto_filter.ref == "A1:P2"
    assert found.column_dimensions["A"].width >= 19
    assert found["A2"].number_format == "@"
    assert found["B2"].number_format == "0.00"


def test_the_first_sheet_has_as_of_totals_and_what_was_assumed() -> None:
    text = about(made("a", "b", figures=[1800, 1800, 0, 3600] * 3, without_hours=1_234, without_zone=56))

    assert "as of|2023-01-25T18:12:00Z" in text
    assert "newest poll|2023-01-25T18:11:59Z" in text
    assert "stores|2|" in text
    assert "last week|1|1|0|2|50" in text
    assert "(here 1,234) count as open all the time" in text
    assert "(here 56) count as being in America/Chicago" in text
    assert "no older than 7 days" in text


@pytest.mark.parametrize(
    ("carry", "words"), [(None, "however old"), (DAY // 2, "than 12 hours"), (3 * DAY, "than 3 days")]
)
def test_the_first_sheet_says_how_long_a_poll_carries(carry: int | None, words: str) -> None:
    assert words in about(made("a", carry=carry))


def test_the_first_sheet_says_by_which_policy_polls_decide() -> None:
    report = made("a")
    observed = replace(report, ask=replace(report.ask, policy=Policy.LAST_OBSERVATION))

    assert "an hour with polls has the status of most of them" in about(report)
    assert "Each second has the status of the latest poll up to it" in about(observed)
    assert "the policy is last-observation" in about(observed)
    assert "most of them" not in about(observed)


def test_what_is_assumed_is_counted_among_the_stores_of_the_report() -> None:
    facts = facts_of((), [("a", 0, 0, DAY), ("x", 0, 0, DAY)], {"b": "UTC"}, ["a", "b", "c"])
    found = answer(
        GivenFacts(facts=facts), Ask(as_of=instant("2023-01-25 12:00"), carry=WEEK, store_ids=("a", "b", "c"))
    ).made_of
    assert (found.without_hours, found.without_zone) == (2, 2)


def test_the_same_report_is_the_same_workbook_to_the_byte() -> None:
    assert made("a").xlsx_bytes() == made("a").xlsx_bytes()


def test_a_report_without_rows_is_a_workbook_too() -> None:
    assert sheet(made(), "Stores").max_row == 1


def test_what_a_sheet_cannot_hold_is_refused_and_never_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="32,767 characters"):
        made("x" * 32_768).xlsx_bytes()
    monkeypatch.setattr(workbook, "MOST_STORES", 1)
    with pytest.raises(InputError, match="holds 1 stores"):
        made("a", "b").xlsx_bytes()


def test_an_id_that_would_be_a_formula_has_an_apostrophe_in_the_csv_and_no_other_id_changes() -> None:
    assert ids_of_csv(made(*FORMULAS)) == [f"'{name}" for name in FORMULAS]
    assert ids_of_csv(made(*PLAIN)) == PLAIN


def test_kernel_and_reference_write_such_ids_alike() -> None:
    report = made(*FORMULAS, *PLAIN)

    assert reference.export(report.to_pandas()) == report.csv_bytes()


def test_typed_formats_keep_such_ids_to_the_letter() -> None:
    report = made(*FORMULAS)

    assert pl.read_parquet(io.BytesIO(report.parquet_bytes()))["store_id"].to_list() == FORMULAS
    assert pl.read_json(io.BytesIO(report.json_bytes()))["store_id"].to_list() == FORMULAS


def test_a_sheet_of_any_rows_keeps_texts_numbers_and_gaps() -> None:
    texts = [*FORMULAS[:4], *PLAIN[:-1], "<b>&amp;</b>", "ü 🙂", "line\none", "", None]
    rows = pl.DataFrame({"store_id": [f"0{n}" for n in range(len(texts))], "name": texts}).with_columns(
        share=pl.int_range(pl.len()) / 4, seconds=pl.when(pl.int_range(pl.len()) % 3 > 0).then(604_800)
    )
    found = workbook.sheet_bytes(rows, "Stores", AS_OF)

    assert workbook.sheet_bytes(rows, "Stores", AS_OF) == found
    for lazily in (False, True):
        (sheet,) = openpyxl.load_workbook(io.BytesIO(found), read_only=lazily).worksheets
        head, *cells = sheet.iter_rows(values_only=True)
        assert list(head) == rows.columns
        assert [tuple(None if cell == "" else cell for cell in row) for row in cells] == [
            tuple(None if cell == "" else cell for cell in row) for row in rows.iter_rows()
        ]
    assert b"<f>" not in zipfile.ZipFile(io.BytesIO(found)).read("xl/worksheets/sheet1.xml")


def test_a_sheet_writes_what_would_be_read_as_a_sign_and_what_xml_cannot_hold_as_text() -> None:
    rows = pl.DataFrame({"store_id": ["_x0041_", "a\x01b"]})
    xml = zipfile.ZipFile(io.BytesIO(workbook.sheet_bytes(rows, "S", AS_OF))).read("xl/worksheets/sheet1.xml")

    assert b">_x005F_x0041_<" in xml
    assert ">a\ufffdb<".encode() in xml
