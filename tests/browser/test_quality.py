"""What holds for every page: on any screen or paper, with the keyboard alone, without a script."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from shutil import which
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import polars as pl
import pytest

from beyond import note
from calls import served
from service import NEWEST, Service, eventually, small_facts
from storewatch.config import load_settings
from storewatch.domain.ask import Ask
from storewatch.domain.kinds import ANNOTATIONS, HOURS, LABELS, ZONES
from storewatch.entrypoints.http.app import create_app

CHROMIUM = which("chromium")
if CHROMIUM is None:
    pytest.skip("no browser: the pages were not looked at", allow_module_level=True)

from axe_playwright_python.sync_playwright import Axe  # noqa: E402 - slow to import, and only a browser needs it
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from storewatch.domain.facts import Facts
    from storewatch.ports.jobs import JobBoard

expect.set_options(timeout=60_000)  # milliseconds; 5 s would be a verdict on the machine
pytestmark = pytest.mark.timeout(300)

STORE = "001"
NAMES = (
    "overview",
    "stores",
    "filtered",
    "store",
    "unknown",
    "groups",
    "zones",
    "findings",
    "reports",
    "report",
    "queued",
    "error",
    "empty",
    "sign-in",
)
HEAD = ("storewatch", "Overview", "Stores", "Groups", "Findings", "Reports", "Find a store", "Find")
LOOK = 20_000  # milliseconds within which any page looks again
PAINTED = ".key, svg rect, svg path, svg circle"
PAINT = f"""() => [...document.querySelectorAll('{PAINTED}')].filter(each => each.getClientRects().length)
  .map(each => {{
    const style = getComputedStyle(each);
    return [style.fill, style.stroke, style.backgroundImage, style.backgroundColor].join(' ');
}})"""
FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


def fleet() -> Facts:
    """Return stores of odd zones, of two brands and none, with closed days, a planned downtime and a gap."""
    facts = small_facts(12)
    ids = [f"{n:03}" for n in range(12)]
    zones = ("Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata")
    brands = [(store, "brand", ("A & B", "<b>")[n % 2]) for n, store in enumerate(ids[:9])]
    planned = note("excluded", "2023-01-24 03:00", "2023-01-24 05:00", about=STORE)
    others = {
        "hours": HOURS.frame([(store, day, 32_400, 64_800) for store in ids[:8] for day in range(6)]),
        "zones": ZONES.frame(list(zip(ids, zones, strict=False))),
        "labels": LABELS.frame(brands),
        "annotations": ANNOTATIONS.frame([planned]),
    }
    gap = pl.col("at").is_between(NEWEST.replace(day=22, hour=1), NEWEST.replace(day=22, hour=9))
    return replace(facts, polls=facts.polls.filter(~gap), others=others)


@dataclass(frozen=True, kw_only=True)
class Tour:
    """A page each of all kinds, open in one browser, and what went wrong on them."""

    addresses: dict[str, str]
    pages: dict[str, Page] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def open(self, name: str, browser: Browser) -> Page:
        """Return a page, as it is at first, its parts unfolded."""
        if name not in self.pages:
            page = self.pages[name] = browser.new_page(viewport={"width": 1280, "height": 900})
            page.on("console", lambda message: self._note(name, message))
            page.on("pageerror", lambda error: self.wrong.append(f"{name}: {error}"))
            page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
            page.goto(self.addresses[name])
            page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
        page = self.pages[name]
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(
            color_scheme="light", media="screen", forced_colors="none", reduced_motion="no-preference"
        )
        return page

    def _note(self, name: str, message: ConsoleMessage) -> None:
        if message.type in {"warning", "error"}:
            self.wrong.append(f"{name}: {message.text}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Containers lack what Chromium's own sandbox needs.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    folder = tmp_path_factory.mktemp("tour")
    running = Service(home=folder / "home", folder=folder)
    running.load(fleet())
    with ExitStack() as stack:
        stack.callback(lambda: print(running.output))  # noqa: T201  pytest shows it if a test fails
        stack.callback(running.close)
        running.start()
        empty, guarded = (
            stack.enter_context(served(app_at(folder / name, **settings)))
            for name, settings in (("empty", {}), ("guarded", {"auth": "tokens"}))
        )
        report_id = running.trigger()
        running.result(report_id)
        queued = app_at(folder / "queued")
        waiting = stack.enter_context(served(queued))
        queued_id = board_of(queued).submit(Ask())
        eventually("there are figures", lambda: "as-of-line" in running.get("/groups").text)
        paths = {
            "overview": "/",
            "stores": "/stores",
            "filtered": "/stores?state=down&where=brand:A+%26+B",
            "store": f"/stores/{STORE}",
            "unknown": "/stores/nothing",
            "groups": "/groups",
            "zones": "/groups?label=timezone_str&window=day",
            "findings": "/findings",
            "reports": "/reports",
            "report": f"/reports/{report_id}",
            "error": "/nothing",
        }
        others = {
            "empty": f"{empty.base_url}/",
            "sign-in": f"{guarded.base_url}/",
            "queued": f"{waiting.base_url}/reports/{queued_id}",
        }
        yield Tour(addresses={name: running.url + path for name, path in paths.items()} | others)


def app_at(home: Path, **settings: str) -> FastAPI:
    """Return an app without workers."""
    return create_app(load_settings(home=home, workers=0, **settings))


def board_of(app: FastAPI) -> JobBoard:
    """Return the board of an app that is served."""
    board: JobBoard = app.state.services.board
    return board


every_page = pytest.mark.parametrize("name", NAMES)


@every_page
def test_it_is_accessible_in_light_and_dark_on_a_desk_and_on_a_telephone(
    tour: Tour, browser: Browser, name: str
) -> None:
    page = tour.open(name, browser)
    for width, scheme in ((1280, "light"), (390, "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        found = Axe().run(page)
        assert found.violations_count == 0, f"{width} px, {scheme}: {found.generate_report()}"


@every_page
def test_nothing_scrolls_sideways_at_320_pixels_or_at_twice_the_size(
    tour: Tour, browser: Browser, name: str
) -> None:
    page = tour.open(name, browser)
    for width in (1280, 768, 640, 390, 320):  # 640: 1280 at 200 %
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(FITS), f"at {width} px"


@every_page
def test_forced_colours_keep_every_key_and_pattern(tour: Tour, browser: Browser, name: str) -> None:
    page = tour.open(name, browser)
    plain = page.evaluate(PAINT)
    assert plain, "the mark at the top, at least"
    page.emulate_media(forced_colors="active")
    assert page.evaluate(PAINT) == plain


@every_page
def test_paper_keeps_every_key_and_pattern_and_leaves_out_what_cannot_be_pressed(
    tour: Tour, browser: Browser, name: str
) -> None:
    page = tour.open(name, browser)
    page.emulate_media(media="print")
    kept = "each => [...each].every(one => getComputedStyle(one).printColorAdjust === 'exact')"
    assert page.eval_on_selector_all(".key, svg", kept)
    for button in page.locator("header button, .trigger, .pager a").all():
        assert button.is_hidden()
    assert page.locator("h1").is_visible()


def test_paper_keeps_closed_days_as_a_line(tour: Tour, browser: Browser) -> None:
    page = tour.open("store", browser)
    for media in ("screen", "print"):
        page.emulate_media(media="screen" if media == "screen" else "print")
        closed = page.locator(".week .closed").first
        assert closed.evaluate("each => getComputedStyle(each).stroke") not in {"none", "rgba(0, 0, 0, 0)"}
        assert closed.evaluate("each => each.getClientRects().length")


def test_what_moves_stands_still_for_who_wants_less_motion(tour: Tour, browser: Browser) -> None:
    page = tour.open("queued", browser)
    moving = "document.getAnimations().filter(each => each.playState === 'running').length"
    assert page.evaluate(moving) > 0
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0


@every_page
def test_the_keyboard_reaches_main_content_pages_and_search_and_shows_where_it_is(
    tour: Tour, browser: Browser, name: str
) -> None:
    page = tour.open(name, browser)
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.keyboard.press("Tab")
    assert _focused(page) == "Skip to content"
    for each in HEAD[:1] if name == "sign-in" else HEAD:
        page.keyboard.press("Tab")
        assert _focused(page) == each
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def _focused(page: Page) -> str:
    """Return the name of what has the focus, which is seen to have it."""
    name, outline, box = page.evaluate(
        """() => {
            const has = document.activeElement, label = has.labels?.[0] || has;
            const style = getComputedStyle(has), box = has.getBoundingClientRect();
            return [label.textContent.trim(),
                    style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
                    box.width > 0 && box.top >= 0 && box.bottom <= innerHeight];
        }"""
    )
    assert outline, f"{name}: no outline"
    assert box, f"{name}: out of sight"
    return str(name)


@every_page
def test_it_says_the_same_without_a_script(tour: Tour, browser: Browser, name: str) -> None:
    page = tour.open(name, browser)
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(tour.addresses[name])
    assert plain.locator("h1").inner_text() == page.locator("h1").inner_text()
    for form in plain.locator("form").all():
        assert form.get_attribute("method") in {"get", "post"}
        assert form.locator("button").count() == 1
    context.close()


@every_page
def test_nothing_goes_wrong_on_it_and_nothing_is_from_elsewhere(
    tour: Tour, browser: Browser, name: str
) -> None:
    tour.open(name, browser)
    # That a page could not be shown stands on the console of its address.
    mine = [each for each in tour.wrong if each.startswith(f"{name}: ") and "status of 40" not in each]
    assert mine == []
    assert tour.hosts <= {urlsplit(address).netloc for address in tour.addresses.values()}


# ---------------------------------------------------------------- what changes while one looks


def test_a_service_that_is_away_is_said_on_any_page_until_it_answers_again(
    browser: Browser, tmp_path: Path
) -> None:
    context = browser.new_context()
    pages = {path: context.new_page() for path in ("/reports", "/nothing")}  # with a live part, and without
    with served(app_at(tmp_path)) as client:
        base = str(client.base_url)
        for path, page in pages.items():
            page.clock.install()
            page.goto(f"{base}{path}")
            page.clock.run_for(LOOK)
            expect(page.locator("#away")).to_be_hidden()
    for page in pages.values():
        page.clock.run_for(LOOK)
        expect(page.get_by_role("alert")).to_contain_text("The service is not answering.")
    with served(app_at(tmp_path), port=urlsplit(base).port or 0):
        for page in pages.values():
            page.clock.run_for(LOOK)
            expect(page.locator("#away")).to_be_hidden()
    context.close()


def test_a_second_tab_learns_of_a_report_that_another_asked_for(browser: Browser, tmp_path: Path) -> None:
    app = app_at(tmp_path)
    with served(app) as client:
        page = browser.new_page()
        page.clock.install()
        page.goto(f"{client.base_url}/reports")
        assert "No report has been made yet." in page.locator("main").inner_text()
        report_id = board_of(app).submit(Ask())
        page.clock.run_for(LOOK)
        expect(page.get_by_role("link", name=report_id[:8])).to_be_visible()
        page.close()
