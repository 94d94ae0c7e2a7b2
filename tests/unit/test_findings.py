"""Findings on made fleets: what was planted is found, and a fleet in order has none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from beyond import ALWAYS, note, valid
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.findings import Found, find
from storewatch.domain.ask import Ask
from storewatch.domain.findings import Thresholds
from storewatch.entrypoints.cli import commands
from strategies import HOUR, SECOND, facts_of, instant, of_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from storewatch.domain.found import Finding
    from strategies import Poll, Row

AS_OF = "2023-01-25 18:12"  # a Wednesday
FIRST = instant("2023-01-17 00:00")
HOURS = range(8 * 24 + 19)  # up to the as-of
STORES = [f"s{nth:02}" for nth in range(40)]
DAYTIME = [(name, day, of_day("09:00"), of_day("21:00")) for name in STORES for day in range(7)]
NIGHTS = [(name, day, 0, of_day("24:00")) for name in STORES for day in range(7)]
UTC = dict.fromkeys(STORES, "UTC")
BRANDS = [(name, "brand", "north" if nth < 20 else "south") for nth, name in enumerate(STORES)]


def at(text: str) -> int:
    """Return the hour of an instant of January, from the first poll's on: `24 15:00`."""
    return (instant(f"2023-01-{text}") - FIRST) // HOUR


def polls(
    status: Callable[[int, int], bool | None] = lambda _store, _hour: True, every: int = 1
) -> Iterator[Poll]:
    """Yield a poll a store and hour, each store's at a minute of its own; status None: there is none."""
    for nth, name in enumerate(STORES):
        for hour in HOURS:
            is_up = status(nth, hour)
            moment = FIRST + hour * HOUR + 60 * (nth % 60)
            if is_up is not None and hour % every == 0 and moment <= instant(AS_OF):
                yield name, moment * SECOND, is_up


def look(
    rows: Iterator[Poll],
    hours: list[Row] = DAYTIME,
    *,
    slices: int = 1,
    thresholds: Thresholds | None = None,
    **further: Sequence[tuple[object, ...]],
) -> Found:
    """Look for findings in the week before the as-of."""
    facts = facts_of(rows, hours, UTC, STORES, **{"labels": BRANDS} | further)
    ask = Ask(as_of=instant(AS_OF))
    return find(GivenFacts(facts=facts), ask, thresholds or Thresholds(), slices=slices)


def only(found: Found, kind: str) -> Finding:
    """Return the one finding that there is."""
    assert [each.kind for each in found.findings] == [kind]
    return found.findings[0]


@pytest.mark.parametrize("hours", [DAYTIME, NIGHTS], ids=["by day", "day and night"])
@pytest.mark.parametrize("every", [1, 2, 3])
def test_a_fleet_in_order_has_none(hours: list[Row], every: int) -> None:
    """Also where some stores are down, each at another time, and where polls come in open hours only."""
    opened = range(24) if hours is NIGHTS else range(9, 21)
    found = look(
        polls(lambda store, hour: (hour + 5 * store) % 90 > 3 if hour % 24 in opened else None, every), hours
    )

    assert found.findings == ()
    assert found.stores == len(STORES)


@pytest.mark.parametrize("slices", [1, 7])
def test_hours_in_which_hardly_any_store_was_polled_are_one_finding_with_its_annotation(slices: int) -> None:
    away = range(at("24 10:00"), at("24 13:00"))
    finding = only(
        look(polls(lambda store, hour: None if hour in away and store > 5 else True), slices=slices),
        "poller_down",
    )

    assert finding.count == 3
    assert finding.evidence == {
        "begin": "2023-01-24T10:00:00Z",
        "end": "2023-01-24T13:00:00Z",
        "polled_stores": [6, 6, 6],
        "open_stores": [40, 40, 40],
        "usual_polled_stores": 40,
        "annotation": {
            "label": "*",
            "start_utc": "2023-01-24T10:00:00Z",
            "end_utc": "2023-01-24T13:00:00Z",
            "counts_as": "unknown",
            "reason": "the poller was down",
        },
    }
    assert "--all --from 2023-01-24T10:00:00Z --to 2023-01-24T13:00:00Z --as unknown" in finding.sentence
    assert ": 6 stores were polled in an hour at most, 40 are usual." in finding.sentence


def test_where_no_store_was_polled_the_sentence_says_just_that() -> None:
    away = at("24 10:00")
    finding = only(look(polls(lambda _, hour: None if hour == away else True)), "poller_down")
    assert ": no store was polled, 40 are usual." in finding.sentence


def test_what_is_stated_already_is_no_finding() -> None:
    away = range(at("24 10:00"), at("24 13:00"))
    stated = [note("unknown", "2023-01-24 10:00", "2023-01-24 13:00", about="*")]

    assert look(polls(lambda _, hour: None if hour in away else True), annotations=stated).findings == ()


@pytest.mark.parametrize("slices", [1, 7])
def test_stores_of_a_brand_that_fall_in_one_hour_are_one_event(slices: int) -> None:
    """18 of 20 of the brand, and one other store: of all 40 they are less than half."""
    down = range(at("24 14:00"), at("24 17:00"))
    finding = only(
        look(polls(lambda store, hour: hour not in down or (store in (0, 1) or store > 20)), slices=slices),
        "together",
    )

    assert finding.count == 18
    assert finding.evidence == {
        "label": "brand",
        "value": "north",
        "begin": "2023-01-24T14:00:00Z",
        "end": "2023-01-24T15:00:00Z",
        "open_stores": 20,
        "downtime_seconds": 18 * 3 * HOUR,
        "still_down": 0,
    }
    assert finding.values(2)["stores"] == [
        {
            "store_id": f"s0{nth}",
            "since": "2023-01-24T14:00:00Z",
            "until": "2023-01-24T17:00:00Z",
            "seconds": 3 * HOUR,
        }
        for nth in (2, 3)
    ]
    assert finding.sentence.startswith(
        "18 of 20 open stores with brand north went down together between Tue 24 Jan 2023 14:00 UTC and"
    )


def test_where_all_fall_it_is_an_event_of_all_which_may_go_on() -> None:
    down = range(at("25 16:00"), at("25 19:00"))
    finding = only(look(polls(lambda _, hour: hour not in down)), "together")

    assert (finding.evidence["label"], finding.count) == ("*", 40)
    assert finding.evidence["downtime_seconds"] == 40 * (2 * HOUR + 12 * 60)
    assert "40 still are" in finding.sentence


def test_what_happens_to_a_group_in_most_hours_is_no_event() -> None:
    """In each hour every other store goes down: half of all, which is usual here."""
    assert look(polls(lambda store, hour: (hour + store) % 2 == 0)).findings == ()


@pytest.mark.parametrize("slices", [1, 7])
def test_a_store_that_was_polled_each_hour_and_no_more_is_silent(slices: int) -> None:
    gone = at("24 15:00")
    finding = only(
        look(polls(lambda store, hour: None if store == 7 and hour >= gone else True), slices=slices),
        "silent",
    )

    assert finding.values(9)["stores"] == [
        # 15:00 to 21:00, and 9:00 to 18:12 of the next day
        {"store_id": "s07", "since": "2023-01-24T15:00:00Z", "seconds": 15 * HOUR + 12 * 60}
    ]
    assert finding.sentence.startswith("1 store has not been polled for far longer than usual in open hours")
    assert finding.sentence.endswith("Its status is carried, then unknown")


def test_a_silence_is_longer_than_six_usual_gaps_and_lasts_six_hours() -> None:
    """Stores are polled every other hour, so eleven hours are not long; and each hour, so six are."""

    def gap(length: int) -> Callable[[int, int], bool | None]:
        silent = range(at("24 01:00"), at("24 01:00") + length)
        return lambda store, hour: None if store == 3 and hour in silent else True

    assert look(polls(gap(5)), NIGHTS).findings == ()
    assert only(look(polls(gap(6)), NIGHTS), "was_silent").count == 1
    assert look(polls(gap(9), every=2), NIGHTS).findings == ()
    assert only(look(polls(gap(13), every=2), NIGHTS), "was_silent").count == 1
    assert look(polls(gap(6)), NIGHTS, thresholds=Thresholds(silent_seconds=7 * HOUR)).findings == ()


def test_stores_that_lack_something_are_counted_and_named() -> None:
    rows = [poll for poll in polls() if poll[0] != "s05"]
    hours = [row for row in DAYTIME if row[0] not in ("s01", "s02")]
    facts = facts_of(rows, hours, {name: "UTC" for name in STORES if name != "s03"}, STORES)
    found = find(GivenFacts(facts=facts), Ask(as_of=instant(AS_OF)), Thresholds())

    assert [(each.kind, each.stores["store_id"].to_list()) for each in found.findings] == [
        ("without_polls", ["s05"]),
        ("without_hours", ["s01", "s02"]),
        ("without_zone", ["s03"]),
    ]
    assert "1 of 40 stores have no zone" in found.findings[2].sentence


def test_hours_that_have_run_out_are_told_by_the_date_of_each_zone() -> None:
    """The as-of is a Wednesday; rows for all days end on a date, in Auckland it is Thursday already."""
    ends = {"s00": "2023-01-17", "s01": "2023-01-18", "s02": "2023-01-17", "s03": "2023-01-18"}
    zones = UTC | {"s02": "Pacific/Auckland", "s03": "Pacific/Auckland"}
    hours = [row for name in ends for row in valid(range(7), ALWAYS, until=ends[name], store_id=name)]
    facts = facts_of(polls(), hours, zones, STORES)

    found = find(GivenFacts(facts=facts), Ask(as_of=instant(AS_OF)), Thresholds())
    assert {each.kind: each.stores["store_id"].to_list() for each in found.findings}["hours_run_out"] == [
        *("s00", "s02", "s03")
    ]


def test_polls_and_hours_whose_ids_miss_each_other_are_told() -> None:
    rows = [(f"{name}.0", *others) for name, *others in polls()]
    found = find(
        GivenFacts(facts=facts_of(rows, DAYTIME, UTC)),  # type: ignore[arg-type]
        Ask(as_of=instant(AS_OF)),
        Thresholds(),
    )

    (last,) = (each for each in found.findings if each.kind == "ids_do_not_join")
    assert (last.count, last.evidence) == (40, {"polled_only": 40, "hours_only": 40})
    assert "Those of the polls end in .0" in last.sentence


def test_ids_that_are_spoken_of_and_that_nothing_names_are_told() -> None:
    about = [
        note("up", "2023-01-24 10:00", "2023-01-24 13:00", about=name, name=name) for name in ("s01", "S1")
    ]
    labels = [*BRANDS, ("s99", "brand", "north"), ("s98", "brand", "north")]

    for slices in (1, 7):
        finding = only(look(polls(), annotations=about, labels=labels, slices=slices), "ids_do_not_join")
        assert (finding.count, finding.evidence) == (3, {"annotations": 1, "labels": 2})


def test_a_finding_that_asks_ends_as_a_question(tmp_path: Path) -> None:
    (tmp_path / "polls.csv").write_text("store_id,status,timestamp_utc\na,active,2023-01-25 11:05:00 UTC\n")
    (tmp_path / "zones.csv").write_text("store_id,timezone_str\nb,UTC\n")
    (tmp_path / "hours.csv").write_text("store_id,day,start_time_local,end_time_local\nb,0,9:00,17:00\n")
    told = CliRunner().invoke(commands, ["findings", "--data", f"{tmp_path}"]).output
    assert any(line.endswith("do the ids match?") for line in told.splitlines())


def test_a_fleet_of_one_store_and_one_of_none_have_their_findings() -> None:
    one = find(GivenFacts(facts=facts_of(stores=["a"])), Ask(as_of=instant(AS_OF)), Thresholds())
    assert [each.kind for each in one.findings] == ["without_polls", "without_hours", "without_zone"]
    assert find(GivenFacts(facts=facts_of()), Ask(as_of=instant(AS_OF)), Thresholds()).findings == ()


def test_the_command_says_it_for_people_and_for_programs(tmp_path: Path) -> None:
    for name, text in (
        ("polls", "store_id,status,timestamp_utc\na,active,2023-01-25 11:05:00 UTC\n"),
        ("zones", "store_id,timezone_str\na,UTC\nb,UTC\n"),
    ):
        (tmp_path / f"{name}.csv").write_text(text)
    words = ["findings", "--data", f"{tmp_path}", "--silent-for", "200h", "--silent-gaps", "7"]
    told, program = (
        CliRunner().invoke(commands, [*words, *more]) for more in ([], ["--json", "--named", "1"])
    )

    assert (told.exit_code, program.exit_code) == (0, 0)
    assert told.output.splitlines() == [
        "2 findings in the week before 2023-01-25T11:05:00Z, of 2 stores",
        "",
        "without polls: 1 of 2 stores have no poll that was read: whether it is up is not known.",
        "  b",
        "",
        "without hours: 2 of 2 stores have no opening hours: they count as open all the time.",
        "  a, b",
    ]
    assert json.loads(program.output)["findings"][1] == {
        "kind": "without_hours",
        "count": 2,
        "sentence": "2 of 2 stores have no opening hours: they count as open all the time",
        "evidence": {"stores": 2},
        "stores": [{"store_id": "a"}],
    }
