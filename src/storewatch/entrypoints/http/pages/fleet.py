"""The fleet's figures, and a store's: always those of a report, as its files print them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from storewatch.domain.instant import HOUR
from storewatch.entrypoints.wording import hours, percent
from storewatch.formats.published import published_report

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from storewatch.domain.window import Window
    from storewatch.formats.report import Report
    from storewatch.ports.jobs import Job, Jobs
    from storewatch.ports.shelf import ReportShelf

KINDS = ("uptime", "downtime", "unknown", "open")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One window's figures in words, and how they divide the open time."""

    window: Window
    percent: str
    uptime: str
    downtime: str
    unknown: str
    open: str
    shares: tuple[tuple[str, float, float], ...]  # status, begin and length in percent of the open time


@dataclass(frozen=True, kw_only=True)
class StoreRow:
    """A store's row."""

    store_id: str
    figures: list[Figures]  # by window


def newest_report(board: Jobs, shelf: ReportShelf) -> tuple[Job, Report] | None:
    """Return the complete report of all stores with the greatest as-of, and its job.

    If that one's files are gone, the one before it takes its place.
    """
    job = board.newest_complete()
    while job is not None:
        report = read_report(shelf, job)
        if report is not None:
            return job, report
        job = board.newest_complete(until=job.pinned.instant - 1)
    return None


def report_of(board: Jobs, as_of: int) -> Job | None:
    """Return the complete report of all stores as of an instant (seconds since 1970), if there is one."""
    job = board.newest_complete(until=as_of)
    return job if job and job.as_of == as_of else None


def read_report(shelf: ReportShelf, job: Job) -> Report | None:
    """Return a complete job's report; None if its whole seconds are not on the shelf (any more)."""
    assert job.key is not None  # noqa: S101 - complete
    return _read(_Place(key=job.key, shelf=shelf))


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where rows lie; keys name the report, so they are enough to tell places apart."""

    key: str
    shelf: ReportShelf = field(compare=False)


@lru_cache(maxsize=4)  # what lies at a key never changes; a fleet's rows are a few megabytes
def _read(place: _Place) -> Report | None:
    return published_report(place.shelf, place.key)


def fleet_figures(report: Report) -> list[Figures]:
    """Return the fleet's figures by window: exact sums over the stores."""
    totals = report.totals()
    found = []
    for window in report.ask.parsed_windows:
        seconds = [totals[f"{kind}_seconds_{window.name}"] for kind in KINDS]
        words = dict(zip(KINDS, map(hours, seconds), strict=True))
        share = percent(seconds[0], seconds[1])
        found.append(Figures(window=window, percent=share, shares=_shares(seconds), **words))
    return found


def worst_stores(report: Report, count: int) -> list[StoreRow]:
    """Return the stores that lost most open time in the last window, the worst first."""
    return store_rows(report.worst(count), report.ask.parsed_windows)


def store_rows(rows: pl.DataFrame, windows: Sequence[Window]) -> list[StoreRow]:
    """Return rows as the CSV prints them, number for number, with their units."""
    from storewatch.formats.csv import csv_rows  # noqa: PLC0415 - slow to import

    both = zip(csv_rows(rows).iter_rows(named=True), rows.iter_rows(named=True), strict=True)
    return [
        StoreRow(
            store_id=exact["store_id"],
            figures=[_printed(window, rounded, exact) for window in windows],
        )
        for rounded, exact in both
    ]


def _printed(window: Window, rounded: dict[str, float | None], exact: dict[str, int]) -> Figures:
    unit = "min" if window.unit < HOUR else "h"  # R7
    words = {kind: f"{rounded[f'{kind}_{window.name}']:.2f} {unit}" for kind in KINDS}
    share = rounded[f"uptime_percent_{window.name}"]
    return Figures(
        window=window,
        percent="–" if share is None else f"{share:.2f} %",
        shares=_shares([exact[f"{kind}_seconds_{window.name}"] for kind in KINDS]),
        **words,
    )


def _shares(seconds: list[int]) -> tuple[tuple[str, float, float], ...]:
    """Return where up, down and unknown begin and how long they are, in percent of the open time."""
    *parts, whole = seconds
    ends = [sum(parts[:place]) for place in range(len(parts) + 1)]
    return tuple(
        (status, round(100 * begin / whole, 3), round(100 * length / whole, 3))
        for status, begin, length in zip(("up", "down", "unknown"), ends, parts, strict=False)
        if length
    )
