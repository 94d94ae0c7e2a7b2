"""What commands make their figures from: a folder of files, or the poll store."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storewatch.entrypoints.cli.ending import WITH_REJECTS
from storewatch.entrypoints.cli.show import progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.ingest import Reading
    from storewatch.ports.polls import PollStore, Source


def read_folder(
    folder: Path, *, allow_future: bool, strict: bool = False, rejects: Path | None = None
) -> Reading:
    """Read a folder's files, say what could not be used, and write such rows to a file if one is named.

    With `strict` the command ends with exit code 3 if there is anything that could not be used.
    """
    from storewatch.entrypoints.cli.texts import reading_lines, tainted_lines
    from storewatch.ingest import read, write_rejects

    with progress_bar() as progress:
        reading = read([folder], now=time.time(), allow_future=allow_future, progress=progress)
    say([*reading_lines(reading), *tainted_lines(reading)], err=True)
    if rejects is not None:
        write_rejects(reading.rejects, rejects)
        say([f"{rejects}: the rows that could not be used"], err=True)
    if strict and not reading.is_complete:
        say(["no report was made: --strict makes none if one row or file cannot be used"], err=True)
        sys.exit(WITH_REJECTS)
    return reading


@contextmanager
def source_of(reading: Reading | None) -> Iterator[Source]:
    """Yield the folder that was read as a source of facts, or else the poll store."""
    if reading is not None:
        from storewatch.adapters.polls.given import GivenFacts

        yield GivenFacts(facts=reading.facts)
        return
    with poll_store() as polls:
        yield polls


@contextmanager
def poll_store() -> Iterator[PollStore]:
    """Yield the poll store of the settings, and let go of it."""
    from storewatch.bootstrap import open_polls
    from storewatch.config import load_settings

    polls = open_polls(load_settings())
    try:
        yield polls
    finally:
        polls.close()


def settled_facts(reading: Reading, ask: Ask) -> tuple[Facts, Ask]:
    """Return a folder's facts, and the ask with its as-of settled by them."""
    from storewatch.adapters.polls.given import GivenFacts
    from storewatch.answering.answer import settle

    with GivenFacts(facts=reading.facts).at() as snapshot:
        return reading.facts, settle(snapshot, ask).ask
