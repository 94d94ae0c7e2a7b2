"""Commands for what figures are made of: load, check, sample."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storewatch.entrypoints.cli.ending import WITH_REJECTS
from storewatch.entrypoints.cli.options import paths_argument
from storewatch.entrypoints.cli.show import progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from storewatch.ingest import Reading


@click.command()
@paths_argument
@click.option("--strict", is_flag=True, help="Load nothing if one row or file cannot be used.")
@click.option("--allow-future", is_flag=True, help="Take polls that lie more than an hour in the future.")
@click.option(
    "--hours-format",
    type=click.Choice(["schema.org", "google"]),
    help="The files are JSON documents with the hours of stores, in this format.",
)
@click.option(
    "--hours-from",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The hours hold from this local date on; those of before stay until then.",
)
def load(
    paths: tuple[Path, ...],
    *,
    strict: bool,
    allow_future: bool,
    hours_format: str | None,
    hours_from: datetime | None,
) -> None:
    """Load polls, hours, zones and all that goes with them.

    Exceptions, annotations, and what stores are called, promised and grouped by. From files or folders: CSV,
    gzipped CSV or Parquet; what a file holds is known by its columns. Exit code 3: loaded, but some rows or
    files could not be used; such rows are kept below $STOREWATCH_HOME/rejects.
    """
    from storewatch.answering.load import load_files
    from storewatch.bootstrap import open_polls
    from storewatch.config import load_settings
    from storewatch.entrypoints.cli.texts import load_lines
    from storewatch.ingest import FORMATS

    settings = load_settings()
    polls = open_polls(settings)
    with progress_bar() as progress:
        loaded = load_files(
            paths,
            polls,
            home=settings.home,
            now=time.time(),
            allow_future=allow_future,
            form=FORMATS[hours_format] if hours_format else None,
            strict=strict,
            hours_from=None if hours_from is None else first_date(hours_from),
            progress=progress,
        )
    polls.close()
    say(load_lines(loaded))
    sys.exit(0 if loaded.reading.is_complete else WITH_REJECTS)


def first_date(hours_from: datetime) -> date:
    """Return the date from which hours hold.

    Raises:
        BadParameter: It is outside 1970 to 2200, so a slip.
    """
    from storewatch.ingest.stamps import FIRST_YEAR, LAST_YEAR

    if not FIRST_YEAR <= hours_from.year <= LAST_YEAR:
        raise click.BadParameter(
            f"the year is outside {FIRST_YEAR} to {LAST_YEAR}", param_hint="--hours-from"
        )
    return hours_from.date()


@click.command()
@paths_argument
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


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option(
    "--stores", type=click.IntRange(1), default=14_092, show_default=True, help="Stores with polls."
)
@click.option(
    "--days", type=click.FloatRange(0, min_open=True), default=7.8, show_default=True, help="Days of polls."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another fleet.")
def sample(folder: Path, *, stores: int, days: float, seed: int) -> None:
    """Make a fleet, shaped like a real one: three CSV files."""
    from storewatch.sample import write

    write(folder, stores=stores, days=days, seed=seed)
    say([f"made a fleet of {stores:,} stores and {days:g} days in {folder}"], err=True)
