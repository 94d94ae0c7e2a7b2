"""A store's page in a real browser: on a telephone, printed, and stated by keyboard alone without scripts."""

from __future__ import annotations

from shutil import which
from typing import TYPE_CHECKING, Literal

import pytest

from service import Service, small_facts

CHROMIUM = which("chromium")
if CHROMIUM is None:
    pytest.skip(
        "no browser: the pages were not looked at (apt-get install chromium)", allow_module_level=True
    )

from axe_playwright_python.sync_playwright import Axe  # noqa: E402 - slow to import, and only a browser needs it
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Iterator

expect.set_options(timeout=60_000)  # milliseconds; 5 s would be a verdict on the machine
STOPS = 80  # of the Tab key, at most, until something has the focus

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("store-page")
    running = Service(home=folder / "home", folder=folder)
    running.load(small_facts(3))
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


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until something has the focus."""
    for _ in range(STOPS):
        page.keyboard.press("Tab")
        if wanted.evaluate("part => part === document.activeElement"):
            return
    raise AssertionError(f"the Tab key does not lead to {wanted}")


def type_time(page: Page, wanted: Locator, *parts: str) -> None:
    """Fill a field of date and time, part by part, as somebody does who has no mouse."""
    tab_to(page, wanted)
    for part in parts:
        page.keyboard.type(part)
        if len(part) == len("2023"):  # a year may have six digits, so the field waits for them
            page.keyboard.press("ArrowRight")


def test_the_first_screen_of_a_telephone_has_the_verdict_and_the_picture(
    service: Service, browser: Browser
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{service.url}/stores/001")
    verdict = page.get_by_role("heading", name="You were down").bounding_box()
    picture = page.get_by_role("img", name="The open hours of store 001").bounding_box()
    assert verdict
    assert picture
    assert verdict["y"] + verdict["height"] < picture["y"] < 844 - 100
    page.close()


def test_figures_are_stated_and_withdrawn_by_keyboard_alone_without_scripts(
    service: Service, browser: Browser
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    page.goto(f"{service.url}/stores/001")
    before = page.get_by_role("heading", name="You were down").inner_text()
    tab_to(page, page.locator("[name=counts_as]"))
    page.keyboard.type("Planned")
    type_time(page, page.get_by_label("From", exact=True), "01", "23", "2023", "08", "00", "00", "AM")
    type_time(page, page.locator("[name=to]"), "01", "24", "2023", "10", "00", "00", "PM")
    tab_to(page, page.get_by_label("Reason"))
    page.keyboard.type("Moving house")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Preview")).to_be_visible()
    expect(page.get_by_role("columnheader", name="With this")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Save"))
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="These figures are wrong?")).to_be_visible()
    expect(page.get_by_role("heading", name="You were down")).not_to_have_text(before)
    tab_to(page, page.get_by_role("button", name="Withdraw: Planned downtime"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="You were down")).to_have_text(before)
    context.close()


@pytest.mark.parametrize("kind", ["print", "forced"])
def test_patterns_keys_and_closed_lines_stay_where_backgrounds_go(
    service: Service, browser: Browser, kind: Literal["print", "forced"]
) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.emulate_media(
        media="print" if kind == "print" else "screen", forced_colors="active" if kind == "forced" else "none"
    )
    page.goto(f"{service.url}/stores/001")
    keys = page.locator(".legend li")
    assert (
        keys.count() == keys.locator("svg").count() - 1
    )  # what is carried has a key for up and one for down
    for shape, property_ in (
        (".legend rect", "fill"),
        (".week.wide rect", "fill"),
        (".week.wide .closed", "stroke"),
    ):
        looks = set(
            page.locator(shape).evaluate_all(f"parts => parts.map(p => getComputedStyle(p).{property_})")
        )
        assert looks
        assert "none" not in looks
    assert any(
        look.startswith("url(")
        for look in page.locator(".week.wide rect").evaluate_all(
            "parts => parts.map(p => getComputedStyle(p).fill)"
        )
    )
    page.close()


@pytest.mark.parametrize("width", [1280, 320])
def test_months_and_previews_are_accessible_and_fit(service: Service, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    for path in ("/stores/001?window=28d", "/stores/001?window=fortnight"):
        page.goto(service.url + path)
        _check(page)
    page.goto(f"{service.url}/stores/002")
    page.get_by_label("From", exact=True).fill("2023-01-24T09:00:00")
    page.get_by_label("Reason").fill("the probe was broken")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Preview")).to_be_visible()
    _check(page)
    page.close()


def _check(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
