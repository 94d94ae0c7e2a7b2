"""The command that shows where a store's figures come from: explain."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storewatch.entrypoints.cli.data import WITH_REJECTS
from storewatch.entrypoints.cli.options import report_options
from storewatch.entrypoints.cli.report import gather, read_folder
from storewatch.entrypoints.cli.show import say

if TYPE_CHECKING:
    from storewatch.domain.explain import Explanation
    from storewatch.ingest import Reading


@click.command()
@click.argument("store_id", metavar="STORE")
@report_options
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Read this folder's files instead of the poll store.",
)
@click.option(
    "--window", type=click.Choice(["hour", "day", "week"]), default="week", show_default=True,
    help="How far back from the as-of.",
)  # fmt: skip
def explain(store_id: str, *, data: Path | None, as_of: int | None, carry: int | None, window: str) -> None:
    """Say hour by hour where a store's figures come from, and by which rule.

    For each UTC hour with open time: its wall-clock time, the open time and by which hours rows, the polls,
    the status and why; then the outages. The hours add up to the report's row. Exit code 3: some rows of
    --data could not be used.
    """  # fmt: skip
    from storewatch.entrypoints.cli.explanation import explanation_lines

    if data is None:
        say(explanation_lines(_from_store(store_id, as_of=as_of, carry=carry, window=window)))
        return
    reading = read_folder(data, allow_future=False)
    say(explanation_lines(_from_folder(store_id, reading, as_of=as_of, carry=carry, window=window)))
    if reading.rejects.height:
        sys.exit(WITH_REJECTS)


def _from_store(store_id: str, *, as_of: int | None, carry: int | None, window: str) -> Explanation:
    from storewatch.answering.explain import explain_store
    from storewatch.bootstrap import open_polls
    from storewatch.config import load_settings

    polls = open_polls(load_settings())
    try:
        return explain_store(polls, store_id, as_of=as_of, carry=carry, window=window)
    finally:
        polls.close()


def _from_folder(
    store_id: str, reading: Reading, *, as_of: int | None, carry: int | None, window: str
) -> Explanation:
    from storewatch.answering.explain import explain_facts

    facts, as_of, _ = gather(reading, as_of=as_of, carry=carry)
    return explain_facts(facts, store_id, as_of=as_of, carry=carry, window=window)
