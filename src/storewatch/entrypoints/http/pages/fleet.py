"""The fleet's figures, and a store's: always those of a report, as its files print them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from storewatch.domain.spans import STATUSES
from storewatch.entrypoints.wording import duration, percent
from storewatch.formats.published import published_report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storewatch.domain.window import Window
    from storewatch.formats.overview import Overview
    from storewatch.formats.report import Report
    from storewatch.ports.jobs import Job, Jobs
    from storewatch.ports.shelf import ReportShelf

KINDS = ("uptime", "downtime", "unknown", "excluded", "open")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """One window's figures in words, and how they divide the open time."""

    window: Window
    percent: str
    uptime: str
    downtime: str
    unknown: str
    excluded: str | None  # None: no time is
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


def read_overview(shelf: ReportShelf, job: Job) -> Overview | None:
    """Return what lies beside a complete job's report for the pages; None if nothing does."""
    assert job.key is not None  # noqa: S101 - complete
    return _read_overview(_Place(key=job.key, shelf=shelf))


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where rows lie; keys name the report, so they are enough to tell places apart."""

    key: str
    shelf: ReportShelf = field(compare=False)


@lru_cache(maxsize=4)  # what lies at a key never changes; a fleet's rows are a few megabytes
def _read(place: _Place) -> Report | None:
    return published_report(place.shelf, place.key)


@lru_cache(maxsize=4)
def _read_overview(place: _Place) -> Overview | None:
    from storewatch.formats.overview import published_overview  # noqa: PLC0415 - slow to import

    return published_overview(place.shelf, place.key)


def fleet_figures(report: Report) -> list[Figures]:
    """Return the fleet's figures by window: exact sums over the stores."""
    totals = report.totals()
    return [_figures(window, _seconds(totals, window)) for window in report.ask.parsed_windows]


def worst_stores(report: Report, count: int) -> list[StoreRow]:
    """Return the stores that lost most open time in the last window, the worst first."""
    windows = report.ask.parsed_windows
    return [
        StoreRow(
            store_id=row["store_id"], figures=[_figures(window, _seconds(row, window)) for window in windows]
        )
        for row in report.worst(count).iter_rows(named=True)
    ]


def _seconds(row: Mapping[str, int], window: Window) -> dict[str, int]:
    """Return a window's seconds; in reports of earlier versions nothing is excluded."""
    return {kind: row.get(f"{kind}_seconds_{window.name}", 0) for kind in KINDS}


def _figures(window: Window, seconds: Mapping[str, int]) -> Figures:
    words = {kind: duration(length) for kind, length in seconds.items()}
    return Figures(
        window=window,
        percent=percent(seconds["uptime"], seconds["downtime"]),
        uptime=words["uptime"],
        downtime=words["downtime"],
        unknown=words["unknown"],
        excluded=words["excluded"] if seconds["excluded"] else None,
        open=words["open"],
        shares=_shares(list(seconds.values())),
    )


def _shares(seconds: list[int]) -> tuple[tuple[str, float, float], ...]:
    """Return where each status begins and how long it is, in percent of the open time."""
    *parts, whole = seconds
    ends = [sum(parts[:place]) for place in range(len(parts) + 1)]
    return tuple(
        (status, round(100 * begin / whole, 3), round(100 * length / whole, 3))
        for status, begin, length in zip(STATUSES, ends, parts, strict=False)
        if length
    )
