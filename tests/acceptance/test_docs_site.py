"""The docs as a site: every page has its place, every link leads somewhere, nothing comes from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADED = re.compile(r"<(?:link|script|img|iframe|source)\b[^>]*?(?:href|src)=\"?((?:https?:)?//[^\" >]+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the site, built strictly: a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_in_the_navigation_of_the_first(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    pages = [path.relative_to(site).parent.as_posix() for path in site.rglob("index.html")]

    assert len(pages) >= len(list((ROOT / "docs").rglob("*.md")))
    assert [page for page in pages if page != "." and f'href="{page}/"' not in home] == []


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    found = {url for path in site.rglob("*.html") for url in LOADED.findall(path.read_text(encoding="utf-8"))}
    styles = [path for path in site.rglob("*.css") if re.search(r"url\(\"?(https?:)?//", path.read_text())]

    assert found == set()
    assert styles == []
