"""What the service keeps on its own disk, when that is full: one line, and nothing half there.

Files of the command line are in `tests/unit/test_whole.py`.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from full_disk import full_disk
from service import small_facts
from storewatch.adapters.jobs import open_jobs
from storewatch.adapters.polls import open_polls
from storewatch.adapters.shelf import open_shelf
from storewatch.domain.ask import Ask
from storewatch.errors import StorewatchError, UnavailableError
from storewatch.ports.polls import Load

if TYPE_CHECKING:
    from pathlib import Path

ROOM = 400_000  # bytes to which a file may grow


def test_a_board_on_a_full_disk_keeps_every_job_that_it_took_and_takes_no_other(tmp_path: Path) -> None:
    ask, taken = Ask(store_ids=tuple(f"{n:020}" for n in range(500))), list[str]()
    with closing(open_jobs(f"sqlite://{tmp_path}/jobs.sqlite")) as board:
        with full_disk(ROOM), pytest.raises(UnavailableError) as told:
            taken.extend(iter(lambda: board.submit(ask), None))
        assert taken
        assert str(told.value).count("\n") == 0
        assert [job.id for job in board.recent(9_999)] == taken[::-1]
        taken.append(board.submit(ask))  # there is room again
        assert board.queue_length() == len(taken)


def test_a_shelf_on_a_full_disk_has_no_half_report(tmp_path: Path) -> None:
    shelf, key, report = open_shelf(f"file://{tmp_path}/reports"), "j1/1/a.csv", bytes(2 * ROOM)
    with full_disk(ROOM), pytest.raises(UnavailableError) as told:
        shelf.publish(key, [report])
    assert str(told.value).count("\n") == 0
    assert shelf.size(key) is None
    shelf.publish(key, [report])
    assert b"".join(shelf.read(key)) == report
    shelf.sweep("j1", keep=None)
    assert not list((tmp_path / "reports").rglob("*.*"))


def test_a_poll_store_on_a_full_disk_has_all_of_a_load_or_nothing(tmp_path: Path) -> None:
    polls = open_polls(f"delta://{tmp_path}/polls")
    with full_disk(100), pytest.raises((StorewatchError, OSError)) as told:
        polls.load(Load(name="a-load", facts=small_facts()))
    assert "\n" not in str(told.value)
    with polls.at() as snapshot:
        assert snapshot.newest is None
    polls.load(Load(name="a-load", facts=small_facts()))
    with polls.at() as snapshot:
        assert snapshot.newest is not None
