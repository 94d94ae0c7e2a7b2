"""The service as its users and its operators meet it: whole reports, and what survives being killed."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import httpx
import numpy as np
import polars as pl
import pytest

from service import AS_OF, NEWEST, SRC, Service, eventually, small_facts, state
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.domain.facts import Facts
from storewatch.domain.instant import WEEK
from storewatch.domain.kinds import HOURS, POLLS, ZONES
from storewatch.formats.csv import csv_bytes
from storewatch.ports.jobs import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[..., Service]

STORES, HOURS_BACK = 3_000, 200  # of the fleet whose report takes long enough to be met in the middle


@pytest.fixture
def new_service(tmp_path: Path) -> Iterator[Start]:
    """Return a maker of services, all in one home folder, that end with the test."""
    made: list[Service] = []

    def make(**options: object) -> Service:
        folder = tmp_path / f"service-{len(made)}"
        folder.mkdir()
        service = Service(home=tmp_path / "home", folder=folder, **options)  # type: ignore[arg-type]
        made.append(service)
        return service

    yield make
    for service in made:
        service.close()
        print(service.output)  # noqa: T201  pytest shows it if a test fails


@cache
def fleet() -> Facts:
    """Return polls of many stores, one an hour, a tenth of them inactive."""
    stores = pl.Series("store_id", [f"{i:05}" for i in range(STORES)])
    rng = np.random.default_rng(7)
    newest = int(NEWEST.timestamp() * 1e6)
    at = newest - np.sort(rng.integers(0, HOURS_BACK * 3_600_000_000, STORES * HOURS_BACK))[::-1]
    polls = pl.DataFrame(
        {
            "store_id": np.tile(stores.to_numpy(), HOURS_BACK),
            "at": pl.Series(np.append(at[1:], newest)).cast(pl.Datetime("us", "UTC")),
            "active": rng.random(len(at)) > 0.1,
        }
    ).cast(pl.Schema(POLLS.schema))
    hours = [(store, day, 32_400, 64_800) for store in stores[::2] for day in range(7)]
    return Facts(
        polls=polls,
        others={
            "hours": HOURS.frame(hours),
            "zones": ZONES.frame((store, "America/New_York") for store in stores),
        },
    )


def expected(facts: Facts, **options: object) -> bytes:
    return csv_bytes(account(facts, Ask(as_of=AS_OF, carry=WEEK, **options)).rows)  # type: ignore[arg-type]


def download(answer: dict[str, str]) -> bytes:
    assert answer["status"] == "Complete", answer
    return httpx.get(answer["url"]).raise_for_status().content


def files(service: Service, report_id: str) -> list[str]:
    """Return what lies on the shelf for a report."""
    folder = service.home / "reports" / report_id
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_report_over_http_is_the_report_of_the_same_facts(new_service: Start) -> None:
    facts = small_facts()
    service = new_service()
    service.load(facts)
    service.start()
    assert download(service.result(service.trigger())) == expected(facts)
    some = service.trigger(store_ids=["004", "001", "no such store"])
    assert download(service.result(some)) == expected(facts, store_ids=["001", "004"])


def test_what_is_loaded_while_the_service_runs_counts_in_the_next_report(new_service: Start) -> None:
    service = new_service()
    service.load(small_facts(2))
    service.start()
    first = service.result(service.trigger())
    service.load(small_facts(5))
    assert download(service.result(service.trigger())) == expected(small_facts(5))
    assert download(first) == expected(small_facts(2))


def test_without_polls_a_report_fails_at_once_and_says_why_unless_an_as_of_is_given(
    new_service: Start,
) -> None:
    service = new_service().start()
    answer = service.result(service.trigger())
    assert answer["status"] == "Failed"
    assert "there are no polls" in answer["error"]
    empty = download(service.result(service.trigger(as_of="2023-01-25T18:12:00Z")))
    assert len(empty.splitlines()) == 1


def test_triggers_at_once_are_reports_of_their_own(new_service: Start) -> None:
    service = new_service(settings={"workers": "2"})
    service.load(small_facts())
    service.start()
    with ThreadPoolExecutor(8) as pool:
        report_ids = set(pool.map(lambda _: service.trigger(), range(8)))
    assert len(report_ids) == 8
    assert {download(service.result(report_id)) for report_id in report_ids} == {expected(small_facts())}


def test_a_report_whose_worker_is_killed_is_completed_by_the_next_once(new_service: Start) -> None:
    """The supervisor saw the worker die, so the job need not wait for its lease (15 s)."""
    service = new_service()
    service.load(fleet())
    service.start()
    report_id, worker = service.pause_in_mid_report()
    os.kill(worker, signal.SIGKILL)
    assert download(service.result(report_id)) == expected(fleet())
    job = service.job(report_id)
    assert (job.attempts, job.epoch) == (2, 2)
    assert {name.split("/")[0] for name in files(service, report_id)} == {"2"}


def test_a_report_whose_whole_service_is_killed_is_completed_by_the_next(new_service: Start) -> None:
    service = new_service(settings={"lease_seconds": "1"})
    service.load(fleet())
    service.start()
    finished = service.trigger()
    link = service.result(finished)["url"]
    report_id, _ = service.pause_in_mid_report()
    service.kill_group()
    again = new_service(settings={"lease_seconds": "1"}).start()
    assert download(again.result(report_id)) == expected(fleet())
    assert download(again.result(finished)) == expected(fleet())
    assert httpx.get(link.replace(service.url, again.url)).content == expected(fleet())


def test_a_paused_worker_that_lost_its_report_to_another_changes_nothing(new_service: Start) -> None:
    service = new_service(settings={"lease_seconds": "1"})
    service.load(fleet())
    service.start()
    report_id, worker = service.pause_in_mid_report()
    other = new_service(settings={"lease_seconds": "1"}).start()
    assert download(other.result(report_id)) == expected(fleet())
    before, on_shelf = other.job(report_id), files(other, report_id)
    os.kill(worker, signal.SIGCONT)
    eventually("the late result is dropped", lambda: "claim lost, result dropped" in service.output)
    eventually("its file is swept", lambda: files(other, report_id) == on_shelf)
    assert other.job(report_id) == before
    assert (before.state, before.epoch) == (State.COMPLETE, 2)


def test_a_worker_that_was_late_but_lost_its_report_to_nobody_completes_it(new_service: Start) -> None:
    service = new_service(settings={"lease_seconds": "0.3"})
    service.load(fleet())
    service.start()
    report_id, worker = service.pause_in_mid_report()
    eventually("the lease has run out", lambda: _lease_is_over(service, report_id))
    os.kill(worker, signal.SIGCONT)
    assert download(service.result(report_id)) == expected(fleet())
    assert service.job(report_id).epoch == 1


def _lease_is_over(service: Service, report_id: str) -> bool:
    import sqlite3  # noqa: PLC0415  the board does not show its leases; here we look behind it

    with sqlite3.connect(service.home / "jobs.sqlite") as board:
        query = "SELECT lease_ends < julianday('now') FROM jobs WHERE id = ?"
        return bool(board.execute(query, [report_id]).fetchone()[0])


@pytest.mark.parametrize("in_mid_report", [False, True])
def test_workers_end_with_their_parent_however_it_ends(new_service: Start, in_mid_report: bool) -> None:  # noqa: FBT001  a parameter of pytest
    service = new_service(settings={"workers": "1" if in_mid_report else "2"})
    service.load(fleet())
    service.start()
    eventually("the workers are there", lambda: len(service.workers()) == int(service.settings["workers"]))
    workers = service.workers()
    if in_mid_report:
        service.pause_in_mid_report()
    service.kill()
    for worker in workers:
        os.kill(worker, signal.SIGCONT)
    eventually("they are gone", lambda: all(state(worker) in {None, "Z"} for worker in workers))


@pytest.mark.skipif(len(os.sched_getaffinity(0)) == 1, reason="there is but one core")
def test_workers_leave_a_core_to_the_service(new_service: Start) -> None:
    service = new_service().start()
    (worker,) = eventually("the worker is there", service.workers)
    own = os.sched_getaffinity(service.pid)
    eventually("one core is spared", lambda: len(os.sched_getaffinity(worker)) == len(own) - 1)


def test_a_service_that_is_ended_in_order_ends_its_workers(new_service: Start) -> None:
    service = new_service().start()
    (worker,) = eventually("the worker is there", service.workers)
    service.stop()
    assert state(worker) is None
    assert "Traceback" not in service.output


def test_a_worker_that_is_ended_in_order_finishes_its_report_first(new_service: Start) -> None:
    service = new_service()
    service.load(fleet())
    service.start()
    report_id, worker = service.pause_in_mid_report()
    os.kill(worker, signal.SIGTERM)
    os.kill(worker, signal.SIGCONT)
    assert download(service.result(report_id)) == expected(fleet())
    job = service.job(report_id)
    assert (job.attempts, job.epoch) == (1, 1)
    eventually("it has ended", lambda: state(worker) in {None, "Z"})


def test_a_worker_that_cannot_finish_its_report_hands_it_back_and_no_attempt_counts(
    new_service: Start,
) -> None:
    service = new_service(settings={"grace_seconds": "0"})
    service.load(fleet())
    service.start()
    report_id, worker = service.pause_in_mid_report()
    os.kill(worker, signal.SIGTERM)
    os.kill(worker, signal.SIGCONT)
    assert download(service.result(report_id)) == expected(fleet())
    job = service.job(report_id)
    assert (job.attempts, job.epoch) == (1, 2)


def test_a_service_that_ends_hands_back_the_report_of_a_worker_that_does_not_react(
    new_service: Start,
) -> None:
    service = new_service(settings={"grace_seconds": "2"})
    service.load(fleet())
    service.start()
    report_id, worker = service.pause_in_mid_report()
    service.stop()
    assert state(worker) is None
    job = service.job(report_id)
    assert (job.state, job.attempts) == (State.QUEUED, 0)


def test_an_attempt_that_outlives_its_limit_is_killed_and_the_third_is_the_last(new_service: Start) -> None:
    service = new_service(settings={"attempt_seconds": "0.001"})
    service.load(fleet())
    service.start()
    report_id = service.trigger()
    answer = service.result(report_id)
    assert answer == {"status": "Failed", "error": "attempt outlived its limit of 0.001 s"}
    assert service.job(report_id).attempts == 3
    assert files(service, report_id) == []


def test_a_worker_that_hangs_is_replaced_and_its_report_completed(new_service: Start) -> None:
    service = new_service(settings={"attempt_seconds": "10", "lease_seconds": "60"})
    service.load(fleet())
    service.start()
    report_id, worker = service.pause_in_mid_report()
    assert download(service.result(report_id)) == expected(fleet())
    assert service.job(report_id).attempts == 2
    assert worker not in service.workers()


def test_reports_triggered_without_workers_wait_for_some(new_service: Start) -> None:
    service = new_service(settings={"workers": "0"})
    service.load(small_facts())
    service.start()
    report_id = service.trigger()
    assert service.workers() == []
    assert service.get(f"/get_report/{report_id}").json() == {"status": "Running"}
    other = new_service().start()
    assert download(other.result(report_id)) == expected(small_facts())
    assert download(service.result(report_id)) == expected(small_facts())


def test_serve_serves_and_writes_no_link_to_its_log(new_service: Start) -> None:
    code = f"""
import sys
sys.path.insert(0, {str(SRC)!r})
from storewatch.config import load_settings
from storewatch.entrypoints.http.app import serve
serve(load_settings(), host="127.0.0.1", port=int(sys.argv[2]), metrics_host="127.0.0.1", metrics_port=None)
"""
    service = new_service(command=("-c", code))
    service.load(small_facts())
    service.start()
    assert download(service.result(service.trigger())) == expected(small_facts())
    service.stop()
    assert "signature" not in service.output


def test_importing_the_app_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from storewatch.main import app  # noqa: PLC0415  its import is what is tested

    assert app.state.services is None
    assert list(tmp_path.iterdir()) == []
