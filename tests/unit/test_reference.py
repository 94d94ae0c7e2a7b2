"""The steps of the pandas reference, each on its own, and the two worked examples of the rules."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import polars as pl
import pytest

from engines import Engine, csv_lines, figures, open_on, polled, row_of_a
from storewatch.checking import reference
from storewatch.domain.ask import Ask
from strategies import DAY, HOUR, WEEK, facts_of, instant

WINDOWS = ("hour", "day", "week")
NOON = pd.Timestamp("2023-01-25 12:00", tz="UTC")  # a Wednesday


def at(*times: str) -> pd.DatetimeIndex:
    """Return UTC times of 25 Jan 2023, or of a day that is given."""
    days = [text if " " in text else f"2023-01-25 {text}" for text in times]
    return pd.DatetimeIndex(pd.to_datetime(days, format="ISO8601", utc=True)).as_unit("us")


def polls_at(*polls: tuple[str, bool]) -> pd.DataFrame:
    return pd.DataFrame({"at": at(*(time for time, _ in polls)), "active": [active for _, active in polls]})


def stretches_of(*spans: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"begin": at(*(b for b, _ in spans)), "end": at(*(e for _, e in spans))})


def week_of(*rows: tuple[int, int, int]) -> pd.DataFrame:
    """Return hours rows in whole hours."""
    return pd.DataFrame(
        [(day, start * HOUR, end * HOUR) for day, start, end in rows], columns=["day", "start", "end"]
    ).astype("int64")


def clock(frame: pd.DataFrame, *columns: str) -> list[tuple[str, ...]]:
    """Return instants as `Wed 09:00`."""
    texts = [frame[column].dt.strftime("%a %H:%M").tolist() for column in columns]
    return list(zip(*texts, strict=True))


def test_the_worked_hour_of_the_rules(engine: Engine) -> None:
    polls = polled(("2023-01-25 10:05", True), ("2023-01-25 10:20", True))
    polls += polled(("2023-01-25 10:50", False), ("2023-01-25 13:10", True))
    row = row_of_a(engine, facts_of(polls), "2023-01-25 14:00")
    # 10 up, 11 and 12 down, 13 up; the other 20 hours of the day came before the first poll.
    assert (row["uptime_hour"], row["downtime_hour"], row["unknown_hour"]) == (HOUR, 0, 0)
    assert (row["uptime_day"], row["downtime_day"], row["unknown_day"]) == (2 * HOUR, 2 * HOUR, 20 * HOUR)


def test_the_worked_morning_of_the_rules(engine: Engine) -> None:
    polls = polled(("2023-01-24 20:55", False), ("2023-01-25 08:58", True), ("2023-01-25 10:30", True))
    facts = facts_of(polls, open_on(range(7), ("09:00", "21:00")), {"a": "UTC"})
    row = row_of_a(engine, facts, "2023-01-25 11:00")
    # Since yesterday 11:00: 11 to 20 unknown (10 h), 20 down; then 9 down, carried, and 10 up.
    assert (row["uptime_day"], row["downtime_day"], row["unknown_day"]) == (HOUR, 2 * HOUR, 9 * HOUR)
    assert row["uptime_hour"] == HOUR


def test_load_names_every_store_of_any_input_in_order_of_code_points() -> None:
    facts = facts_of(
        polled(("2023-01-25 10:05", True), store_id="b"),
        open_on([0], ("09:00", "10:00"), store_id="Z"),
        {"ä": "UTC"},
        ["\uffff", "😀", "b"],
    )
    stores = reference.load(facts)
    assert [store.store_id for store in stores] == ["Z", "b", "ä", "\uffff", "😀"]
    assert [store.zone for store in stores[:3]] == ["America/Chicago", "America/Chicago", "UTC"]
    assert [len(store.polls) for store in stores] == [0, 1, 0, 0, 0]
    assert [store.store_id for store in reference.load(facts, Ask(store_ids=("b", "nobody")))] == ["b"]


def test_distinct_polls_are_in_order_and_inactive_where_doubles_disagree() -> None:
    given = polls_at(("11:00", True), ("10:00", True), ("10:00", False), ("12:00", True), ("12:00:01", True))
    found = reference.distinct_polls(given, NOON)
    assert clock(found, "at") == [("Wed 10:00",), ("Wed 11:00",), ("Wed 12:00",)]
    assert found["active"].tolist() == [False, True, True]


def test_weekly_hours_cut_nights_at_midnight_and_carry_sunday_into_monday() -> None:
    found = reference.weekly_hours(week_of((6, 22, 2), (2, 18, 0), (3, 9, 9)))
    assert found.to_records(index=False).tolist() == [(0, 0, 7_200), (2, 64_800, DAY), (6, 79_200, DAY)]


def test_weekly_hours_of_a_store_without_rows_are_every_day_whole() -> None:
    found = reference.weekly_hours(week_of())
    assert found.to_records(index=False).tolist() == [(day, 0, DAY) for day in range(7)]


@pytest.mark.parametrize(("end", "read"), [(86_339, 86_339), (86_340, DAY), (86_399, DAY), (DAY, DAY)])
def test_an_end_from_23_59_on_is_the_end_of_the_day(end: int, read: int) -> None:
    hours = week_of((0, 9, 10)).assign(end=end)
    assert reference.weekly_hours(hours)["end"].tolist() == [read]


def test_days_of_interest_are_those_of_the_week_and_of_each_poll() -> None:
    day = instant("2023-01-25 00:00") // DAY
    polls = polls_at(("2023-01-03 23:59", True), ("09:00", True))
    assert reference.days_of_interest(polls, NOON) == [day - 22, *range(day - 7, day + 1)]


def test_clock_spans_part_a_day_where_the_clock_changes() -> None:
    day = instant("2023-03-12 00:00") // DAY
    found = reference.clock_spans("America/New_York", [day])
    assert clock(found, "since", "until") == [("Sun 00:00", "Sun 07:00"), ("Sun 07:00", "Mon 00:00")]
    assert found["ahead"].dt.total_seconds().tolist() == [-5 * HOUR, -4 * HOUR]


def test_clock_spans_know_offsets_and_changes_to_the_second() -> None:
    # Monrovia went from -0:44:30 to 0 on 7 Jan 1972, 00:44:30 UTC.
    found = reference.clock_spans("Africa/Monrovia", [instant("1972-01-07 00:00") // DAY])
    assert found["ahead"].dt.total_seconds().tolist() == [-2_670, 0]
    assert found["until"].iloc[0] == pd.Timestamp("1972-01-07 00:44:30", tz="UTC")


def test_opening_hours_in_utc_may_begin_on_another_day_of_the_week() -> None:
    spans = reference.clock_spans("Asia/Tokyo", [instant("2023-01-22 00:00") // DAY])  # a Sunday
    found = reference.opening_hours_utc(week_of((0, 8, 12)), spans)  # Mondays from 08:00 in Tokyo
    assert found[["day", "utc_day"]].to_numpy().tolist() == [[0, 6]]
    assert clock(found, "begin", "end") == [("Sun 23:00", "Mon 00:00")]  # the rest is the next UTC day's


def test_opening_hours_in_utc_are_empty_where_the_clock_skips_them() -> None:
    spans = reference.clock_spans("America/New_York", [instant("2023-03-12 00:00") // DAY])
    assert reference.opening_hours_utc(week_of((6, 2, 3)), spans).empty
    assert reference.open_stretches(reference.opening_hours_utc(week_of((6, 2, 3)), spans)).empty


def test_open_stretches_join_rows_that_overlap_nest_or_touch() -> None:
    rows = stretches_of(
        ("09:00", "12:00"), ("09:30", "10:00"), ("11:00", "13:00"), ("13:00", "14:00"), ("15:00", "16:00")
    )
    found = reference.open_stretches(rows.iloc[::-1])
    assert clock(found, "begin", "end") == [("Wed 09:00", "Wed 14:00"), ("Wed 15:00", "Wed 16:00")]


def test_polls_outside_are_discarded_on_closing_but_not_on_opening() -> None:
    polls = polls_at(("08:59:59.999999", True), ("09:00", True), ("09:59:59.999999", False), ("10:00", True))
    found = reference.discard_outside(polls, stretches_of(("09:00", "10:00")))
    assert found["at"].tolist() == at("09:00", "09:59:59.999999").tolist()
    assert reference.discard_outside(polls, stretches_of(("09:00", "10:00")).iloc[:0]).empty


def test_resample_counts_each_hour_the_cut_first_one_whole() -> None:
    counted = polls_at(("2023-01-18 11:40", True), ("10:05", True), ("10:50", False), ("11:00", True))
    found = reference.resample(counted, pd.Timestamp("2023-01-25 11:45", tz="UTC"))
    assert len(found) == 169  # from 11:00, although the week begins at 11:45
    rows = found[found["polls"] > 0].drop(columns="hour").to_numpy().tolist()
    assert rows == [[1, 1, 1], [2, 1, 0], [1, 1, 1]]  # polls, active, latest


def test_majority_decides_and_on_a_tie_the_latest_poll() -> None:
    hourly = pd.DataFrame({"polls": [3, 3, 2, 2, 0], "active": [2, 1, 1, 1, 0], "latest": [0, 1, 1, 0, 0]})
    status = reference.majority(hourly)["status"]
    assert status[:4].tolist() == ["up", "down", "up", "down"]
    assert pd.isna(status[4])


def test_carry_forward_takes_the_latest_poll_before_the_hour_while_it_is_young_enough() -> None:
    hourly = pd.DataFrame(
        {"hour": at("08:00", "09:00", "10:00", "11:00"), "status": [None, "up", None, None]}
    )
    counted = polls_at(("09:10", True), ("09:20", True), ("09:30", False))
    expected = {1_800: ["down", "unknown"], 1_799: ["unknown", "unknown"], None: ["down", "down"]}
    for carry, after in expected.items():
        status = reference.carry_forward(hourly, counted, carry)["status"]
        assert status.tolist() == ["unknown", "up", *after]


def test_observe_lets_a_poll_hold_from_its_second_to_the_next_or_to_the_end_of_its_carry() -> None:
    counted = polls_at(("09:00:10.5", True), ("09:30", False), ("09:30:00.9", True))
    found = reference.observe(counted, NOON, 3_600)
    assert found["status"].tolist() == ["unknown", "up", "up", "unknown"]
    assert found["since"].tolist() == at("2023-01-18 12:00", "09:00:10", "09:30", "10:30").tolist()
    assert found["until"].tolist() == at("09:00:10", "09:30", "10:30", "12:00").tolist()
    assert reference.observe(counted, NOON, None)["until"].tolist()[-1] == NOON
    assert reference.observe(counted.iloc[:0], NOON, None)["status"].tolist() == ["unknown"]


def test_pieces_are_the_stretches_cut_where_a_status_ends() -> None:
    since, until = at("09:00", "10:00", "11:00"), at("10:00", "11:00", "12:00")
    statuses = pd.DataFrame({"since": since, "until": until, "status": ["up", "down", "unknown"]})
    found = reference.pieces(statuses, stretches_of(("08:30", "10:15"), ("10:45", "11:30")))
    assert found["status"].tolist() == ["up", "down", "down", "unknown"]
    expected = [("09:00", "10:00"), ("10:00", "10:15"), ("10:45", "11:00"), ("11:00", "11:30")]
    assert clock(found, "begin", "end") == [(f"Wed {begin}", f"Wed {end}") for begin, end in expected]


def test_add_up_cuts_the_pieces_at_each_windows_start_and_at_the_as_of() -> None:
    pieces = stretches_of(("10:30", "11:30"), ("11:30", "13:00")).assign(status=["up", "down"])
    found = reference.add_up(pieces, NOON)
    assert (found["uptime_seconds_last_hour"], found["uptime_seconds_last_day"]) == (1_800, 3_600)
    assert (found["downtime_seconds_last_hour"], found["downtime_seconds_last_day"]) == (1_800, 1_800)
    assert found["open_seconds_last_week"] == 5_400


@pytest.mark.parametrize(
    ("seconds", "unit", "text"),
    [
        (0, 60, "0.00"),
        (3, 60, "0.05"),
        (3_599, 60, "59.98"),
        (17, HOUR, "0.00"),
        (18, HOUR, "0.01"),
        (WEEK - 18, HOUR, "168.00"),
        (WEEK - 19, HOUR, "167.99"),
    ],
)
def test_durations_are_rounded_half_up(seconds: int, unit: int, text: str) -> None:
    assert reference.duration(seconds, unit) == text


@pytest.mark.parametrize(
    ("up", "down", "text"),
    [
        (1, 0, "100.00"),
        (0, 1, "0.00"),
        (0, 0, ""),
        (604_799, 1, "99.99"),
        (2, 1, "66.66"),
        (1, 99_999, "0.00"),
    ],
)
def test_percentages_are_cut(up: int, down: int, text: str) -> None:
    assert reference.percent(up, down) == text


@pytest.mark.parametrize(
    ("field", "text"),
    [("007", "007"), (" a ", " a "), ("a,b", '"a,b"'), ('"', '""""'), ("a\nb", '"a\nb"'), ("a\rb", '"a\rb"')],
)
def test_fields_are_quoted_only_if_they_must_be(field: str, text: str) -> None:
    assert reference.quoted(field) == text


def test_the_csv_has_the_first_versions_columns_first_and_then_the_others(engine: Engine) -> None:
    header, row, rest = csv_lines(engine, facts_of(stores=["a"]), "1970-01-01 00:00")
    names = [
        f"{kind}_last_{window}"
        for kind in ("uptime", "downtime", "unknown", "open", "uptime_percent")
        for window in WINDOWS
    ]
    assert header == ",".join(["store_id", *names])
    assert (row, rest) == ("a,0.00,0.00,0.00,0.00,0.00,0.00,60.00,24.00,168.00,60.00,24.00,168.00,,,", "")


def test_ids_as_categories_give_the_same_report() -> None:
    facts = facts_of(polled(("2023-01-25 10:05", True), store_id="007"), zones={"007": "UTC"})
    coded = replace(facts, polls=facts.polls.with_columns(pl.col("store_id").cast(pl.Categorical)))
    asked = instant("2023-01-25 12:00")
    expected = reference.report(facts, Ask(as_of=asked, carry=WEEK))
    pd.testing.assert_frame_equal(reference.report(coded, Ask(as_of=asked, carry=WEEK)), expected)


def test_a_report_over_several_processes_is_the_same() -> None:
    polls = [poll for name in "abcde" for poll in polled(("2023-01-25 10:05", name < "c"), store_id=name)]
    alone = reference.report(facts_of(polls), Ask(as_of=instant("2023-01-25 12:00"), carry=WEEK))
    spread = reference.report(facts_of(polls), Ask(as_of=instant("2023-01-25 12:00"), carry=WEEK), jobs=2)
    pd.testing.assert_frame_equal(alone, spread)


def test_a_report_on_nothing_is_the_header_alone(engine: Engine) -> None:
    assert figures(engine, facts_of(), "2023-01-25 12:00") == {}
    lines = csv_lines(engine, facts_of(), "2023-01-25 12:00")
    assert lines[0].startswith("store_id,uptime_last_hour,")
    assert lines[1:] == [""]
