"""The pages of the reports, and every error that a person meets: what happened, and what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from calls import Opened, check_problem, served
from service import Service, eventually, small_facts
from storewatch.config import load_settings
from storewatch.domain.ask import Ask
from storewatch.entrypoints.http.app import create_app
from storewatch.errors import Port, UnavailableError
from web import Text, page, page_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNKNOWN = "06757268c878488d846aee30a8101cae"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    app = create_app(load_settings(home=tmp_path, workers=0, queue_limit=200))
    with served(app) as client:
        services = app.state.services
        yield Opened(client=client, board=services.board, shelf=services.shelf)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("reports")
    running = Service(home=folder / "home", folder=folder)
    running.load(small_facts())
    try:
        yield running.start()
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


# ---------------------------------------------------------------- the list


def test_the_list_has_every_report_once_on_pages_of_fifty_there_and_back(opened: Opened) -> None:
    ids = [opened.board.submit(Ask()) for _ in range(120)][::-1]
    address, seen, pages = "/reports", list[str](), list[str]()
    while address:
        shown = page_of(opened.client.get(address))
        found = [a.removeprefix("/reports/") for a in shown.addresses if re.fullmatch(r"/reports/\w{32}", a)]
        assert len(found) <= 50
        seen += found
        pages.append(address)
        address = _link(shown, "next")
    assert seen == ids
    newer = _link(page_of(opened.client.get(pages[2])), "prev")
    assert newer == pages[1]


def _link(shown: Text, rel: str) -> str:
    return next((a["href"] or "" for tag, a in shown.tags if tag == "a" and a.get("rel") == rel), "")


def test_a_list_without_reports_says_so_and_leads_on(opened: Opened) -> None:
    assert "No report has been made yet." in page_of(opened.client.get("/reports")).texts
    older = page_of(opened.client.get("/reports?before=7"))
    assert "There are no older reports." in older.texts
    assert "/reports" in older.addresses


def test_the_list_says_which_stores_are_asked_for_and_what_the_pages_asked_for_themselves(
    opened: Opened,
) -> None:
    opened.board.submit(Ask(store_ids=("1", "2"), where=(("brand", ("<b>",)),)))
    opened.board.submit(Ask(overview=True))
    texts = page_of(opened.client.get("/reports")).texts
    assert "those of 2 stores with brand <b>" in texts
    assert "all stores, for these pages" in texts


PLACE = "postgresql://app@db.example/polls"
CAUSES = {
    f"the poll store does not answer, for 1200 s: trigger the report again when it does; {PLACE}": "This "
    "report could not be made: the polls did not answer for 20 minutes. Ask for it again when they do.",
    f"the report shelf does not answer, for 1e+06 s: {PLACE}": "the storage for reports did not answer for "
    "11 days. Ask for it again when it does.",
    f"the poll store does not answer a statement within 30 s {PLACE}": "the polls did not answer. Ask",
    "NoPollsError: there are no polls": "there were no polls to report on. Load some",
    f"NoStoreError: no store has {PLACE}": "no store has these labels.",
    f"DroppedError: {PLACE}": "it needs polls that are no longer kept.",
    "the database's schema is missing": "the database is not ready for this version.",
    "the worker was lost in attempt 3 of 3: its lease ran out": "its worker stopped three times.",
    f"the worker process died ({PLACE})": "its worker stopped three times.",
    "attempt outlived its limit of 60 s": "it took longer than a report may.",
    f"EngineError: {PLACE}": "the cluster that computes reports could not be used.",
    f"ValueError: {PLACE}": "something unexpected happened.",
}


@pytest.mark.parametrize("error", CAUSES)
def test_a_failed_report_says_a_fixed_sentence_by_its_cause(opened: Opened, error: str) -> None:
    report_id = opened.board.submit(Ask())
    claim = opened.board.claim("a-worker", lease=60)
    assert claim
    opened.board.fail(claim, error, final=True)
    for path in ("/reports", f"/reports/{report_id}"):
        answer = opened.client.get(path)
        text = " ".join(page_of(answer).texts)
        assert CAUSES[error] in text
        assert PLACE not in answer.text
        assert "Failed" in text
    assert report_id in text, "its id for the log"


def test_a_report_that_is_held_up_says_for_what_and_that_it_is_tried_again(opened: Opened) -> None:
    report_id = opened.board.submit(Ask())
    claim = opened.board.claim("a-worker", lease=60)
    assert claim
    opened.board.hand_back(claim, pause=60, reason="the poll store does not answer")
    for path in ("/reports", f"/reports/{report_id}"):
        text = " ".join(page_of(opened.client.get(path)).texts)
        assert "On hold: the polls did not answer. It will be tried again automatically." in text


# ---------------------------------------------------------------- one report


def test_the_button_leads_to_a_page_that_follows_the_report_and_leads_to_its_stores(service: Service) -> None:
    (button,) = [
        a for tag, a in page(service, "/reports").tags if tag == "form" and a.get("method") == "post"
    ]
    answer = httpx.post(f"{service.url}{button['action']}")
    assert answer.status_code == 303
    path = answer.headers["location"]
    found = eventually("it is complete", lambda: _complete(page(service, path)))
    assert [f"/v1{path}/download?format={ending}" for ending in ("csv", "xlsx", "parquet", "json")] == [
        address for address in found.addresses if "download" in address
    ]
    report_id = path.rpartition("/")[2]
    assert service.job(report_id).ask.store_ids is None
    assert f"/stores?as_of=2023-01-25T18%3A12%3A00Z&report={report_id}" in found.addresses


def test_a_report_of_some_stores_does_not_pass_for_the_fleet(service: Service) -> None:
    report_id = service.trigger(store_ids=["001"])
    service.result(report_id)
    assert not [a for a in page(service, f"/reports/{report_id}").addresses if a.startswith("/stores?")]


def _complete(found: Text) -> Text | None:
    return found if "Complete" in found.texts else None


def test_a_report_that_runs_is_looked_at_again_with_and_without_javascript(opened: Opened) -> None:
    report_id = opened.board.submit(Ask())
    for path, seconds, live in ((f"/reports/{report_id}", 2, 700), ("/reports", 5, 2000)):
        html = opened.client.get(path).text
        assert f'<noscript><meta http-equiv="refresh" content="{seconds}"></noscript>' in html
        assert f'data-live="{live}"' in html
    assert "Waiting for a worker" in opened.client.get(f"/reports/{report_id}").text
    opened.board.cancel(report_id)
    html = opened.client.get("/reports").text
    assert 'http-equiv="refresh"' not in html
    assert 'data-live="10000"' in html, "another tab may ask for one"


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", f"/reports/{UNKNOWN}", 404, "It may be too old to be kept."),
        ("GET", "/reports/x", 404, "There is nothing at this address."),
        ("GET", "/reports?before=%3Cb%3E", 422, "“<b>” cannot be used as before."),
        ("GET", "/reports?before=0", 422, "“0” cannot be used as before."),
        ("GET", "/assets/nothing.css", 404, "There is nothing at this address."),
        ("GET", "/assets/templates", 404, "There is nothing at this address."),
        ("GET", "/nothing", 404, "Check the address, or start from one of the pages above."),
        ("GET", "/v1/reports/x", 404, "There is nothing at this address."),
        ("GET", "/v1/reports?limit=x", 422, "“x” cannot be used as limit."),
        ("GET", "/?as_of=yesterday", 422, "2023-01-25T18:12:00Z"),
        ("GET", "/stores/001?as_of=yesterday", 422, "2023-01-25T18:12:00Z"),
        ("DELETE", "/reports", 405, "people begin at “Overview”"),
        ("PUT", "/", 405, "people begin at “Overview”"),
        ("POST", "/groups", 405, "people begin at “Overview”"),
    ],
)
def test_a_person_meets_a_page_whatever_is_wrong(
    opened: Opened, method: str, path: str, status: int, text: str
) -> None:
    """It says what happened, what to do, and leads back."""
    found = page_of(opened.client.request(method, path, headers=BROWSER), status)
    assert text in " ".join(found.texts)
    assert {"/", "/stores", "/reports"} <= set(found.addresses)


def test_a_foreign_name_is_told_to_a_person_as_a_page(opened: Opened) -> None:
    answer = opened.client.get("/", headers=BROWSER | {"Host": "evil.example"})
    assert "STOREWATCH_HOSTS" in " ".join(page_of(answer, 421).texts)


def test_too_much_that_waits_is_a_page_that_leads_to_the_list(tmp_path: Path) -> None:
    app = create_app(load_settings(home=tmp_path, workers=0, queue_limit=1))
    with served(app) as client:
        assert client.post("/reports", headers=BROWSER).status_code == 303
        answer = client.post("/reports", headers=BROWSER)
        assert "1 reports wait already" in " ".join(page_of(answer, 429).texts)
        assert int(answer.headers["retry-after"]) > 0
        check_problem(client.post("/v1/reports"), 429)


def test_a_service_that_is_starting_says_so_on_a_page_that_looks_again() -> None:
    with served(create_app(), lifespan="off") as client:
        for path in ("/", "/reports", "/stores/001", f"/reports/{UNKNOWN}"):
            answer = client.get(path)
            assert '<meta http-equiv="refresh" content="5">' in answer.text
            assert "The service is starting or ending." in " ".join(page_of(answer, 503).texts)
        check_problem(client.get("/v1/reports"), 503)


def test_a_board_that_does_not_answer_is_a_page_that_looks_again(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise UnavailableError("the job board at db.example does not answer", port=Port.BOARD)

    monkeypatch.setattr(opened.board, "recent", away)
    answer = opened.client.get("/reports")
    assert "db.example" not in answer.text
    assert "A part of the service does not answer" in " ".join(page_of(answer, 503).texts)
    assert '<meta http-equiv="refresh" content="5">' in answer.text
    assert answer.headers["retry-after"] == "5"


def test_what_nobody_expected_is_a_page_that_tells_nothing_of_itself(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opened.board, "recent", lambda *_, **__: 1 / 0)
    answer = opened.client.get("/reports")
    assert "ZeroDivisionError" not in answer.text
    assert "Something went wrong on our side" in " ".join(page_of(answer, 500).texts)
