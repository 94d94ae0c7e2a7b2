"""Rows by a label, chosen rows and stores with a label: files, names, and what the command says (R10)."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import openpyxl
import polars as pl
import pytest
from click.testing import CliRunner

from engines import polled
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.domain.ask import Ask
from storewatch.domain.label import words_of
from storewatch.entrypoints.cli import commands
from storewatch.entrypoints.cli.texts import report_lines
from storewatch.errors import InputError, NoStoreError
from storewatch.formats.names import beside, by_path
from strategies import HOUR, facts_of, instant

if TYPE_CHECKING:
    from click.testing import Result

    from storewatch.formats.report import Report

AS_OF = instant("2023-01-25 12:00")
BRANDS = {"a": "x", "b": "x", "c": "=y"}  # and d has none


def made(targets: str = "abc", **asked: Any) -> Report:
    """Report on four stores in their last hour: a and b up, c down, d unknown."""
    polls = [poll for name in "abc" for poll in polled(("2023-01-25 11:30", name != "c"), store_id=name)]
    labels = [(name, "brand", brand) for name, brand in BRANDS.items()]
    labels += [(name, "targetpercent", "99.5") for name in targets]
    facts = facts_of(polls, stores=["d"], labels=labels)
    return answer(GivenFacts(facts=facts), Ask(as_of=AS_OF, windows=("day", "hour"), **asked), slices=2)


def test_the_table_lies_beside_the_report_and_ends_as_it_does(tmp_path: Path) -> None:
    report = made(by="brand")
    for ending in ("csv", "parquet", "json"):
        files = report.write(tmp_path / f"r.{ending}")
        assert files == [tmp_path / f"r.{ending}", tmp_path / f"r-by-brand.{ending}"]
    assert report.groups is not None
    assert pl.read_parquet(tmp_path / "r-by-brand.parquet").equals(report.groups)
    assert json.loads((tmp_path / "r-by-brand.json").read_text()) == report.groups.to_dicts()
    lines = (tmp_path / "r-by-brand.csv").read_text().splitlines()
    assert lines[0].startswith("brand,stores,met,missed,no_verdict,uptime_last_day,uptime_last_hour,")
    assert [line.split(",")[:5] for line in lines[1:]] == [  # by the last window, for there is no week
        ["", "1", "0", "0", "1"],
        ["'=y", "1", "0", "1", "0"],
        ["x", "2", "2", "0", "0"],
    ]


def test_a_label_that_no_store_has_is_said() -> None:
    assert made(by="brnad").notes[0] == "no store of this report has the label brnad"
    assert not [note for note in made(by="brand").notes if "label" in note]


def test_a_report_that_is_not_by_a_label_is_one_file(tmp_path: Path) -> None:
    assert made().write(tmp_path / "r.csv") == [tmp_path / "r.csv"]
    assert made().by_label is None


def test_a_workbook_has_the_table_as_its_third_sheet(tmp_path: Path) -> None:
    files = made(by="Brand[1]/'Nord'" * 3).write(tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert files == [tmp_path / "r.xlsx"]
    assert book.sheetnames == ["About", "Stores", "By Brand_1___Nord_Brand_1___Nor"]
    made(by="brand").write(tmp_path / "r.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "r.xlsx")["By brand"].iter_rows(values_only=True))
    assert rows[0][:6] == ("brand", "stores", "met", "missed", "no_verdict", "uptime_last_day")
    assert [row[:5] for row in rows[1:]] == [
        ("", 1, 0, 0, 1),
        ("=y", 1, 0, 1, 0),
        ("x", 2, 2, 0, 0),
    ]
    shown = dict(zip(rows[0], rows[2], strict=True))
    assert (shown["met_last_hour"], shown["allowed_last_hour"], shown["left_last_hour"]) == ("no", 0.3, -59.7)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("brand", "r-by-brand.csv"),
        ("price band", "r-by-price band.csv"),
        ("../x:", "r-by-.._x_.csv"),
        ("ü" * 300, f"r-by-{'ü' * 40}.csv"),  # a file's name has 255 bytes at most
    ],
)
def test_a_labels_name_leads_out_of_no_folder(label: str, name: str) -> None:
    assert by_path(Path("f/r.csv"), label) == Path("f") / name


@pytest.mark.parametrize(
    ("label", "name"),
    [("Größe", "Gr__e"), ("price band", "price_band"), ("../x", "___x"), ("x" * 300, "x" * 40)],
)
def test_on_the_shelf_names_are_such_as_keys_may_be(label: str, name: str) -> None:
    assert by_path(PurePosixPath("r.csv"), "Größe").name == "r-by-Größe.csv"
    assert beside("f/r.csv", "parquet", by=label) == f"f/r-by-{name}.parquet"


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({"brand": ["x"]}, "ab"),
        ({"BRAND": ["x", "=y"]}, "abc"),
        ({"brand": [""]}, "d"),
        ({"brand": ["", "=y"]}, "cd"),
        ({"brand": ["x"], "city": [""]}, "ab"),
        ({"city": [""]}, "abcd"),
    ],
)
def test_stores_are_those_that_have_a_wanted_value_of_each_label(
    where: dict[str, list[str]], ids: str
) -> None:
    asked = tuple((label, tuple(values)) for label, values in where.items())
    assert made(where=asked).rows["store_id"].to_list() == list(ids)
    both = made(where=asked, store_ids=("a", "d", "z"))
    assert both.rows["store_id"].to_list() == sorted({"a", "d"}.intersection(ids))
    assert both.strangers == ()


@pytest.mark.parametrize(("label", "value"), [("brand", "X"), ("brand", " x"), ("city", "x")])
def test_no_store_with_the_labels_is_an_error_that_names_them(label: str, value: str) -> None:
    with pytest.raises(NoStoreError, match=f"no store has {label} {value}") as caught:
        made(where=((label, (value,)),))
    assert caught.value.told == str(caught.value)


def test_a_label_needs_a_name_and_a_value() -> None:
    for asked in ({"by": " _-"}, {"where": (("", ("x",)),)}, {"where": (("brand", ()),)}):
        with pytest.raises(InputError):
            Ask(**asked)
    assert Ask(where=(("A b", ("y",)), ("a_B", ("x",)))).where == (("ab", ("x", "y")),)


def test_chosen_rows_are_in_the_files_and_totals_stay_those_of_all_stores(tmp_path: Path) -> None:
    report = made()
    missed, worst = report.choose(missed=True), report.choose(worst=3)
    assert pl.concat(missed.filed)["store_id"].to_list() == ["c"]
    assert pl.concat(worst.filed)["store_id"].to_list() == ["c", "a", "b"]
    assert pl.concat(report.choose(missed=True, worst=3).filed)["store_id"].to_list() == ["c"]
    assert missed.totals() == report.totals()
    missed.write(tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    about = dict(row[:2] for row in book["About"].iter_rows(min_row=3, max_row=8, values_only=True))
    assert (about["stores"], about["chosen of these"], book["Stores"].max_row) == (4, 1, 2)
    assert [len(json.loads(missed.json_bytes())), missed.parquet_bytes()] == [
        1,
        answer_of("c").parquet_bytes(),
    ]


def answer_of(store_id: str) -> Report:
    return made(store_ids=(store_id,))


def test_without_a_target_nobody_missed_one() -> None:
    report = made(targets="").choose(missed=True)
    assert report.csv_bytes().count(b"\n") == 1
    assert list(report_lines(report, now=AS_OF))[-1] == "no store missed its target"


def test_the_summary_shows_groups_and_chosen_stores() -> None:
    text = "\n".join(report_lines(made(by="brand").choose(worst=1), now=AS_OF))
    assert "4 stores, 1 of them chosen" in text
    assert [line.split()[:5] for line in text.splitlines() if line.startswith(("(none)", "x"))] == [
        ["(none)", "1", "0", "0", "1"],
        ["x", "2", "2", "0", "0"],
    ]
    assert text.splitlines()[-1].startswith("c ")


# ---------------------------------------------------------------- the command


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    polls = "".join(f"{name},{'in' * (name == 'c')}active,2023-01-25 11:30:00 UTC\n" for name in "abc")
    (folder / "polls.csv").write_text("store_id,status,timestamp_utc\n" + polls)
    (folder / "zones.csv").write_text("store_id,timezone_str\nd,UTC\n")
    rows = "".join(f"{name},,99.5,{BRANDS.get(name, '')}\n" for name in "abcd")
    (folder / "stores.csv").write_text("store_id,store_name,target_percent,Brand\n" + rows)
    return folder


def run(data: Path, *options: object) -> Result:
    command = ["report", "--data", data, "--as-of", "2023-01-25T12:00:00Z", *options]
    return CliRunner().invoke(commands, [str(word) for word in command])


def test_the_command_writes_the_table_beside(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.parquet"
    done = run(
        data, "--by", "brand", "--where", "brand=x", "--where", "brand=", "--window", "hour", "--out", out
    )
    assert done.exit_code == 0, done.output
    assert f"{tmp_path / 'r-by-brand.parquet'}: sums by brand" in done.output
    table = pl.read_parquet(tmp_path / "r-by-brand.parquet")
    assert table.select("brand", "stores", "met", "uptime_seconds_last_hour").rows() == [
        ("", 1, 0, 0),
        ("x", 2, 2, 2 * HOUR),
    ]
    assert pl.read_parquet(out)["store_id"].to_list() == ["a", "b", "d"]


def test_both_engines_answer_the_same_of_some_stores(data: Path, tmp_path: Path) -> None:
    for engine in ("kernel", "pandas"):
        done = run(
            data,
            "--by",
            "brand",
            "--where",
            "brand=x",
            "--engine",
            engine,
            "--out",
            tmp_path / f"{engine}.csv",
        )
        assert done.exit_code == 0, done.output
    for name in ("{}.csv", "{}-by-brand.csv"):
        by_kernel, plain = ((tmp_path / name.format(engine)).read_bytes() for engine in ("kernel", "pandas"))
        assert by_kernel == plain


def test_the_command_shows_only_who_missed_or_was_down_most(data: Path) -> None:
    def ids(*options: str) -> list[str]:
        done = run(data, *options)
        assert done.exit_code == 0, done.output
        return [line.split(",")[0] for line in done.stdout.splitlines()[1:]]

    assert ids("--only", "missed") == ["c"]
    assert ids("--worst", "2") == ["c", "a"]
    assert ids("--window", "hour", "--worst", "9", "--where", "brand=x") == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--where", "brand=X"], "no store has brand X"),
        (["--where", "brand"], "write LABEL=VALUE"),
        (["--where", "=x"], "is no label"),
        (["--by", "-"], "is no label"),
        (["--by", "brand"], "name a file with --out"),
        (["--worst", "0"], "--worst"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(data: Path, options: list[str], said: str) -> None:
    done = run(data, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in " ".join(done.output.split())


def test_a_folder_with_our_own_tables_in_it_is_read_as_if_they_were_not_there(
    data: Path, tmp_path: Path
) -> None:
    for name in data.iterdir():
        (tmp_path / name.name).write_bytes(name.read_bytes())
    for ending in ("csv", "parquet"):
        done = run(tmp_path, "--by", "brand", "--window", "2d", "--out", tmp_path / f"r.{ending}")
        assert done.exit_code == 0, done.output
    done = run(tmp_path, "--window", "2d", "--out", tmp_path / "again.csv")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "r.csv").read_bytes()


def test_a_sentence_names_the_first_of_many_values_and_the_begin_of_long_ones() -> None:
    where = (("brand", ("", "x" * 61, *"cdefg")), ("region", ("north",)))
    assert words_of(where) == f"brand (none) or {'x' * 59}… or c or d or e or 2 more and region north"
