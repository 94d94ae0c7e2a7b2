"""What commands make their figures from: a folder of files, or the poll store."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storewatch.entrypoints.cli.show import progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.ingest import Reading
    from storewatch.ports.polls import Source


def read_folder(folder: Path, *, allow_future: bool) -> Reading:
    """Read a folder's files, and say what could not be used."""
    from storewatch.entrypoints.cli.texts import reading_lines
    from storewatch.ingest import read

    with progress_bar() as progress:
        reading = read([folder], now=time.time(), allow_future=allow_future, progress=progress)
    say(reading_lines(reading), err=True)
    tainted = reading.tainted.get("hours")
    if tainted is not None and len(tainted):
        some = ", ".join(tainted["store_id"].sort()[:5])
        say([f"{len(tainted):,} stores have an hours row that was rejected: {some}"], err=True)
    return reading


@contextmanager
def source_of(reading: Reading | None) -> Iterator[Source]:
    """Yield the folder that was read as a source of facts, or else the poll store."""
    if reading is not None:
        from storewatch.adapters.polls.given import GivenFacts

        yield GivenFacts(facts=reading.facts)
        return
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
