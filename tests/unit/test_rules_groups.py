"""R10 in the reference: targets, groups, and the columns of the whole report as CSV (R7, R9, R12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from beyond import account, note, same_rows
from engines import polled
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.checking import reference
from storewatch.domain.ask import Ask
from storewatch.domain.window import parse_windows
from strategies import DAY, HOUR, WEEK, facts_of, instant

if TYPE_CHECKING:
    from storewatch.domain.facts import Facts

AS_OF = "2023-01-25 12:00"
THREE = parse_windows(["hour", "day", "week"])


def counts(up: int, down: int, unknown: int = 0, *, excluded: int = 0, **decided: int) -> dict[str, int]:
    """Return the seconds of a window, all that is up or down measured unless something else is said."""
    given = {"measured": up + down, "stated_up": 0, "stated_down": 0} | decided
    whole = up + down + unknown + excluded
    return {"uptime": up, "downtime": down, "open": whole, "excluded": excluded, **given}


@pytest.mark.parametrize(
    ("said", "seconds", "target", "verdict"),
    [
        ("met to the second", counts(995, 5), 99_500, (True, 5, 0)),
        ("missed by one", counts(994, 6), 99_500, (False, 5, -1)),
        ("three decimals", counts(99_999, 1), 99_999, (True, 1, 0)),
        ("what is allowed is cut", counts(1_000, 99), 90_001, (True, 109, 10)),
        ("100 %", counts(999, 1), 100_000, (False, 0, -1)),
        ("nothing known", counts(0, 0, 100), 99_500, (None, 0, 0)),
        ("less than half measured", counts(50, 50, measured=49), 99_500, (None, 0, -50)),
        ("half of it", counts(50, 50, measured=50), 99_500, (False, 0, -50)),
        ("stated counts", counts(50, 50, measured=20, stated_up=20, stated_down=10), 99_500, (False, 0, -50)),
        ("unknown does not", counts(40, 0, 60), 99_500, (None, 0, 0)),
        ("excluded time is no part", counts(50, 0, excluded=1_000), 99_500, (True, 0, 0)),
    ],
)
def test_a_target_is_met_missed_or_has_no_verdict(
    said: str, seconds: dict[str, int], target: int, verdict: tuple[bool | None, int, int]
) -> None:
    assert tuple(reference.judge(seconds, target).values()) == verdict, said


@pytest.mark.parametrize(
    ("text", "thousandths"),
    [("99.5", 99_500), ("100", 100_000), ("0.001", 1), ("99.99", 99_990), ("99.500", 99_500), ("", None)],
)
def test_a_target_is_kept_as_text_and_read_in_thousandths(text: str, thousandths: int | None) -> None:
    (store,) = reference.load(facts_of(stores=["a"], labels=[("a", "targetpercent", text)]))
    assert (store.target, store.labels) == (thousandths, {})


def fleet(*labels: tuple[str, str, str]) -> Facts:
    """Four stores in their last hour: a and b up, c down, d unknown."""
    polls = [poll for name in "abc" for poll in polled(("2023-01-25 11:30", name != "c"), store_id=name)]
    return facts_of(polls, stores=["d"], labels=labels)


def by_label(facts: Facts, label: str) -> list[dict[str, Any]]:
    ask = Ask(as_of=instant(AS_OF), windows=("hour",), by=label)
    windows = ask.parsed_windows
    found = reference.by_label(reference.account(facts, ask, windows), facts, ask, label, windows)
    groups = answer(GivenFacts(facts=facts), ask, slices=3).groups
    assert groups is not None
    same_rows(groups, found)
    rows = found.astype("object").where(found.notna(), None).to_dict("records")
    return [{str(column).replace("_seconds", ""): value for column, value in row.items()} for row in rows]


def test_a_group_is_a_value_and_those_without_one_come_first() -> None:
    brands = [("a", "brand", "Å"), ("b", "brand", "b"), ("c", "brand", "b"), ("d", "brand", "")]
    rows = by_label(fleet(*brands), "brand")
    assert [(row["brand"], row["stores"], row["uptime_last_hour"]) for row in rows] == [
        ("", 1, 0),
        ("b", 2, HOUR),
        ("Å", 1, HOUR),
    ]
    assert [(row["downtime_last_hour"], row["open_last_hour"]) for row in rows] == [
        (0, HOUR),
        (HOUR, 2 * HOUR),
        (0, HOUR),
    ]


def test_by_a_label_that_no_store_has_there_is_one_group_of_all() -> None:
    (row,) = by_label(fleet(), "brand")
    assert (row["brand"], row["stores"], row["open_last_hour"], row["no_verdict"]) == ("", 4, 4 * HOUR, 4)


def test_a_group_counts_verdicts_and_has_its_own_only_if_all_of_its_stores_have_one_target() -> None:
    labels = [(name, "brand", brand) for name, brand in zip("abcd", "xxyy", strict=True)]
    labels += [(name, "targetpercent", "99.5") for name in "abc"]
    x, y = by_label(fleet(*labels), "brand")
    assert [(row["met"], row["missed"], row["no_verdict"]) for row in (x, y)] == [(2, 0, 0), (0, 1, 1)]
    assert (x["target_percent"], x["met_last_hour"], x["allowed_last_hour"], x["left_last_hour"]) == (
        99.5,
        True,
        36,
        36,
    )
    assert (y["target_percent"], y["met_last_hour"], y["left_last_hour"]) == (None, None, None)


def test_the_columns_of_targets_are_there_if_some_store_has_one() -> None:
    without, some = account(fleet(), AS_OF)["a"], account(fleet(("c", "targetpercent", "99.5")), AS_OF)
    assert "target_percent" not in without
    assert (some["a"]["target_percent"], some["a"]["met_last_week"]) == (None, None)
    assert (some["c"]["met_last_hour"], some["c"]["allowed_last_hour"], some["c"]["left_last_hour"]) == (
        False,
        HOUR * 5 // 1000,
        HOUR * 5 // 1000 - HOUR,
    )


def test_typed_columns_are_in_order_the_old_ones_first() -> None:
    frame = reference.account(
        fleet(("a", "targetpercent", "99")), Ask(as_of=instant(AS_OF)), THREE, compare=True
    )
    further = ("excluded", "measured", "stated_up", "stated_down", "low", "high")
    names = ["last_hour", "last_day", "last_week"]
    seconds = [f"{f}_seconds_{name}" for name in names for f in ("uptime", "downtime", "unknown", "open")]
    seconds += [f"{f}_seconds_{name}" for name in names for f in further]
    judged = [f"{f}_{name}" for name in names for f in ("met", "allowed_seconds", "left_seconds")]
    state = ["state", "is_closed", "since", "outages_last_week", "longest_outage_seconds_last_week"]
    before = [f"{column}_before" for column in seconds]
    assert list(frame) == ["store_id", *seconds, *state, "target_percent", *judged, *before]
    assert list(frame)[:13] == ["store_id", *reference.figure_columns()]


# CSV


def csv(facts: Facts, *windows: str, compare: bool = False) -> list[dict[str, str]]:
    """Return the fields of each row by column."""
    asked = parse_windows(windows or ["hour", "day", "week"])
    frame = reference.account(facts, Ask(as_of=instant(AS_OF)), asked, compare=compare)
    lines = reference.export_account(frame, asked, compare=compare).decode().splitlines()
    header = lines[0].split(",")
    assert len(set(header)) == len(header)
    return [dict(zip(header, line.split(","), strict=True)) for line in lines[1:]]


def test_the_csv_has_excluded_and_measured_at_its_end_and_all_before_it_as_it_was() -> None:
    facts = fleet()
    ask = Ask(as_of=instant(AS_OF))
    old = reference.export(reference.report(facts, ask)).decode().splitlines()
    new = reference.export_account(reference.account(facts, ask, THREE), THREE).decode().splitlines()
    columns = [f"{f}_last_{w}" for f in ("excluded", "measured_percent") for w in ("hour", "day", "week")]
    assert new[0] == ",".join([old[0], *columns])
    assert new[1] == old[1] + ",0.00,0.00,0.00,100.00,4.16,0.59"
    assert new[4] == old[4] + ",0.00,0.00,0.00,0.00,0.00,0.00"


def test_measured_percent_is_empty_where_nothing_is_left_to_measure() -> None:
    facts = facts_of(stores=["a"], annotations=[note("excluded", "2023-01-25 11:00")])
    (row,) = csv(facts)
    assert (row["excluded_last_hour"], row["measured_percent_last_hour"]) == ("60.00", "")
    assert (row["excluded_last_day"], row["measured_percent_last_day"]) == ("1.00", "0.00")


def test_targets_are_written_if_some_store_has_one_and_left_is_rounded_by_its_size() -> None:
    rows = csv(fleet(*((name, "targetpercent", "99.5") for name in "abc")))
    shown = [(row["met_last_hour"], row["allowed_last_hour"], row["left_last_hour"]) for row in rows]
    assert shown == [("yes", "0.30", "0.30")] * 2 + [("no", "0.30", "-59.70"), ("", "", "")]
    assert "met_last_hour" not in csv(fleet())[0]
    missed = facts_of(
        polled(("2023-01-25 11:30", True)),
        annotations=[note("down", "2023-01-25 11:59:59")],
        labels=[("a", "targetpercent", "100")],
    )
    (row,) = csv(missed, "2h")
    assert (row["met_2h"], row["left_2h"]) == ("no", "-0.00")


def test_chosen_windows_are_in_hours_and_those_before_at_the_very_end() -> None:
    (row,) = csv(facts_of(polled(("2023-01-25 09:30", True))), "2h", "hour", compare=True)
    assert (row["uptime_2h"], row["uptime_last_hour"], row["uptime_2h_before"]) == ("2.00", "60.00", "1.00")
    names = list(row)
    half = [name for name in names[1:] if not name.endswith("_before")]
    assert names == ["store_id", *half, *(f"{name}_before" for name in half)]


def test_the_csv_of_groups_begins_with_the_label() -> None:
    facts = fleet(("a", "brand", "=x"))
    ask = Ask(as_of=instant(AS_OF))
    report = reference.account(facts, ask, THREE)
    table = reference.by_label(report, facts, ask, "brand", THREE)
    lines = reference.export_account(table, THREE).decode().splitlines()
    assert lines[0].startswith("brand,stores,met,missed,no_verdict,uptime_last_hour,")
    assert [line.split(",")[:6] for line in lines[1:]] == [
        ["", "3", "0", "0", "3", "60.00"],
        ["'=x", "1", "0", "0", "1", "60.00"],
    ]
    assert (report["open_seconds_last_week"].sum(), table["open_seconds_last_week"].sum()) == (
        4 * WEEK,
        4 * WEEK,
    )
    assert pd.api.types.is_integer_dtype(table["uptime_seconds_last_day"])
    assert table["open_seconds_last_day"].tolist() == [3 * DAY, DAY]
