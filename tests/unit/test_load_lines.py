"""What the command line says of loads of dated hours, exceptions, annotations and stores."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storewatch.adapters.polls import open_polls
from storewatch.answering.load import load_files
from storewatch.entrypoints.cli.texts import load_lines
from storewatch.ingest import read

if TYPE_CHECKING:
    from collections.abc import Callable

    Load = Callable[..., list[str]]

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
POLLS = "store_id,status,timestamp_utc\na,active,2023-03-20 12:00:00\n"
HOURS = "store_id,day,start_time_local,end_time_local,valid_to\n"


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load files into one poll store and return what is said of it."""
    polls, numbers = open_polls(f"delta://{tmp_path}/polls"), count()

    def lines(*texts: str, hours_from: date | None = None) -> list[str]:
        paths = [tmp_path / f"{next(numbers)}.csv" for _ in texts]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        loaded = load_files(paths, polls, home=tmp_path, now=2e9, hours_from=hours_from)
        return [line.strip() for line in load_lines(loaded)]

    return lines


def test_a_load_says_that_its_hours_hold_for_the_past_and_how_they_would_not(load: Load) -> None:
    load(POLLS, f"{HOURS}a,0,9:00,17:00,\n")
    hint = "these hours hold for the past as well; with --hours-from DATE those of before stay till then"
    assert hint in load(f"{HOURS}a,0,9:00,18:00,\n")
    assert not [line for line in load(f"{HOURS}a,0,9:00,18:00,\n") if "other hours" in line or line == hint]
    later = load(f"{HOURS}a,0,9:00,19:00,\n", hours_from=date(2023, 3, 1))
    assert "1 stores have other hours than before, from 2023-03-01 on: a" in later
    assert hint not in later


def test_a_load_says_what_became_of_dates_notes_and_labels(load: Load) -> None:
    stores = "store_id,store_name,Brand\na,A,X\nzz,Z,X\n"
    exceptions = "store_id,date,start_time_local,end_time_local\na,2023-03-25,,\n"
    said = load(POLLS, stores, exceptions, f"{HOURS}a,0,9:00,17:00,2023-03-12\n")
    assert said[2:] == [
        "exceptions: 1 dates of stores new, 0 replaced",
        "labels: 4 values of stores new, 0 replaced",
        "labels that no load gave before: brand",
        "ids that no polls, hours or zones name, and that have no row: 1 in labels",
        "the hours of 1 stores have run out: no shift in the week before, so they count as closed",
    ]
    rejected = load(f"{exceptions}a,2023-03-26,,\na,2023-03-25,9:00,\n")
    assert (
        "1 dates keep the exceptions that they had, since one of theirs was rejected: a 2023-03-25"
        in rejected
    )


@pytest.mark.parametrize(
    ("page", "kinds"),
    [("stores", ["hours", "labels"]), ("time-that-does-not-count", ["exceptions", "annotations"])],
)
def test_the_examples_of_pages_can_be_read(tmp_path: Path, page: str, kinds: list[str]) -> None:
    text = (HOW_TO / f"{page}.md").read_text(encoding="utf-8")
    examples = re.findall(r"^    [a-z_]+(?:,[a-z_]+)+\n(?:    .*\n)+", text, re.MULTILINE)
    for number, example in enumerate(examples):
        (tmp_path / f"{number}.csv").write_text(re.sub(r"^ {4}", "", example, flags=re.MULTILINE))
    reading = read([tmp_path], now=2e9)
    assert [kind for _, kind, _ in reading.by_file] == kinds
    assert reading.is_complete


def test_the_same_files_again_change_nothing(load: Load) -> None:
    files = (
        f"{HOURS}a,0,9:00,17:00,\n",
        "start_utc,label,counts_as,made_at\n2023-01-01 00:00:00,*,up,2023-01-01 00:00:00\n",
    )
    assert "annotations: 1 annotations new, 0 replaced" in load(*files, hours_from=date(2023, 1, 1))
    again = load(*files, hours_from=date(2023, 1, 1))
    assert again == ["loaded 0 polls (0 new) of 1 stores (0 new)"]
    later = date(2023, 1, 1) + timedelta(days=1)
    assert "1 stores have other hours than before, from 2023-01-02 on: a" in load(*files, hours_from=later)
