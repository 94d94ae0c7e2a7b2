"""Commands for who runs the service: status, db upgrade, retention, gc."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from storewatch.entrypoints.cli.ending import FAILED
from storewatch.entrypoints.cli.options import duration_option
from storewatch.entrypoints.cli.show import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.answering.status import Part, Status

SHORTEST_RETENTION = 15 * 86_400  # seconds; a report reads a week, and a week before it (R5)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(*, as_json: bool) -> None:
    """Say whether each part answers, and what should be looked at.

    Exit code 0: all answer; 1: something does not.
    """
    from storewatch.answering.status import look
    from storewatch.config import load_settings

    found = look(load_settings())
    if as_json:
        click.echo(json.dumps({**asdict(found), "is_well": found.is_well}, indent=2, ensure_ascii=False))
    else:
        say(status_lines(found))
    sys.exit(0 if found.is_well else FAILED)


def status_lines(found: Status) -> Iterator[str]:
    """Yield the status for people."""
    yield ", ".join(f"{name} {version}" for name, version in found.versions.items())
    for part in found.parts:
        yield ""
        yield from _part_lines(part)
    yield ""
    yield "settings: " + ", ".join(
        f"{name}={value}" for name, value in found.settings.items() if value is not None
    )


def _part_lines(part: Part) -> Iterator[str]:
    how = "answers" if part.answers else "HAS NOT ANSWERED YET" if part.seconds is None else "DOES NOT ANSWER"
    yield f"{part.name}: {how}  {part.url}"
    if part.error:
        yield f"  {part.error}"
    for text in part.warnings.values():
        yield f"  WARNING: {text}"
    for name, value in part.details.items():
        yield from _detail_lines(name.replace("_", " "), value)


def _detail_lines(name: str, value: Any) -> Iterator[str]:  # noqa: ANN401  any plain value
    if isinstance(value, dict):
        yield f"  {name}: " + ", ".join(f"{key} {count}" for key, count in value.items())
    elif isinstance(value, list):
        yield f"  {name}:" + ("" if value else " none")
        for row in value:
            cells = row.values() if isinstance(row, dict) else row
            yield "    " + "  ".join(str(cell) for cell in cells if cell is not None)
    elif value is not None:
        yield f"  {name}: {value:.1f}" if isinstance(value, float) else f"  {name}: {value}"


@click.group()
def db() -> None:
    """Look after the database of the poll store."""


@db.command()
def upgrade() -> None:
    """Create the schema, or bring it to this version.

    It is safe when two do it at once.
    """
    from storewatch.bootstrap import upgrade_polls
    from storewatch.config import load_settings

    applied = upgrade_polls(load_settings())
    say([f"applied {name}" for name in applied] or ["the schema is up to date"])


@click.command()
@duration_option(
    "--older-than",
    metavar="400d",
    help="What is older goes: a number with d, h, m or s.",
)
def retention(*, older_than: int) -> None:
    """Drop old polls; stores, hours and zones stay.

    Whole weeks go in PostgreSQL, whole days in a folder.
    """
    import time
    from datetime import UTC, datetime

    from storewatch.bootstrap import open_polls
    from storewatch.config import load_settings

    if older_than < SHORTEST_RETENTION:
        least = SHORTEST_RETENTION // 86_400
        raise click.BadParameter(f"reports read two weeks: keep {least}d at least", param_hint="--older-than")
    before = datetime.fromtimestamp(time.time() - older_than, UTC).date()
    polls = open_polls(load_settings())
    dropped = polls.retention(before)
    polls.close()
    say([f"dropped {name}" for name in dropped] or [f"no polls are from before {before}"])


@click.group()
def lake() -> None:
    """Look after the poll store in a folder."""


@lake.command()
def optimize() -> None:
    """Write anew what many loads have scattered.

    Reports that run go on, and loads wait. Files that are replaced stay for two days, as after loads.
    """
    from storewatch.bootstrap import open_polls
    from storewatch.config import load_settings

    polls = open_polls(load_settings())
    done = polls.optimize()
    polls.close()
    say(
        [f"{one.part}: {one.rows:,} rows, {one.before:,} files before, {one.after:,} now" for one in done]
        or ["all parts are in order"]
    )


@click.command("gc")
@duration_option(
    "--older-than",
    default="1d",
    metavar="1d",
    help="Leave what was written since: a number with d, h, m or s.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
def collect(*, older_than: int, dry_run: bool) -> None:
    """Remove reports that no job knows.

    They are what a job board that was lost has left on the shelf.
    Look with --dry-run first: with the address of another board, all of them are unknown.
    """
    import time

    from storewatch.answering.expire import unknown
    from storewatch.bootstrap import open_board, open_shelf
    from storewatch.config import load_settings

    settings = load_settings()
    board, shelf = open_board(settings), open_shelf(settings)
    found = list(unknown(board, shelf, before=time.time() - older_than))
    board.close()
    for job_id, files in found:
        if not dry_run:
            shelf.sweep(job_id, keep=None)
        say([f"{job_id}  files: {files}"])
    say([f"reports that no job knows: {len(found)}, {'left as they are' if dry_run else 'removed'}"])
