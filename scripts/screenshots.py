"""Takes the pictures of the pages: a made fleet, a real service, Debian's Chromium, into docs/images/.

    python scripts/screenshots.py [FOLDER]

Needs what the browser tests need: playwright, and Debian's chromium. The fleet is made up to now, so the
figures differ from run to run.
"""

from __future__ import annotations

import io
import os
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

from PIL import Image
from playwright.sync_api import sync_playwright

from storewatch.sample import fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
STORES = 500
SIZES = {1280: 1240, 390: 1300}  # width and height in pixels
COLOURS = 96  # enough for flat pages, and a third of the bytes
PATIENCE = 60  # seconds


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
    """Take the front page and the page of the third of the worst stores."""
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="light" if scheme == "light" else "dark",
    )
    page.goto(base)
    if page.get_by_role("button", name="Make the first report").count():
        page.get_by_role("button", name="Make the first report").click()
        page.get_by_role("heading", name="Complete").wait_for()
        page.goto(base)
    keep(page, folder / f"front-{width}-{scheme}.png")
    page.locator("table.worst a").nth(2).click()
    page.get_by_role("heading", name="The week").wait_for()
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
    """Write a made fleet whose newest poll is a minute old."""
    folder.mkdir()
    frames = fleet(stores=STORES, days=7.8, seed=1, end=int(time.time()) - 60)
    for name, frame in zip(("polls", "hours", "zones"), frames, strict=True):
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
