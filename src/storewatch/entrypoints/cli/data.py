"""Commands that bring data in: load, sample."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from storewatch.entrypoints.cli.show import progress_bar, say

WITH_REJECTS = 3  # exit code: done, but some rows or files could not be used


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…"
)
@click.option("--strict", is_flag=True, help="Load nothing if one row or file cannot be used.")
@click.option("--allow-future", is_flag=True, help="Take polls that lie more than an hour in the future.")
def load(paths: tuple[Path, ...], *, strict: bool, allow_future: bool) -> None:
    """Load polls, business hours and zones from files or folders.

    CSV, gzipped CSV or Parquet; what a file holds is known by its columns. Exit code 3: loaded, but some rows
    or files could not be used; such rows are kept below $STOREWATCH_HOME/rejects.
    """
    from storewatch.answering.load import load_files
    from storewatch.bootstrap import open_polls
    from storewatch.config import load_settings
    from storewatch.entrypoints.cli.texts import load_lines

    settings = load_settings()
    polls = open_polls(settings)
    with progress_bar() as progress:
        loaded = load_files(
            paths,
            polls,
            home=settings.home,
            now=time.time(),
            allow_future=allow_future,
            strict=strict,
            progress=progress,
        )
    polls.close()
    say(load_lines(loaded))
    sys.exit(0 if loaded.reading.is_complete else WITH_REJECTS)


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
