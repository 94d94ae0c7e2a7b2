"""What is checked of each kind of facts, in one table beside that of the kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.kinds import HOURS, POLLS, ZONES, Kind
from storewatch.ingest.hours import check_hours
from storewatch.ingest.polls import check_polls
from storewatch.ingest.rejects import Codes, Reason
from storewatch.ingest.zones import check_zones

if TYPE_CHECKING:
    from collections.abc import Callable

Checked = tuple[pl.DataFrame, Codes]  # the kind's rows, one for each that was given, and the reason of each


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What a kind is checked for.

    `rows` takes the kind's columns by our names (String, or what their forms allow; nulls allowed). What it
    cannot read in a row to be rejected is null at least in the columns that make a unit.
    """

    rows: Callable[[pl.DataFrame], Checked]
    clash: Reason | None = None  # of rows that contradict each other; None: no two can


CHECKS = {HOURS.name: Checks(rows=check_hours), ZONES.name: Checks(rows=check_zones, clash=Reason.TWO_ZONES)}


def check(kind: Kind, columns: pl.DataFrame, latest: float | None) -> Checked:
    """Check columns of a kind; `latest` is in microseconds, None if no poll is too late."""
    return check_polls(columns, latest) if kind is POLLS else CHECKS[kind.name].rows(columns)


def clash_of(kind: Kind) -> Reason | None:
    """Return why rows of a kind that contradict each other are rejected; None: they are not."""
    return None if kind is POLLS else CHECKS[kind.name].clash
