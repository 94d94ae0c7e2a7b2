"""What the pages show of a whole fleet beside its report: frames in, frames out.

The week of a store is a text with a letter for each UTC hour, and the hours of many stores are summed up by
the weekday and hour of two clocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.findings import ZONE
from storewatch.domain.instant import HOUR, WINDOWS
from storewatch.domain.kinds import EVERY_STORE, LABELS, NAME, TARGET
from storewatch.domain.zone import offset_spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from storewatch.domain.facts import Facts
    from storewatch.domain.findings import Week
    from storewatch.domain.hours import Columns

# The letters of hours: of the status with most seconds, the first of equal ones; then of what is carried.
# Each next eight are those of hours in which, too, some seconds are down; some are not measured; both.
_EIGHTS = ("D?Uxd?ux", "DqVydqvy", "E?Wzd?uz", "EqYkdqvk")
LETTERS = "".join(_EIGHTS)
DOWN, UNMEASURED = {*_EIGHTS[1], *_EIGHTS[3]}, {*_EIGHTS[2], *_EIGHTS[3]}  # of hours with any such second
PLAIN = dict(zip(LETTERS, 4 * _EIGHTS[0], strict=True))  # letters to those of the status alone
LABEL = "label:"  # begins the column of each
CLOSED = "."  # the letter of an hour without open time
SUMMED = ("open", "downtime", "unknown", "excluded", "measured")
CLOCKS = ("utc", "local")
CELLS = 7 * 24  # weekday, Monday first, and hour
MOST_VALUES = 50  # of a label, whose hours are summed up

_THURSDAY = 3  # 1 January 1970
_FIGURES = ("uptime", "downtime", "unknown", "open", "excluded")
BEFORE: dict[str, pl.DataType] = {
    **{f"{figure}_seconds_last_{name}_before": pl.Int64() for figure in _FIGURES for name in WINDOWS},
    "state_before": pl.String(),
    "is_closed_before": pl.Boolean(),
}
OWN: dict[str, pl.DataType] = {
    "store_id": pl.String(),
    "store_name": pl.String(),
    "timezone_str": pl.String(),
    "target_percent": pl.Float64(),
}


def own_words(facts: Facts, names: pl.Series, zones: Sequence[str]) -> pl.DataFrame:
    """Return what some stores (whose zones these are) are called, promised and grouped by.

    Returns:
        `OWN`, and a column `label:NAME` for each label that one of them has, by code point; null: none.
    """
    held = facts.of(LABELS).filter((pl.col("value") != "") & pl.col("store_id").is_in(names.implode()))
    name = (
        pl.when(pl.col("label") == NAME)
        .then(pl.lit("store_name"))
        .when(pl.col("label") == TARGET)
        .then(pl.lit("target_percent"))
        .otherwise(pl.lit(LABEL) + pl.col("label"))
    )
    wide = held.select("store_id", name=name, value="value").pivot("name", index="store_id", values="value")
    lacking = [
        pl.lit(None, pl.String).alias(each) for each in OWN if each not in {*wide.columns, "timezone_str"}
    ]
    rows = pl.DataFrame({"store_id": names, "timezone_str": pl.Series(zones, dtype=pl.String)})
    joined = rows.join(wide.with_columns(lacking), on="store_id", how="left", maintain_order="left")
    labels = sorted(each for each in wide.columns if each.startswith(LABEL))
    return joined.select(*(pl.col(each).cast(dtype) for each, dtype in OWN.items()), *labels)


def week_letters(week: Week, columns: Columns) -> pl.Series:
    """Return a letter for each UTC hour of each store's week.

    Of an hour in which several things hold it is that of the status with most seconds, a small one where
    most of these are carried; it also tells whether any second is down, or any that counts is not measured
    (R12), so that who is listed for an hour is who its sums are of.
    """
    up, down, unknown, excluded, low, measured = (
        columns[f"{figure}_seconds"]
        for figure in ("uptime", "downtime", "unknown", "excluded", "low", "measured")
    )
    seconds = np.stack((down, unknown, up, excluded))
    most = seconds.argmax(axis=0)
    known_down = columns["open_seconds"] - excluded - columns["high_seconds"]
    is_pale = np.where(most == LETTERS.index("D"), 2 * (down - known_down) > down, 2 * (up - low) > up)
    letters = np.full(len(week.names) * week.hours, ord(CLOSED), dtype=np.uint8)
    is_unmeasured = columns["open_seconds"] - excluded > measured
    letters[week.store * week.hours + week.hour] = np.frombuffer(LETTERS.encode(), np.uint8).take(
        most + 4 * is_pale + 8 * (down > 0) + 16 * is_unmeasured
    )
    text = letters.tobytes().decode()
    return pl.Series([text[at : at + week.hours] for at in range(0, len(text), week.hours)], dtype=pl.String)


def largest_values(sizes: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the values of labels whose hours are summed up, all stores first: label, value.

    Args:
        sizes: What `group_sizes` returns, of all slices.
    """
    largest = (
        pl.concat(sizes)
        .filter(~pl.col("label").is_in([EVERY_STORE, ZONE]))
        .group_by("label", "value")
        .agg(pl.col("stores").sum())
        .sort("label", "stores", "value", descending=[False, True, False])
        .group_by("label", maintain_order=True)
        .head(MOST_VALUES)
    )
    whole = pl.DataFrame({"label": [EVERY_STORE], "value": [""]})
    return pl.concat([whole, largest.select("label", "value")])


def hour_sums(
    week: Week, columns: Columns, groups: Iterable[NDArray[np.int64]], zones: Sequence[str], *, count: int
) -> NDArray[np.int64]:
    """Sum up the seconds of stores by the hours of the two clocks (R14).

    Args:
        week: Of a slice.
        columns: The same.
        groups: What `Week.groups` yields.
        zones: Of its stores.
        count: Of groups.

    Returns:
        [groups, clocks, cells, `SUMMED`]
    """
    names, zone = np.unique(np.array(zones, dtype=np.str_), return_inverse=True)
    cells = np.array([_cells(name, week.begin, week.hours) for name in ("UTC", *names.tolist())])
    rows = np.zeros((len(week.names), week.hours, len(SUMMED)), dtype=np.int32)
    rows[week.store, week.hour] = np.column_stack([columns[f"{name}_seconds"] for name in SUMMED])
    sums = np.zeros((count + 1, len(CLOCKS), CELLS, len(SUMMED)), dtype=np.int64)
    for group in groups if len(week.names) else ():
        kind = group * len(names) + zone
        order = np.argsort(kind, kind="stable")
        kinds, first = np.unique(kind.take(order), return_index=True)
        parts = [rows.take(own, axis=0).sum(axis=0, dtype=np.int64) for own in np.split(order, first[1:])]
        whose, where = np.divmod(kinds, max(len(names), 1))
        for clock, shown in enumerate((np.zeros_like(where), where + 1)):
            np.add.at(sums, (whose[:, np.newaxis], clock, cells.take(shown, axis=0)), np.array(parts))
    return sums[:count]


def _cells(zone: str, begin: int, hours: int) -> NDArray[np.int64]:
    """Return the weekday and hour that a zone's wall clock shows at the first second of each hour."""
    at = begin + HOUR * np.arange(hours)
    local = at.copy()
    for low, high, offset in offset_spans(zone, begin, begin + hours * HOUR):
        local[(at >= low) & (at < high)] += offset
    return (local // HOUR + _THURSDAY * 24) % CELLS


def hour_rows(sums: NDArray[np.int64], groups: pl.DataFrame) -> pl.DataFrame:
    """Return the sums of all slices as rows: label, value, clock, cell and `SUMMED` (Int64).

    All stores have an empty label; cells without open time are left out.
    """
    group, clock, cell = (place.ravel() for place in np.indices(sums.shape[:3]))
    named = groups.with_columns(pl.col("label").replace(EVERY_STORE, "")).select(pl.all().gather(group))
    told = {"clock": pl.Series(CLOCKS).gather(clock), "cell": pl.Series(cell)}
    figures = {name: pl.Series(sums[..., nth].ravel()) for nth, name in enumerate(SUMMED)}
    return named.with_columns(**told, **figures).filter(pl.col("open") > 0)
