"""`make screenshots`: pictures of the pages for the docs, of a made fleet, in docs/pictures/.

Needs Playwright and a Chromium; the one of the system is taken if there is one.
"""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from playwright.sync_api import sync_playwright

from demo import fetch, made_fleet, report, say, service

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
STORES = 500


class Picture(NamedTuple):
    """A page as it is shown; `{worst}` in its path is the store that lost most open time."""

    name: str
    path: str
    width: int = 1_280  # pixels
    scheme: Literal["light", "dark"] = "light"


PICTURES = [
    Picture("fleet", "/"),
    Picture("fleet-dark", "/", scheme="dark"),
    Picture("fleet-phone", "/", width=390),
    Picture("store", "/stores/{worst}"),
    Picture("store-phone", "/stores/{worst}", width=390),
]


def main() -> None:
    """Take all pictures."""
    made_fleet(STORES)
    FOLDER.mkdir(exist_ok=True)
    with service() as (base, _), sync_playwright() as playwright:
        url, _ = report(base)
        worst = worst_store(fetch(url).decode())
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for picture in PICTURES:
            take(browser, picture, base + picture.path.format(worst=worst))
        browser.close()


def worst_store(text: str) -> str:
    """Return the id of the store that lost most open time in the last week of a report's CSV."""
    rows = csv.DictReader(io.StringIO(text))
    return max(rows, key=lambda row: float(row["downtime_last_week"]))["store_id"]


def take(browser: Browser, picture: Picture, url: str) -> None:
    """Write a picture of a page, whole.

    Raises:
        SystemExit: The page does not answer well.
    """
    page = browser.new_page(viewport={"width": picture.width, "height": 800}, color_scheme=picture.scheme)
    answer = page.goto(url, wait_until="networkidle")
    if answer is None or not answer.ok:
        raise SystemExit(f"{url} is not there")
    page.screenshot(path=FOLDER / f"{picture.name}.png", full_page=True)
    page.close()
    say(f"   {FOLDER.name}/{picture.name}.png")


if __name__ == "__main__":
    main()
