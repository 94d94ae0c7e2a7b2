"""What is checked of each kind of facts, in one table beside that of the kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.kinds import ANNOTATIONS, EXCEPTIONS, HOURS, LABELS, POLLS, ZONES, Kind
from storewatch.ingest.annotations import check_annotations
from storewatch.ingest.exceptions import check_exceptions, open_and_closed
from storewatch.ingest.hours import check_hours
from storewatch.ingest.labels import STORES, check_stores, doubled
from storewatch.ingest.polls import check_polls
from storewatch.ingest.rejects import Codes, Reason
from storewatch.ingest.zones import check_zones

if TYPE_CHECKING:
    from collections.abc import Callable

    from storewatch.domain.kinds import Schema

Checked = tuple[pl.DataFrame, Codes]  # the kind's rows, one for each that was given, and the reason of each


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What a kind is checked for.

    `rows` takes the kind's columns by our names (String, or what their forms allow; nulls allowed). What it
    cannot read in a row to be rejected is null at least in the columns that make a unit.
    """

    rows: Callable[[pl.DataFrame], Checked]
    schema: Schema | None = None  # of these rows; None: the kind's whole schema
    clash: Reason | None = None  # of rows that contradict each other; None: no two can
    # Takes distinct rows, returns what those have in common that do; None: those that agree in the kind's key
    clashing: Callable[[pl.DataFrame], pl.DataFrame] | None = None


CHECKS = {
    HOURS.name: Checks(rows=check_hours),
    EXCEPTIONS.name: Checks(rows=check_exceptions, clash=Reason.OPEN_AND_CLOSED, clashing=open_and_closed),
    ANNOTATIONS.name: Checks(rows=check_annotations, clash=Reason.TWO_NOTES),
    LABELS.name: Checks(rows=check_stores, schema=STORES, clash=Reason.TWO_STORES, clashing=doubled),
    ZONES.name: Checks(rows=check_zones, clash=Reason.TWO_ZONES),
}


def check(kind: Kind, columns: pl.DataFrame, latest: float | None) -> Checked:
    """Check columns of a kind; `latest` is in microseconds, None if no poll is too late."""
    if kind is POLLS:
        return check_polls(columns, latest)
    if not kind.has_labels:  # of which a load keeps what a file lacks
        names = [column.name for column in kind.columns if column.may_lack]
        lacking = [name for name in names if name not in columns.columns]
        columns = columns.with_columns(pl.lit(None, pl.String).alias(name) for name in lacking)
    return CHECKS[kind.name].rows(columns)


def checked_schema(kind: Kind) -> Schema:
    """Return the schema of a kind's rows as they are checked."""
    return (None if kind is POLLS else CHECKS[kind.name].schema) or kind.whole


def clash_of(kind: Kind) -> Reason | None:
    """Return why rows of a kind that contradict each other are rejected; None: they are not."""
    return None if kind is POLLS else CHECKS[kind.name].clash


def clashing(kind: Kind, distinct: pl.DataFrame) -> pl.DataFrame:
    """Return what those rows have in common, out of distinct ones, that contradict each other."""
    found = CHECKS[kind.name].clashing
    if found is not None:
        return found(distinct)
    return distinct.group_by(kind.key).len().filter(pl.col("len") > 1).drop("len")
