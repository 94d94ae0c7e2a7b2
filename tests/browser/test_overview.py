"""The overview in a real browser: what widths, keys, forced colours, paper and newer data do to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from shutil import which
from typing import TYPE_CHECKING

import polars as pl
import pytest

from service import Service, small_facts
from storewatch.domain.kinds import LABELS

CHROMIUM = which("chromium")
if CHROMIUM is None:
    pytest.skip("no browser: the overview was not looked at", allow_module_level=True)

from playwright.sync_api import Browser, Page, expect, sync_playwright  # noqa: E402 - only a browser needs it

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.domain.facts import Facts

expect.set_options(timeout=60_000)  # milliseconds; 5 s would be a verdict on the machine
pytestmark = pytest.mark.timeout(300)

STORES = 24


def fleet(*, later: timedelta = timedelta(0)) -> Facts:
    """Return stores of two brands, whose newest poll is so much later."""
    facts = small_facts(STORES)
    labels = [(f"{n:03}", "brand", ("Corner Kitchen", "Noodle House")[n % 2]) for n in range(STORES)]
    return replace(
        facts,
        polls=facts.polls.with_columns(pl.col("at") + later),
        others={**facts.others, "labels": LABELS.frame(labels)},
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("overview")
    running = Service(home=folder / "home", folder=folder)
    running.load(fleet())
    try:
        yield running.start()
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


@pytest.fixture
def page(service: Service, browser: Browser) -> Iterator[Page]:
    """The overview; by itself it comes to show the first report, which nobody has asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    shown = context.new_page()
    shown.goto(service.url)
    expect(shown.get_by_role("heading", name="Overview")).to_be_visible()
    yield shown
    context.close()


def paints(page: Page) -> list[str]:
    """Return how the cells and the key's marks are filled: patterns, each of which has a mark of its own."""
    fills: list[str] = page.eval_on_selector_all(
        ".cell",
        "all => all.filter(each => each.getClientRects().length).map(each => getComputedStyle(each).fill)",
    )
    return fills


def test_the_keyboard_reaches_the_counts_and_every_hour_by_the_table_and_not_by_168_cells(page: Page) -> None:
    page.get_by_role("link", name="Skip to content").focus()
    reached = list[str]()
    while not reached or "The same as a table" not in reached[-1]:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent") or "")
        assert len(reached) < 60
    assert [
        count
        for count in ("down now", "below target", "without data", "silent")
        if any(count in each for each in reached)
    ] == [
        "down now",
        "below target",
        "without data",
        "silent",
    ]
    for key in ("Enter", "Tab", "Tab"):  # it opens; the region that may scroll; the first hour
        page.keyboard.press(key)
    assert "at=" in page.evaluate("document.activeElement.getAttribute('href')")


def test_forced_colours_and_paper_keep_patterns_and_key(page: Page) -> None:
    plain = paints(page)
    assert len({fill for fill in plain if "heat-" in fill}) > 1
    page.emulate_media(forced_colors="active")
    assert paints(page) == plain
    page.emulate_media(forced_colors="none", media="print")
    assert paints(page) == plain
    assert page.locator(".legend").first.is_visible()
    assert page.locator("#hours form").is_hidden()


def test_all_of_it_works_without_javascript(service: Service, browser: Browser, page: Page) -> None:
    assert page
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(service.url)
    plain.get_by_role("combobox", name="Of").select_option("Noodle House")
    plain.get_by_role("combobox", name="Clock").select_option("local")
    plain.get_by_role("button", name="Show").click()
    expect(plain.get_by_role("combobox", name="Of")).to_have_value("brand:Noodle House")
    plain.get_by_text("The same as a table").click()
    address = plain.locator(".heat-table td a").first.get_attribute("href") or ""
    assert "where=brand%3ANoodle+House" in address
    assert "-local" in address
    context.close()


def test_newer_data_are_shown_without_a_click_and_what_is_open_stays_open(
    service: Service, page: Page
) -> None:
    page.get_by_text("The same as a table").click()
    page.locator("a[data-count=below]").focus()
    page.evaluate("document.getElementById('fleet').dataset.live = '200'; follow('fleet')")
    service.load(fleet(later=timedelta(hours=1)))

    expect(page.locator(".as-of-line time")).to_have_text("2023-01-25 19:12:00 UTC")
    expect(page.locator("#said")).to_have_text("Figures as of 2023-01-25T19:12:00Z")
    assert page.locator(".heat-table").is_visible()
    assert page.evaluate("document.activeElement.dataset.count") == "below"
    assert page.locator("#away").is_hidden()
