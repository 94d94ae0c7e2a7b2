"""A report is made slice by slice: how many there are, how far ahead they are made, when that stops."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

import polars as pl
import pytest

from boards import LONG, claimed
from service import small_facts
from storewatch.adapters.jobs import open_jobs
from storewatch.adapters.polls import open_polls
from storewatch.adapters.polls.given import GivenSnapshot
from storewatch.adapters.shelf import open_shelf
from storewatch.answering.answer import SLICE_POLLS, SLICE_STORES, answer, plan, settle
from storewatch.answering.attempt import work
from storewatch.answering.course import Course
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.domain.instant import parse_as_of
from storewatch.engines.local import LocalEngine
from storewatch.errors import DroppedError, InputError, OverError
from storewatch.formats import parquet
from storewatch.formats.rows import Rows
from storewatch.ports.polls import Amount, Load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.domain.facts import Facts
    from storewatch.domain.slices import Slice, Within
    from storewatch.ports.jobs import Progress

STORES = 12
SLICES = 6


@dataclass
class Watched:
    """Facts in memory as a source whose scans are counted; it says that there is as much as a test wants."""

    there: Amount = field(default_factory=Amount)
    breaks_at: int | None = None  # a scan
    version: str = "given"
    shared: str = "given"
    kept_since: int | None = None
    scans: int = 0
    asked: list[int] = field(default_factory=list)
    snapshot: GivenSnapshot = field(default_factory=lambda: GivenSnapshot(facts=small_facts(stores=STORES)))
    turn: Lock = field(default_factory=Lock)

    @contextmanager
    def at(self, version: str | None = None) -> Iterator[Watched]:
        """Open it."""
        assert version is None
        yield self

    @property
    def newest(self) -> int | None:
        """Return the newest poll's instant."""
        return self.snapshot.newest

    def amount(self, *, since: int | None, until: int) -> Amount:
        """Return what the test says."""
        assert since is None or since < until
        return self.there

    def scan(self, *, since: int | None, until: int, within: Within = None) -> Facts:
        """Count, and read."""
        with self.turn:
            self.scans += 1
            if self.scans == self.breaks_at:
                raise InputError("it broke")
        return self.snapshot.scan(since=since, until=until, within=within)

    def slices(self, count: int) -> list[Slice]:
        """Note how many are asked for."""
        self.asked.append(count)
        return self.snapshot.slices(count)

    def has(self, store_id: str) -> bool:
        """Say whether there is the store."""
        return self.snapshot.has(store_id)

    def near(self, store_id: str) -> list[str]:
        """Return what is like it."""
        return self.snapshot.near(store_id)


@pytest.mark.parametrize(
    ("there", "slices"),
    [
        (Amount(), None),
        (Amount(stores=SLICE_STORES, polls=SLICE_POLLS), None),
        (Amount(stores=SLICE_STORES + 1, polls=0), 2),
        (Amount(stores=1, polls=3 * SLICE_POLLS), 3),
    ],
)
def test_there_are_as_many_slices_as_bound_both_stores_and_polls_and_else_all_is_read_at_once(
    there: Amount, slices: int | None
) -> None:
    source = Watched(there=there)
    planned = plan(source, Ask(as_of=1_674_670_320))
    assert source.asked == ([slices] if slices else [])
    assert len(planned) == (slices or 1)
    assert slices or planned == [None]


def test_a_few_stores_are_read_by_themselves() -> None:
    source = Watched(there=Amount(stores=10 * SLICE_STORES))
    assert plan(source, Ask(as_of=1_674_670_320, store_ids=("000", "001"))) == [("000", "001")]


SPAN = "2023-01-20T00:00:00Z/2023-02-01T00:00:00Z"


def test_with_a_window_of_two_instants_the_as_of_is_the_later_of_its_end_and_the_newest_polls() -> None:
    source = Watched()
    newest = settle(source, Ask()).ask.instant
    assert settle(source, Ask(windows=(SPAN,))).ask.instant == parse_as_of("2023-02-01T00:00:00Z") > newest
    past = "2023-01-20T00:00:00Z/2023-01-21T00:00:00Z"
    assert settle(source, Ask(windows=("day", past))).ask.instant == newest


def test_what_needs_polls_that_were_dropped_is_an_error_and_not_unknown() -> None:
    ask = Ask(as_of=parse_as_of("2023-01-25T18:12:00Z"), carry=86_400)
    source = Watched(kept_since=parse_as_of("2023-01-17T18:00:00Z") * 1_000_000)  # a week and the carry
    settle(source, ask)
    settle(source, replace(ask, windows=("28h",), compare=True))
    settle(source, replace(ask, carry=None))
    for more in (
        replace(ask, windows=("169h",)),
        replace(ask, windows=("85h",), compare=True),
        replace(ask, carry=86_401),
        replace(ask, carry=None, windows=("10d",)),
        replace(ask, windows=("this_month",)),
    ):
        with pytest.raises(DroppedError, match="those before 2023-01-17T18:00:00Z were dropped") as caught:
            settle(source, more)
        assert caught.value.told == str(caught.value)  # who asked over HTTP is told the same


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_slices_are_computed_ahead_of_who_takes_them_by_as_many_as_there_are_threads(threads: int) -> None:
    source = Watched()
    ask = Ask(as_of=1_674_670_320)
    engine = LocalEngine(threads=threads)
    parts = engine.parts(source, ask, source.slices(SLICES), rules=account, tell=lambda _: None)
    for taken in range(1, SLICES + 1):
        next(parts)
        assert taken <= source.scans <= min(taken + threads, SLICES)
    assert next(parts, None) is None


def test_what_goes_wrong_in_a_slice_ends_the_report_and_what_was_to_come_is_not_begun() -> None:
    source = Watched(breaks_at=2)
    with pytest.raises(InputError, match="it broke"):
        answer(source, Ask(), slices=SLICES, engine=LocalEngine(threads=1))
    assert source.scans <= 4


def test_when_nobody_needs_the_report_any_more_it_ends_within_a_slice() -> None:
    source = Watched()
    told: list[Progress] = []
    course = Course(tell=told.append, is_over=lambda: len(told) == 2)
    with pytest.raises(OverError):
        answer(source, Ask(), slices=SLICES, engine=LocalEngine(threads=1), course=course)
    assert [progress.done for progress in told] == [2, 4]
    assert source.scans <= 5


def test_an_attempt_that_nobody_needs_any_more_leaves_nothing_on_the_shelf(tmp_path: Path) -> None:
    polls, board = open_polls(f"delta:{tmp_path}/polls"), open_jobs(f"sqlite:{tmp_path}/jobs.sqlite")
    polls.load(Load(name="a-load", facts=small_facts()))
    shelf = open_shelf(f"file:{tmp_path}/reports")
    board.submit(Ask())
    claim = claimed(board, lease=LONG)
    with pytest.raises(OverError):
        work(claim, polls=polls, board=board, shelf=shelf, course=Course(is_over=lambda: True))
    assert list(shelf.entries()) == []
    assert work(claim, polls=polls, board=board, shelf=shelf)
    assert len(list(shelf.entries())) == 3
    board.close()


def test_progress_goes_from_slice_to_slice_and_all_that_was_read_is_added_up() -> None:
    told: list[Progress] = []
    course = Course(tell=told.append)
    whole = answer(Watched(), Ask())
    report = answer(Watched(), Ask(), slices=SLICES, course=course)
    assert [(step.stage, step.done, step.total) for step in told] == [
        ("compute", done, STORES) for done in range(2, STORES, 2)
    ]
    assert course.polls == report.made_of.polls == whole.made_of.polls
    assert course.seconds.keys() == {"gather", "compute"}


def test_a_full_disk_for_what_is_temporary_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows(pl.DataFrame({"store_id": ["a", "b"]}))
    monkeypatch.setattr(parquet, "GROUP_ROWS", 1)
    monkeypatch.setattr("tempfile.TemporaryFile", partial(open, "/dev/full", "r+b", buffering=0))
    with pytest.raises(OSError, match="os error 28"):
        list(parquet.parquet_pieces(rows))


def test_rows_of_many_parts_are_there_as_often_as_one_likes() -> None:
    frame = answer(Watched(), Ask()).rows
    rows = Rows(frame[:5])
    for begin in (5, 6, 6):
        rows.add(frame[begin : begin + 1])
    for _ in range(2):
        assert [part.height for part in rows] == [5, 1, 1, 1]
    assert rows.height == 8
    assert list(rows)[2].equals(frame[6:7])
