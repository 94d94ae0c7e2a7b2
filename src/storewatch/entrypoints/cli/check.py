"""The command that looks at files and changes nothing: check."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storewatch.entrypoints.cli.data import WITH_REJECTS
from storewatch.entrypoints.cli.show import progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.ingest import Reading


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…"
)
@click.option("--allow-future", is_flag=True, help="Take polls that lie more than an hour in the future.")
def check(paths: tuple[Path, ...], *, allow_future: bool) -> None:
    """Say what files hold and what is wrong with them.

    And what a report would assume. It changes nothing. Exit code 3: some rows or files could not be used.
    """
    from storewatch.ingest import read

    with progress_bar() as progress:
        reading = read(paths, now=time.time(), allow_future=allow_future, progress=progress)
    say(check_lines(reading, now=time.time()))
    sys.exit(0 if reading.is_complete else WITH_REJECTS)


def check_lines(reading: Reading, *, now: float) -> Iterator[str]:
    """Yield what each file holds, what could not be used, and what a report of all of it would say first."""
    from storewatch.adapters.polls.given import GivenFacts
    from storewatch.answering.answer import answer
    from storewatch.domain.ask import Ask
    from storewatch.entrypoints.cli.texts import reading_lines, report_notes, tainted_lines
    from storewatch.errors import NoPollsError

    bad = dict(reading.rejects["file"].value_counts().iter_rows())
    yield from (
        f"{file}: {kind}, {rows:,} rows, {bad.get(file, 0):,} of them rejected"
        for file, kind, rows in reading.by_file
    )
    yield from reading_lines(reading)
    yield from tainted_lines(reading)
    try:
        yield from report_notes(answer(GivenFacts(facts=reading.facts), Ask()), now=now)
    except NoPollsError as error:
        yield f"{error}"
