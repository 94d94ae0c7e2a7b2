"""The array kernel, called directly."""

from __future__ import annotations

import numpy as np
import pytest

from storewatch.domain.instant import DAY, HOUR, MICROSECONDS, WEEK
from storewatch.domain.kernel import Polls, counted_keys, hour_table, latest_before, tally, without_doubles
from storewatch.domain.schedule import Schedules, distinct_schedules

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


def seconds(given: Polls, *, as_of: int = AS_OF, carry: int | None = WEEK, window: int = HOUR) -> list[int]:
    """Up, down and open seconds of store 0, always open."""
    found: list[int] = tally(given, always_open(1), as_of=as_of, carry=carry, windows=[window])[0, 0].tolist()
    return found


def test_the_worked_hour_of_the_rules() -> None:
    at = [H0 + offset - 4 * HOUR for offset in (300, 1200, 3000, 3 * HOUR + 600)]
    given = polls((0, at[0], True), (0, at[1], True), (0, at[2], False), (0, at[3], True))
    up_hours = [seconds(given, as_of=H0 + HOUR * step) for step in (-3, -2, -1, 0)]

    assert up_hours == [[3600, 0, 3600], [0, 3600, 3600], [0, 3600, 3600], [3600, 0, 3600]]


def test_no_polls_at_all_leaves_all_open_time_unknown() -> None:
    assert (
        tally(polls(), always_open(2), as_of=AS_OF, carry=WEEK, windows=[HOUR, DAY, WEEK])[:, :, 0:2].sum()
        == 0
    )
    assert seconds(polls(), window=WEEK) == [0, 0, WEEK]


def test_a_fleet_without_stores_has_no_rows() -> None:
    assert tally(polls(), always_open(0), as_of=AS_OF, carry=WEEK, windows=[HOUR]).shape == (0, 1, 3)


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

    found = latest_before(given, schedules, hour=AS_OF // HOUR, carry=None)

    assert found.at.tolist() == [(monday + WEEK) * MICROSECONDS]
    assert latest_before(given, schedules, hour=(monday + WEEK) // HOUR, carry=None).active.tolist() == [
        False
    ]


def test_an_hour_of_two_stretches_is_looked_up_exactly() -> None:
    hours = [(0, 2, 14 * HOUR, 14 * HOUR + 120), (0, 2, 14 * HOUR + 300, 14 * HOUR + 600)]
    schedules = distinct_schedules(*np.array(hours).T, zone_of_store=["UTC"])
    table = hour_table(schedules, first_hour=H0 // HOUR, hours=1)
    given = polls(*((0, H0 + second, True) for second in (0, 119.9, 120, 299.9, 300, 599.9, 600)))

    assert table.split is not None
    assert len(counted_keys(given, schedules, table, 2)) == 4  # 0, 119.9, 300 and 599.9
    assert tally(given, schedules, as_of=AS_OF, carry=0, windows=[HOUR])[0, 0].tolist() == [420, 0, 420]


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
