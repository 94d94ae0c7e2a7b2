"""What every poll store must do. An adapter joins by one more parameter of `url`."""

from __future__ import annotations

import subprocess
import sys
import threading
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import strategies
from sources import newest_of, scan, stores_of
from storewatch.adapters.polls import open_polls
from storewatch.adapters.polls.postgres_schema import upgrade
from storewatch.domain.kinds import HOURS, POLLS, ZONES
from storewatch.errors import InputError, SettingsError
from storewatch.ports.polls import Load, LoadSummary, PollStore
from strategies import Poll, Row, facts_of, micros, of_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

NOON = micros("2023-01-18 12:00")
DAY = 86_400_000_000  # microseconds
EVER = micros("2200-12-31 23:59")
NINE, FIVE = of_day("09:00"), of_day("17:00")


class State(NamedTuple):
    """All that a version holds, polls settled as R1 says."""

    polls: dict[tuple[str, int], bool]
    hours: frozenset[Row]
    zones: dict[str, str]
    stores: list[str]


@pytest.fixture(params=["delta", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """A maker of addresses of poll stores that nothing was ever loaded into."""
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("postgres_databases")
        return lambda: upgraded(make())
    numbers = count()
    return lambda: f"{request.param}://{tmp_path}/made by the load/{next(numbers)}"


def upgraded(url: str) -> str:
    upgrade(url)
    return url


@pytest.fixture
def url(fresh: Callable[[], str]) -> str:
    return fresh()


@pytest.fixture
def polls(url: str) -> Iterator[PollStore]:
    store = open_polls(url)
    yield store
    store.close()


def load(
    store: PollStore,
    polls: Iterable[Poll] = (),
    hours: Iterable[Row] = (),
    zones: Mapping[str, str] | None = None,
    *,
    stores: Iterable[str] = (),
    tainted: Sequence[str] = (),
) -> LoadSummary:
    facts = facts_of(polls, hours, zones, stores)
    units = {"hours": pl.DataFrame({"store_id": tainted}, schema={"store_id": pl.String})}
    return store.load(Load(name="a load", facts=facts, tainted=units))


def read(
    store: PollStore, version: str | None = None, *, since: int | None = None, until: int = EVER
) -> State:
    facts = scan(store, version or store.version(), since=since, until=until)
    settled: dict[tuple[str, int], bool] = {}
    rows = facts.polls.with_columns(pl.col("store_id").cast(pl.String), pl.col("at").to_physical())
    for name, at, active in rows.select("store_id", "at", "active").iter_rows():
        settled[name, at] = active and settled.get((name, at), True)
    assert facts.stores is not None
    return State(
        polls=settled,
        hours=frozenset(facts.hours.iter_rows()),
        zones=dict(facts.zones.iter_rows()),
        stores=facts.stores.to_list(),
    )


def ats(store: PollStore, *, since: int | None, until: int) -> list[int]:
    return sorted(at for _, at in read(store, since=since, until=until).polls)


def test_a_store_without_loads_has_a_version_that_stays_empty(polls: PollStore) -> None:
    empty = polls.version()
    assert read(polls, empty) == State({}, frozenset(), {}, [])
    assert newest_of(polls, empty) is None
    load(polls, [("a", NOON, True)])
    assert polls.version() != empty
    assert read(polls, empty).polls == {}


def test_what_is_loaded_is_read_back_with_the_promised_types(polls: PollStore) -> None:
    odd = ["007", "7", "", " ", "é", "\U0001f600", "a,b", "8139926242460185114"]
    load(polls, [(name, NOON + 1, True) for name in odd], [("7", 6, NINE, FIVE)], {"é": "Asia/Kolkata"})
    facts = scan(polls, since=None, until=EVER)
    assert dict(facts.polls.schema) == POLLS.schema
    assert dict(facts.hours.schema) == HOURS.schema
    assert dict(facts.zones.schema) == ZONES.schema
    assert facts.polls.null_count().sum_horizontal().item() == 0
    assert read(polls).polls == {(name, NOON + 1): True for name in odd}
    assert stores_of(polls) == sorted(odd)


def test_polls_add_up_over_loads(polls: PollStore) -> None:
    load(polls, [("a", NOON, True)])
    load(polls, [("a", NOON - 3 * DAY, False), ("b", NOON, True)])
    assert read(polls).polls == {("a", NOON): True, ("a", NOON - 3 * DAY): False, ("b", NOON): True}


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_cut_order_and_doubling_of_the_polls_ends_the_same(
    data: st.DataObject, fresh: Callable[[], str]
) -> None:
    poll = st.tuples(st.sampled_from("abc"), st.integers(NOON, NOON + 2), st.booleans())
    far = st.tuples(st.sampled_from("cd"), st.sampled_from([0, NOON + DAY, EVER]), st.booleans())
    loads = data.draw(st.lists(st.lists(poll | far, max_size=12), max_size=12))
    store = open_polls(fresh())
    expected: dict[tuple[str, int], bool] = {}
    for rows in loads:
        summary = load(store, rows)
        before = dict(expected)
        for name, at, active in rows:
            expected[name, at] = active and expected.get((name, at), True)
        assert summary.new_polls == sum(before.get(key) is not value for key, value in expected.items())
    assert read(store).polls == expected
    assert read(store).stores == sorted({name for name, _ in expected})


def test_two_polls_that_disagree_are_inactive_whichever_comes_first(polls: PollStore) -> None:
    load(polls, [("a", NOON, True), ("b", NOON, False)])
    assert load(polls, [("a", NOON, False), ("b", NOON, True)]).new_polls == 1
    assert read(polls).polls == {("a", NOON): False, ("b", NOON): False}


def test_loading_again_changes_nothing(polls: PollStore) -> None:
    given_rows = ([("a", NOON, True)] * 2, [("a", 0, NINE, FIVE), ("a", 0, NINE, FIVE)], {"a": "Asia/Tokyo"})
    first = load(polls, *given_rows, stores=["z"])
    again = load(polls, *given_rows, stores=["z"])
    assert again.version == first.version == polls.version()
    assert (again.polls, again.new_polls, again.stores, again.new_stores) == (2, 0, 2, 0)
    assert (again.hours_new, again.hours_replaced, again.zones_changed) == (0, (), 0)


def test_a_load_of_nothing_changes_nothing(polls: PollStore) -> None:
    before = polls.version()
    assert load(polls).version == before == polls.version()


def test_hours_of_named_stores_are_replaced_whole_and_others_kept(polls: PollStore) -> None:
    load(polls, hours=[("a", 0, NINE, FIVE), ("a", 1, NINE, FIVE), ("b", 0, NINE, FIVE)])
    load(polls, hours=[("a", 1, NINE, FIVE), ("c", 2, NINE, FIVE)])
    assert read(polls).hours == {("a", 1, NINE, FIVE), ("b", 0, NINE, FIVE), ("c", 2, NINE, FIVE)}


def test_zones_of_named_stores_are_replaced_and_others_kept(polls: PollStore) -> None:
    load(polls, zones={"a": "Asia/Tokyo", "b": "Asia/Kolkata"})
    load(polls, zones={"a": "America/Denver", "c": "America/Boise"})
    assert read(polls).zones == {"a": "America/Denver", "b": "Asia/Kolkata", "c": "America/Boise"}


def test_a_store_with_a_rejected_hours_row_keeps_what_it_had(polls: PollStore) -> None:
    load(polls, hours=[("a", 0, NINE, FIVE), ("b", 0, NINE, FIVE)])
    summary = load(polls, hours=[("a", 1, NINE, FIVE), ("b", 1, NINE, FIVE)], tainted=["a"])
    assert read(polls).hours == {("a", 0, NINE, FIVE), ("b", 1, NINE, FIVE)}
    assert (summary.kept_hours, summary.part_hours, summary.hours_replaced) == (("a",), (), ("b",))


def test_a_store_with_a_rejected_hours_row_and_none_before_gets_the_good_ones(polls: PollStore) -> None:
    summary = load(polls, hours=[("a", 1, NINE, FIVE)], tainted=["a"])
    assert read(polls).hours == {("a", 1, NINE, FIVE)}
    assert (summary.kept_hours, summary.part_hours, summary.hours_new) == ((), ("a",), 1)


def test_stores_that_only_an_old_load_named_stay_known(polls: PollStore) -> None:
    load(polls, [("old", NOON - 400 * DAY, True)], stores=["named"])
    load(polls, [("new", NOON, True)])
    state = read(polls, since=NOON)
    assert state.polls == {("new", NOON): True}
    assert state.stores == ["named", "new", "old"] == stores_of(polls)


def test_the_summary_counts_polls_and_stores(polls: PollStore) -> None:
    load(polls, [("a", NOON, True)])
    rows = [("a", NOON, True), ("a", NOON + 1, True), ("b", NOON, True)]
    summary = load(polls, rows, [("c", 0, NINE, FIVE)], {"d": "Asia/Tokyo"}, stores=["e"])
    assert (summary.load, summary.version) == ("a load", polls.version())
    assert (summary.polls, summary.new_polls) == (3, 2)
    assert (summary.stores, summary.new_stores) == (5, 4)
    assert (summary.hours_new, summary.always_open) == (1, 4)


def test_the_summary_counts_zones_that_known_stores_change(polls: PollStore) -> None:
    load(polls, [("known", NOON, True)], zones={"a": "Asia/Tokyo", "b": "Asia/Tokyo"})
    zones = {"a": "Asia/Tokyo", "b": "Asia/Kolkata", "known": "Asia/Tokyo", "new": "Asia/Tokyo"}
    assert load(polls, zones=zones).zones_changed == 2


def test_the_summary_names_stores_that_open_on_fewer_days(polls: PollStore) -> None:
    late = of_day("22:00")
    week = [(name, day, NINE, FIVE) for name in ("fewer", "night", "empty", "same") for day in (0, 1)]
    load(polls, hours=week)
    summary = load(
        polls,
        hours=[
            ("fewer", 0, NINE, FIVE),
            ("night", 6, late, of_day("02:00")),  # Sunday, and Monday's first hours
            ("empty", 0, NINE, FIVE),
            ("empty", 1, NINE, NINE),  # of zero length: closed
            ("same", 5, NINE, of_day("23:59")),
            ("same", 6, of_day("23:59"), of_day("23:59")),  # the day's last minute: its end is 24:00
        ],
    )
    assert summary.hours_replaced == ("empty", "fewer", "night", "same")
    assert summary.fewer_days == ("empty", "fewer")
    assert summary.empty_rows == 1


def test_hours_in_another_order_are_the_same_hours(polls: PollStore) -> None:
    rows = [("a", 0, NINE, FIVE), ("a", 1, NINE, FIVE)]
    first = load(polls, hours=rows)
    again = load(polls, hours=rows[::-1] * 2)
    assert (again.version, again.hours_replaced) == (first.version, ())


def test_newest_is_the_newest_poll_to_the_microsecond(polls: PollStore) -> None:
    load(polls, [("a", NOON + 388_884, True), ("b", NOON - DAY, True)])
    load(polls, [("c", NOON - 9 * DAY, True)])
    assert newest_of(polls) == NOON + 388_884


def test_scan_bounds_are_both_included(polls: PollStore) -> None:
    moments = [NOON - DAY, NOON - 1, NOON, NOON + 1, NOON + DAY]
    load(polls, [("a", at, True) for at in moments])
    assert ats(polls, since=NOON, until=NOON + 1) == moments[2:4]
    assert ats(polls, since=None, until=NOON) == moments[:3]
    assert ats(polls, since=NOON + DAY, until=EVER) == moments[4:]
    assert ats(polls, since=NOON + 2, until=NOON + 3) == []


def test_scan_bounds_hold_at_midnight(polls: PollStore) -> None:
    midnight = micros("2023-01-19 00:00")
    load(polls, [("a", midnight - 1, True), ("a", midnight, True)])
    assert ats(polls, since=midnight, until=midnight) == [midnight]
    assert ats(polls, since=None, until=midnight - 1) == [midnight - 1]


def test_a_scan_of_some_stores_reads_what_is_about_them_and_nothing_else(polls: PollStore) -> None:
    days = [("a", NOON - DAY, True), ("b", NOON, False), ("a", NOON, False), ("c", NOON, True)]
    load(polls, days, [("a", 0, NINE, FIVE), ("b", 1, NINE, FIVE)], {"b": "Asia/Tokyo", "d": "UTC"})
    load(polls, stores=["e"])
    for wanted in (["a"], ["b", "d"], ["e", "nobody", "a\0"], [], list("abcde")):
        facts = scan(polls, since=NOON, until=NOON, within=wanted)
        every = scan(polls, since=NOON, until=NOON)
        for found, whole in (
            (facts.polls, every.polls),
            (facts.hours, every.hours),
            (facts.zones, every.zones),
        ):
            own = whole.filter(whole["store_id"].cast(pl.String).is_in(wanted))
            assert sorted(found.rows()) == sorted(own.rows())
            assert found.schema == whole.schema
        assert facts.stores is not None
        assert facts.stores.to_list() == sorted(set(wanted) & set("abcde"))


def test_a_version_reads_the_same_whatever_is_loaded_since(polls: PollStore) -> None:
    seen = {}
    for i in range(30):
        rows = [(f"s{i % 7}", NOON + i * 1_000 + j, i % 3 > 0) for j in range(3)]
        load(polls, rows, [(f"s{i % 5}", i % 7, NINE, FIVE)], {f"s{i % 3}": ["Asia/Tokyo", "UTC"][i % 2]})
        seen[polls.version()] = (read(polls), newest_of(polls))
    assert len(seen) == 30
    for version, (state, newest) in seen.items():
        assert read(polls, version) == state
        assert newest_of(polls, version) == newest


def test_a_version_from_before_a_contradiction_reads_the_poll_as_it_was(polls: PollStore) -> None:
    versions = [load(polls, [("a", NOON, True), ("b", NOON, False)]).version]
    versions.append(load(polls, [("a", NOON, False), ("b", NOON, True)]).version)
    versions.append(load(polls, [("a", NOON + 1, True)]).version)
    assert [read(polls, version).polls["a", NOON] for version in versions] == [True, False, False]
    assert [read(polls, version).polls["b", NOON] for version in versions] == [False, False, False]


def test_another_opening_of_the_same_address_sees_the_same(polls: PollStore, url: str) -> None:
    load(polls, [("a", NOON, True)], [("a", 0, NINE, FIVE)], {"a": "Asia/Tokyo"})
    assert open_polls(url).version() == polls.version()
    assert read(open_polls(url)) == read(polls)


@pytest.mark.parametrize("version", ["", "12", ":", "{}", "{}:", "{}:x", "{}:99", "{}:-1", "{}:1:2", "{}:0 "])
def test_a_version_that_is_none_is_an_error(polls: PollStore, version: str) -> None:
    load(polls, [("a", NOON, True)])
    kind = polls.version().partition(":")[0]
    with pytest.raises(InputError, match="version"):
        scan(polls, version.format(kind), since=None, until=EVER)


def test_a_reader_beside_a_load_sees_all_of_it_or_nothing(polls: PollStore) -> None:
    def load_some() -> None:
        for i in range(25):
            name = f"s{i}"
            load(polls, [(name, NOON + i * DAY, True)], [(name, 0, NINE, FIVE)], {name: "UTC"})

    loader = threading.Thread(target=load_some)
    loader.start()
    while loader.is_alive():
        state = read(polls)
        polled = {name for name, _ in state.polls}
        assert polled == {row[0] for row in state.hours} == set(state.zones) == set(state.stores)
    loader.join()
    assert len(read(polls).stores) == 25


_LOADER = """
import sys
from strategies import facts_of
from storewatch.adapters.polls import open_polls
from storewatch.ports.polls import Load

url, me = sys.argv[1], int(sys.argv[2])
store = open_polls(url)
for i in range(6):
    polls = [(f"s{j}", 1_000_000 * i + j, True) for j in range(20)] + [(f"own{me}", i, True)]
    hours = [("shared", day, 100 * me + i, 80_000) for day in range(7)]
    store.load(Load(name="one of many", facts=facts_of(polls, hours, {"shared": "UTC", f"own{me}": "UTC"})))
"""


def test_loads_at_once_end_as_if_one_had_run_after_the_other(polls: PollStore, url: str) -> None:
    tests = str(Path(strategies.__file__).parent)
    code = f"import sys; sys.path.insert(0, {tests!r})\n{_LOADER}"
    running = [subprocess.Popen([sys.executable, "-c", code, url, str(me)]) for me in range(3)]
    assert [process.wait(timeout=120) for process in running] == [0, 0, 0]
    state = read(polls)
    shared = {(f"s{j}", 1_000_000 * i + j): True for i in range(6) for j in range(20)}
    own = {(f"own{me}", i): True for me in range(3) for i in range(6)}
    assert state.polls == shared | own
    assert len({start for _, _, start, _ in state.hours}) == 1  # of one load, never of two
    assert len(state.hours) == 7
    assert set(state.zones) == {"shared", "own0", "own1", "own2"}
    raw = scan(polls, since=None, until=EVER).polls
    assert len(raw) == len(state.polls)  # each load saw what those before it had added


def test_polls_of_many_days_and_stores_come_back(polls: PollStore) -> None:
    random = np.random.default_rng(5)
    rows = {
        (f"{store:x}", at): active
        for store, at, active in zip(
            random.integers(0, 300, 20_000).tolist(),
            random.integers(NOON, NOON + 9 * DAY, 20_000).tolist(),
            (random.random(20_000) < 0.9).tolist(),
            strict=True,
        )
    }
    flat = [(name, at, active) for (name, at), active in rows.items()]
    for start in range(0, len(flat), 4_000):
        load(polls, flat[start : start + 4_500])
    assert read(polls).polls == rows


def test_loads_of_which_a_part_is_held_at_a_time_end_as_whole_ones(
    polls: PollStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storewatch.domain.packed.LARGE", 20)
    random, expected = np.random.default_rng(6), dict[tuple[str, int], bool]()
    for _ in range(6):
        rows = [
            (f"{store:x}", NOON + at * DAY // 2, active)
            for store, at, active in zip(
                random.integers(0, 40, 150).tolist(),
                random.integers(-4, 18, 150).tolist(),
                (random.random(150) < 0.7).tolist(),
                strict=True,
            )
        ]
        before = dict(expected)
        for name, at, active in rows:
            expected[name, at] = active and expected.get((name, at), True)
        changed = sum(before.get(key) is not value for key, value in expected.items())
        assert load(polls, rows).new_polls == changed
        again = load(polls, rows)
        assert (again.new_polls, again.polls) == (0, 150)
    assert read(polls).polls == expected
    assert len(scan(polls, since=None, until=EVER, within=["a", "1f"]).polls) >= sum(
        name in ("a", "1f") for name, _ in expected
    )


def test_an_unknown_scheme_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="delta"):
        open_polls("carrier-pigeon:coop")
