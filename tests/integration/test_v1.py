"""The calls below /v1: reports made, listed, looked at, downloaded and removed."""

from __future__ import annotations

import json
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import jsonschema
import pytest

from boards import claimed
from calls import REPORTS, Opened, check_problem, made, post, served
from service import AS_OF, Service, small_facts
from storewatch.config import load_settings
from storewatch.domain.ask import Ask
from storewatch.domain.instant import WEEK
from storewatch.entrypoints.http.app import create_app
from storewatch.ports.jobs import Progress, State

if TYPE_CHECKING:
    from collections.abc import Iterator

UNKNOWN = "06757268c878488d846aee30a8101cae"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DOCUMENT = json.loads((Path(__file__).parents[2] / "docs/reference/openapi.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("v1")
    running = Service(home=folder / "home", folder=folder)
    running.load(small_facts())
    try:
        yield running.start()
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Yield an app without workers, under the address that clients know."""
    app = create_app(load_settings(home=tmp_path, workers=0, public_url="https://example.org/uptime"))
    with served(app) as client:
        services = app.state.services
        yield Opened(client=client, board=services.board, shelf=services.shelf)


@pytest.fixture(scope="module")
def complete(service: Service) -> dict[str, Any]:
    seen = made(service)
    assert seen["state"] == "Complete"
    return seen


def is_as_documented(body: object, schema: str) -> bool:
    jsonschema.validate(
        body, {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    )
    return True


# --- making ---------------------------------------------------------------------------------------------


def test_a_report_is_accepted_and_its_location_is_where_to_look(service: Service) -> None:
    answer = post(service.url)
    assert answer.status_code == 202
    assert re.fullmatch(rf"{service.url}{REPORTS}/[0-9a-f]{{32}}", answer.headers["location"])
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["retry-after"]) > 0
    seen = httpx.get(answer.headers["location"]).json()
    assert answer.json()["id"] == seen["id"]
    assert answer.json()["links"]["self"] == answer.headers["location"]
    assert is_as_documented(answer.json(), "ReportDetails")


@pytest.mark.parametrize("content", [b"", b"null", b"{}", b'{"as_of":null,"carry":null,"store_ids":null}'])
def test_without_wishes_it_is_of_every_store_as_of_the_newest_poll(service: Service, content: bytes) -> None:
    headers = {"Content-Type": "application/json"} if content else {}
    answer = httpx.post(service.url + REPORTS, content=content, headers=headers)
    assert service.job(answer.json()["id"]).ask == Ask()


def test_a_body_is_taken_as_by_trigger_report_and_shown(service: Service) -> None:
    wanted: dict[str, Any] = {
        "store_ids": ["001", "007"],
        "windows": ["28d", "day"],
        "compare": True,
        "by": "brand",
        "where": {"Region": ["north", ""]},
    }
    answer = post(service.url, as_of="2023-01-25T18:12:00+05:45", carry="36h", **wanted)
    job = service.job(answer.json()["id"])
    assert job.ask == Ask(
        as_of=AS_OF - 20_700,
        carry=129_600,
        store_ids=("001", "007"),
        windows=("28d", "day"),
        compare=True,
        by="brand",
        where=(("region", ("", "north")),),
    )
    assert answer.json()["as_of"] == "2023-01-25T12:27:00Z"
    assert answer.json()["asked"] == {
        "as_of": "2023-01-25T12:27:00Z",
        "carry_seconds": 129_600,
        "store_ids": ["001", "007"],
        "policy": "hourly-majority",
        "windows": ["28d", "day"],
        "compare": True,
        "by": "brand",
        "where": {"region": ["", "north"]},
    }


@pytest.mark.parametrize(
    "wanted", [{"as_of": "soon"}, {"carry": "7"}, {"store_ids": []}, {"asof": "2023-01-25T18:12:00Z"}]
)
def test_a_wrong_body_is_refused(service: Service, wanted: dict[str, Any]) -> None:
    check_problem(post(service.url, **wanted), 422)


def test_a_wish_in_the_query_is_refused_and_not_passed_over(service: Service) -> None:
    answer = httpx.post(service.url + REPORTS, params={"as_of": "2023-01-25T18:12:00Z"})
    assert "as_of" in check_problem(answer, 422)


# --- idempotency ----------------------------------------------------------------------------------------


def test_the_same_key_and_body_give_the_same_report_however_it_stands(service: Service) -> None:
    wanted = {"carry": "7d", "store_ids": ["001"]}
    first = made(service, key="a", **wanted)
    again = post(service.url, key="a", **wanted)
    assert again.status_code == 202
    assert again.headers["location"] == first["links"]["self"]
    assert again.json() == first | {"link_ends": again.json()["link_ends"]}, (
        "a link is made anew at each call"
    )
    assert post(service.url, key="a", store_ids=["001"]).json()["id"] == first["id"], "7d is the default"


def test_the_same_key_with_another_body_is_refused(service: Service) -> None:
    first = post(service.url, key="b").json()
    detail = check_problem(post(service.url, key="b", carry="36h"), 422)
    assert first["id"] in detail
    assert "take a new key" in detail


def test_many_posts_at_once_with_one_key_make_one_report(service: Service) -> None:
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: post(service.url, key="c", store_ids=["002"]), range(20)))
    assert [answer.status_code for answer in answers] == [202] * 20
    (report_id,) = {answer.json()["id"] for answer in answers}
    listed = httpx.get(f"{service.url}{REPORTS}?limit=100").json()["reports"]
    assert [report["id"] for report in listed].count(report_id) == 1
    assert service.result(report_id)["status"] == "Complete"


def test_without_a_key_equal_posts_are_reports_of_their_own(service: Service) -> None:
    assert post(service.url).json()["id"] != post(service.url).json()["id"]


@pytest.mark.parametrize("key", ["", "ü", "a" * 256, "tab\there"])
def test_a_key_that_is_no_key_is_refused(service: Service, key: str) -> None:
    answer = httpx.post(service.url + REPORTS, headers={b"Idempotency-Key": key.encode()})
    assert "Idempotency-Key" in check_problem(answer, 422)


def test_a_key_is_free_again_when_its_report_was_removed(service: Service) -> None:
    first = made(service, key="d")
    assert httpx.delete(first["links"]["self"]).status_code == 204
    assert post(service.url, key="d", carry="36h").json()["id"] != first["id"]


# --- listing --------------------------------------------------------------------------------------------


def pages(client: httpx.Client, path: str) -> Iterator[list[str]]:
    """Yield the ids of each page, following the links."""
    following: str | None = path
    while following:
        answer = client.get(following)
        body = answer.json()
        assert is_as_documented(body, "Reports")
        yield [report["id"] for report in body["reports"]]
        assert answer.links.get("next", {}).get("url") == body["next"]
        following = body["next"] and body["next"].removeprefix("https://example.org/uptime")


def test_an_empty_list_is_a_page_without_reports(opened: Opened) -> None:
    assert opened.client.get(REPORTS).json() == {"reports": [], "next": None}


def test_pages_hold_each_report_once_the_newest_first(opened: Opened) -> None:
    ids = [opened.client.post(REPORTS).json()["id"] for _ in range(7)]
    found = list(pages(opened.client, f"{REPORTS}?limit=3"))
    assert [len(page) for page in found] == [3, 3, 1]
    assert [report_id for page in found for report_id in page] == ids[::-1]
    assert list(pages(opened.client, f"{REPORTS}?limit=7")) == [ids[::-1]]


def test_pages_stay_as_they_are_while_reports_come_and_go(opened: Opened) -> None:
    ids = [opened.client.post(REPORTS).json()["id"] for _ in range(6)]
    found = pages(opened.client, f"{REPORTS}?limit=2")
    assert next(found) == [ids[5], ids[4]]
    opened.client.post(REPORTS)
    for _ in ("cancel", "remove"):
        opened.client.delete(f"{REPORTS}/{ids[4]}")
    assert next(found) == [ids[3], ids[2]]
    opened.client.post(REPORTS)
    assert [report_id for page in found for report_id in page] == [ids[1], ids[0]]


def test_a_report_in_the_list_is_as_by_itself_without_what_it_was_asked_for(
    service: Service, complete: dict[str, Any]
) -> None:
    listed = httpx.get(f"{service.url}{REPORTS}?limit=100").json()["reports"]
    (mine,) = [report for report in listed if report["id"] == complete["id"]]
    details = {"asked", "link_ends", "manifest"}
    assert mine == {name: complete[name] for name in complete if name not in details}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "cursor=", "cursor=abc", "cursor=YmVmb3JlOi0x", "page=2"]
)
def test_a_wrong_page_is_refused(service: Service, query: str) -> None:
    check_problem(service.get(f"{REPORTS}?{query}"), 422)


# --- looking --------------------------------------------------------------------------------------------


def test_a_complete_report_shows_its_counts_times_links_and_manifest(
    service: Service, complete: dict[str, Any]
) -> None:
    assert is_as_documented(complete, "ReportDetails")
    assert complete["as_of"] == "2023-01-25T18:12:00Z"
    assert complete["counts"] == {"rows": 7, "attempts": 1}
    assert (complete["progress"], complete["error"]) == (None, None)
    left = datetime.fromisoformat(complete["link_ends"]) - datetime.now(UTC)
    assert 0 < left.total_seconds() <= 86_400
    times = [complete["timings"][name] for name in ("created", "started", "ended")]
    assert all(INSTANT.fullmatch(time) for time in times)
    assert times == sorted(times)
    assert abs((datetime.fromisoformat(times[0]) - datetime.now(UTC)).total_seconds()) < WEEK
    assert complete["timings"]["waited_seconds"] >= 0
    assert complete["timings"]["attempt_seconds"] > 0
    assert complete["manifest"]["report"]["rows"] == 7
    assert complete["manifest"]["as_of"] == complete["as_of"]
    assert set(complete["links"]["download"]) == {"csv", "parquet", "json", "xlsx"}
    assert complete["links"]["self"] == f"{service.url}{REPORTS}/{complete['id']}"


def test_a_report_is_looked_at_from_its_queue_to_its_end(opened: Opened) -> None:
    where = f"{REPORTS}/{opened.client.post(REPORTS).json()['id']}"
    queued = opened.client.get(where)
    assert (queued.json()["state"], queued.json()["as_of"]) == ("Queued", None)
    assert queued.json()["timings"]["started"] is None
    assert int(queued.headers["retry-after"]) > 0

    claim = claimed(opened.board)
    opened.board.pin(claim, as_of=AS_OF, version="1")
    opened.board.beat(claim, lease=60, progress=Progress(stage="compute", done=2, total=7))
    running = opened.client.get(where).json()
    assert running["state"] == "Running"
    assert running["as_of"] == "2023-01-25T18:12:00Z"
    assert running["progress"] == {"stage": "compute", "done": 2, "total": 7}
    assert running["links"]["download"] is None

    opened.board.fail(claim, "OSError: the disk is full", final=True)
    failed = opened.client.get(where)
    assert (failed.json()["state"], failed.json()["error"]) == ("Failed", "OSError: the disk is full")
    assert failed.json()["progress"] is None
    assert failed.json()["manifest"] is None
    assert "retry-after" not in failed.headers


def test_links_are_on_the_public_address_if_one_is_set(opened: Opened) -> None:
    answer = opened.client.post(REPORTS)
    assert answer.headers["location"] == f"https://example.org/uptime{REPORTS}/{answer.json()['id']}"


def test_a_report_is_the_same_one_for_get_report(service: Service, complete: dict[str, Any]) -> None:
    assert service.get(f"/get_report/{complete['id']}").json()["status"] == "Complete"
    triggered = service.trigger()
    assert service.get(f"{REPORTS}/{triggered.upper()}").json()["id"] == triggered


# --- removing -------------------------------------------------------------------------------------------


def test_deleting_a_report_that_waits_or_runs_cancels_it(opened: Opened) -> None:
    first, second = (opened.client.post(REPORTS).json()["id"] for _ in range(2))
    claim = claimed(opened.board)
    for report_id in (first, second):
        answer = opened.client.delete(f"{REPORTS}/{report_id}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert opened.client.get(f"{REPORTS}/{report_id}").json()["state"] == "Cancelled"
    assert not opened.board.finish(claim, key="k", rows=1)


def test_a_report_that_is_deleted_while_it_is_computed_leaves_nothing_and_the_next_is_made(
    service: Service,
) -> None:
    report_id, worker = service.pause_in_mid_report()
    try:
        assert httpx.delete(f"{service.url}{REPORTS}/{report_id}").status_code == 204
    finally:
        os.kill(worker, signal.SIGCONT)
    assert made(service)["state"] == "Complete"
    assert service.get(f"{REPORTS}/{report_id}").json()["state"] == "Cancelled"
    assert not (service.home / "reports" / report_id).exists()


@pytest.mark.parametrize("state", [State.CANCELLED, State.FAILED])
def test_deleting_a_report_that_came_to_nothing_removes_it(opened: Opened, state: State) -> None:
    report_id = opened.board.submit(Ask())
    if state is State.FAILED:
        opened.board.fail(claimed(opened.board), "no", final=True)
    else:
        opened.board.cancel(report_id)
    assert opened.client.delete(f"{REPORTS}/{report_id}").status_code == 204
    check_problem(opened.client.get(f"{REPORTS}/{report_id}"), 404)


def test_deleting_a_complete_report_removes_it_from_board_and_shelf(service: Service) -> None:
    seen = made(service)
    folder = service.home / "reports" / seen["id"]
    link = service.result(seen["id"])["url"]
    assert {path.suffix for path in folder.rglob("*.*")} == {".csv", ".parquet", ".json"}
    assert httpx.delete(seen["links"]["self"]).status_code == 204
    assert not folder.exists()
    check_problem(httpx.get(seen["links"]["self"]), 404)
    check_problem(httpx.delete(seen["links"]["self"]), 404)
    check_problem(httpx.get(link), 404)
    listed = httpx.get(f"{service.url}{REPORTS}?limit=100").json()["reports"]
    assert seen["id"] not in [report["id"] for report in listed]


# --- errors ---------------------------------------------------------------------------------------------

ON_ONE = [("GET", ""), ("DELETE", ""), ("GET", "/download")]


@pytest.mark.parametrize(("method", "rest"), ON_ONE)
def test_an_unknown_report_is_not_found_and_no_id_is_malformed(
    service: Service, method: str, rest: str
) -> None:
    check_problem(httpx.request(method, f"{service.url}{REPORTS}/{UNKNOWN}{rest}"), 404)
    for malformed in ("abc", UNKNOWN[1:], UNKNOWN + "0", UNKNOWN[:-1] + "g", "%00"):
        check_problem(httpx.request(method, f"{service.url}{REPORTS}/{malformed}{rest}"), 422)


@pytest.mark.parametrize(
    ("method", "rest", "allow"),
    [
        ("PUT", "", "GET, POST"),
        ("DELETE", "", "GET, POST"),
        ("POST", f"/{UNKNOWN}", "DELETE, GET"),
        ("POST", f"/{UNKNOWN}/download", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(service: Service, method: str, rest: str, allow: str) -> None:
    answer = httpx.request(method, service.url + REPORTS + rest)
    check_problem(answer, 405)
    assert answer.headers["allow"] == allow


def test_a_board_that_does_not_answer_is_a_503_on_every_call(opened: Opened) -> None:
    opened.board.close()
    calls = [("POST", ""), ("GET", ""), *((method, f"/{UNKNOWN}{rest}") for method, rest in ON_ONE)]
    for method, rest in calls:
        answer = opened.client.request(method, REPORTS + rest)
        check_problem(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
