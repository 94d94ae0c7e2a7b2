"""The command that shows where a store's figures come from: explain."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storewatch.entrypoints.cli.data import WITH_REJECTS
from storewatch.entrypoints.cli.options import asking
from storewatch.entrypoints.cli.show import say
from storewatch.entrypoints.cli.source import read_folder, source_of

if TYPE_CHECKING:
    from storewatch.domain.ask import Ask


@click.command()
@click.argument("store_id", metavar="STORE")
@asking
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Read this folder's files instead of the poll store.",
)
@click.option(
    "--window", type=click.Choice(["hour", "day", "week"]), default="week", show_default=True,
    help="How far back from the as-of.",
)  # fmt: skip
def explain(store_id: str, *, ask: Ask, data: Path | None, window: str) -> None:
    """Say hour by hour where a store's figures come from.

    For each UTC hour with open time: its wall-clock time, the open time and by which hours rows, the polls,
    the status, why and by which rule; then the outages. The hours add up to the report's row. Exit code 3:
    some rows or files of --data could not be used.
    """  # fmt: skip
    from storewatch.answering.explain import explain_store
    from storewatch.entrypoints.cli.explanation import explanation_lines

    reading = read_folder(data, allow_future=False) if data else None
    with source_of(reading) as source:
        say(explanation_lines(explain_store(source, store_id, replace(ask, windows=(window,)))))
    if reading is not None and not reading.is_complete:
        sys.exit(WITH_REJECTS)
