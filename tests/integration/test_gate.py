"""What stands before all calls: foreign names, other sites, and what answers may be kept or taken for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from calls import Opened, check_problem, served
from storewatch.config import load_settings
from storewatch.entrypoints.http.app import create_app
from storewatch.ports.jobs import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNKNOWN = "06757268c878488d846aee30a8101cae"
FOREIGN = {"Host": "evil.example"}
CROSS = {"Sec-Fetch-Site": "cross-site"}
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    app = create_app(load_settings(home=tmp_path_factory.mktemp("gate"), workers=0))
    with served(app) as client:
        services = app.state.services
        yield Opened(client=client, board=services.board, shelf=services.shelf)


def test_a_foreign_name_makes_no_link_and_removes_nothing(opened: Opened) -> None:
    report_id = opened.client.post("/v1/reports").json()["id"]
    for method, path in (
        ("GET", f"/v1/reports/{report_id}"),
        ("GET", f"/get_report/{report_id}"),
        ("DELETE", f"/v1/reports/{report_id}"),
        ("POST", "/trigger_report"),
        ("GET", "/"),
    ):
        detail = check_problem(opened.client.request(method, path, headers=FOREIGN), 421)
        assert "STOREWATCH_HOSTS" in detail
    job = opened.board.get(report_id)
    assert job is not None
    assert job.state is State.QUEUED


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_and_figures_are_asked_for_by_any_name(opened: Opened, path: str) -> None:
    assert opened.client.get(path, headers=FOREIGN).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/trigger_report"),
        ("POST", "/trigger_report"),
        ("POST", "/v1/reports"),
        ("POST", "/reports"),
        ("POST", "/stores/001"),
        ("POST", "/sign-in"),
        ("DELETE", f"/v1/reports/{UNKNOWN}"),
    ],
)
def test_another_site_changes_nothing(opened: Opened, method: str, path: str) -> None:
    before = opened.board.queue_length()
    assert "another site" in check_problem(opened.client.request(method, path, headers=CROSS), 403)
    assert opened.board.queue_length() == before
    for site in ("same-origin", "same-site", "none"):
        answer = opened.client.request(method, path, headers={"Sec-Fetch-Site": site})
        assert answer.status_code != 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://testserver.evil.example"])
def test_another_site_changes_nothing_where_browsers_only_tell_its_origin(
    opened: Opened, origin: str
) -> None:
    """Over HTTP in a network they say no more of where a call comes from."""
    sent = {"Origin": origin}
    assert "another site" in check_problem(opened.client.post("/reports", headers=sent), 403)
    assert opened.client.get("/healthz", headers=sent).status_code == 200
    own = {"Origin": str(opened.client.base_url)}
    assert opened.client.post("/stores/001", headers=own).status_code != 403


def test_another_site_may_lead_to_a_page(opened: Opened) -> None:
    assert opened.client.get("/", headers=CROSS | BROWSER).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/echo/x",
        "/v1/reports",
        "/openapi.json",
        "/docs",
        "/nothing",
        "/metrics",
        "/healthz",
        "/",
        "/get_report",
    ],
)
def test_no_answer_is_kept_or_taken_for_another_type(opened: Opened, path: str) -> None:
    answer = opened.client.get(path)
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]


def test_a_browser_gets_a_page_where_nothing_is_and_where_its_method_is_not(opened: Opened) -> None:
    for method, path, status, text in (
        ("GET", "/nothing", 404, "There is nothing at this address."),
        ("GET", f"/get_report/{UNKNOWN}", 404, f"There is no report {UNKNOWN}."),
        ("POST", "/echo/x", 405, "This address is for programs"),
    ):
        page = opened.client.request(method, path, headers=BROWSER)
        assert page.status_code == status
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert text in page.text
        check_problem(opened.client.request(method, path), status)
    assert opened.client.post("/echo/x", headers=BROWSER).headers["allow"] == "GET"


def test_the_page_of_the_calls_loads_nothing_from_elsewhere(opened: Opened) -> None:
    page = opened.client.get("/docs")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert addresses
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for address in addresses:
        assert address.startswith("/")
        assert opened.client.get(address).status_code == 200
    assert opened.client.get("/redoc").status_code == 404


def test_the_package_of_swagger_ui_shows_only_what_is_asked_of_it(opened: Opened) -> None:
    for name in ("..%2fcore.py", "core.py", "redoc.standalone.js", "."):
        assert opened.client.get(f"/assets/{name}").status_code == 404


@pytest.mark.parametrize(("host", "is_told"), [("127.0.0.1", False), ("0.0.0.0", True)])  # noqa: S104  a case
def test_a_service_that_is_open_beyond_the_machine_says_so_in_one_line(
    tmp_path: Path, host: str, *, is_told: bool
) -> None:
    from service import Service  # noqa: PLC0415

    service = Service(
        home=tmp_path / "home",
        folder=tmp_path,
        settings={"workers": "0"},
        command=("-m", "storewatch.entrypoints.cli", "serve", "--host", host),
    )
    try:
        service.start()
        foreign = httpx.get(f"{service.url}/echo/x", headers=FOREIGN).status_code
        assert foreign == (200 if is_told else 421)
    finally:
        service.close()
    lines = [line for line in service.output.splitlines() if '"warning"' in line]
    assert len(lines) == is_told
    assert all("STOREWATCH_AUTH=none" in line and "STOREWATCH_HOSTS" in line for line in lines)
