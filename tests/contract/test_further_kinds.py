"""What every poll store does with dated hours, exceptions, annotations and labels (R8 to R10)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleets import WholeFleet, whole_fleets
from sources import polls_of, scan
from storewatch.adapters.polls import open_polls
from storewatch.adapters.polls.postgres_schema import upgrade
from storewatch.domain.kinds import ANNOTATIONS, EXCEPTIONS, HOURS, LABELS, replaced_kinds
from storewatch.ports.polls import Load
from strategies import facts_of, micros, of_day

if TYPE_CHECKING:
    from pathlib import Path

    from storewatch.domain.facts import Facts
    from storewatch.domain.kinds import Kind
    from storewatch.ports.polls import LoadSummary, PollStore
    from strategies import DatedRow

EVER = micros("2200-12-31 23:59")
NINE, FIVE = of_day("09:00"), of_day("17:00")
FEB, LAST_OF_JAN, MARCH, LAST_OF_FEB = (
    date(2023, 2, 1),
    date(2023, 1, 31),
    date(2023, 3, 1),
    date(2023, 2, 28),
)
XMAS, BOXING = date(2022, 12, 25), date(2022, 12, 26)
MADE = datetime(2023, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["delta", "postgresql"])
def polls(request: pytest.FixtureRequest, tmp_path: Path) -> PollStore:
    if request.param == "delta":
        return open_polls(f"delta://{tmp_path}/polls")
    url: str = request.getfixturevalue("postgres_url")
    upgrade(url)
    return open_polls(url)


def load(
    polls: PollStore,
    facts: Facts,
    *,
    hours_from: date | None = None,
    tainted: dict[str, pl.DataFrame] | None = None,
) -> LoadSummary:
    return polls.load(Load(name="a load", facts=facts, hours_from=hours_from, tainted=tainted or {}))


def rows(polls: PollStore, kind: Kind, version: str | None = None) -> list[tuple[object, ...]]:
    found = kind.filled(scan(polls, version, since=None, until=EVER).of(kind))
    return sorted(found.rows(), key=str)


def hours(*rows: tuple[str, int] | DatedRow, since: date | None = None, until: date | None = None) -> Facts:
    """Return hours from nine to five: of a store and day, or whole rows."""
    return facts_of(hours=[(*row, NINE, FIVE, since, until) if len(row) == 2 else row for row in rows])


def nine_to_five(store: str, day: int, since: date | None = None, until: date | None = None) -> DatedRow:
    return (store, day, NINE, FIVE, since, until)


def note(name: str, **changed: object) -> tuple[object, ...]:
    row: dict[str, object] = {
        "id": name,
        "store_id": "",
        "label": "*",
        "value": "",
        "since": MADE,
        "until": None,
    }
    row |= {"counts_as": "excluded", "reason": "", "author": "", "made_at": MADE, "withdrawn_at": None}
    return tuple((row | changed).values())


def test_hours_from_a_date_leave_those_of_before_until_then(polls: PollStore) -> None:
    load(polls, hours(("a", 0), ("b", 0)))
    version = polls.version()
    summary = load(polls, hours(("a", 1)), hours_from=FEB)
    expected = [nine_to_five("a", 0, None, LAST_OF_JAN), nine_to_five("a", 1, FEB), nine_to_five("b", 0)]
    assert rows(polls, HOURS) == expected
    assert rows(polls, HOURS, version) == [nine_to_five("a", 0), nine_to_five("b", 0)]
    assert (summary.hours_replaced, summary.hours_from, summary.fewer_days) == (("a",), FEB, ())


def test_hours_from_a_date_loaded_again_change_nothing(polls: PollStore) -> None:
    load(polls, hours(("a", 0)))
    for _ in range(2):
        load(polls, hours(("a", 1), ("new", 1)), hours_from=FEB)
        version = polls.version()
        expected = rows(polls, HOURS)
    assert polls.version() == version
    assert load(polls, hours(("a", 1), ("new", 1)), hours_from=FEB).hours_replaced == ()
    assert rows(polls, HOURS) == expected


def test_hours_from_a_date_take_the_place_of_those_that_would_begin_later(polls: PollStore) -> None:
    load(polls, hours(("a", 0)))
    load(polls, hours(("a", 1)), hours_from=MARCH)
    load(polls, hours(("a", 2)), hours_from=FEB)
    assert rows(polls, HOURS) == [nine_to_five("a", 0, None, LAST_OF_JAN), nine_to_five("a", 2, FEB)]
    load(polls, hours(("a", 3)), hours_from=MARCH)
    assert rows(polls, HOURS)[1:] == [nine_to_five("a", 2, FEB, LAST_OF_FEB), nine_to_five("a", 3, MARCH)]


def test_hours_from_a_date_keep_their_own_validity_within_it(polls: PollStore) -> None:
    load(polls, hours(("a", 0)))
    rows_of_load = [
        nine_to_five("a", 1, MARCH),
        nine_to_five("a", 2, XMAS, MARCH),
        nine_to_five("a", 3, None, LAST_OF_JAN),
    ]
    load(polls, hours(*rows_of_load), hours_from=FEB)
    assert rows(polls, HOURS) == [
        nine_to_five("a", 0, None, LAST_OF_JAN),
        nine_to_five("a", 1, MARCH),
        nine_to_five("a", 2, FEB, MARCH),
    ]


def test_a_store_without_hours_was_open_all_the_time_before_its_first_ones_hold(polls: PollStore) -> None:
    load(polls, facts_of([("a", 0, True)]))
    load(polls, hours(("a", 1)), hours_from=FEB)
    always = [("a", day, 0, 86_400, None, LAST_OF_JAN) for day in range(7)]
    assert rows(polls, HOURS) == sorted([*always, nine_to_five("a", 1, FEB)], key=str)


def test_a_store_with_a_rejected_row_keeps_its_hours_also_from_a_date_on(polls: PollStore) -> None:
    load(polls, hours(("a", 0)))
    tainted = {"hours": pl.DataFrame({"store_id": ["a"]})}
    load(polls, hours(("a", 1)), hours_from=FEB, tainted=tainted)
    assert rows(polls, HOURS) == [nine_to_five("a", 0)]


def test_a_plain_load_of_hours_is_all_the_hours_there_are(polls: PollStore) -> None:
    load(polls, hours(("a", 0), since=FEB))
    load(polls, hours(("a", 0), ("a", 1)))
    assert rows(polls, HOURS) == [nine_to_five("a", 0), nine_to_five("a", 1)]


def test_exceptions_become_those_of_the_dates_that_a_load_names(polls: PollStore) -> None:
    load(polls, facts_of(exceptions=[("a", XMAS, None, None, "x"), ("a", BOXING, None, None, "")]))
    given = facts_of(
        exceptions=[("a", XMAS, NINE, FIVE, ""), ("a", XMAS, 0, 0, ""), ("b", XMAS, NINE, FIVE, "")]
    )
    tainted = {"exceptions": pl.DataFrame({"store_id": ["b", "a"], "date": [XMAS, BOXING]})}
    summary = load(polls, given, tainted=tainted)
    assert rows(polls, EXCEPTIONS) == [
        ("a", XMAS, 0, 0, ""),
        ("a", XMAS, NINE, FIVE, ""),
        ("a", BOXING, None, None, ""),
        ("b", XMAS, NINE, FIVE, ""),
    ]
    assert summary.units == {"exceptions": (1, 1)}
    assert summary.kept_dates == ("a 2022-12-26",)


def test_a_label_that_a_load_lacks_keeps_its_value(polls: PollStore) -> None:
    first = load(polls, facts_of(zones={"a": "UTC"}, labels=[("a", "brand", "X"), ("a", "storename", "A")]))
    second = load(polls, facts_of(labels=[("a", "brand", "Y"), ("a", "region", ""), ("b", "brand", "X")]))
    assert rows(polls, LABELS) == [
        ("a", "brand", "Y"),
        ("a", "region", ""),
        ("a", "storename", "A"),
        ("b", "brand", "X"),
    ]
    assert (first.new_labels, first.strangers) == (("brand",), {})
    assert (second.new_labels, second.strangers) == (("region",), {"labels": 1})
    assert (first.units, second.units) == ({"labels": (2, 0)}, {"labels": (2, 1)})


def test_an_annotation_is_replaced_by_its_id(polls: PollStore) -> None:
    load(polls, facts_of([("a", 0, True)], annotations=[note("1"), note("2", label="", store_id="a")]))
    version = polls.version()
    summary = load(
        polls, facts_of(annotations=[note("1", withdrawn_at=MADE), note("3", label="", store_id="x")])
    )
    assert [row[0] for row in rows(polls, ANNOTATIONS)] == ["1", "2", "3"]
    assert rows(polls, ANNOTATIONS)[0] == note("1", withdrawn_at=MADE)
    assert rows(polls, ANNOTATIONS, version)[0] == note("1")
    assert (summary.units, summary.strangers) == ({"annotations": (1, 1)}, {"annotations": 1})


def test_a_load_counts_the_stores_whose_hours_have_run_out_by_the_newest_poll(polls: PollStore) -> None:
    ended = [nine_to_five(name, day, None, LAST_OF_JAN) for name in ("a", "b", "c") for day in range(7)]
    assert load(polls, hours(*ended)).run_out == 0
    assert (
        load(polls, facts_of([("a", micros("2023-02-07 23:59:59"), True)], zones={"a": "UTC"})).run_out == 0
    )
    assert load(polls, facts_of([("a", micros("2023-02-08 01:00"), True)])).run_out == 1
    assert load(polls, facts_of([("a", micros("2023-02-09 01:00"), True)])).run_out == 3
    assert load(polls, hours(("a", 0))).run_out == 2


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fleet=whole_fleets(), data=st.data())
def test_neither_the_order_of_loads_nor_loading_twice_changes_what_is_read(
    fleet: WholeFleet, data: st.DataObject, tmp_path: Path
) -> None:
    facts = fleet.facts
    parts = [facts_of(stores=fleet.fleet.stores, polls=fleet.fleet.polls), facts_of(zones=fleet.fleet.zones)]
    parts += [facts_of(hours=fleet.hours), facts_of(exceptions=fleet.exceptions)]
    parts += [facts_of(annotations=[row]) for row in fleet.annotations]
    parts += [facts_of(labels=[row]) for row in fleet.labels]
    polls = open_polls(f"delta://{tmp_path}/{uuid4().hex}")
    for part in data.draw(
        st.permutations([*parts, *data.draw(st.lists(st.sampled_from(parts), max_size=3))])
    ):
        load(polls, part)
    found = scan(polls, since=None, until=EVER)
    assert polls_of(found) == polls_of(facts)
    for kind in replaced_kinds():
        assert set(kind.filled(found.of(kind)).rows()) == set(kind.filled(facts.of(kind)).rows())
    version = polls.version()
    assert load(polls, facts).version == version
