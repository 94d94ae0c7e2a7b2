"""A list of stores: a page of it in words, and all of it as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import polars.selectors as cs

from storewatch.domain.instant import HOUR, WEEK
from storewatch.domain.nearest import nearest
from storewatch.domain.spans import STATUSES
from storewatch.entrypoints.http.pages import table
from storewatch.entrypoints.http.pages.fleet import KINDS
from storewatch.entrypoints.http.pages.view import MANY, Fleet, where_text
from storewatch.entrypoints.http.pages.week_bar import week_bar
from storewatch.entrypoints.wording import duration
from storewatch.formats.csv import divided, safe
from storewatch.formats.workbook import sheet_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from markupsafe import Markup

    from storewatch.entrypoints.http.pages.current import Current
    from storewatch.entrypoints.http.pages.view import Filter, View

ROWS = 50  # a page
PIECE = 10_000  # rows of a file that are made at once
_SUGGESTED = 8


@dataclass(frozen=True, kw_only=True)
class Row:
    """A store in words; a dash is for what is not known."""

    store_id: str
    name: str
    labels: str
    state: str | None  # None: not open in the week
    is_closed: bool
    since: str
    since_utc: str | None  # None: all of the week
    uptime: str
    change: str
    trend: str  # a class of the style sheet
    bar: Markup | None
    longest: str
    outages: str
    measured: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A label in the form."""

    label: str
    values: list[tuple[str, str]]  # as an address has it, and in words
    chosen: str | None
    more: list[str]  # values that are chosen too


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A page of a list."""

    rows: list[Row]
    count: int
    first: int  # place of the first row, from 1
    page: int
    pages: int
    filters: list[Filter]
    choices: list[Choice]
    offered: table.Offered
    nearest: list[str]  # ids that are like what was looked for, if nothing was found

    @property
    def zones(self) -> list[tuple[str, str]]:
        """Return the zones as the form offers them."""
        return [(name, name) for name in self.offered.zones]

    @property
    def last(self) -> int:
        """Return the place of the last row."""
        return self.first + len(self.rows) - 1


def listing(now: Current, view: View) -> Listing:
    """Return the page of a list that a view names; one beyond the last is the last.

    Raises:
        HTTPException: 422, a filter cannot be understood.
    """
    fleet, offered = _fleet(now, view), table.offered(now)
    places, filters = view.places(fleet)
    pages = max(1, -(-places.len() // ROWS))
    page = min(view.page or 1, pages)
    looked_for = view.texts["q"].strip()
    return Listing(
        rows=_rows(fleet.rows[_of_page(places, page)], fleet),
        count=places.len(),
        first=(page - 1) * ROWS + 1,
        page=page,
        pages=pages,
        filters=filters,
        choices=[_choice(label, values, view) for label, values in offered.labels.items()],
        offered=offered,
        nearest=nearest(looked_for, fleet.rows["store_id"]) if looked_for and not places.len() else [],
    )


def _fleet(now: Current, view: View) -> Fleet:
    return Fleet(rows=table.fleet_table(now), as_of=now.report.as_of, window=f"last_{view.window}")


def _of_page(places: pl.Series, page: int) -> pl.Series:
    return places.slice((page - 1) * ROWS, ROWS)


def _choice(label: str, values: list[str], view: View) -> Choice:
    known = {where_text(label, value): value or "(none)" for value in (*values, "")}
    start = where_text(label, "")
    chosen = [text for name, text in view.filters if name == MANY and text.startswith(start)]
    known |= {text: text.removeprefix(start) for text in chosen[:1] if text not in known}
    return Choice(label=label, values=list(known.items()), chosen=next(iter(chosen), None), more=chosen[1:])


def suggestions(now: Current, text: str) -> list[dict[str, str | None]]:
    """Return some stores in whose id or name a text is; first ids that begin with it, then names."""
    rows, text = table.fleet_table(now), text.strip()
    found = rows.filter(table.has(text)).sort(table.rank(text), maintain_order=True).head(_SUGGESTED)
    return found.select("store_id", "store_name").to_dicts()


# ---------------------------------------------------------------- rows


def _rows(shown: pl.DataFrame, fleet: Fleet) -> list[Row]:
    figures = shown.with_columns(_figures(fleet.window))
    return [_row(row, fleet) for row in figures.iter_rows(named=True)]


def _figures(window: str) -> list[pl.Expr]:
    """Return the figures of a window that are no seconds, in hundredths."""
    return [
        table.uptime(window).alias("uptime"),
        table.change(window).alias("change"),
        table.measured(window).alias("measured"),
    ]


def _row(row: Mapping[str, Any], fleet: Fleet) -> Row:
    change, since, longest, outages = (
        row[name] for name in ("change", "since", "longest_outage_seconds_last_week", "outages_last_week")
    )
    labels = (row[f"{table.LABEL}{label}"] for label in table.labels_of(fleet.rows))
    return Row(
        store_id=row["store_id"],
        name=row["store_name"] or "",
        labels=" · ".join(label for label in labels if label),
        state=row["state"],
        is_closed=bool(row["is_closed"]),
        since="–" if row["state"] is None else "all week" if since is None else f"{since:%-d %b %H:%M}",
        since_utc=None if since is None else f"{since:%Y-%m-%dT%H:%M:%SZ}",
        uptime=_percent(row["uptime"]),
        change="–" if change is None else f"{change / 100:+.2f}".replace("-", "−") if change else "0.00",
        trend="worse" if (change or 0) < 0 else "better" if change else "",
        bar=_bar(row, fleet.as_of),
        longest="–" if longest is None else duration(longest),
        outages="–" if outages is None else f"{outages:,}",
        measured=_percent(row["measured"]),
    )


def _percent(hundredths: int | None) -> str:
    return "–" if hundredths is None else f"{hundredths // 100}.{hundredths % 100:02} %"


def _bar(row: Mapping[str, Any], as_of: int) -> Markup | None:
    """Return the week as a bar that says the report's figures of it."""
    if row["week"] is None:
        return None
    *parts, whole = [row[f"{kind}_seconds_last_week"] for kind in KINDS]
    said = [f"{duration(length)} {status}" for status, length in zip(STATUSES, parts, strict=True) if length]
    words = f"{', '.join(said)}, of {duration(whole)} open" if whole else "not open"
    return week_bar(row["week"], (as_of - WEEK) // HOUR * HOUR, words)


# ---------------------------------------------------------------- files


def filed(now: Current, view: View) -> pl.DataFrame:
    """Return a list as its files have it: all pages, or the one that the view names.

    Whole seconds, percentages cut to hundredths (R6), instants as text. Changes are in percentage points.

    Raises:
        HTTPException: 422, a filter cannot be understood.
    """
    fleet = _fleet(now, view)
    places, _ = view.places(fleet)
    if view.page is not None:
        places = _of_page(places, min(view.page, max(1, -(-places.len() // ROWS))))
    return fleet.rows[places].select(_columns(fleet))


def _columns(fleet: Fleet) -> Iterator[pl.Expr]:
    window = fleet.window
    yield from (pl.col("store_id"), pl.col("store_name"))
    yield from (pl.col(f"{table.LABEL}{label}").alias(label) for label in table.labels_of(fleet.rows))
    closed = pl.col("is_closed")
    yield pl.col("state")
    yield pl.when(closed).then(pl.lit("yes")).when(~closed).then(pl.lit("no")).alias("is_closed")
    yield pl.col("since").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    names = {"uptime": "uptime_percent", "change": "uptime_percent_change", "measured": "measured_percent"}
    for figure in _figures(window):
        name = f"{names[figure.meta.output_name()]}_{window}"
        yield figure.map_batches(divided, return_dtype=pl.Float64()).alias(name)
    yield from (table.seconds(figure, window) for figure in KINDS)
    yield from (pl.col("outages_last_week"), pl.col("longest_outage_seconds_last_week"))


def csv_pieces(rows: pl.DataFrame) -> Iterator[bytes]:
    """Yield the rows of a list as CSV; what people wrote is as `safe` writes it, labels' names too."""
    written = rows.select(cs.string() - cs.by_name("state", "is_closed", "since")).columns
    names = pl.DataFrame({"name": written}).select(safe("name")).to_series()
    for nth, piece in enumerate(rows.iter_slices(PIECE) if rows.height else [rows]):
        safely = piece.with_columns(map(safe, written)).rename(dict(zip(written, names, strict=True)))
        yield safely.write_csv(include_header=not nth, float_precision=2).encode()


def xlsx_bytes(rows: pl.DataFrame, as_of: int) -> bytes:
    """Return the rows of a list as a workbook."""
    return sheet_bytes(rows, "Stores", as_of)
