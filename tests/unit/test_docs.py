"""What the docs say is so: every setting, command, option and route stands there, and examples run."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import click
import pytest
from benchmarks import page

from storewatch.config import Settings
from storewatch.domain.kinds import KINDS
from storewatch.entrypoints.cli import commands
from storewatch.ingest.csv.blocks import LONGEST_LINE
from storewatch.ingest.files import ENDINGS, REFUSED
from storewatch.ingest.ids import LONGEST
from storewatch.ingest.opening import MOST_UNPACKED
from storewatch.main import app

# Examples leave out what they are not about, and are told so.
pytestmark = pytest.mark.filterwarnings("ignore::storewatch.errors.StorewatchWarning")

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def stands_in(page: str, name: str) -> bool:
    """Say whether an option or a route stands there as a whole: no longer one has it within."""
    return re.search(rf"(?<![\w/{{}}-]){re.escape(name)}(?![\w/{{}}-])", page) is not None


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented(name: str) -> None:
    assert f"`STOREWATCH_{name.upper()}`" in read("docs/reference/settings.md")


@pytest.mark.parametrize("name", sorted(commands.commands))
def test_every_command_and_option_is_documented(name: str) -> None:
    section = read("docs/reference/command-line.md").partition(f"\n## `storewatch {name}`\n")[2]
    section = section.partition("\n## ")[0]
    options = [
        option for p in commands.commands[name].params if isinstance(p, click.Option) for option in p.opts
    ]

    assert section
    assert [option for option in options if not stands_in(section, option)] == []


def test_every_route_is_documented() -> None:
    page = read("docs/reference/http.md")

    assert [path for path in app.openapi()["paths"] if not stands_in(page, path)] == []


@pytest.mark.parametrize("text", ["`--store-ids`", "--no--store", "x--store", "/v1--store"])
def test_an_option_within_another_word_is_not_documented_by_it(text: str) -> None:
    assert not stands_in(text, "--store")
    assert stands_in(f"{text} [--store ID]…", "--store")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_python_examples_run(page: Path, tmp_path: Path) -> None:
    for number, code in enumerate(
        re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    ):
        script = tmp_path / f"{page.stem}_{number}.py"
        script.write_text(code)
        runpy.run_path(str(script))


def test_the_readme_begins_with_demo_and_test() -> None:
    found = re.findall(r"^ {4}(make \w+|\.venv\S* \w+)", read("README.md"), re.MULTILINE)

    assert found[:2] == ["make demo", "make test"]


def test_the_picture_of_the_rules_is_what_its_script_draws() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "draw_rules.py"))

    assert read("docs/explanation/hour-majority.svg") == script["picture"]()


def test_every_figure_of_the_readme_has_its_command() -> None:
    scripts = re.findall(r"`python -m benchmarks\.(\w+)`", read("README.md"))

    assert scripts
    assert all((ROOT / "benchmarks" / f"{script}.py").exists() for script in scripts)


def test_figures_of_pages_are_what_was_measured() -> None:
    """Tables and plots are those that `python -m benchmarks.page` makes of the results that are kept."""
    results = page.read_results()
    texts = {path: path.read_text(encoding="utf-8") for path in page.PAGES}
    pictures = page.pictures(results)

    assert {path: page.filled(text, results) for path, text in texts.items()} == texts
    assert pictures
    assert {name: read(f"docs/explanation/{name}.svg") for name in pictures} == pictures


def test_what_can_be_read_is_listed_as_it_is() -> None:
    """Columns with their aliases, endings, bounds: each stands on the page, and the page names no other."""
    page = read("docs/reference/input.md")
    rows = re.findall(r"^\| (\w+) \| `(\w+)` \|([^|]*)\|", page, re.MULTILINE)
    listed = [(kind, name, tuple(re.findall(r"`(\w+)`", others))) for kind, name, others in rows]
    endings = [ending for group in (ENDINGS, *REFUSED) for ending in group if ending.count(".") == 1]

    assert listed == [
        (kind.name, column.name, column.aliases) for kind in KINDS.values() for column in kind.columns
    ]
    assert set(re.findall(r"`(\.\w+)`", page)) == {*endings, ".gz"}
    assert f"{LONGEST_LINE:,} bytes" in page
    assert f"at most {MOST_UNPACKED} times its size" in page
    assert f"1 to {LONGEST} bytes" in page
