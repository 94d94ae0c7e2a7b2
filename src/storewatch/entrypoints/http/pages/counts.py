"""The figures of the overview: counts that lead to the stores behind them, and how their uptime spreads.

All of it is of the report's rows and what lies beside them, so it is worked out once for a report.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import polars as pl

from storewatch.entrypoints.http.pages import table
from storewatch.entrypoints.http.pages.changes import Change, Sentence, Sums, changes
from storewatch.entrypoints.http.pages.fleet import fleet_figures, worst_stores
from storewatch.entrypoints.http.pages.rendering import list_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from storewatch.entrypoints.http.pages.current import Current
    from storewatch.entrypoints.http.pages.fleet import Figures, StoreRow

WORST = 10  # stores
EDGES = (100, 99, 95, 90, 50)  # percent, of the bands of uptime


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many stores are something that somebody should look at."""

    name: str
    title: str
    means: str
    stores: int | None  # None: not known
    change: Change | None  # None: what was before is not known
    url: str


@dataclass(frozen=True, kw_only=True)
class Band:
    """How many stores' uptime of the week lies between two percentages."""

    title: str
    stores: int
    share: float = 0  # of the fullest band, in percent
    below: str | None = None  # how many are below its upper edge; None: it has none
    url: str | None = None  # of these


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What the overview shows of a report."""

    counts: list[Count]
    changes: list[Sentence]
    findings: int
    notes: tuple[str, ...]
    is_before_known: bool
    figures: list[Figures]
    moved: dict[str, Change | None]  # by window
    bands: list[Band]
    worst: list[StoreRow]
    names: dict[str, str | None]  # of these
    is_mostly_unknown: bool


@dataclass(frozen=True, kw_only=True)
class _Of:
    """A report, by its job; what lies at its key never changes."""

    job: str
    now: Current = field(compare=False)


def overview_of(now: Current) -> Whole:
    """Return what the overview shows of a report."""
    return _whole(_Of(job=now.job.id, now=now))


@lru_cache(maxsize=4)
def _whole(of: _Of) -> Whole:
    now, rows = of.now, table.fleet_table(of.now)
    [sums] = rows.select(column for name in WINDOWS for column in Sums.columns(name)).to_dicts()
    windows = {name: Sums.of(sums, name) for name in WINDOWS}
    is_before_known = windows[table.WEEK].is_before_known
    worst = worst_stores(now.report, WORST)
    ids = [store.store_id for store in worst]
    return Whole(
        counts=list(_counts(rows, now, is_before_known=is_before_known)),
        changes=changes(rows, now.overview.findings if now.overview else [], now.query),
        findings=len(now.overview.findings) if now.overview else 0,
        notes=now.report.notes,
        is_before_known=is_before_known,
        figures=fleet_figures(now.report),
        moved={name: _moved(sums, name.removeprefix("last_")) for name, sums in windows.items()},
        bands=_bands(rows, now.query),
        worst=worst,
        names=dict(rows.filter(pl.col("store_id").is_in(ids)).select("store_id", "store_name").iter_rows()),
        is_mostly_unknown=now.report.is_mostly_unknown,
    )


WINDOWS = ("last_hour", "last_day", "last_week")


def _moved(sums: Sums, window: str) -> Change | None:
    if not sums.is_known:
        return Change(words="of what is known: most of it is not", more=0, is_worse=False)
    return None if sums.moved is None else Change.of_share(sums.moved, than=f"the {window} before")


def _counts(rows: pl.DataFrame, now: Current, *, is_before_known: bool) -> Iterator[Count]:
    query, has_state = now.query, "state" in now.report.rows.columns
    ago, before = "a week ago", "the week before"

    def count(which: pl.Expr) -> int:
        return int(rows.select(which.sum()).item())

    def change(now: pl.Expr, then: pl.Expr, than: str) -> Change | None:
        return Change.of_count(count(now), count(then), than=than) if is_before_known else None

    yield Count(
        name="down",
        title="down now",
        means="should be open, but down",
        stores=count(table.is_down()) if has_state else None,
        change=change(table.is_down(), table.is_down("_before"), ago) if has_state else None,
        url=list_url(query, state="down"),
    )
    yield Count(
        name="below",
        title="below target",
        means=f"over the week; {table.TARGET:g} % where none is set",
        stores=count(table.is_below()),
        change=change(table.is_below(), table.is_below(end="_before"), before),
        url=list_url(query, below="target"),
    )
    yield Count(
        name="no-data",
        title="without data",
        means="unknown all week",
        stores=count(table.has_no_data()),
        change=change(table.has_no_data(), table.has_no_data(end="_before"), before),
        url=list_url(query, only="no-data"),
    )
    yield Count(
        name="silent",
        title="silent",
        means="not polled for far longer than usual",
        stores=count(table.is_silent()) if now.overview else None,
        change=None,
        url=list_url(query, only="silent"),
    )


def _bands(rows: pl.DataFrame, query: Mapping[str, str]) -> list[Band]:
    """Return the bands from the best to the worst, then the stores that are in none."""
    up, down = table.seconds("uptime"), table.seconds("downtime")
    [found] = rows.select(
        *(table.is_below(edge).sum().alias(str(edge)) for edge in EDGES),
        known=(up + down > 0).sum(),
        unknown=table.has_no_data().sum(),
        closed=(table.seconds("open") == 0).sum(),
    ).to_dicts()
    below = {edge: found[str(edge)] for edge in EDGES}
    planned = rows.height - found["known"] - found["unknown"] - found["closed"]
    bands = [
        Band(title="100 %", stores=found["known"] - below[EDGES[0]]),
        *(
            Band(
                title=f"{lower}–{edge} %",
                stores=below[edge] - below.get(lower, 0),
                below=f"{below[edge]:,} below {edge} %",
                url=list_url(query, below=str(edge)),
            )
            for edge, lower in zip(EDGES, (*EDGES[1:], 0), strict=True)
        ),
        Band(title="Nothing known", stores=found["unknown"], url=list_url(query, only="no-data")),
        *([Band(title="Planned downtime", stores=planned)] if planned else []),
        *([Band(title="Closed all week", stores=found["closed"])] if found["closed"] else []),
    ]
    most = max(1, *(band.stores for band in bands))
    return [replace(band, share=round(100 * band.stores / most, 2)) for band in bands]
