"""What is said beside figures: what was assumed, and what looks odd in the input."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from beyond import note
from storewatch.adapters.polls import open_polls
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.domain.ask import Ask
from storewatch.entrypoints.cli.texts import NOT_DOWN, NOTHING_KNOWN, report_lines
from storewatch.ports.polls import Load
from strategies import facts_of

if TYPE_CHECKING:
    from pathlib import Path

    from storewatch.domain.facts import Facts

NOW = 1_674_648_000  # 2023-01-25 12:00 UTC
DAY = 86_400


def poll(store: str, seconds: int, *, active: bool = True) -> tuple[str, int, bool]:
    return store, seconds * 1_000_000, active


def notes(facts: Facts, ask: Ask | None = None, *, slices: int = 1) -> tuple[str, ...]:
    return answer(GivenFacts(facts=facts), ask or Ask(), slices=slices).notes


def fleet(stores: int) -> list[tuple[str, int, bool]]:
    return [poll(f"s{number}", NOW - 60 * number) for number in range(stores)]


def test_where_all_is_known_and_in_order_nothing_is_said() -> None:
    facts = facts_of([poll("a", NOW)], [("a", 2, 0, 86_400)], {"a": "UTC"})
    assert notes(facts) == ()


def test_a_poll_after_a_gap_is_no_newest_one_where_later_ones_were_not_read(tmp_path: Path) -> None:
    facts = facts_of([poll("s0", at) for at in (NOW - 3 * DAY, NOW, NOW + DAY)], zones={"s0": "UTC"})
    store = open_polls(f"delta://{tmp_path}/polls")
    store.load(Load(name="a load", facts=facts))
    notes = answer(store, Ask(as_of=NOW)).notes
    assert notes == answer(GivenFacts(facts=facts), Ask(as_of=NOW)).notes
    assert not any("sets the as-of" in note for note in notes)


@pytest.mark.parametrize("slices", [1, 3])
def test_a_poll_long_after_all_others_is_named_for_what_it_does(slices: int) -> None:
    facts = facts_of([*fleet(504), poll("s7", NOW + 128 * DAY)], zones={"s7": "UTC"})
    assert notes(facts, slices=slices) == (
        "the newest poll, which sets the as-of, is 128 days after the one before it",
        "1 of 504 stores was polled in the last week",
        "504 of 504 stores have no hours: counted as open all the time",
        "503 of 504 stores have no zone: America/Chicago",
    )


def test_an_as_of_that_was_asked_for_is_not_set_by_the_newest_poll() -> None:
    facts = facts_of([*fleet(3), poll("s1", NOW + 9 * DAY)])
    assert not [note for note in notes(facts, Ask(as_of=NOW)) if "the newest poll" in note]


@pytest.mark.parametrize(
    ("polled", "known", "cause"),
    [
        ("{}.0", "{}", "Those of the polls end in .0, those of the others do not"),
        ("{}", " {}", "Those of the hours have spaces around them, those of the others do not"),
        ("{}", "00{}", "Those of the hours begin with zeros, those of the others do not"),
        ("'{}", "{}", "Those of the polls begin with an apostrophe, those of the others do not"),
        ("A{}", "a{}", "Those of the polls have capital letters, those of the others do not"),
        ("{}", "x{}", "do the ids match?"),
    ],
)
def test_ids_that_miss_each_other_are_asked_about_with_the_likely_cause(
    polled: str, known: str, cause: str
) -> None:
    stores = range(1, 6)
    facts = facts_of(
        [poll(polled.format(n), NOW) for n in stores], [(known.format(n), 0, 0, 3600) for n in stores]
    )
    (doubt,) = [note for note in notes(facts) if "do the ids match?" in note]
    assert doubt.startswith(
        "5 polled stores have neither hours nor zone while 5 stores with hours have no polls: "
        "do the ids match?"
    )
    assert doubt.endswith(cause)


def test_a_few_stores_that_nobody_polls_are_no_reason_to_doubt_the_ids() -> None:
    hours = [(f"s{number}", 0, 0, 3600) for number in range(40)]
    facts = facts_of([*fleet(38), poll("new", NOW)], hours)
    assert not [note for note in notes(facts) if "do the ids match?" in note]


def test_a_report_that_is_mostly_unknown_does_not_say_that_no_store_was_down() -> None:
    known, unknown = (
        list(report_lines(answer(GivenFacts(facts=facts_of(polls)), Ask(as_of=NOW)), now=NOW))[-1].strip()
        for polls in ([poll("a", NOW - 6 * DAY)], [poll("a", NOW - 2 * DAY)])
    )
    assert (known, unknown) == tuple(text.format("the last week") for text in (NOT_DOWN, NOTHING_KNOWN))


def test_the_summary_names_other_windows_and_what_is_excluded_of_them() -> None:
    ask = Ask(as_of=NOW - NOW % DAY + 1_800, windows=("previous_month", "2h"))
    noted = [note("excluded", "2022-01-01 00:00", about="b")]
    facts = facts_of([poll("a", ask.instant, active=False)], stores=["b"], annotations=noted)

    def lines(ask: Ask) -> list[str]:
        report = answer(GivenFacts(facts=facts), ask)
        return [" ".join(line.split()) for line in report_lines(report, now=NOW)]

    found = lines(ask)
    assert "fleet uptime up down unknown excluded open" in found
    assert "2h 0.00 % 0:00:00 0:30:00 1:30:00 2:00:00 4:00:00" in found
    assert found[-2:] == [
        "most open time lost uptime down, previous month 2h",
        "a 0.00 % 0:00:00 0:30:00",
    ]
    assert lines(replace(ask, windows=("2h", "previous_month")))[-1] == NOTHING_KNOWN.format(
        "the previous month"
    )
