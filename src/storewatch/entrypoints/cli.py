"""The command line. Heavy imports wait until a command needs them: `--help` is instant."""

from __future__ import annotations

import functools
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from storewatch import __version__
from storewatch.errors import InputError, StorewatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.progress import Progress

    from storewatch.domain.facts import Facts
    from storewatch.domain.report import Report
    from storewatch.ingest import Reading

P = ParamSpec("P")
R = TypeVar("R")

ERROR, USAGE, WITH_REJECTS = 1, 2, 3  # exit codes beside 0
SLOW = 1.0  # seconds; what takes longer shows its progress


def main() -> None:
    """Run the command line; our own errors are one line and exit code 1."""
    try:
        commands()
    except StorewatchError as error:
        click.echo(f"storewatch: {error}", err=True)
        sys.exit(ERROR)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="storewatch")
def commands() -> None:
    """Uptime reports for places that keep opening hours.

    Settings come from the environment (STOREWATCH_HOME, …); see the settings page of the docs.
    """


def _value(parse: Callable[[str], R]) -> Callable[[click.Context, click.Parameter, str | None], R | None]:
    """Turn a parser of ours into an option's callback: what it refuses is a usage error."""

    def callback(_context: click.Context, parameter: click.Parameter, value: str | None) -> R | None:
        if value is None:
            return None
        try:
            return parse(value)
        except InputError as error:
            raise click.BadParameter(str(error), param=parameter) from error

    return callback


def _as_of(text: str) -> int:
    from storewatch.domain.instant import parse_as_of

    return parse_as_of(text)


def _carry(text: str) -> int | None:
    from storewatch.domain.instant import parse_carry

    return parse_carry(text)


def report_options(command: Callable[P, R]) -> Callable[P, R]:
    """Add the options that say which report is wanted."""
    for option in (
        click.option("--carry", default="7d", show_default=True, callback=_value(_carry),
                     help="How long a poll's status carries through a gap: 7d, 36h, none."),
        click.option("--as-of", callback=_value(_as_of), metavar="T",
                     help="Report as of this instant, like 2023-01-25T18:12:00Z. Default: the newest poll."),
    ):  # fmt: skip
        command = option(command)
    return command


@commands.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…"
)
@click.option("--strict", is_flag=True, help="Load nothing if there is one bad row.")
@click.option("--allow-future", is_flag=True, help="Take polls that lie more than an hour in the future.")
def load(paths: tuple[Path, ...], *, strict: bool, allow_future: bool) -> None:
    """Load polls, business hours and zones from files or folders.

    CSV, gzipped CSV or Parquet; what a file holds is known by its columns. Exit code 3: loaded, but some rows
    could not be used; they are kept below $STOREWATCH_HOME/rejects.
    """
    from storewatch.bootstrap import open_polls
    from storewatch.config import load_settings
    from storewatch.entrypoints.texts import load_lines
    from storewatch.loading import load_files

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
    sys.exit(WITH_REJECTS if loaded.rejects else 0)


@commands.command()
@report_options
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Read this folder's files instead of the poll store.",
)
@click.option("--store", "store_ids", multiple=True, metavar="ID", help="Only this store; may be repeated.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to a .csv, .parquet or .json file."
)
@click.option(
    "--engine",
    type=click.Choice(["kernel", "pandas"]),
    default="kernel",
    show_default=True,
    help="pandas: the plain statement of the rules, slow.",
)
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes of --engine pandas."
)
@click.option(
    "--allow-future", is_flag=True, help="With --data: take polls that lie more than an hour in the future."
)
def report(
    *,
    data: Path | None,
    as_of: int | None,
    carry: int | None,
    store_ids: tuple[str, ...],
    out: Path | None,
    engine: str,
    jobs: int,
    allow_future: bool,
) -> None:
    """Report uptime of the last hour, day and week for every store.

    Prints a summary on a terminal and the CSV into a pipe; --out writes a file. Exit code 3: the report is
    there, but some rows of --data could not be used.
    """  # fmt: skip
    check_out(out)
    reading = read_folder(data, allow_future=allow_future) if data else None
    facts, as_of, newest = gather(reading, as_of=as_of, carry=carry)
    wanted = store_ids or None
    if engine == "pandas":
        made, csv = by_pandas(facts, as_of=as_of, carry=carry, store_ids=wanted, jobs=jobs, newest=newest)
    else:
        made, csv = by_kernel(facts, as_of=as_of, carry=carry, store_ids=wanted, newest=newest), None
    name_strangers(made, store_ids)
    deliver(made, csv=csv, out=out)
    if reading is not None and reading.rejects.height:
        sys.exit(WITH_REJECTS)


def check_out(out: Path | None) -> None:
    """Refuse an --out that could not be written before any work is done."""
    if out is None:
        return
    if out.suffix.lower() not in {".csv", ".parquet", ".json"}:
        raise click.BadParameter(
            f"{out}: end the file's name with .csv, .parquet or .json", param_hint="--out"
        )
    if not out.absolute().parent.is_dir():
        raise click.BadParameter(f"{out}: there is no folder {out.parent}", param_hint="--out")


def read_folder(folder: Path, *, allow_future: bool) -> Reading:
    """Read a folder's files, and say what could not be used."""
    from storewatch.entrypoints.texts import reject_lines
    from storewatch.ingest import read

    with progress_bar() as progress:
        reading = read([folder], now=time.time(), allow_future=allow_future, progress=progress)
    say(reading.skipped, err=True)
    say(reject_lines(reading.rejects), err=True)
    if reading.tainted:
        some = ", ".join(sorted(reading.tainted)[:5])
        say([f"{len(reading.tainted):,} stores have an hours row that was rejected: {some}"], err=True)
    return reading


def gather(reading: Reading | None, *, as_of: int | None, carry: int | None) -> tuple[Facts, int, int | None]:
    """Return facts, as-of and newest poll, from the folder that was read or else from the poll store."""
    from storewatch.domain.instant import MICROSECONDS, reach, resolve_as_of
    from storewatch.library import newest_poll

    if reading is not None:
        newest = newest_poll(reading.facts)
        return reading.facts, resolve_as_of(as_of, newest), newest
    from storewatch.bootstrap import open_polls
    from storewatch.config import load_settings

    polls = open_polls(load_settings())
    version = polls.version()
    newest = polls.newest(version)
    as_of = resolve_as_of(as_of, newest)
    facts = polls.scan(version, since=reach(as_of, carry), until=as_of * MICROSECONDS)
    polls.close()
    return facts, as_of, newest


def by_kernel(
    facts: Facts, *, as_of: int, carry: int | None, store_ids: tuple[str, ...] | None, newest: int | None
) -> Report:
    """Make the report with the kernel."""
    from storewatch.domain.report import Report
    from storewatch.domain.uptime import uptime

    rows = uptime(facts, as_of=as_of, carry=carry, store_ids=store_ids)
    return Report(rows=rows, as_of=as_of, newest=newest)


def by_pandas(
    facts: Facts,
    *,
    as_of: int,
    carry: int | None,
    store_ids: tuple[str, ...] | None,
    jobs: int,
    newest: int | None,
) -> tuple[Report, bytes]:
    """Make the report and its CSV with the reference."""
    import polars as pl

    from storewatch import reference
    from storewatch.domain.report import Report
    from storewatch.domain.uptime import COLUMNS

    frame = reference.report(facts, as_of=as_of, carry=carry, store_ids=store_ids, jobs=jobs)
    schema = {"store_id": pl.String} | dict.fromkeys(COLUMNS, pl.Int64)
    rows = pl.DataFrame({name: frame[name].to_list() for name in schema}, schema=schema)
    return Report(rows=rows, as_of=as_of, newest=newest), reference.export(frame)


def name_strangers(made: Report, store_ids: tuple[str, ...]) -> None:
    """Name the ids asked for that no input names: they have no row (R7)."""
    known = set(made.rows["store_id"])
    say((f"no input names the store {store_id}" for store_id in store_ids if store_id not in known), err=True)


def deliver(made: Report, *, csv: bytes | None, out: Path | None) -> None:
    """Write the report where it is wanted: a file, a pipe, or as a summary on the terminal."""
    from storewatch.entrypoints.texts import heading, report_lines

    if out is not None:
        if csv is not None and out.suffix.lower() == ".csv":
            out.write_bytes(csv)
        else:
            made.write(out)
        say([f"{out}: {heading(made, now=time.time())}"], err=True)
    elif sys.stdout.isatty():
        say(report_lines(made, now=time.time()))
    else:
        sys.stdout.buffer.write(made.csv_bytes() if csv is None else csv)
        say([heading(made, now=time.time())], err=True)


@commands.command()
@report_options
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR")
@click.option(
    "--stores", type=click.IntRange(1), help="How many stores to compare, spread over the ids. Default: all."
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=os.cpu_count() or 1,
    show_default=True,
    help="Processes of the reference.",
)
def verify(data: Path, *, as_of: int | None, carry: int | None, stores: int | None, jobs: int) -> None:
    """Run kernel and pandas reference on a folder's files and say whether they agree.

    Exit code 1: they do not; each figure that differs is named.
    """  # fmt: skip
    from storewatch.domain.instant import iso
    from storewatch.verify import verify as compare

    facts, as_of, _ = gather(read_folder(data, allow_future=True), as_of=as_of, carry=carry)
    verdict = compare(facts, as_of=as_of, carry=carry, stores=stores, jobs=jobs)
    if verdict.agrees:
        when = f"of {verdict.stores:,} stores as of {iso(as_of)}"
        say([f"kernel and reference agree on all figures and bytes {when}"])
        return
    say(
        f"{store}: {column} is {ours} by the kernel, {plain} by the reference"
        for store, column, ours, plain in verdict.differences.iter_rows()
    )
    differ = verdict.differences["store_id"].n_unique()
    say([f"kernel and reference differ on {differ:,} of {verdict.stores:,} stores as of {iso(as_of)}"])
    sys.exit(ERROR)


@commands.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option(
    "--stores", type=click.IntRange(1), default=14_092, show_default=True, help="Stores with polls."
)
@click.option(
    "--days", type=click.FloatRange(0, min_open=True), default=7.8, show_default=True, help="Days of polls."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another fleet.")
def sample(folder: Path, *, stores: int, days: float, seed: int) -> None:
    """Make a fleet, shaped like a real one, as three CSV files in a folder."""
    from storewatch.sample import write

    write(folder, stores=stores, days=days, seed=seed)
    say([f"made a fleet of {stores:,} stores and {days:g} days in {folder}"], err=True)


@commands.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8_000, show_default=True)
@click.option(
    "--workers", type=click.IntRange(0), help="Worker processes. Default: STOREWATCH_WORKERS, or 1."
)
def serve(*, host: str, port: int, workers: int | None) -> None:
    """Serve /trigger_report and /get_report; API docs at /docs."""
    from storewatch.config import load_settings
    from storewatch.entrypoints.api.app import serve as run

    settings = load_settings() if workers is None else load_settings(workers=workers)
    run(settings, host=host, port=port)


def say(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines."""
    for line in lines:
        click.echo(line, err=err)


@contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None]]:
    """Yield a progress callback (name, fraction) that draws a bar on a terminal once it takes a second."""
    if not sys.stderr.isatty():
        yield lambda _name, _fraction: None
        return
    began, bar = time.monotonic(), functools.cache(_bar)
    started = False

    def update(name: str, fraction: float) -> None:
        nonlocal started
        if started or time.monotonic() - began > SLOW:
            started = True
            bar().update(bar().task_ids[0], completed=fraction, description=name)

    yield update
    if started:
        bar().stop()


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    bar.add_task("reading", total=1.0)
    bar.start()
    return bar


if __name__ == "__main__":
    main()
