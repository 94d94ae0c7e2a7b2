"""The navigation of the docs, for mkdocs: every page under docs/ has its place, by its folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

SECTIONS = {  # folder: what it is called; others follow by name
    "tutorial": "Tutorial",
    "how-to": "How to",
    "reference": "Reference",
    "explanation": "Why it is so",
    "decisions": "Decisions",
}
FIRST = ("index.md", "README.md", "first-report.md", "own-files.md", "figures.md")  # in their folder


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give mkdocs the navigation, made from the folders of docs/."""
    config.nav = navigation(Path(config.docs_dir))
    return config


def navigation(docs: Path) -> list[Any]:
    """List the pages as mkdocs wants them: paths below `docs`, and sections of them by name."""
    found = {path.name for path in docs.iterdir() if path.is_dir() and any(path.rglob("*.md"))}
    folders = [*(name for name in SECTIONS if name in found), *sorted(found - SECTIONS.keys())]
    sections = [{SECTIONS.get(name, name.capitalize()): pages(docs / name, docs)} for name in folders]
    first, *others = pages(docs, docs)
    return [{"Start": first}, *sections, *others]


def pages(folder: Path, docs: Path) -> list[str]:
    """List a folder's pages by name, after those that come first; below docs/ those of its folders too."""
    found = folder.glob("*.md") if folder == docs else folder.rglob("*.md")
    return [path.relative_to(docs).as_posix() for path in sorted(found, key=_place)]


def _place(path: Path) -> tuple[int, str]:
    return (FIRST.index(path.name) if path.name in FIRST else len(FIRST), path.as_posix())
