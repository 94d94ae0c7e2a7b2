"""What every open snapshot must do: of poll stores, of a team's own tables, of facts in memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

import sources
from sources import polls_of
from storewatch.domain.kinds import replaced_kinds
from storewatch.domain.slices import Slice
from storewatch.domain.uptime import store_names
from strategies import facts_of, micros, of_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sources import Opener
    from storewatch.domain.facts import Facts
    from storewatch.ports.polls import Snapshot

NOON = micros("2023-01-18 12:00")
DAY = 86_400_000_000  # microseconds
EVER = micros("2200-12-31 23:59")
NINE, FIVE = of_day("09:00"), of_day("17:00")

ODD = ["007", "7", "B", "a,b", "b", "é", "\uffff", "\U0001f600", "8139926242460185114"]
XMAS, MADE = date(2022, 12, 25), datetime(2023, 1, 1, tzinfo=UTC)
TEXT = 'odd "text",\n\\.\n\tof\\several lines\r'
FIRST = facts_of(
    [(name, NOON + nth, nth % 3 > 0) for nth, name in enumerate(ODD)] + [("b", NOON - DAY, True)],
    [
        ("b", 6, NINE, FIVE, None, XMAS),
        ("b", 0, NINE, FIVE, None, None),
        ("closes", 1, NINE, FIVE, XMAS, XMAS),
    ],
    {"é": "Asia/Kolkata", "zoned": "UTC"},
    exceptions=[
        ("b", XMAS, None, None, TEXT),
        ("b", date(2022, 12, 31), NINE, FIVE, ""),
        ("b", date(2022, 12, 31), 0, NINE, ""),
        ("stranger", XMAS, NINE, NINE, ""),
    ],
    annotations=[
        ("n1", "b", "", "", MADE, None, "up", TEXT, "who", MADE, None),
        ("n2", "", "brand", TEXT, MADE, MADE.replace(year=2024), "down", "", "", MADE, MADE),
    ],
    labels=[
        (name, label, value)
        for name in ("b", "é", "stranger")
        for label, value in (("storename", name), ("targetpercent", "99.5"), ("brand", TEXT), ("city", ""))
    ],
)
# Stores that lie between those of the first load, and before and after all of them.
BETWEEN = ["0", "8", "aa", "\U0001f601"]
LATER = facts_of(
    [(name, NOON + DAY, False) for name in [*BETWEEN, "b"]],
    zones={"a": "UTC"},
    exceptions=[("0", XMAS, None, None, ""), ("\U0001f602", XMAS, None, None, "")],
    annotations=[("n3", "", "*", "", MADE, None, "excluded", "", "", MADE, None)],
)
STORES = sorted([*ODD, *BETWEEN, "closes", "zoned", "a"])


@pytest.fixture(params=sources.NAMES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    if request.param == "delta":
        return sources.delta(tmp_path)
    if request.param == "memory":
        return sources.memory
    make: Callable[[], str] = request.getfixturevalue("postgres_databases")
    return sources.postgresql(make) if request.param == "postgresql" else sources.tables(make)


@pytest.fixture
def snapshot(source: Opener) -> Iterator[Snapshot]:
    """Yield a snapshot of two loads."""
    with source([FIRST, LATER]) as snapshot:
        yield snapshot


def everything(facts: Facts) -> tuple[object, ...]:
    others = (sorted(facts.of(kind).rows(), key=str) for kind in replaced_kinds())
    return polls_of(facts), *others, store_names(facts).to_list()


def test_a_snapshot_of_nothing_has_no_store_and_one_slice(source: Opener) -> None:
    with source([]) as empty:
        assert empty.newest is None
        assert empty.slices(4) == [Slice()]
        assert everything(empty.scan(since=None, until=EVER, within=Slice())) == ([],) * 7
        assert not empty.has("a")
        assert empty.near("a") == []


def test_a_snapshot_reads_all_stores_and_knows_the_newest_poll(snapshot: Snapshot) -> None:
    facts = snapshot.scan(since=None, until=EVER)
    assert len(polls_of(facts)) == len(ODD) + 1 + 5
    assert store_names(facts).to_list() == STORES
    assert snapshot.newest == NOON + DAY


def test_a_snapshot_tells_how_much_there_is_to_be_read_unless_all_is_read_at_once(
    snapshot: Snapshot, request: pytest.FixtureRequest
) -> None:
    there = [snapshot.amount(since=since, until=EVER) for since in (None, NOON, NOON + 30 * DAY)]
    if request.node.callspec.params["source"] in {"delta", "postgresql"}:
        assert [amount.stores for amount in there] == [len(STORES)] * 3
        assert there[0].polls >= there[1].polls > 0 == there[2].polls
    else:
        assert [amount.polls for amount in there] == [0] * 3
        assert len(STORES) / 2 < there[0].stores <= len(STORES)  # about


@pytest.mark.parametrize("count", [1, 2, 3, 5, 16, 1_000])
def test_slices_hold_every_store_once_and_leave_no_gap_between_them(snapshot: Snapshot, count: int) -> None:
    slices = snapshot.slices(count)
    assert len(slices) == min(count, len(STORES))
    assert [one.first for one in slices] == [None, *(one.after for one in slices[:-1])]
    assert slices[-1].after is None
    sizes = [len(one.of(pl.Series(STORES))) for one in slices]
    assert sum(sizes) == len(STORES)
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("count", [1, 2, 3, 16])
def test_what_the_slices_hold_one_after_the_other_is_what_there_is(snapshot: Snapshot, count: int) -> None:
    for since, until in ((None, EVER), (NOON, NOON + DAY - 1), (NOON + 2 * DAY, EVER)):
        whole = snapshot.scan(since=since, until=until)
        parts = [snapshot.scan(since=since, until=until, within=one) for one in snapshot.slices(count)]
        assert [poll for part in parts for poll in polls_of(part)] == polls_of(whole)
        assert [name for part in parts for name in store_names(part)] == store_names(whole).to_list()
        for kind in replaced_kinds():
            expected = sorted(whole.of(kind).rows(), key=str)
            if kind.by_store:
                found = [row for part in parts for row in kind.filled(part.of(kind)).rows()]
                assert sorted(found, key=str) == expected
            else:
                assert all(sorted(part.of(kind).rows(), key=str) == expected for part in parts)


def test_a_scan_reads_the_polls_of_a_reach_and_still_knows_all_stores(snapshot: Snapshot) -> None:
    whole = polls_of(snapshot.scan(since=None, until=EVER))
    for since, until in ((None, NOON), (NOON, NOON + DAY - 1), (NOON + 2 * DAY, EVER)):
        facts = snapshot.scan(since=since, until=until)
        first = 0 if since is None else since
        assert polls_of(facts) == [poll for poll in whole if first <= poll[1] <= until]
        assert store_names(facts).to_list() == STORES


def test_a_slice_is_cut_where_it_says_whether_there_are_such_stores_or_not(snapshot: Snapshot) -> None:
    bounds = [None, "", "0", "7", "77", "a", "b", "c", "z", "\uffff", "\U0001f601", "\U0001f601z"]
    for first in bounds:
        for after in bounds:
            facts = snapshot.scan(since=None, until=EVER, within=Slice(first=first, after=after))
            expected = [name for name in STORES if (first or "") <= name and (after is None or name < after)]
            assert store_names(facts).to_list() == expected
            assert {name for name, _, _ in polls_of(facts)} <= set(expected)


def test_a_scan_of_some_stores_reads_what_is_about_them_and_nothing_else(snapshot: Snapshot) -> None:
    whole = snapshot.scan(since=None, until=EVER)
    for wanted in (["b"], ["8", "zoned", "é"], ["nobody", "a\0", "closes"], [], STORES):
        facts = snapshot.scan(since=None, until=EVER, within=wanted)
        for kind in replaced_kinds():
            frame, every = kind.filled(facts.of(kind)), whole.of(kind)
            chosen = every.filter(pl.col("store_id").is_in(wanted)) if kind.by_store else every
            assert sorted(frame.rows(), key=str) == sorted(chosen.rows(), key=str)
            assert frame.schema == every.schema
        assert polls_of(facts) == [poll for poll in polls_of(whole) if poll[0] in wanted]
        assert facts.polls.schema == whole.polls.schema
        assert store_names(facts).to_list() == sorted(set(wanted) & set(STORES))


def test_a_store_is_there_if_any_load_named_it(snapshot: Snapshot) -> None:
    assert [name for name in [*STORES, "nobody", "", "b\0", "B "] if snapshot.has(name)] == STORES


def test_near_are_those_that_begin_or_end_alike_the_most_alike_first(source: Opener) -> None:
    numbers = [f"{nth:04}x" for nth in range(0, 2_000, 2)]
    alike = ["store 17", "a store 16", "store 1\U0001f600"]
    with source([facts_of([(name, NOON, True) for name in [*numbers, *alike]])]) as snapshot:
        assert snapshot.near("store 16") == ["a store 16", "store 1\U0001f600", "store 17"]
        assert len(snapshot.near("0017x")) == 3
        assert snapshot.near("\0\0") == []


def test_several_threads_read_one_snapshot_at_once(snapshot: Snapshot) -> None:
    slices = snapshot.slices(8)
    alone = [everything(snapshot.scan(since=None, until=EVER, within=within)) for within in slices]

    def read(nth: int) -> bool:
        found = snapshot.scan(since=None, until=EVER, within=slices[nth % 8])
        return everything(found) == alone[nth % 8] and snapshot.has("b") and snapshot.newest == NOON + DAY

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(read, range(48))) == [True] * 48


def test_two_snapshots_may_be_open_at_once(source: Opener) -> None:
    with ExitStack() as stack:
        one, other = (stack.enter_context(source([facts])) for facts in (FIRST, LATER))
        assert everything(one.scan(since=None, until=EVER)) != everything(other.scan(since=None, until=EVER))
