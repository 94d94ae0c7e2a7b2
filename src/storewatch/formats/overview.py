"""What the pages show of a whole fleet, as it lies on the shelf beside the report that it is about."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from storewatch.formats.names import beside_for_pages
from storewatch.formats.published import content

if TYPE_CHECKING:
    from storewatch.ports.shelf import ReportShelf


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What the pages show of all stores that the report's rows do not say."""

    # A row a store, in the report's order: store_id, store_name, timezone_str (that which counts),
    # target_percent; `label:NAME` for each label (null: none); the seconds of the windows before, `…_before`,
    # and what the store was a week earlier, state_before and is_closed_before (all null: polls of then are
    # not kept); silent_since (UTC; null: it is not silent); week: a letter for each UTC hour, as
    # `week_letters`, from that of a week before the as-of on.
    stores: pl.DataFrame
    # Seconds by weekday and hour: label ("": all stores), value, clock (utc or local), cell (weekday · 24 +
    # hour, Monday 0), open, downtime, unknown, excluded, measured (Int64); only cells with open time.
    hours: pl.DataFrame
    findings: list[dict[str, Any]]  # what there is to be looked at, in plain values, the most harmful first


def publish_overview(shelf: ReportShelf, key: str, overview: Overview) -> None:
    """Put it beside the report whose CSV lies at `key`; raises what the shelf does."""
    for part, rows in (("stores", overview.stores), ("hours", overview.hours)):
        rows.write_parquet(buffer := io.BytesIO())
        shelf.publish(beside_for_pages(key, part, "parquet"), [buffer.getvalue()])
    findings = json.dumps(overview.findings, ensure_ascii=False).encode()
    shelf.publish(beside_for_pages(key, "findings", "json"), [findings])


def published_overview(shelf: ReportShelf, key: str) -> Overview | None:
    """Return what lies beside the report whose CSV lies at `key`; None: some of it is not there."""
    stores, hours = (content(shelf, beside_for_pages(key, part, "parquet")) for part in ("stores", "hours"))
    findings = content(shelf, beside_for_pages(key, "findings", "json"))
    if stores is None or hours is None or findings is None:
        return None
    return Overview(
        stores=pl.read_parquet(io.BytesIO(stores)),
        hours=pl.read_parquet(io.BytesIO(hours)),
        findings=json.loads(findings),
    )
