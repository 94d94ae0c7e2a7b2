"""Takes the pictures of the pages: a made fleet, a real service, Debian's Chromium, into docs/images/.

    python scripts/screenshots.py [FOLDER]

Needs what the browser tests need: playwright, and Debian's chromium. The fleet is made up to now, so the
figures differ from run to run.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from PIL import Image
from playwright.sync_api import sync_playwright

from storewatch.sample import fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
STORES = 500
DAYS = 15.0
SIZES = {1280: 1240, 390: 1300}  # width and height in pixels
COLOURS = 96  # enough for flat pages, and a third of the bytes
PATIENCE = 60  # seconds
BRANDS = ("Corner Kitchen", "Noodle Bar", "Green Bowl", "Pizza Forno", "Daily Deli")
STREETS = ("High Street", "Station Road", "Market Square", "Mill Lane", "Harbour", "Park Avenue", "Old Town")
TARGETS = (99.5, 99.0, None, 98.0, None)  # percent, by brand


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, service(Path(home)) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for width, height in SIZES.items():
            for scheme in ("light", "dark"):
                take(browser, base, folder, width=width, height=height, scheme=scheme)
        browser.close()


def take(browser: Browser, base: str, folder: Path, *, width: int, height: int, scheme: str) -> None:
    """Take the overview, the list, and the page of a store that is down for part of the week."""
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="light" if scheme == "light" else "dark",
    )
    page.goto(base)
    page.locator("[data-count=silent]").filter(has_text=re.compile(r"\d")).wait_for(timeout=1_000 * PATIENCE)
    keep(page, folder / f"overview-{width}-{scheme}.png")
    page.goto(f"{base}/stores?below=90&sort=uptime")
    keep(page, folder / f"stores-{width}-{scheme}.png")
    page.goto(f"{base}/stores?below=70&low_evidence=90&sort=-uptime")
    page.locator("main tbody a").first.click()
    page.locator("svg.week").first.wait_for(state="attached")
    keep(page, folder / f"store-{width}-{scheme}.png")
    page.close()


def keep(page: Page, path: Path) -> None:
    picture = (
        Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    )
    picture.save(path, optimize=True)
    sys.stdout.write(f"{path}: {path.stat().st_size / 1000:.0f} kB\n")


@contextmanager
def service(home: Path) -> Iterator[str]:
    """Run a service on a made fleet; it ends with the block."""
    command = [sys.executable, "-m", "storewatch.entrypoints.cli"]
    paths = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"STOREWATCH_HOME": str(home / "home"), "PYTHONPATH": paths}
    make_fleet(home / "files")
    subprocess.run([*command, "load", str(home / "files")], check=True, env=environment)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen([*command, "serve", "--port", str(port)], env=environment) as server:
        try:
            wait(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def make_fleet(folder: Path) -> None:
    """Write a made fleet whose newest poll is a minute old, with names, brands and targets.

    For two hours nobody was polled, and for five hours most stores of one brand were down.
    """
    folder.mkdir()
    end = int(time.time()) - 60
    polls, hours, zones = fleet(stores=STORES, days=DAYS, seed=1, end=end)
    ids = polls["store_id"].unique().sort()
    places = range(len(ids))
    brands = [BRANDS[place * place % 7 % len(BRANDS)] for place in places]
    stores = pl.DataFrame(
        {
            "store_id": ids,
            "store_name": [
                f"{brands[place]} {STREETS[place % len(STREETS)]} {place // 7}" for place in places
            ],
            "brand": brands,
            "region": [("North", "South", "East", "West")[place % 4] for place in places],
            "target_percent": [TARGETS[BRANDS.index(brand)] for brand in brands],
        }
    )
    ago = end - pl.col("timestamp_utc").str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S").dt.epoch("s")
    fallen = stores.filter((pl.col("brand") == BRANDS[1]) & (pl.int_range(pl.len()) % 5 > 0))["store_id"]
    is_fallen = ago.is_between(30 * 3_600, 35 * 3_600) & pl.col("store_id").is_in(fallen.implode())
    polls = polls.filter(~ago.is_between(60 * 3_600, 62 * 3_600)).with_columns(
        status=pl.when(is_fallen).then(pl.lit("inactive")).otherwise(pl.col("status"))
    )
    frames = {"polls": polls, "hours": hours, "zones": zones, "stores": stores}
    for name, frame in frames.items():
        frame.write_csv(folder / f"{name}.csv")


def wait(base: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{base}/readyz", timeout=5).close()  # noqa: S310 - our own service
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    sys.exit("the service did not start")


if __name__ == "__main__":
    main()
