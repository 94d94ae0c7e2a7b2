"""Where what lies beside a report lies: all files of a report have one name but for what ends it."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TypeVar

P = TypeVar("P", Path, PurePosixPath)

LONGEST = 40  # characters of a label, of up to four bytes each


def beside(key: str, ending: str, *, by: str | None = None) -> str:
    """Return where a report's file with another ending (`parquet`; `json`: its manifest) lies on the shelf.

    With `by` it is that of its rows by this label.
    """
    path = PurePosixPath(key).with_suffix(f".{ending}")
    return str(path if by is None else by_path(path, re.sub(r"[^A-Za-z0-9_-]", "_", by)))


def beside_for_pages(key: str, part: str, ending: str) -> str:
    """Return where a part of what the pages show beside a report lies: `X-overview-stores.parquet`."""
    path = PurePosixPath(key)
    return str(path.with_name(f"{path.stem}-overview-{part}.{ending}"))


def by_path(path: P, label: str) -> P:
    """Return where a report's rows by a label lie, beside it: `X-by-brand.csv`."""
    # It leads to no other folder, and any system takes it: names end at 255 bytes.
    name = re.sub(r"[^\w .-]", "_", label)[:LONGEST]
    return path.with_name(f"{path.stem}-by-{name}{path.suffix}")
