"""The command that says what somebody should look at."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from storewatch.entrypoints.cli.ending import WITH_REJECTS
from storewatch.entrypoints.cli.options import asking, data_option, duration_option
from storewatch.entrypoints.cli.show import say
from storewatch.entrypoints.cli.source import read_folder, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.answering.findings import Found
    from storewatch.domain.ask import Ask

_SHARE = click.FloatRange(0, 1, min_open=True)


@click.command()
@asking
@data_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON: with evidence, for programs.")
@click.option(
    "--named", type=click.IntRange(0), default=5, show_default=True, help="Stores that each finding names."
)
@click.option(
    "--polled-share",
    type=_SHARE,
    default=0.5,
    show_default=True,
    help="The poller was down in an hour with fewer polled stores than this share of the usual number.",
)
@click.option(
    "--together-share",
    type=_SHARE,
    default=0.5,
    show_default=True,
    help="Stores of a label's value, a zone or all went down together if they are this share of the open…",
)
@click.option(
    "--together-times",
    type=click.FloatRange(1),
    default=3,
    show_default=True,
    help="…and so many times the usual share…",
)
@click.option(
    "--together-stores",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="…and at least so many are open in that hour.",
)
@click.option(
    "--silent-gaps",
    type=click.FloatRange(1),
    default=6,
    show_default=True,
    help="A store is silent that was not polled for so many of its usual gaps, in open hours…",
)
@duration_option("--silent-for", metavar="6h", default="6h", help="…and for so long at least.")
def findings(
    *, ask: Ask, data: Path | None, as_json: bool, named: int, silent_for: int, **thresholds: float
) -> None:
    """Say what to look at in the week before the as-of.

    A sentence each, the most harmful first.

    Hours in which the poller was down, stores that went down together, silent stores, what is missing or
    has run out. Exit code 3: some rows or files of --data could not be used.
    """  # fmt: skip
    from storewatch.answering.findings import find
    from storewatch.domain.findings import Thresholds

    chosen = Thresholds(**thresholds, silent_seconds=silent_for)  # type: ignore[arg-type]
    reading = read_folder(data, allow_future=False) if data else None
    with source_of(reading) as source:
        found = find(source, ask, chosen)
    if as_json:
        click.echo(json.dumps(found.values(named), ensure_ascii=False, indent=2))
    else:
        say(_lines(found, named))
    if reading is not None and not reading.is_complete:
        sys.exit(WITH_REJECTS)


def _lines(found: Found, named: int) -> Iterator[str]:
    """Yield what there is to be looked at."""
    values = found.values(named)
    count = len(values["findings"])
    what = f"{count:,} finding{'' if count == 1 else 's'}" if count else "nothing to look at"
    yield f"{what} in the week before {values['as_of']}, of {found.stores:,} stores"
    for finding in values["findings"]:
        yield ""
        sentence = finding["sentence"]
        yield f"{finding['kind'].replace('_', ' ')}: {sentence}{'' if sentence.endswith('?') else '.'}"
        if finding["stores"]:
            more = ", …" if finding["count"] > len(finding["stores"]) else ""
            yield f"  {', '.join(store['store_id'] for store in finding['stores'])}{more}"
