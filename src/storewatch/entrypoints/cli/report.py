"""Commands that make figures, and show where they come from: report, explain, verify."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import click

from storewatch.entrypoints.cli.ending import FAILED, WITH_REJECTS
from storewatch.entrypoints.cli.options import (
    FILE,
    FOLDER,
    OUTPUT,
    asking,
    but,
    check_place,
    data_option,
    one_window_option,
    stores_options,
    windows_options,
)
from storewatch.entrypoints.cli.show import say
from storewatch.entrypoints.cli.source import read_folder, settled_facts, source_of
from storewatch.errors import NoStoreError

if TYPE_CHECKING:
    from pathlib import Path

    from storewatch.domain.account import Account
    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.engines.part import Engine
    from storewatch.formats.report import Report


_ALLOCATOR = {  # options of mallopt, by their numbers in malloc.h
    -1: 32 << 20,  # M_TRIM_THRESHOLD: bytes free at the end of a heap from which on they are given back
    -3: 32 << 20,  # M_MMAP_THRESHOLD: bytes from which on a piece is mapped by itself; more is not taken
}


@click.command()
@asking
@data_option
@windows_options
@stores_options
@click.option(
    "--only", type=click.Choice(["missed"]), help="Show only stores that missed their target in some window."
)
@click.option(
    "--worst",
    type=click.IntRange(1),
    metavar="N",
    help="Show only N stores: those with the most downtime in the last window.",
)
@click.option("--out", type=OUTPUT, help="Write to a .csv, .parquet, .json or .xlsx file.")
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
@click.option("--strict", is_flag=True, help="With --data: make no report if one row or file cannot be used.")
@click.option(
    "--rejects", type=OUTPUT, help="With --data: write the rows that could not be used to this CSV file."
)
@click.option(
    "--allow-future", is_flag=True, help="With --data: take polls that lie more than an hour in the future."
)
def report(
    *,
    ask: Ask,
    data: Path | None,
    only: str | None,
    worst: int | None,
    out: Path | None,
    engine: str,
    jobs: int,
    strict: bool,
    rejects: Path | None,
    allow_future: bool,
) -> None:
    """Report uptime of each store, by windows.

    They are the last hour, day and week, unless others are asked for. Prints a summary on a terminal and the
    CSV into a pipe; --out writes a file. Exit code 3: the report is there, but some rows or files of --data
    could not be used.
    """  # fmt: skip
    from storewatch.answering.answer import answer
    from storewatch.domain.account import account

    check_out(out)
    if ask.by is not None and out is None and not sys.stdout.isatty():
        raise click.UsageError("--by writes a table beside the report: name a file with --out")
    if data is not None:
        keep_freed_memory()
    if data is None and (strict or rejects):
        raise click.UsageError("--strict and --rejects belong to --data: name the folder")
    reading = read_folder(data, allow_future=allow_future, strict=strict, rejects=rejects) if data else None
    rules = account if engine == "kernel" else partial(by_reference, jobs=jobs)
    where = _engine() if reading is None and engine == "kernel" else None
    try:
        with source_of(reading) as source:
            made = answer(source, ask, rules=rules, engine=where)
    except NoStoreError as error:
        raise click.BadParameter(str(error), param_hint="--where") from error
    say((f"no input names the store {store_id}" for store_id in made.strangers), err=True)
    if only or worst:
        made = made.choose(missed=only is not None, worst=worst)
    deliver(made, out)
    if reading is not None and not reading.is_complete:
        sys.exit(WITH_REJECTS)


def _engine() -> Engine:
    """Return what the settings name; they are slow to import, and a folder's report needs none."""
    from storewatch.config import load_settings
    from storewatch.engines import open_engine

    return open_engine(load_settings())


def keep_freed_memory() -> None:
    """Let the C library keep what is freed: arrays come and go, and new pages cost a tenth of a report.

    Where the library has no such setting (it is glibc's) nothing changes.
    """
    with suppress(AttributeError, OSError, TypeError):
        library = ctypes.CDLL(None)
        for option, value in _ALLOCATOR.items():
            library.mallopt(option, value)


def check_out(out: Path | None) -> None:
    """Refuse an --out that could not be written before any work is done."""
    if out is None:
        return
    if out.suffix.lower() not in {".csv", ".parquet", ".json", ".xlsx"}:
        raise click.BadParameter(
            f"{out}: end the file's name with .csv, .parquet, .json or .xlsx", param_hint="--out"
        )
    check_place(out, "--out")


def by_reference(facts: Facts, ask: Ask, *, jobs: int) -> Account:
    """Compute the rows with the reference."""
    from storewatch.checking import reference
    from storewatch.domain.account import Account

    windows = ask.parsed_windows
    rows = reference.account(facts, ask, windows, compare=ask.compare, jobs=jobs)
    touched = reference.touched(facts, ask, windows)
    return Account(rows=reference.to_polars(rows), touched=reference.to_polars(touched))


def deliver(made: Report, out: Path | None) -> None:
    """Write the report where it is wanted: a file, a pipe, or as a summary on the terminal."""
    from storewatch.entrypoints.cli.texts import report_lines, report_notes

    if out is not None:
        written = made.write(out)
        heading, *notes = report_notes(made, now=time.time())
        say(
            [f"{out}: {heading}", *(f"{path}: sums by {made.ask.by}" for path in written[1:]), *notes],
            err=True,
        )
    elif sys.stdout.isatty():
        say(report_lines(made, now=time.time()))
    else:
        sys.stdout.buffer.writelines(made.csv_pieces())
        say(report_notes(made, now=time.time()), err=True)


@click.command()
@click.argument("store_id", metavar="STORE")
@asking
@data_option
@one_window_option
def explain(store_id: str, *, ask: Ask, data: Path | None, window: str) -> None:
    """Say hour by hour where a store's figures come from.

    For each UTC hour with open time: its wall-clock time, the open time and by which hours rows, the polls,
    the status, why and by which rule; then the outages. The hours add up to the report's row. Exit code 3:
    some rows or files of --data could not be used.
    """  # fmt: skip
    from storewatch.answering.explain import explain_store
    from storewatch.entrypoints.cli.explanation import explanation_lines

    asked = but(ask, windows=(window,))
    reading = read_folder(data, allow_future=False) if data else None
    with source_of(reading) as source:
        say(explanation_lines(explain_store(source, store_id, asked)))
    if reading is not None and not reading.is_complete:
        sys.exit(WITH_REJECTS)


@click.command()
@asking
@click.argument("data", type=FOLDER, metavar="DIR")
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
@click.option("--against", type=FILE, help="Compare with this report of another program instead.")
@click.option("--differences", type=OUTPUT, help="With --against: write a row a store to this CSV file.")
def verify(
    data: Path,
    *,
    ask: Ask,
    stores: int | None,
    jobs: int,
    against: Path | None,
    differences: Path | None,
) -> None:
    """Run kernel and pandas reference on a folder and compare them.

    With --against, compare with the report of another program and name the cause of each difference. Exit
    code 1: they do not agree.
    """  # fmt: skip
    if against is not None:
        from storewatch.entrypoints.cli.compare import verify_against

        verify_against(data, against, ask, stores=stores, differences=differences)
    elif differences is not None:
        raise click.UsageError("--differences belongs to --against: name the other report")
    else:
        verify_reference(data, ask, stores=stores, jobs=jobs)


def verify_reference(data: Path, ask: Ask, *, stores: int | None, jobs: int) -> None:
    """Hold the kernel against the reference; each figure that differs is named."""
    from storewatch.checking.verify import verify as compare
    from storewatch.domain.instant import iso

    reading = read_folder(data, allow_future=True)
    facts, ask = settled_facts(reading, ask)
    verdict = compare(facts, ask, stores=stores, jobs=jobs)
    if verdict.agrees:
        when = f"of {verdict.stores:,} stores as of {iso(ask.instant)}"
        say([f"kernel and reference agree on all figures and bytes {when}"])
        sys.exit(0 if reading.is_complete else WITH_REJECTS)
    say(
        f"{store}: {column} is {ours} by the kernel, {plain} by the reference"
        for store, column, ours, plain in verdict.differences.iter_rows()
    )
    differ = verdict.differences["store_id"].n_unique()
    say([f"kernel and reference differ on {differ:,} of {verdict.stores:,} stores as of {iso(ask.instant)}"])
    sys.exit(FAILED)
