"""What the command line says of a report, of a load and of rows that it could not use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.assumed import RUN_OUT, of_strangers
from storewatch.domain.instant import MICROSECONDS, iso
from storewatch.domain.window import FIRST
from storewatch.entrypoints.cli.show import WIDTH
from storewatch.entrypoints.wording import age, hours, percent, window_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storewatch.answering.load import Loaded
    from storewatch.domain.window import Window
    from storewatch.formats.report import Report
    from storewatch.ingest import Reading
    from storewatch.ports.polls import LoadSummary

SHOWN_NAMES = 5  # of a list of stores
_UNITS = {"exceptions": "dates of stores", "annotations": "annotations", "labels": "values of stores"}
SHOWN_GROUPS = 20
SHOWN_REJECTS = 3  # of the rows of one reason
NOT_DOWN = "no store was down in its open hours of {}"
NONE_MISSED = "no store missed its target"
NOTHING_KNOWN = "whether stores were down is not known for most of their open hours of {}"


def report_lines(report: Report, *, now: float, worst: int = 10) -> Iterator[str]:
    """Yield the summary of a report: as-of, fleet totals, the stores that lost most open time at last."""
    yield from report_notes(report, now=now)
    yield ""
    yield from _total_lines(report)
    yield ""
    if report.groups is not None:
        yield from _group_lines(report.groups, report.ask.parsed_windows[-1])
        yield ""
    lost = report.worst(worst) if report.chosen is None else pl.concat(report.chosen)
    if lost.height:
        yield from _worst_lines(lost, report.ask.parsed_windows)
    elif report.chosen is not None:
        yield NONE_MISSED
    else:
        what = NOTHING_KNOWN if report.is_mostly_unknown else NOT_DOWN
        yield what.format(window_words(report.ask.parsed_windows[-1]))


def _total_lines(report: Report) -> Iterator[str]:
    """Yield the fleet's sums by window; excluded time only where there is any."""
    totals, windows = report.totals(), report.ask.parsed_windows
    has_excluded = any(totals.get(f"excluded_seconds_{window.name}") for window in windows)
    figures = [*FIRST[:-1], "excluded", FIRST[-1]] if has_excluded else FIRST
    first = max(10, *(len(window.title) + 1 for window in windows))
    words = {"uptime": "up", "downtime": "down"}
    yield f"{'fleet':<{first}}{'uptime':>9}" + "".join(
        f"{words.get(figure, figure):>15}" for figure in figures
    )
    for window in windows:
        seconds = {figure: totals[f"{figure}_seconds_{window.name}"] for figure in figures}
        cells = "".join(f"{hours(value):>15}" for value in seconds.values())
        yield f"{window.title:<{first}}{percent(seconds['uptime'], seconds['downtime']):>9}{cells}"


def _group_lines(groups: pl.DataFrame, window: Window) -> Iterator[str]:
    """Yield the first groups with their figures of a window."""
    label, *counts = groups.columns[:5]
    names = [*(name.replace("_", " ") for name in counts), "uptime", f"down, {window.short}"]
    heads = [f"{name:>{max(11, len(name) + 1)}}" for name in names]
    values = [value or "(none)" for value in groups.to_series().head(SHOWN_GROUPS)]
    width = min(max(map(len, (label, *values))) + 1, WIDTH - sum(map(len, heads)))
    yield f"{label:<{width}}{''.join(heads)}"
    for value, row in zip(values, groups.iter_rows(named=True), strict=False):
        up, down = (row[f"{figure}_seconds_{window.name}"] for figure in ("uptime", "downtime"))
        cells = [*(f"{row[name]:,}" for name in counts), percent(up, down), hours(down)]
        figures = "".join(f"{cell:>{len(head)}}" for cell, head in zip(cells, heads, strict=True))
        if len(value) >= width:  # a line of its own
            yield value
        yield f"{value if len(value) < width else '':<{width}}{figures}"
    if groups.height > SHOWN_GROUPS:
        yield f"and {groups.height - SHOWN_GROUPS:,} more: --out writes all of them"


def _worst_lines(lost: pl.DataFrame, windows: Sequence[Window]) -> Iterator[str]:
    """Yield the stores that lost most open time in the last of the windows; their uptime is of that too."""
    short = [window.short for window in windows]
    short[0] = f"down, {short[0]}"
    heads = [f"{title:>{max(11, len(title) + 1)}}" for title in short]
    longest = max(len("most open time lost"), *(len(store_id) for store_id in lost["store_id"]))
    width = min(longest + 1, WIDTH - 9 - sum(map(len, heads)))
    yield f"{'most open time lost':<{width}}{'uptime':>9}{''.join(heads)}"
    last = windows[-1].name
    for row in lost.iter_rows(named=True):
        share = percent(row[f"uptime_seconds_{last}"], row[f"downtime_seconds_{last}"])
        cells = "".join(
            f"{hours(row[f'downtime_seconds_{window.name}']):>{len(head)}}"
            for window, head in zip(windows, heads, strict=True)
        )
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
    chosen = "" if report.chosen is None else f", {report.chosen.height:,} of them chosen"
    return f"as of {iso(report.as_of)}, {newest}, {report.parts.height:,} stores{chosen}"


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
    since = "" if summary.hours_from is None else f", from {summary.hours_from} on"
    yield from _named(f"have other hours than before{since}", summary.hours_replaced)
    if summary.hours_replaced and summary.hours_from is None:
        yield "  these hours hold for the past as well; with --hours-from DATE those of before stay till then"
    yield from _named("are open on fewer days of the week now", summary.fewer_days)
    yield from _named(
        "keep the hours that they had, since an hours row of theirs was rejected", summary.kept_hours
    )
    yield from _part_lines(reading, pl.Series(summary.part_hours, dtype=pl.String))
    yield from _further_lines(summary)
    if summary.zones_changed:
        yield f"  {summary.zones_changed:,} stores have a new zone"
    if summary.empty_rows:
        yield f"  {summary.empty_rows:,} hours rows end where they start: closed"
    if summary.always_open:
        yield f"  {summary.always_open:,} stores have no hours: counted as open all the time"


def _further_lines(summary: LoadSummary) -> Iterator[str]:
    """Yield what became of exceptions, annotations and labels, and whose ids nothing names."""
    for kind, (new, other) in summary.units.items():
        yield f"  {kind}: {new:,} {_UNITS.get(kind, 'rows')} new, {other:,} replaced"
    if summary.kept_dates:
        yield (
            f"  {len(summary.kept_dates):,} dates keep the exceptions that they had, since one of theirs was "
            f"rejected: {names_of(summary.kept_dates)}"
        )
    if summary.new_labels:
        yield f"  labels that no load gave before: {', '.join(summary.new_labels)}"
    if summary.strangers:
        yield f"  {of_strangers(summary.strangers)}"
    if summary.run_out:
        yield f"  the hours of {summary.run_out:,} stores {RUN_OUT}"


def _named(what: str, stores: tuple[str, ...]) -> Iterator[str]:
    if stores:
        yield f"  {len(stores):,} stores {what}: {names_of(stores)}"


def names_of(names: Sequence[str]) -> str:
    """Return the first few names of many."""
    return ", ".join([*names[:SHOWN_NAMES], *(["…"] if len(names) > SHOWN_NAMES else [])])
