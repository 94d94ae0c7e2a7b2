"""What the command line says of a report, of a load and of rows that it could not use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.instant import MICROSECONDS, WINDOWS, iso
from storewatch.entrypoints.cli.show import WIDTH
from storewatch.entrypoints.wording import age, hours, percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storewatch.answering.load import Loaded
    from storewatch.formats.report import Report
    from storewatch.ingest import Reading
    from storewatch.ports.polls import LoadSummary

SHOWN_NAMES = 5  # of a list of stores
SHOWN_REJECTS = 3  # of the rows of one reason
NOT_DOWN = "no store was down in its open hours of the last week"
NOTHING_KNOWN = "whether stores were down is not known for most of their open hours of the last week"


def report_lines(report: Report, *, now: float, worst: int = 10) -> Iterator[str]:
    """Yield the summary of a report: as-of, fleet totals, the stores that lost most open time in the week."""
    yield from report_notes(report, now=now)
    yield ""
    totals = report.totals()
    yield f"{'fleet':<10}{'uptime':>9}{'up':>15}{'down':>15}{'unknown':>15}{'open':>15}"
    for window in WINDOWS:
        seconds = [
            totals[f"{kind}_seconds_last_{window}"] for kind in ("uptime", "downtime", "unknown", "open")
        ]
        cells = "".join(f"{hours(value):>15}" for value in seconds)
        yield f"{'last ' + window:<10}{percent(seconds[0], seconds[1]):>9}{cells}"
    lost = report.worst(worst)
    if not lost.height:
        yield ""
        yield NOTHING_KNOWN if report.is_mostly_unknown else NOT_DOWN
        return
    yield ""
    longest = max(len("most open time lost"), *(len(store_id) for store_id in lost["store_id"]))
    width = min(longest + 1, WIDTH - 42)
    yield f"{'most open time lost':<{width}}{'uptime':>9}{'down, hour':>11}{'day':>11}{'week':>11}"
    for row in lost.iter_rows(named=True):
        share = percent(row["uptime_seconds_last_week"], row["downtime_seconds_last_week"])
        cells = "".join(f"{hours(row[f'downtime_seconds_last_{window}']):>11}" for window in WINDOWS)
        name = row["store_id"]
        if len(name) >= width:  # a line of its own
            yield name
            name = ""
        yield f"{name:<{width}}{share:>9}{cells}"


def report_notes(report: Report, *, now: float) -> Iterator[str]:
    """Yield the heading, what looks odd in the input, and what was assumed."""
    yield heading(report, now=now)
    yield from report.notes


def heading(report: Report, *, now: float) -> str:
    """Return as-of, age of the newest poll and number of stores in one line."""
    newest = "no polls" if report.newest is None else f"newest poll {age(now - report.newest / MICROSECONDS)}"
    return f"as of {iso(report.as_of)}, {newest}, {report.parts.height:,} stores"


def reading_lines(reading: Reading) -> Iterator[str]:
    """Yield what was given and could not be used: files with what they lack, rows by reason."""
    yield from (f"not used: {sentence}" for sentence in reading.unused)
    if reading.exempt:
        yield f"no data, left alone: {names_of(reading.exempt)}"
    yield from reject_lines(reading.rejects)


def tainted_lines(reading: Reading) -> Iterator[str]:
    """Yield what becomes of the stores with a rejected hours row, where no hours are held from before."""
    tainted = reading.tainted.get("hours")
    if tainted is not None:
        yield from _part_lines(reading, tainted["store_id"].sort())


def _part_lines(reading: Reading, stores: pl.Series) -> Iterator[str]:
    has_rows = stores.is_in(reading.facts.hours["store_id"].unique().implode())
    yield from _named(
        "had no hours before and a rejected hours row: their good rows were taken",
        tuple(stores.filter(has_rows)),
    )
    yield from _named(
        "had no hours before and only rejected hours rows: counted as open all the time",
        tuple(stores.filter(~has_rows)),
    )


def reject_lines(rejects: pl.DataFrame) -> Iterator[str]:
    """Yield the rows that could not be used by reason: how many, the first one's value, where they are."""
    from storewatch.ingest.rejects import sentences

    if not rejects.height:
        return
    yield f"{rejects.height:,} rows could not be used:"
    counts = rejects.group_by("reason", maintain_order=True).len().sort("len", descending=True)
    for reason, count in counts.iter_rows():
        first = rejects.filter(rejects["reason"] == reason).head(SHOWN_REJECTS)
        places = ", ".join(f"{file}:{line}" for file, line in first.select("file", "line").iter_rows())
        yield f"  {count:>9,}  {sentences(first)[0]} ({places}{', …' if count > SHOWN_REJECTS else ''})"


def load_lines(loaded: Loaded) -> Iterator[str]:
    """Yield what a load did and what it changed in meaning."""
    yield from reading_lines(loaded.reading)
    if loaded.rejects:
        yield f"  all of them are in {loaded.rejects}"
    if loaded.summary is None:
        yield "nothing was loaded: --strict loads nothing if one row or file cannot be used"
        return
    yield from _summary_lines(loaded.summary, loaded.reading)


def _summary_lines(summary: LoadSummary, reading: Reading) -> Iterator[str]:
    yield (
        f"loaded {summary.polls:,} polls ({summary.new_polls:,} new) of {summary.stores:,} stores "
        f"({summary.new_stores:,} new)"
    )
    if summary.hours_new:
        yield f"  {summary.hours_new:,} stores got their first hours"
    yield from _named("have other hours than before", summary.hours_replaced)
    yield from _named("are open on fewer days of the week now", summary.fewer_days)
    yield from _named(
        "keep the hours that they had, since an hours row of theirs was rejected", summary.kept_hours
    )
    yield from _part_lines(reading, pl.Series(summary.part_hours, dtype=pl.String))
    if summary.zones_changed:
        yield f"  {summary.zones_changed:,} stores have a new zone"
    if summary.empty_rows:
        yield f"  {summary.empty_rows:,} hours rows end where they start: closed"
    if summary.always_open:
        yield f"  {summary.always_open:,} stores have no hours: counted as open all the time"


def _named(what: str, stores: tuple[str, ...]) -> Iterator[str]:
    if stores:
        yield f"  {len(stores):,} stores {what}: {names_of(stores)}"


def names_of(names: Sequence[str]) -> str:
    """Return the first few names of many."""
    return ", ".join([*names[:SHOWN_NAMES], *(["…"] if len(names) > SHOWN_NAMES else [])])
