"""The command and the library call that give the table of hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from click.testing import CliRunner

import storewatch
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.hours import open_hours
from storewatch.domain.ask import Ask
from storewatch.domain.hours import SCHEMA, hour_facts
from storewatch.entrypoints.cli import commands
from storewatch.errors import InputError
from strategies import facts_of, instant, micros

if TYPE_CHECKING:
    from pathlib import Path

POLLS = """store_id,status,timestamp_utc
=1,active,2023-01-25 11:05:00.5 UTC
b,inactive,2023-01-25 11:10:00 UTC
b,inactive,2023-01-25 11:70:00 UTC
"""
HOURS = "store_id,day,start_time_local,end_time_local\nb,2,11:30,12:30\n"
ZONES = "store_id,timezone_str\nb,UTC\n"


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    for name, text in (("polls", POLLS), ("hours", HOURS), ("zones", ZONES)):
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def run(folder: Path, begin: str, end: str, out: str, *words: str) -> tuple[int, str]:
    """Run the command; return its exit code and what it said."""
    times = ["--from", f"2023-01-25T{begin}Z", "--to", f"2023-01-25T{end}Z"]
    done = CliRunner().invoke(
        commands,
        ["hours", "--data", f"{folder}", *times, "--out", out if "://" in out else f"{folder / out}", *words],
    )
    return done.exit_code, done.output


def test_a_csv_has_each_hour_with_open_time_and_no_formula(folder: Path) -> None:
    """The as-of is the end, which is later than the newest poll; the rejected row is told, by exit code 3."""
    code, said = run(folder, "11:15:00", "13:00:00", "out.csv", "--carry", "none")

    assert code == 3
    assert (
        "4 hours of 2 stores from 2023-01-25T11:15:00Z to 2023-01-25T13:00:00Z, as of 2023-01-25T13:00"
        in said
    )
    assert (folder / "out.csv").read_text().splitlines() == [
        ",".join(SCHEMA),
        "'=1,2023-01-25T11:00:00Z,2700,2700,0,0,0,2700,2700,2700,majority,1,1,2023-01-25T11:05:00.500Z",
        "'=1,2023-01-25T12:00:00Z,3600,3600,0,0,0,0,0,3600,carried,0,0,2023-01-25T11:05:00.500Z",
        # b opens at 11:30, so its poll of 11:10 does not count.
        "b,2023-01-25T11:00:00Z,1800,0,0,1800,0,0,0,1800,none,0,0,",
        "b,2023-01-25T12:00:00Z,1800,0,0,1800,0,0,0,1800,none,0,0,",
    ]


@pytest.mark.parametrize(
    ("times", "out", "said"),
    [
        (("11:00:00", "11:00:00", "13:00:00"), "out.csv", "it is not after --from"),
        (("11:00:00", "12:00:00", "13:00:00"), "out.json", "hours are written as .parquet or .csv"),
        (("11:00:00", "12:00:00", "13:00:00"), "none/out.csv", "there is no folder"),
        (("11:00:00.5", "12:00:00", "13:00:00"), "out.csv", "has a fraction of a second"),
        (("11:00:00", "12:00:00", "11:30:00"), "out.csv", "ends after the as-of"),
        (("11:30:00", "13:00:00", "13:00:00"), "postgresql://there/db", "begin at a full one"),
    ],
)
def test_what_cannot_be_asked_is_told_before_any_work(
    folder: Path, times: tuple[str, str, str], out: str, said: str
) -> None:
    """Times are begin, end, as-of."""
    begin, end, as_of = times
    code, output = run(folder, begin, end, out, "--as-of", f"2023-01-25T{as_of}Z")

    assert (code, said in output) == (2, True)


def test_slices_put_together_are_the_table() -> None:
    facts = facts_of([(f"{nth}", micros("2023-01-25 11:05"), nth % 2 > 0) for nth in range(9)])
    begin, end = instant("2023-01-24 11:00"), instant("2023-01-25 12:00")
    whole = hour_facts(facts, Ask(as_of=end), begin, end)
    with open_hours(GivenFacts(facts=facts), Ask(), begin, end, slices=4) as (ask, told):
        parts = list(told)

    assert (ask.instant, len(parts)) == (end, 4)
    assert pl.concat([each.rows for each in parts]).equals(whole)
    assert [name for each in parts for name in each.stores] == [f"{nth}" for nth in range(9)]


def test_the_library_returns_the_same_and_warns_of_what_it_leaves_out(folder: Path) -> None:
    polls = pl.read_csv(folder / "polls.csv")
    with pytest.warns(storewatch.StorewatchWarning, match="1 rows could not be used") as warned:
        table = storewatch.hours(
            polls, begin="2023-01-25T11:00:00Z", end="2023-01-25T12:00:00Z", store_ids=["b"]
        )

    assert len(warned) == 1
    assert table.select("store_id", "downtime_seconds", "polls").rows() == [("b", 3600, 1)]
    with pytest.raises(InputError, match="ends before it begins"):
        storewatch.hours(polls, begin="2023-01-25T11:00:00Z", end="2023-01-25T11:00:00Z")
