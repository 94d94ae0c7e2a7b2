"""A service and a worker on a Redis that is away for a while."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service import AS_OF, Service, eventually, small_facts, state
from storewatch.bootstrap import open_board
from storewatch.config import load_settings
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.domain.instant import WEEK
from storewatch.formats.csv import csv_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from processes import Process
    from servers import Server
    from storewatch.ports.jobs import Job

UNKNOWN = "06757268c878488d846aee30a8101cae"


@pytest.fixture
def redis(valkey: Server) -> Iterator[Process]:
    """Yield the server's process, to do harm to."""
    if valkey.process is None:
        pytest.skip("the server is not ours to harm")
    yield valkey.process
    valkey.process.resume()


@pytest.fixture
def service(tmp_path: Path, redis_board_url: str, redis: Process) -> Iterator[Service]:
    """Yield a service with a worker, whose board is on the server."""
    assert redis.is_alive()
    running = Service(
        home=tmp_path / "home",
        folder=tmp_path,
        settings={"jobs_url": redis_board_url, "lease_seconds": "2"},
    )
    running.load(small_facts())
    try:
        yield running.start()
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


def job_of(service: Service, report_id: str) -> Job:
    board = open_board(load_settings(jobs_url=service.settings["jobs_url"]))
    job = board.get(report_id)
    board.close()
    assert job
    return job


def figure(service: Service, name: str, **labels: str) -> float | None:
    for family in text_string_to_metric_families(service.get("/metrics").text):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None


def test_while_it_is_away_calls_are_told_so_and_the_process_stays_ready(
    service: Service, redis: Process
) -> None:
    before = service.trigger()
    assert service.result(before)["status"] == "Complete"
    redis.pause()
    for path in (f"/get_report/{before}", f"/get_report/{UNKNOWN}", "/trigger_report"):
        answer = service.get(path)
        assert answer.status_code == 503, path
        assert int(answer.headers["retry-after"]) > 0
    assert service.get("/readyz").status_code == 200
    assert service.get("/echo/still").json() == "still"
    assert figure(service, "storewatch_queue_length") is None
    assert (figure(service, "storewatch_adapter_errors_total", port="job board") or 0) >= 3
    redis.resume()
    eventually("it answers again", lambda: service.get(f"/get_report/{before}").status_code == 200)
    assert service.result(before)["status"] == "Complete"
    assert figure(service, "storewatch_queue_length") == 0


@pytest.mark.parametrize("how", ["paused", "killed"])
def test_a_report_in_hand_is_finished_when_it_is_back(service: Service, redis: Process, how: str) -> None:
    report_id, worker = met_in_mid_report(service)
    if how == "paused":
        redis.pause()
    else:
        redis.kill()
    os.kill(worker, signal.SIGCONT)
    eventually("it is asked again", lambda: "not answered, asked again" in service.output)
    if how == "paused":
        redis.resume()
    else:
        redis.start()

    def answer() -> dict[str, str] | None:
        got = service.get(f"/get_report/{report_id}")
        body: dict[str, str] = got.json()
        return body if got.status_code == 200 and body["status"] != "Running" else None

    url = eventually("the report has ended", answer)["url"]
    rows = account(small_facts(), Ask(as_of=AS_OF, carry=WEEK)).rows
    assert httpx.get(url).content == csv_bytes(rows)
    assert job_of(service, report_id).attempts == 1


def met_in_mid_report(service: Service) -> tuple[str, int]:
    """Trigger reports until the one worker is stopped while it computes one."""
    (worker,) = eventually("there is a worker", service.workers)
    for _ in range(50):
        report_id = service.trigger()
        eventually("it is begun", lambda i=report_id: has_begun(service, i), pause=0.001)  # type: ignore[misc]
        os.kill(worker, signal.SIGSTOP)
        eventually("the worker is stopped", lambda: state(worker) == "T")
        if job_of(service, report_id).ended is None:
            return report_id, worker
        os.kill(worker, signal.SIGCONT)
    raise AssertionError("every report was finished before its worker could be stopped")


def has_begun(service: Service, report_id: str) -> bool:
    return any(report_id in line for line in service.output.splitlines() if "attempt begins" in line)
