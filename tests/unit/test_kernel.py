"""The array kernel, called directly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from storewatch.domain.ask import Policy
from storewatch.domain.counted import Polls, counted_keys, latest_before, without_doubles
from storewatch.domain.hour_table import hour_table
from storewatch.domain.instant import DAY, HOUR, MICROSECONDS, WEEK
from storewatch.domain.kernel import tally
from storewatch.domain.schedule import Schedules, distinct_schedules

if TYPE_CHECKING:
    from numpy.typing import NDArray

AS_OF = 1_674_655_920  # 2023-01-25T14:12:00Z, a Wednesday
H0 = AS_OF // HOUR * HOUR  # its last full hour
NONE = np.empty(0, dtype=np.int64)


def polls(*rows: tuple[int, float, bool]) -> Polls:
    """Polls as (store, seconds since 1970, active)."""
    store, at, active = zip(*rows, strict=True) if rows else ((), (), ())
    return Polls(
        store=np.array(store, dtype=np.uint32),
        at=np.array([round(second * MICROSECONDS) for second in at], dtype=np.int64),
        active=np.array(active, dtype=bool),
    )


def always_open(stores: int) -> Schedules:
    return distinct_schedules(NONE, NONE, NONE, NONE, zone_of_store=["UTC"] * stores)


def sums(
    given: Polls,
    schedules: Schedules,
    *,
    as_of: int = AS_OF,
    carry: int | None = WEEK,
    window: int = HOUR,
    policy: Policy = Policy.HOURLY_MAJORITY,
) -> NDArray[np.int64]:
    """Up, down and open seconds of each store in a window up to the as-of."""
    edges = np.array([[as_of - window], [as_of]])
    found = tally(given, schedules, as_of=as_of, carry=carry, policy=policy, edges=edges)
    return found[:, 1] - found[:, 0]


def seconds(
    given: Polls,
    *,
    as_of: int = AS_OF,
    carry: int | None = WEEK,
    window: int = HOUR,
    policy: Policy = Policy.HOURLY_MAJORITY,
) -> list[int]:
    """Return those of store 0, always open."""
    (found,) = sums(given, always_open(1), as_of=as_of, carry=carry, window=window, policy=policy).tolist()
    return list(found)


def test_the_worked_hour_of_the_rules() -> None:
    at = [H0 + offset - 4 * HOUR for offset in (300, 1200, 3000, 3 * HOUR + 600)]
    given = polls((0, at[0], True), (0, at[1], True), (0, at[2], False), (0, at[3], True))
    up_hours = [seconds(given, as_of=H0 + HOUR * step) for step in (-3, -2, -1, 0)]

    assert up_hours == [[3600, 0, 3600], [0, 3600, 3600], [0, 3600, 3600], [3600, 0, 3600]]


def test_no_polls_at_all_leaves_all_open_time_unknown() -> None:
    assert sums(polls(), always_open(2), window=DAY).tolist() == [[0, 0, DAY]] * 2
    assert seconds(polls(), window=WEEK) == [0, 0, WEEK]


def test_a_fleet_without_stores_has_no_rows() -> None:
    assert sums(polls(), always_open(0)).shape == (0, 3)


def test_of_two_polls_of_one_instant_the_inactive_one_counts() -> None:
    assert seconds(polls((0, H0 + 1.5, True), (0, H0 + 1.5, False)), window=720) == [0, 720, 720]


def test_a_tie_is_settled_by_the_latest_poll() -> None:
    assert seconds(polls((0, H0 + 1, False), (0, H0 + 2, True)), window=720) == [720, 0, 720]
    assert seconds(polls((0, H0 + 1, True), (0, H0 + 2, False)), window=720) == [0, 720, 720]


def test_polls_after_the_as_of_do_not_count_and_one_on_it_does() -> None:
    assert seconds(polls((0, AS_OF + 0.000001, True)), window=720) == [0, 0, 720]
    assert seconds(polls((0, AS_OF, True)), window=720) == [720, 0, 720]


@pytest.mark.parametrize(("age", "known"), [(2 * HOUR, True), (2 * HOUR + 0.000001, False)])
def test_a_poll_carries_for_just_the_carry_and_no_microsecond_longer(age: float, known: bool) -> None:  # noqa: FBT001
    up, down, _ = seconds(polls((0, H0 - age, True)), carry=2 * HOUR, window=720)

    assert (up, down) == ((720, 0) if known else (0, 0))


def test_a_carry_of_none_reaches_back_over_any_gap() -> None:
    assert seconds(polls((0, 1_000.25, False)), carry=None, window=WEEK) == [0, WEEK, WEEK]
    assert seconds(polls((0, 1_000.25, False)), carry=WEEK, window=WEEK) == [0, 0, WEEK]


def test_the_latest_poll_before_the_window_is_found_over_growing_steps_back() -> None:
    hours = [(0, 0, 9 * HOUR, 10 * HOUR)]  # Mondays 09:00–10:00
    schedules = distinct_schedules(*np.array(hours).T, zone_of_store=["UTC"])
    monday = 1_672_650_000  # 2023-01-02T09:00:00Z
    given = polls(
        (0, monday - WEEK, True),
        (0, monday + 60, False),
        *((0, monday + HOUR * k, True) for k in range(1, 200)),
    )

    found = latest_before(given, schedules, hour=AS_OF // HOUR, carry=AS_OF)

    assert found.at.tolist() == [(monday + WEEK) * MICROSECONDS]
    assert latest_before(given, schedules, hour=(monday + WEEK) // HOUR, carry=AS_OF).active.tolist() == [
        False
    ]


def test_an_hour_of_two_stretches_is_looked_up_exactly() -> None:
    hours = [(0, 2, 14 * HOUR, 14 * HOUR + 120), (0, 2, 14 * HOUR + 300, 14 * HOUR + 600)]
    schedules = distinct_schedules(*np.array(hours).T, zone_of_store=["UTC"])
    table = hour_table(schedules, first_hour=H0 // HOUR, hours=1)
    given = polls(*((0, H0 + second, True) for second in (0, 119.9, 120, 299.9, 300, 599.9, 600)))

    assert table.split is not None
    assert len(counted_keys(given, schedules, table, 2)) == 4  # 0, 119.9, 300 and 599.9
    assert sums(given, schedules, carry=0).tolist() == [[420, 0, 420]]


def test_doubles_differ_in_the_last_bit_only() -> None:
    assert without_doubles(np.array([4, 5, 6, 8, 8, 9])).tolist() == [4, 6, 8]
    assert without_doubles(NONE).tolist() == []


def test_consecutive_full_hours_add_up_to_the_day() -> None:
    """R6, over a made day of one poll about every 40 minutes."""
    random = np.random.default_rng(7)
    at = H0 - np.sort(random.uniform(0, 2 * DAY, 70))
    given = polls(*((0, second, bool(random.integers(2))) for second in at))
    hourly = [seconds(given, as_of=H0 - back * HOUR) for back in range(24)]
    day = seconds(given, as_of=H0, window=DAY)

    assert [sum(column) for column in zip(*hourly, strict=True)] == day


def test_edges_may_differ_from_store_to_store() -> None:
    """Windows by local calendar need it: each store's own edges give what it would get alone."""
    given = polls((0, H0 - 90 * 60, True), (1, H0 - 90 * 60, False), (1, H0 - 30.5, True))
    edges = np.array([[H0 - 2 * HOUR, H0 - DAY], [H0 - 1_799, H0 - 3_600], [AS_OF, H0 - 1]])
    for policy in Policy:
        together, *alone = (
            tally(given, always_open(2), as_of=AS_OF, carry=WEEK, policy=policy, edges=some)
            for some in (edges, edges[:, :1], edges[:, 1:])
        )
        for store, own in enumerate(alone):
            assert np.diff(together[store], axis=0).tolist() == np.diff(own[store], axis=0).tolist()


def observed(given: Polls, **asked: int | None) -> list[int]:
    return seconds(given, policy=Policy.LAST_OBSERVATION, **{"window": 720, **asked})  # type: ignore[arg-type]


def test_an_observed_status_holds_from_its_second_to_the_next_poll_of_the_store() -> None:
    """R15: unknown for the first 60 s, then up from 60.9 s (its fraction is dropped) to 200 s, then down."""
    given = polls((0, H0 + 60.9, True), (0, H0 + 200, False), (0, H0 + 300, False))

    assert observed(given) == [140, 520, 720]
    assert observed(polls((0, H0 - 1, True), (0, H0 + 10, False))) == [10, 710, 720]


def test_of_two_polls_in_one_second_the_later_decides() -> None:
    assert observed(polls((0, H0 + 20.1, True), (0, H0 + 20.9, False))) == [0, 700, 720]
    assert observed(polls((0, H0 + 20.1, False), (0, H0 + 20.9, True))) == [700, 0, 720]


@pytest.mark.parametrize(
    ("carry", "expected"),
    [
        (0, [0, 0, 720]),
        (1, [2, 1, 720]),
        (99, [159, 99, 720]),
        (100, [160, 100, 720]),
        (None, [160, 500, 720]),
    ],
)
def test_an_observed_status_holds_at_most_for_the_carry(carry: int | None, expected: list[int]) -> None:
    """Polls 60 s, 120 s (both up) and 220 s (down) after the window's start."""
    given = polls((0, H0 + 60, True), (0, H0 + 120.5, True), (0, H0 + 220, False))

    assert observed(given, carry=carry) == expected


@pytest.mark.parametrize(("age", "known"), [(100, 0), (99.5, 0), (99, 1), (1, 99), (0, 100)])
def test_a_poll_of_before_the_reach_is_observed_until_its_carry_ends(age: float, known: int) -> None:
    assert observed(polls((0, H0 - age, True)), carry=100, as_of=H0 + 720)[0] == known


def test_observed_time_is_cut_at_closing_and_goes_on_at_opening() -> None:
    hours = [(0, 2, 14 * HOUR + 60, 14 * HOUR + 120), (0, 2, 14 * HOUR + 300, 14 * HOUR + 600)]
    schedules = distinct_schedules(*np.array(hours).T, zone_of_store=["UTC"])
    given = polls((0, H0 + 70, False), (0, H0 + 200, True), (0, H0 + 500, True))  # that of 200 s is discarded

    assert sums(given, schedules, policy=Policy.LAST_OBSERVATION).tolist() == [[100, 50 + 200, 360]]


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("stores", [2**20 - 1, 2**20, 2**20 + 1])
def test_any_number_of_stores_with_old_polls_and_no_carry_limit(stores: int, policy: Policy) -> None:
    """The steps back grow to four weeks, whose keys have 20 bits for the store."""
    schedules = Schedules(
        of_store=np.zeros(stores, dtype=np.int32),
        first=np.array([0, 1]),
        begin=np.array([0]),
        end=np.array([WEEK]),
        zone=("UTC",),
    )
    old = range(stores - 9, stores)
    given = polls(
        *((store, AS_OF - 100 * DAY * (store - stores + 10), store % 2 == 0) for store in old),
        (0, AS_OF - HOUR, False),
    )
    edges = np.array([[AS_OF - HOUR], [AS_OF]])
    totals = tally(given, schedules, as_of=AS_OF, carry=None, policy=policy, edges=edges)
    found = totals[:, 1] - totals[:, 0]

    assert found[:, 2].tolist() == [HOUR] * stores
    assert np.flatnonzero(found[:, 0]).tolist() == [store for store in old if store % 2 == 0]
    assert np.flatnonzero(found[:, 1]).tolist() == [0, *(store for store in old if store % 2)]
