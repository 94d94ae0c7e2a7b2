"""The pages in a real browser, on a real service: what a script, a policy or a small screen could break."""

from __future__ import annotations

import csv
import io
import os
import signal
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest

from service import FILE_NAME, Service, small_facts

CHROMIUM = which("chromium")
if CHROMIUM is None:
    pytest.skip(
        "no browser: the pages were not looked at (apt-get install chromium)", allow_module_level=True
    )

from axe_playwright_python.sync_playwright import Axe  # noqa: E402 - slow to import, and only a browser needs it
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterator

expect.set_options(timeout=60_000)  # milliseconds; 5 s would be a verdict on the machine

SCREENS: tuple[tuple[int, Literal["light", "dark"]], ...] = ((1280, "light"), (390, "dark"))

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("pages")
    running = Service(home=folder / "home", folder=folder)
    running.load(small_facts())
    try:
        running.start()
        running.result(running.trigger())
        yield running
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Containers lack what Chromium's own sandbox needs.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class Watched:
    """A page that remembers what went wrong on it and which hosts it asked."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.page: Page = context.new_page()
        self.wrong: list[str] = []
        self.hosts: set[str] = set()
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))


@pytest.fixture(params=SCREENS, ids=lambda pair: f"{pair[0]}-{pair[1]}")
def watched(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    yield Watched(context)
    context.close()


def test_a_report_is_triggered_by_a_click_is_followed_and_is_downloaded(
    service: Service, watched: Watched
) -> None:
    page = watched.page
    page.goto(f"{service.url}/reports")
    page.get_by_role("button", name="Make a report").click()
    expect(page.get_by_role("heading", name="Complete")).to_be_visible()
    assert Axe().run(page).violations_count == 0
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    assert download.value.suggested_filename == FILE_NAME
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert len(rows) == 7

    assert watched.wrong == []
    assert watched.hosts == {urlsplit(service.url).netloc}


def test_a_waiting_report_is_shown_complete_without_another_click(browser: Browser, tmp_path: Path) -> None:
    running = Service(home=tmp_path / "home", folder=tmp_path)
    running.load(small_facts())
    running.start()
    try:
        report_id, worker = running.pause_in_mid_report()
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{running.url}/reports/{report_id}")
        expect(page.get_by_role("progressbar")).to_be_visible()
        assert Axe().run(page).violations_count == 0
        os.kill(worker, signal.SIGCONT)
        expect(page.get_by_role("heading", name="Complete")).to_be_visible()
        expect(page.get_by_role("status")).to_have_text(f"Report {report_id[:8]}: Complete")
        context.close()
    finally:
        running.close()


def test_search_leads_to_the_store_of_this_id(service: Service, watched: Watched) -> None:
    page = watched.page
    page.goto(service.url)
    page.get_by_label("Find a store").fill("001")
    page.get_by_role("button", name="Find").click()

    expect(page.get_by_role("heading", name="Store 001")).to_be_visible()
    expect(page.get_by_role("img", name="The open hours of store 001")).to_be_visible()
    page.get_by_label("Find a store").fill("0001")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="001", exact=True).click()
    expect(page.get_by_role("heading", name="Store 001")).to_be_visible()
    assert watched.wrong == []


def test_all_of_it_works_without_javascript(service: Service, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{service.url}/reports")
    page.get_by_role("button", name="Make a report").click()
    expect(page.get_by_role("heading", name="Complete")).to_be_visible()
    page.get_by_label("Find a store").fill("001")
    page.get_by_role("button", name="Find").click()
    day = page.locator("details", has_text="Tuesday 24 January").first
    expect(day.get_by_role("rowheader", name="09:00")).not_to_be_visible()
    day.locator("summary").click()
    expect(day.get_by_role("rowheader", name="09:00")).to_be_visible()
    context.close()
