"""What can be seen of a call from outside: its id, its place in the figures, its lines in the log."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service import Service, eventually, small_facts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNKNOWN = "06757268c878488d846aee30a8101cae"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("observed")
    running = Service(home=folder / "home", folder=folder)
    running.load(small_facts())
    try:
        yield running.start()
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


def requests(service: Service) -> dict[tuple[str, str, str], float]:
    """Return the counted requests by route, method and status."""
    return {
        (sample.labels["route"], sample.labels["method"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(service.get("/metrics").text)
        for sample in family.samples
        if sample.name == "storewatch_requests_total"
    }


def lines(service: Service) -> list[dict[str, Any]]:
    return [json.loads(line) for line in service.output.splitlines() if line.startswith("{")]


def test_a_request_id_is_taken_over_and_given_back(service: Service) -> None:
    answer = service.get("/echo/a", headers={"X-Request-ID": "3f1c-a.b_c~d:e"})
    assert answer.headers["x-request-id"] == "3f1c-a.b_c~d:e"


@pytest.mark.parametrize("given", [None, "", "a b", "<script>", "ü".encode(), "a" * 129, '"},{"'])
def test_without_a_sane_request_id_there_is_a_new_one(service: Service, given: str | bytes | None) -> None:
    headers = {} if given is None else {"X-Request-ID": given}
    first, second = (service.get("/echo/a", headers=headers).headers["x-request-id"] for _ in range(2))
    assert len(first) == len(second) == 32
    assert first != second


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), (f"/get_report/{UNKNOWN}", 404), ("/get_report/x", 422)]
)
def test_errors_have_a_request_id_too(service: Service, path: str, status: int) -> None:
    answer = service.get(path, headers={"X-Request-ID": "mine"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (status, "mine")


def test_calls_are_counted_by_template_never_by_path(service: Service) -> None:
    for path in (f"/get_report/{UNKNOWN}", "/get_report/x", "/never/heard/of", "/docs"):
        service.get(path)
    httpx.request("BREW", f"{service.url}/echo/coffee")
    found = requests(service)
    assert found["/get_report/{report_id}", "GET", "404"] >= 1
    assert found["/get_report/{report_id}", "GET", "422"] >= 1
    assert found["none", "GET", "404"] >= 1
    assert found["/echo/{message}", "other", "405"] >= 1
    assert not [route for route, _, _ in found if UNKNOWN in route or "heard" in route or "coffee" in route]


def test_what_workers_do_shows_in_the_figures_of_their_service(service: Service) -> None:
    assert service.result(service.trigger())["status"] == "Complete"

    def counted() -> bool:
        page = service.get("/metrics").text
        return 'storewatch_stage_seconds_count{stage="publish"}' in page

    eventually("the attempt is counted", counted)
    page = service.get("/metrics").text
    assert "storewatch_report_stores 7.0" in page
    assert "storewatch_live_workers 1.0" in page
    assert "process_resident_memory_bytes" in page


def test_a_worker_that_was_killed_is_live_no_more_before_its_time_is_over(
    tmp_path: Path,
) -> None:
    service = Service(home=tmp_path / "home", folder=tmp_path, settings={"lease_seconds": "3600"})
    try:
        service.start()
        for _ in range(2):
            eventually("one is live", lambda: "storewatch_live_workers 1.0" in service.get("/metrics").text)
            (worker,) = eventually("there is a worker", service.workers)
            os.kill(worker, signal.SIGKILL)
            eventually("another is there", lambda w=worker: set(service.workers()) - {w})  # type: ignore[misc]
        eventually("one is live", lambda: "storewatch_live_workers 1.0" in service.get("/metrics").text)
    finally:
        service.close()


def test_report_and_request_id_go_through_call_board_and_worker(service: Service) -> None:
    answer = httpx.post(f"{service.url}/trigger_report", headers={"X-Request-ID": "follow-me"})
    report_id = answer.json()["report_id"]
    service.result(report_id)
    wanted = {"report triggered", "attempt begins", "attempt ends"}

    def events() -> set[str]:
        mine = [line for line in lines(service) if line.get("report_id") == report_id]
        assert {line.get("request_id") for line in mine} <= {"follow-me"}
        return {line["event"] for line in mine}

    eventually("all three have logged", lambda: events() == wanted)


def test_off_a_terminal_every_line_is_json_with_level_and_time(service: Service) -> None:
    service.trigger()
    own = [line for line in service.output.splitlines() if "uvicorn" not in line]
    parsed = [json.loads(line) for line in own if not line.startswith("INFO:")]
    assert parsed
    assert all({"event", "level", "timestamp"} <= set(line) for line in parsed)
