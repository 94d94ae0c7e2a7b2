"""The list of stores in a real browser: by keyboard alone, on a small telephone."""

from __future__ import annotations

import re
from dataclasses import replace
from shutil import which
from typing import TYPE_CHECKING

import pytest

from service import Service, eventually, small_facts
from storewatch.domain.kinds import LABELS

CHROMIUM = which("chromium")
if CHROMIUM is None:
    pytest.skip(
        "no browser: the pages were not looked at (apt-get install chromium)", allow_module_level=True
    )

from axe_playwright_python.sync_playwright import Axe  # noqa: E402 - slow to import, and only a browser needs it
from playwright.sync_api import Locator, Page, expect, sync_playwright  # noqa: E402 - the same

if TYPE_CHECKING:
    from pathlib import Path

expect.set_options(timeout=60_000)  # milliseconds; 5 s would be a verdict on the machine
pytestmark = pytest.mark.timeout(300)


def reach(what: Locator) -> None:
    """Give the focus to what Tab stops at."""
    what.focus()
    assert what.evaluate("found => found === document.activeElement && found.tabIndex === 0")


def looked_at(page: Page) -> None:
    """See that a page has no fault that axe finds, and does not scroll sideways."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"


def test_the_list_is_filtered_sorted_paged_and_left_for_a_store_by_keyboard(tmp_path: Path) -> None:
    """It says what is there at 320 px; nothing asks another host or breaks the policy."""
    facts = small_facts(60)
    names = [
        (f"{n:03}", label, value)
        for n in range(60)
        for label, value in (("storename", f"Place {n}"), ("brand", "XY"[n % 2]))
    ]
    running = Service(home=tmp_path / "home", folder=tmp_path)
    running.load(replace(facts, others={**facts.others, "labels": LABELS.frame(names)}))
    try:
        running.start()
        eventually("the report is there", lambda: "60 stores" in running.get("/stores").text, pause=0.1)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 320, "height": 900})
            wrong: list[str] = []
            page.on("console", lambda message: wrong.append(message.text))
            page.goto(f"{running.url}/stores")

            reach(page.get_by_label("Sort by"))
            page.keyboard.type("Id")
            reach(page.get_by_role("button", name="Show"))
            page.keyboard.press("Enter")
            expect(page).to_have_url(re.compile("sort=id"))
            reach(page.get_by_role("link", name="Next"))
            page.keyboard.press("Enter")
            expect(page.get_by_text("51–60 of 60")).to_be_visible()
            reach(page.get_by_label("Id or name"))
            page.keyboard.type("place 1")
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", name="11 of 60 stores")).to_be_visible()
            looked_at(page)
            reach(page.get_by_role("link", name="Remove “place 1” in id or name"))
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", name="60 stores", exact=True)).to_be_visible()

            page.set_viewport_size({"width": 1280, "height": 900})
            reach(page.get_by_role("columnheader", name="Outages").get_by_role("link"))
            page.keyboard.press("Enter")
            expect(page.get_by_role("columnheader", name="Outages")).to_have_attribute(
                "aria-sort", "descending"
            )
            looked_at(page)
            reach(page.get_by_role("combobox", name="Find a store"))
            page.keyboard.type("place 59")
            expect(page.locator("#found option")).to_have_attribute("value", "059")
            page.get_by_role("combobox", name="Find a store").fill("059")
            page.keyboard.press("Enter")
            expect(page.get_by_role("heading", name="059")).to_be_visible()
            assert wrong == []
            browser.close()
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails
