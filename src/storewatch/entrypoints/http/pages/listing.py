"""A list of stores: a page of it, and all of it as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from storewatch.domain.instant import HOUR, WEEK
from storewatch.domain.nearest import nearest
from storewatch.domain.spans import STATUSES
from storewatch.entrypoints.http.pages import table
from storewatch.entrypoints.http.pages.fleet import KINDS
from storewatch.entrypoints.http.pages.rendering import pages_of
from storewatch.entrypoints.http.pages.view import MANY, Fleet, where_text
from storewatch.entrypoints.http.pages.week_bar import week_bar
from storewatch.entrypoints.wording import duration
from storewatch.formats.csv import divided, safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from storewatch.entrypoints.http.pages.current import Current
    from storewatch.entrypoints.http.pages.view import View

ROWS = 50  # a page
PIECE = 10_000  # rows of a file that are made at once
_SUGGESTED = 8


def listing(now: Current, view: View) -> dict[str, Any]:
    """Return what the page of a list shows that a view names.

    Raises:
        HTTPException: 422, a filter cannot be understood; 404, the page is beyond the last.
    """
    fleet = _fleet(now, view)
    places, filters = view.places(fleet)
    page = view.page or 1
    labels, zones, has_names = table.offered(now)
    looked_for = view.texts["q"].strip()
    return {
        "rows": _rows(fleet.rows[_of_page(places, page)], fleet),
        "count": places.len(),
        "first": (page - 1) * ROWS + 1,
        "page": page,
        "pages": pages_of(places.len(), rows=ROWS, shown=page),
        "filters": filters,
        "choices": [_choice(label, values, view) for label, values in labels.items()],
        "zones": [(name, name) for name in zones],
        "has_names": has_names,
        "nearest": nearest(looked_for, fleet.rows["store_id"]) if looked_for and not places.len() else [],
    }


def _fleet(now: Current, view: View) -> Fleet:
    return Fleet(rows=table.fleet_table(now), as_of=now.report.as_of, window=f"last_{view.window}")


def _of_page(places: pl.Series, page: int) -> pl.Series:
    pages_of(places.len(), rows=ROWS, shown=page)
    return places.slice((page - 1) * ROWS, ROWS)


def _choice(label: str, values: list[str], view: View) -> dict[str, Any]:
    """Return what the form offers of a label, as addresses have it, and what is chosen of that."""
    start = where_text(label, "")
    chosen = [text for name, text in view.filters if name == MANY and text.startswith(start)]
    texts = dict.fromkeys([*(start + value for value in values), start, *chosen])
    return {"label": label, "start": start, "texts": list(texts), "chosen": chosen}


def suggestions(now: Current, text: str) -> list[dict[str, str | None]]:
    """Return some stores in whose id or name a text is, first those whose id begins with it."""
    others = ~pl.col(table.SEARCHED).str.starts_with(text.strip().lower())
    stores = table.fleet_table(now).select("store_id", "store_name", table.SEARCHED)
    found = stores.filter(table.has(text.strip())).sort(others, maintain_order=True).head(_SUGGESTED)
    return found.drop(table.SEARCHED).to_dicts()


# ---------------------------------------------------------------- rows


def _rows(shown: pl.DataFrame, fleet: Fleet) -> list[dict[str, Any]]:
    labels = pl.concat_str(cs.starts_with(table.LABEL), separator=" · ", ignore_nulls=True)
    rows = shown.with_columns(
        *_figures(fleet.window), labels=labels if fleet.labels else pl.lit("")
    ).to_dicts()
    for row in rows:
        row["bar"] = None if row["week"] is None else _bar(row, fleet.as_of)
    return rows


def _figures(window: str) -> list[pl.Expr]:
    """Return the figures of a window that are no seconds, in hundredths."""
    return [
        table.uptime(window).alias("uptime"),
        table.change(window).alias("change"),
        table.measured(window).alias("measured"),
    ]


def _bar(row: Mapping[str, Any], as_of: int) -> str:
    """Return the week as a bar that says the report's figures of it."""
    *parts, whole = [row[f"{kind}_seconds_last_week"] for kind in KINDS]
    said = [f"{duration(length)} {status}" for status, length in zip(STATUSES, parts, strict=True) if length]
    words = f"{', '.join(said)}, of {duration(whole)} open" if whole else "not open"
    return week_bar(row["week"], (as_of - WEEK) // HOUR * HOUR, words)


# ---------------------------------------------------------------- files


def filed(now: Current, view: View) -> pl.DataFrame:
    """Return a list as its files have it: all pages, or the one that the view names.

    Whole seconds, percentages cut to hundredths (R6), instants as text. Changes are in percentage points.

    Raises:
        HTTPException: 422, a filter cannot be understood; 404, the page is beyond the last.
    """
    fleet = _fleet(now, view)
    places, _ = view.places(fleet)
    shown = places if view.page is None else _of_page(places, view.page)
    return fleet.rows[shown].select(_columns(fleet))


def _columns(fleet: Fleet) -> Iterator[pl.Expr]:
    yield from (pl.col("store_id"), pl.col("store_name"))
    yield from (pl.col(f"{table.LABEL}{label}").alias(label) for label in fleet.labels)
    closed = pl.col("is_closed")
    yield pl.col("state")
    yield pl.when(closed).then(pl.lit("yes")).when(~closed).then(pl.lit("no")).alias("is_closed")
    yield pl.col("since").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    names = ("uptime_percent", "uptime_percent_change", "measured_percent")
    for name, figure in zip(names, _figures(fleet.window), strict=True):
        yield figure.map_batches(divided, return_dtype=pl.Float64()).alias(f"{name}_{fleet.window}")
    yield from (table.seconds(figure, fleet.window) for figure in KINDS)
    yield from (pl.col("outages_last_week"), pl.col("longest_outage_seconds_last_week"))


def csv_pieces(rows: pl.DataFrame) -> Iterator[bytes]:
    """Yield the rows of a list as CSV; what people wrote is as `safe` writes it, labels' names too."""
    written = rows.select(cs.string() - cs.by_name("state", "is_closed", "since")).columns
    names = pl.DataFrame({"name": written}).select(safe("name")).to_series()
    for nth, piece in enumerate(rows.iter_slices(PIECE) if rows.height else [rows]):
        safely = piece.with_columns(map(safe, written)).rename(dict(zip(written, names, strict=True)))
        yield safely.write_csv(include_header=not nth, float_precision=2).encode()
