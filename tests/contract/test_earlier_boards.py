"""What the first version left behind, made by its own code: `tests/earlier` is a home folder of it.

`jobs.redis.json` has the keys of a board of the same jobs, as commands. In the order of submits four are
complete (as of the newest poll, of an instant, of one store, without a limit to carrying), the others failed;
cancelled; running, pinned and lost; queued with the key `a`; queued for stores.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from boards import LONG, claimed, job_of
from storewatch.adapters.jobs import open_jobs
from storewatch.domain.ask import Ask
from storewatch.domain.instant import WEEK
from storewatch.ports.jobs import JobBoard, Progress, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from servers import Server

EARLIER = Path(__file__).parents[1] / "earlier"
NEWEST = 1_674_670_320


@pytest.fixture
def url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"earlier_{request.param}"))


@pytest.fixture
def earlier_sqlite(tmp_path: Path) -> str:
    shutil.copy(EARLIER / "jobs.sqlite", tmp_path)
    return f"sqlite://{tmp_path}/jobs.sqlite"


@pytest.fixture
def earlier_redis(valkey: Server, redis_board_url: str) -> str:
    prefix = redis_board_url.rpartition("=")[2]
    with Redis.from_url(valkey.url) as driver:
        for command in json.loads((EARLIER / "jobs.redis.json").read_text()):
            driver.execute_command(*(part.replace("{storewatch}", f"{{{prefix}}}") for part in command))
    return redis_board_url


@pytest.fixture
def earlier(url: str) -> Iterator[JobBoard]:
    board = open_jobs(url)
    yield board
    board.close()


on_each_board = pytest.mark.parametrize("url", ["sqlite", "redis"], indirect=True)


def jobs_by_number(board: JobBoard) -> list[str]:
    return [job.id for job in reversed(board.recent(99))]


@on_each_board
def test_every_job_of_an_earlier_board_is_as_it_was(earlier: JobBoard) -> None:
    jobs = [job_of(earlier, job_id) for job_id in jobs_by_number(earlier)]
    assert [job.state for job in jobs] == [
        *[State.COMPLETE] * 4,
        State.FAILED,
        State.CANCELLED,
        State.RUNNING,
        *[State.QUEUED] * 2,
    ]
    assert [job.ask for job in jobs] == [
        Ask(),
        Ask(as_of=1_674_172_800),
        Ask(as_of=1_674_667_000, store_ids=("001",)),
        Ask(carry=None),
        Ask(),
        Ask(),
        Ask(as_of=1_674_600_000),
        Ask(),
        Ask(as_of=1_674_500_000, store_ids=("002", 'é" 店')),
    ]
    assert [job.request_id for job in jobs] == ["call-1", *[None] * 6, "call-8", None]
    assert [job.as_of for job in jobs[:3]] == [NEWEST, 1_674_172_800, 1_674_667_000]
    assert [job.rows for job in jobs] == [3, 3, 1, 3, *[None] * 5]
    assert [job.stores for job in jobs] == [None, None, 1, *[None] * 5, 2]
    assert earlier.recent(9) == jobs[::-1]
    assert jobs[4].error == "NoPollsError: there are no polls"
    assert (jobs[6].worker, jobs[6].progress) == ("host-2", Progress(stage="compute", done=1, total=3))


@on_each_board
def test_the_newest_report_of_an_earlier_board_is_found(earlier: JobBoard) -> None:
    newest, as_of, *others = jobs_by_number(earlier)
    for expected in (newest, as_of):
        found = earlier.newest_complete()
        assert found is not None
        assert found.id == expected
        earlier.forget([expected])
    assert earlier.newest_complete() is None
    assert jobs_by_number(earlier) == others


@on_each_board
def test_jobs_of_an_earlier_board_are_claimed_pinned_and_finished(earlier: JobBoard) -> None:
    *_, lost, keyed, last = jobs_by_number(earlier)
    taken_over, *claims = [claimed(earlier) for _ in range(3)]
    assert [taken_over.job.id, *(claim.job.id for claim in claims)] == [lost, keyed, last]
    assert (taken_over.job.attempts, taken_over.job.version) == (2, "delta:0")
    assert "worker was lost" in (taken_over.job.error or "")
    pinned = earlier.pin(claims[0], as_of=NEWEST + WEEK, version="delta:1")
    assert pinned is not None
    assert earlier.finish(claims[0], key="k", rows=4)
    found = earlier.newest_complete()
    assert found == job_of(earlier, keyed)
    assert earlier.fail(claims[1], "no", final=False)
    assert earlier.claim("b", lease=LONG) is not None


@on_each_board
def test_a_key_of_an_earlier_board_still_holds(earlier: JobBoard) -> None:
    assert earlier.submit(Ask(), key="a") == jobs_by_number(earlier)[7]
