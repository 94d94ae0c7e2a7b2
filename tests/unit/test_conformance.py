"""The conformance cases: storewatch passes, a program with an error does not, and they are what they say."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from conformance.__main__ import main
from conformance.build import input_files, tzdata_text
from conformance.case import CASES, Kept, read_cases
from conformance.command import Command, filled
from conformance.compare import csv_differences, seconds_differences
from conformance.drafts import drafts
from conformance.loaded import ask_of, source_of

from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.answering.hours import open_hours
from storewatch.domain.ask import Policy
from storewatch.domain.instant import parse_as_of
from storewatch.formats.hours import writer_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from storewatch.formats.report import Report

HOUR = 3_600
KEPT = read_cases()


def named(name: str) -> Kept:
    (kept,) = (kept for kept in KEPT if kept.name == name)
    return kept


def report_of(kept: Kept) -> Report:
    with source_of(kept) as source:
        return answer(source, ask_of(kept.case))


REPORTS = [kept for kept in KEPT if kept.case.hours is None]
HOURS = [kept for kept in KEPT if kept.case.hours is not None]


@pytest.mark.parametrize("kept", HOURS, ids=lambda kept: kept.name)
def test_storewatch_passes_with_its_hours(kept: Kept, tmp_path: Path) -> None:
    begin, end = (parse_as_of(at) for at in kept.case.hours or ())
    with source_of(kept) as source, open_hours(source, ask_of(kept.case), begin, end) as (_, parts):
        writer_of(tmp_path / "hours.csv")(part.rows for part in parts)
    written = (tmp_path / "hours.csv").read_bytes()

    assert csv_differences(kept, written) == []
    assert csv_differences(kept, written.replace(b"carried", b"majority")) != []


@pytest.mark.parametrize("kept", REPORTS, ids=lambda kept: kept.name)
def test_storewatch_passes(kept: Kept) -> None:
    report = report_of(kept)

    groups = report.by_label
    assert csv_differences(kept, report.csv_bytes(), None if groups is None else groups.csv_bytes()) == []
    assert seconds_differences(kept, report.json_bytes()) == []


def test_the_cases_are_those_of_the_drafts() -> None:
    """Nothing was changed by hand or is left over: `python -m conformance.build` writes the same."""
    made = {f"{d.name}/{name}": data for d in drafts() for name, data in input_files(d).items()}
    results = {f"{d.name}/{name}" for d in drafts() for name in ("expected.csv", "seconds.csv")}
    results -= {f"{d.name}/seconds.csv" for d in drafts() if d.case.hours}
    results |= {f"{d.name}/expected-by-{d.case.by}.csv" for d in drafts() if d.case.by}
    found = {f"{path.relative_to(CASES)}" for path in CASES.rglob("*") if path.is_file()}

    assert found == {*made, *results, "tzdata.json"}
    assert {name: (CASES / name).read_bytes() for name in made} == made


def test_the_results_name_the_version_of_the_time_zones() -> None:
    assert (CASES / "tzdata.json").read_text() == tzdata_text()


def test_the_cases_are_small() -> None:
    assert sum(path.stat().st_size for path in CASES.rglob("*") if path.is_file()) < 1 << 20


def test_the_worked_examples_are_as_worked_by_hand() -> None:
    """The hour: 10 and 13 up, 11 and 12 down. The morning: 20 and 9 down, 10 to 13 up, 14 to 19 unknown."""
    rows = seconds("worked-examples")
    figures = ("uptime", "downtime", "unknown", "open")
    days = {
        store: [int(row[f"{figure}_seconds_last_day"]) // HOUR for figure in figures]
        for store, row in rows.items()
    }

    assert days == {"hour": [2, 2, 20, 24], "morning": [4, 2, 6, 12]}


def seconds(name: str) -> dict[str, dict[str, str]]:
    """Return the expected seconds of a case by store and column."""
    return {row["store_id"]: row for row in csv.DictReader(named(name).seconds.splitlines())}


def test_the_worked_christmas_is_as_worked_by_hand() -> None:
    """On the 25th the tail of the eve's shift, 00:00 to 02:00; on the 26th 17:00 to 18:00, no tail."""
    bar = seconds("christmas")["bar"]

    assert [int(bar[f"open_seconds_{window}"]) for window in ("yesterday", "today")] == [2 * HOUR, HOUR]
    # The two days begin on the 24th at 18:00.
    assert int(bar["open_seconds_2d"]) == (6 + 2 + 1) * HOUR


def test_the_worked_planned_night_is_as_worked_by_hand() -> None:
    """Hour 0 unknown, 1 up, 2 and 3 excluded, 4 down, 5 up; measured: 1 and 5."""
    night = seconds("planned-night")["night"]
    figures = ("unknown", "uptime", "excluded", "downtime", "measured")

    assert [int(night[f"{figure}_seconds_6h"]) // HOUR for figure in figures] == [1, 2, 2, 1, 2]


def test_hours_loaded_from_a_date_on_are_as_worked_by_hand() -> None:
    """From 20 December 12:00 to the 27th 12:00, with hours of 10:00 to 20:00 from the 24th on.

    Those of before, 08:00 to 12:00, have three days; a store that had none was open for 84 hours; hours that
    begin later go, and new ones may begin on the 25th by themselves.
    """
    rows = seconds("hours-from-a-date")
    open_hours = {store: int(row["open_seconds_last_week"]) / HOUR for store, row in rows.items()}

    assert open_hours == {
        "changed": 12 + 30 + 2,
        "had-none": 84 + 30 + 2,
        "had-later-ones": 12 + 20 + 2,
        "not-named": 24 + 4,
    }


@pytest.mark.parametrize("first", [kept for kept in KEPT if kept.case.same], ids=lambda kept: kept.name)
def test_pairs_have_the_same_expected_figures(first: Kept) -> None:
    rows = seconds(first.name)
    figures = [[list(rows[store].values())[1:] for store in group] for group in first.case.same]

    assert all(row == group[0] for group in figures for row in group)
    assert any(figure != "0" for group in figures for row in group for figure in row)


def test_weeks_later_turned_about_or_packed_a_fleet_has_the_same_expected_figures() -> None:
    expected = {named(f"pairs{suffix}").seconds for suffix in ("", "-a-week-later", "-turned-about")}

    assert len(expected) == 1
    assert named("rejected-and-packed").seconds == named("rejected-dates-notes-and-targets").seconds


def _exchanged(text: bytes, place: int) -> bytes:
    """Exchange a line and the next."""
    lines = text.split(b"\n")
    lines[place : place + 2] = lines[place : place + 2][::-1]
    return b"\n".join(lines)


PLANTED: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "a store is missing": ("ids", lambda text: b"\n".join(text.split(b"\n")[:-2]) + b"\n"),
    "an apostrophe is missing": ("ids", lambda text: text.replace(b"'=1+1", b"=1+1")),
    "two lines are exchanged": ("ids", lambda text: _exchanged(text, 3)),
    "a minute is lost at midnight": ("edges-of-hours", lambda text: text.replace(b",16.00,", b",15.98,", 1)),
    "a figure is rounded to hours": ("rounding", lambda text: text.replace(b"0.01", b"0.00", 1)),
    "a line ends with a return": ("rounding", lambda text: text.replace(b"\n", b"\r\n")),
    "there is nothing": ("rounding", lambda _: b""),
}


@pytest.mark.parametrize("error", PLANTED)
def test_a_program_with_a_planted_error_fails(error: str) -> None:
    name, plant = PLANTED[error]
    kept = named(name)
    right = kept.expected.encode()

    assert plant(right) != right
    assert csv_differences(kept, right) == []
    assert csv_differences(kept, plant(right)) != []


def test_a_program_that_takes_the_mean_of_percentages_fails() -> None:
    """Of two stores with half a promise one was up for half of its time and the other not at all."""
    kept = named("targets")
    report, groups = kept.expected.encode(), kept.groups.encode()
    told = csv_differences(kept, report, groups.replace(b",26.66,", b",25.00,"))

    assert csv_differences(kept, report, groups) == []
    assert told[0] == "by brand: 'half': uptime_percent_last_day is '25.00', expected '26.66'"
    assert csv_differences(kept, report) != []


def test_a_program_of_another_rule_fails_by_seconds_and_bytes() -> None:
    kept = named("majority")
    with source_of(kept) as source:
        other = answer(source, replace(ask_of(kept.case), policy=Policy.LAST_OBSERVATION))

    assert any("expected" in told for told in csv_differences(kept, other.csv_bytes()))
    assert any("uptime_seconds" in told for told in seconds_differences(kept, other.json_bytes()))


@pytest.mark.parametrize(
    ("forgotten", "name"),
    [
        ("exceptions", "exceptions"),
        ("annotations", "annotations"),
        ("labels", "targets"),
        ("hours", "hours-with-validity"),
        ("zones", "off-the-full-hour"),
    ],
)
def test_a_program_that_forgets_facts_fails(forgotten: str, name: str) -> None:
    kept = named(name)
    with source_of(kept) as source, source.at() as snapshot:
        facts = snapshot.scan(since=None, until=ask_of(kept.case).until)
    others = {kind: rows for kind, rows in facts.others.items() if kind != forgotten}
    report = answer(GivenFacts(facts=replace(facts, others=others)), ask_of(kept.case))

    assert csv_differences(kept, report.csv_bytes()) != []
    assert seconds_differences(kept, report.json_bytes()) != []


def test_more_columns_at_the_end_are_left_alone() -> None:
    kept = named("ids")
    wider = kept.expected.replace("\n", ",more\n").encode()

    assert csv_differences(kept, wider) == []


def test_words_are_filled_in_repeated_and_left_out() -> None:
    template = ["run", "--as-of={as_of}", "--window={window}", "{data}/x", "--compare{compare}", "{other}"]
    values = {"as_of": (), "window": ("a", "b"), "data": ("d",), "compare": ("",)}

    assert filled(template, values) == ["run", "--window=a", "--window=b", "d/x", "--compare", "{other}"]


def test_a_case_that_the_command_has_no_place_for_is_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    copy = ["cp", "{data}/../expected.csv", "{out}"]

    assert main(["--case", "worked-*", "--case", "carry-none", *copy, "{as_of}"]) == 1
    said = capsys.readouterr().out
    assert "skipped carry-none" in said
    assert "no place for {carry}" in said


def test_the_runner_says_what_passes_and_what_fails_and_how(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--case", "worked-*", "sh", "-c"]

    assert main([*words, "cp {data}/../expected.csv {out}; : {as_of}"]) == 0
    assert "passed  worked-examples\n1 passed" in capsys.readouterr().out
    assert main([*words, "sed s/2.00/2.01/ {data}/../expected.csv; : {as_of}"]) == 1
    said = capsys.readouterr().out
    assert "'hour': uptime_last_day is '2.01', expected '2.00'" in said
    assert "tests (R3, R4, R5, R6): The worked hour" in said
    assert "1 failed" in said
    assert main([*words, "echo it broke >&2; : {as_of} {out}"]) == 1
    assert "nothing was written to {out}: it broke" in capsys.readouterr().out


def test_loads_come_before_the_report_in_order_and_in_a_folder_of_the_case() -> None:
    """The program keeps the first line of each load's polls beyond the header, and reports them."""
    kept = named("loads-polls")
    load = ["sh", "-c", "sed -n 2p {data}/polls.csv >> {state}/kept"]
    given, _ = Command(report=["sh", "-c", "cat {state}/kept > {out}"], load=load).run(kept)
    firsts = [(folder / "polls.csv").read_text().splitlines()[1] for _, folder in kept.loads()]

    assert given.decode().splitlines() == firsts


def test_the_command_line_passes_as_the_page_says() -> None:
    kept = named("worked-examples")
    storewatch = [sys.executable, "-m", "storewatch.entrypoints.cli", "report", "--data={data}"]
    asked = ["--as-of={as_of}", "--carry={carry}", "--policy={policy}", "--window={window}", "--by={by}"]
    command = Command(report=[*storewatch, *asked, "--compare{compare}", "--out={out}"])

    assert csv_differences(kept, *command.run(kept)) == []
