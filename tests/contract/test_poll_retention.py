"""What every poll store must do when old polls are dropped. Postgres drops weeks, Delta Lake days."""

from __future__ import annotations

from datetime import date
from itertools import count
from typing import TYPE_CHECKING

import pytest

from sources import newest_of, scan, stores_of
from storewatch.adapters.polls import open_polls
from storewatch.adapters.polls.postgres_schema import upgrade
from storewatch.ports.polls import Load
from strategies import facts_of, micros, of_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from storewatch.ports.polls import PollStore

NOON = micros("2023-01-18 12:00")  # a Wednesday
WEEK = 7 * 86_400_000_000  # microseconds
EVER = micros("2200-12-31 23:59")


@pytest.fixture(params=["delta", "postgresql"])
def polls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PollStore]:
    """Yield a store with polls of three weeks, one a week, and hours of a store that has the oldest only."""
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("postgres_databases")
        url = make()
        upgrade(url)
    else:
        url = f"delta://{tmp_path}/polls"
    store = open_polls(url)
    names = count()
    for week, name in ((-2, "old"), (-1, "a"), (0, "a")):
        facts = facts_of([(name, NOON + week * WEEK, True)], [("old", 0, of_day("09:00"), of_day("17:00"))])
        store.load(Load(name=f"load-{next(names)}", facts=facts))
    yield store
    store.close()


def ats(store: PollStore, version: str | None = None) -> list[int]:
    found = scan(store, version or store.version(), since=None, until=EVER).polls
    return sorted(found["at"].to_physical().to_list())


def test_what_is_over_before_the_day_goes_and_all_else_stays(polls: PollStore) -> None:
    assert len(polls.retention(date(2023, 1, 16))) == 2
    assert ats(polls) == [NOON]
    version = polls.version()
    facts = scan(polls, version, since=None, until=EVER)
    assert stores_of(polls, version) == ["a", "old"]
    assert facts.hours["store_id"].to_list() == ["old"]
    assert newest_of(polls, version) == NOON


def test_a_version_says_since_when_its_polls_are_kept(polls: PollStore) -> None:
    before = polls.version()
    polls.retention(date(2023, 1, 11))
    polls.retention(date(2023, 1, 16))
    for version, kept in ((before, None), (None, micros("2023-01-16 00:00"))):
        with polls.at(version) as snapshot:
            assert snapshot.kept_since == kept
    polls.load(Load(name="again", facts=facts_of([("a", NOON, False)])))
    with polls.at() as snapshot:
        assert snapshot.kept_since == micros("2023-01-16 00:00")


def test_nothing_goes_that_may_hold_a_poll_of_the_day(polls: PollStore) -> None:
    polls.retention(date(2023, 1, 11))  # the second poll's
    assert ats(polls) == [NOON - WEEK, NOON]


def test_a_second_time_there_is_nothing_to_drop_and_no_new_version(polls: PollStore) -> None:
    polls.retention(date(2023, 1, 16))
    version = polls.version()
    assert polls.retention(date(2023, 1, 16)) == []
    assert polls.version() == version


def test_of_everything_dropped_nothing_is_the_newest_and_loads_go_on(polls: PollStore) -> None:
    polls.retention(date(2024, 1, 1))
    assert newest_of(polls) is None
    again = Load(name="again", facts=facts_of([("a", NOON, True)]))
    assert polls.load(again).new_polls == 1
    assert ats(polls) == [NOON]


def test_a_store_without_polls_has_nothing_to_drop(tmp_path: Path) -> None:
    empty = open_polls(f"delta://{tmp_path}/polls")
    assert empty.retention(date(2024, 1, 1)) == []
    assert empty.version() == "delta:none"


def test_a_version_of_the_delta_store_from_before_can_still_be_read(tmp_path: Path) -> None:
    store = open_polls(f"delta://{tmp_path}/polls")
    before = store.load(Load(name="a-load", facts=facts_of([("a", NOON, True)]))).version
    assert store.retention(date(2023, 2, 1)) == ["polls-2023-01-18"]
    assert ats(store, before) == [NOON]
    assert ats(store) == []
