"""The command that writes the hours of all stores as a table."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storewatch.entrypoints.cli.ending import WITH_REJECTS
from storewatch.entrypoints.cli.options import asking, check_place, data_option, instant_option
from storewatch.entrypoints.cli.show import say
from storewatch.entrypoints.cli.source import read_folder, source_of
from storewatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from storewatch.answering.hours import StoreHours
    from storewatch.domain.ask import Ask


@click.command()
@asking
@data_option
@instant_option("--from", "begin", help="Where the hours begin, like 2023-01-01T00:00:00Z.")
@instant_option("--to", "end", help="Where they end, at the as-of at the latest.")
@click.option(
    "--out", required=True, metavar="FILE|URL",
    help="A .parquet or .csv file, or postgresql://…: its table store_hours.",
)  # fmt: skip
def hours(*, ask: Ask, data: Path | None, begin: int, end: int, out: str) -> None:
    """Write a row for each store and UTC hour.

    Of those with open time; they add up to reports. For SQL, notebooks and dashboards. In PostgreSQL, what
    the table has of these stores and this time is replaced. Exit code 3: some rows or files of --data could
    not be used.
    """  # fmt: skip
    from storewatch.answering.hours import open_hours
    from storewatch.domain.instant import HOUR, iso

    if begin >= end:
        raise click.BadParameter("it is not after --from", param_hint="--to")
    if ask.as_of is not None and end > ask.as_of:
        raise click.BadParameter("it ends after the as-of", param_hint="--to")
    if _is_database(out) and begin % HOUR:
        raise click.BadParameter(
            "rows of the table are whole hours: begin at a full one", param_hint="--from"
        )
    write = _writer(out, begin, end)
    reading = read_folder(data, allow_future=False) if data else None
    counted = _Counted()
    with source_of(reading) as source, open_hours(source, ask, begin, end) as (settled, parts):
        write(counted.of(parts))
    what = f"{counted.hours:,} hours of {counted.stores:,} stores"
    when = f"from {iso(begin)} to {iso(end)}, as of {iso(settled.instant)}"
    say([f"{'store_hours' if _is_database(out) else out}: {what} {when}"], err=True)
    if reading is not None and not reading.is_complete:
        sys.exit(WITH_REJECTS)


def _writer(out: str, begin: int, end: int) -> Callable[[Iterator[StoreHours]], None]:
    """Return what writes hours where they are wanted, which is looked at before any work is done."""
    if _is_database(out):
        from storewatch.adapters.polls.postgres_hours import write_hours

        return lambda parts: write_hours(out, ((p.stores, p.rows) for p in parts), begin=begin, end=end)
    from storewatch.formats.hours import writer_of

    path = Path(out)
    try:
        writer = writer_of(path)
    except InputError as error:
        raise click.BadParameter(f"{error}", param_hint="--out") from error
    check_place(path, "--out")
    return lambda parts: writer(part.rows for part in parts)


def _is_database(out: str) -> bool:
    return re.match("postgres(ql)?://", out) is not None


class _Counted:
    """What went by."""

    hours = stores = 0

    def of(self, parts: Iterator[StoreHours]) -> Iterator[StoreHours]:
        for part in parts:
            self.hours += part.rows.height
            self.stores += len(part.stores)
            yield part
