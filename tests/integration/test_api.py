"""The calls, over HTTP, to a real service process; and the one shape of all errors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from boards import claimed
from calls import Opened, check_problem, served
from service import AS_OF, FILE_NAME, Service, small_facts
from storewatch.checking import reference
from storewatch.config import load_settings
from storewatch.domain.ask import Ask, Policy
from storewatch.domain.instant import WEEK
from storewatch.entrypoints.http.app import create_app
from storewatch.ports.jobs import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNKNOWN = "06757268c878488d846aee30a8101cae"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("api")
    running = Service(home=folder / "home", folder=folder)
    running.load(small_facts())
    try:
        yield running.start()
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


@pytest.fixture(scope="module")
def complete(service: Service) -> str:
    report_id = service.trigger()
    assert service.result(report_id)["status"] == "Complete"
    return report_id


@pytest.mark.parametrize("message", ["hello", "ü 🙂", 'a "b"', "1", "null"])
def test_echo_gives_the_message_as_a_json_string(service: Service, message: str) -> None:
    answer = service.get(f"/echo/{message}")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == message


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_trigger_by_either_method_answers_with_an_id_of_32_hex_digits(
    service: Service, method: str
) -> None:
    answer = httpx.request(method, f"{service.url}/trigger_report")
    assert answer.status_code == 200
    assert re.fullmatch(r'{"report_id":"[0-9a-f]{32}"}', answer.text)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("content", [b"", b"null", b"{}", b'{"as_of":null,"carry":null,"store_ids":null}'])
def test_a_trigger_without_wishes_is_for_every_store_as_of_the_newest_poll(
    service: Service, content: bytes
) -> None:
    headers = {"Content-Type": "application/json"} if content else {}
    answer = httpx.post(f"{service.url}/trigger_report", content=content, headers=headers)
    assert service.job(answer.json()["report_id"]).ask == Ask()
    assert service.result(answer.json()["report_id"])["url"].split("?")[0].endswith(FILE_NAME)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_trigger_takes_its_wishes_from_a_body_by_either_method(service: Service, method: str) -> None:
    wanted = {"as_of": "2023-01-25T18:12:00+05:45", "carry": "36h", "store_ids": ["001", "007"]}
    answer = httpx.request(method, f"{service.url}/trigger_report", json=wanted)
    job = service.job(answer.json()["report_id"])
    assert job.ask == Ask(as_of=AS_OF - 20_700, carry=129_600, store_ids=("001", "007"))


def test_a_trigger_takes_its_wishes_from_the_query_too(service: Service) -> None:
    query = {"as_of": "2023-01-25T18:12:00Z", "carry": "none", "store_ids": ["001", "8,9"]}
    answer = service.get("/trigger_report", params=query)
    job = service.job(answer.json()["report_id"])
    assert job.ask == Ask(as_of=AS_OF, carry=None, store_ids=("001", "8,9"))


def test_a_trigger_without_a_carry_has_seven_days(service: Service) -> None:
    assert service.job(service.trigger(store_ids=["001"])).ask.carry == WEEK


WRONG: list[dict[str, Any]] = [
    {"as_of": "2023-01-25T18:12:00"},
    {"as_of": "2023-01-25"},
    {"as_of": "2023-01-25T18:12:00.5Z"},
    {"as_of": "soon"},
    {"as_of": ""},
    {"as_of": "9999-12-31T23:59:59-14:00"},
    {"carry": "7"},
    {"carry": "-1d"},
    {"carry": ""},
    {"policy": "majority"},
    {"windows": "2w"},
    {"windows": ["day", "day"]},
    {"windows": ["2023-01-25T00:00:00Z/2023-01-25T18:12:01Z"], "as_of": "2023-01-25T18:12:00Z"},
    {"store_ids": [""]},
    {"asof": "2023-01-25T18:12:00Z"},
]


@pytest.mark.parametrize(
    "wanted", [*WRONG, {"store_ids": []}, {"as_of": 1}, {"carry": 7}, {"store_ids": "7"}, []]
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_wrong_body_is_refused(service: Service, method: str, wanted: Any) -> None:
    check_problem(httpx.request(method, f"{service.url}/trigger_report", json=wanted), 422)


@pytest.mark.parametrize("wanted", WRONG)
def test_a_wrong_query_is_refused(service: Service, wanted: dict[str, Any]) -> None:
    check_problem(service.get("/trigger_report", params=wanted), 422)


@pytest.mark.parametrize(
    "content", [b"{", b"\xff", b'{"\\ud800": 1}', b'{"store_ids": ["\\ud800"]}', b"[" * 100_000]
)
def test_a_body_that_is_no_proper_json_is_refused(service: Service, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(f"{service.url}/trigger_report", content=content, headers=headers)
    check_problem(answer, 422)


def test_a_wish_in_both_query_and_body_is_refused(service: Service) -> None:
    answer = httpx.post(f"{service.url}/trigger_report", params={"carry": "7d"}, json={"carry": "7d"})
    assert "carry" in check_problem(answer, 422)


def test_a_refusal_names_the_field_and_says_what_to_do(service: Service) -> None:
    answer = service.get("/trigger_report", params={"as_of": "2023-01-25T18:12:00"})
    assert "as_of" in check_problem(answer, 422)
    assert "has no time zone: write it with Z or an offset" in answer.json()["detail"]


PATHS = ["/get_report?report_id={}", "/get_report/{}"]


@pytest.mark.parametrize("path", PATHS)
def test_a_complete_report_is_a_url_and_a_status_in_that_order(
    service: Service, complete: str, path: str
) -> None:
    answer = service.get(path.format(complete))
    assert list(answer.json()) == ["url", "status"]
    assert answer.json()["status"] == "Complete"
    assert answer.json()["url"].startswith(f"{service.url}/reports/{complete}/{FILE_NAME}?expires=")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_report_is_not_found_and_no_id_is_malformed(service: Service, path: str) -> None:
    check_problem(service.get(path.format(UNKNOWN)), 404)
    for malformed in ("abc", UNKNOWN[1:], UNKNOWN + "0", UNKNOWN[:-1] + "g", UNKNOWN + "%0A", "%00"):
        check_problem(service.get(path.format(malformed)), 422)
    check_problem(service.get("/get_report"), 422)


def test_the_link_is_on_the_address_that_the_client_used(service: Service, complete: str) -> None:
    answer = service.get(f"/get_report/{complete}", headers={"Host": "localhost:81"})
    assert answer.json()["url"].startswith("http://localhost:81/reports/")


def test_the_link_downloads_the_csv_without_credentials(service: Service, complete: str) -> None:
    answer = httpx.get(service.result(complete)["url"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{FILE_NAME}"'
    assert int(answer.headers["content-length"]) == len(answer.content)
    lines = answer.text.splitlines()
    assert lines[0].startswith(
        "store_id,uptime_last_hour,uptime_last_day,uptime_last_week,downtime_last_hour"
    )
    assert [line.split(",")[0] for line in lines[1:]] == [f"{i:03}" for i in range(7)]


def test_head_gives_the_headers_alone(service: Service, complete: str) -> None:
    url = service.result(complete)["url"]
    answer = httpx.head(url)
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-length"] == httpx.get(url).headers["content-length"]


def test_a_forged_or_edited_link_is_forbidden(service: Service, complete: str) -> None:
    url = service.result(complete)["url"]
    path, query = url.split("?")
    edited = [
        path,
        f"{path}?expires=9999999999",
        url.replace("expires=1", "expires=2"),
        url[:-1] + ("A" if url[-1] != "A" else "B"),
        url.replace(complete, UNKNOWN),
        f"{path.replace('18', '19')}?{query}",
        f"{url}&expires=9999999999",
    ]
    for link in edited:
        check_problem(httpx.get(link), 403)
        assert httpx.head(link).status_code == 403


def test_a_report_that_is_gone_from_the_shelf_is_not_found(service: Service) -> None:
    report_id = service.trigger()
    url = service.result(report_id)["url"]
    (service.home / "reports" / (service.job(report_id).key or "")).unlink()
    check_problem(httpx.get(url), 404)


@pytest.mark.parametrize("path", ["/nothing", "/echo", "/echo/a/b"])
def test_an_unknown_path_is_not_found(service: Service, path: str) -> None:
    check_problem(service.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/trigger_report", "GET, POST"),
        ("POST", "/get_report", "GET"),
        ("DELETE", f"/get_report/{UNKNOWN}", "GET"),
        ("POST", f"/reports/{UNKNOWN}/a.csv", "GET, HEAD"),
        ("POST", "/echo/a", "GET"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(service: Service, method: str, path: str, allow: str) -> None:
    answer = httpx.request(method, service.url + path)
    check_problem(answer, 405)
    assert answer.headers["allow"] == allow


def test_the_process_is_healthy_and_ready(service: Service) -> None:
    assert service.get("/healthz").json() == {"status": "ok"}
    assert service.get("/readyz").json() == {"status": "ok"}


def test_the_api_documents_itself_with_examples_and_our_errors(service: Service) -> None:
    assert service.get("/docs").status_code == 200
    document = service.get("/openapi.json").json()
    assert "Problem" in document["components"]["schemas"]
    assert document["components"]["schemas"]["Wanted"]["properties"]["as_of"]["examples"]
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            for status, answer in operation["responses"].items():
                assert status < "300" or list(answer["content"]) == ["application/problem+json"], path


def test_a_finished_job_may_be_asked_for_in_capitals(service: Service, complete: str) -> None:
    assert service.get(f"/get_report/{complete.upper()}").json()["status"] == "Complete"


def boom() -> None:
    """Fail as our own code might."""
    raise RuntimeError("a secret detail")


def test_an_unexpected_error_tells_nothing_of_itself() -> None:
    app = create_app()
    app.add_api_route("/boom", boom)
    with served(app, lifespan="off") as client:
        assert "secret" not in check_problem(client.get("/boom"), 500)


def test_before_it_has_opened_anything_the_app_is_not_ready() -> None:
    with served(create_app(), lifespan="off") as client:
        check_problem(client.get("/readyz"), 503)
        assert client.get("/healthz").status_code == 200


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    settings = load_settings(home=tmp_path, workers=0, public_url="https://example.org/uptime/")
    app = create_app(settings)
    with served(app) as client:
        services = app.state.services
        yield Opened(client=client, board=services.board, shelf=services.shelf)


def test_a_board_that_does_not_answer_is_a_503_that_says_when_to_try_again(opened: Opened) -> None:
    opened.board.close()
    for path in ("/readyz", f"/get_report/{UNKNOWN}", "/trigger_report"):
        answer = opened.client.get(path)
        check_problem(answer, 503)
        assert int(answer.headers["retry-after"]) > 0


def test_a_report_that_is_queued_or_claimed_is_running_and_says_when_to_ask_again(opened: Opened) -> None:
    report_id = opened.client.post("/trigger_report").json()["report_id"]
    for state in (State.QUEUED, State.RUNNING):
        if state is State.RUNNING:
            claimed(opened.board)
        answer = opened.client.get(f"/get_report/{report_id}")
        assert answer.text == '{"status":"Running"}'
        assert int(answer.headers["retry-after"]) > 0
        assert answer.headers["cache-control"] == "no-store"


def test_a_failed_report_says_why_and_a_cancelled_one_has_failed_too(opened: Opened) -> None:
    failed = opened.board.submit(Ask())
    opened.board.fail(claimed(opened.board), "there are no polls", final=True)
    assert (
        opened.client.get(f"/get_report/{failed}").text == '{"status":"Failed","error":"there are no polls"}'
    )
    cancelled = opened.board.submit(Ask())
    opened.board.cancel(cancelled)
    answer = opened.client.get(f"/get_report/{cancelled}")
    assert answer.json() == {"status": "Failed", "error": "the report was cancelled"}


def test_the_link_is_on_the_public_address_if_one_is_set(opened: Opened) -> None:
    report_id = opened.board.submit(Ask())
    key = f"{report_id}/1/{FILE_NAME}"
    opened.shelf.publish(key, [b"store_id\n"])
    opened.board.finish(claimed(opened.board), key=key, rows=0)
    url = opened.client.get(f"/get_report/{report_id}").json()["url"]
    assert url.startswith(f"https://example.org/uptime/reports/{report_id}/{FILE_NAME}?")
    assert opened.client.get(url.removeprefix("https://example.org/uptime")).content == b"store_id\n"


@pytest.mark.parametrize("route", ["/trigger_report", "/v1/reports"])
def test_a_report_of_other_rules_and_windows_is_that_of_the_reference(service: Service, route: str) -> None:
    asked = ["25h", "2023-01-20T00:00:00Z/2023-01-24T12:00:01Z", "yesterday"]
    wanted: dict[str, Any] = {"policy": "last-observation", "carry": "90m", "windows": asked, "compare": True}
    wanted["as_of"] = "2023-01-25T18:07:13Z"
    answer = httpx.post(f"{service.url}{route}", json=wanted).json()
    report_id = answer.get("report_id") or answer["id"]
    assert service.result(report_id)["status"] == "Complete"
    ask = Ask(as_of=AS_OF - 287, carry=5_400, policy=Policy.LAST_OBSERVATION, windows=tuple(asked))
    csv = service.get(f"/v1/reports/{report_id}/download", follow_redirects=True).content

    windows = ask.parsed_windows
    assert csv == reference.export_account(
        reference.account(small_facts(), ask, windows, compare=True), windows, compare=True
    )


@pytest.mark.parametrize("route", ["/trigger_report", "/v1/reports"])
def test_a_policy_that_is_not_known_is_refused_with_those_that_are(service: Service, route: str) -> None:
    detail = check_problem(httpx.post(f"{service.url}{route}", json={"policy": "majority"}), 422)

    assert all(policy in detail for policy in Policy)
