"""Targets, and a report's rows by a label (R10): frames in, frames out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.kinds import LABELS, TARGET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from storewatch.domain.facts import Facts
    from storewatch.domain.label import Where
    from storewatch.domain.window import Window

_WHOLE = 100_000  # 100 % in thousandths
_NOT_SUMMED = ("allowed_", "left_", "longest_")


def targets(facts: Facts) -> pl.DataFrame:
    """Return the targets that stores have: store_id, thousandths (of a percent, Int64)."""
    labels = facts.of(LABELS)
    if labels.is_empty():
        return pl.DataFrame(schema={"store_id": pl.String, "thousandths": pl.Int64})
    held = labels.filter((pl.col("label") == TARGET) & (pl.col("value") != ""))
    thousandths = (pl.col("value").cast(pl.Float64) * 1_000).round().cast(pl.Int64)
    return held.select("store_id", thousandths=thousandths)


def judged(rows: pl.DataFrame, windows: Sequence[Window], *, before: str) -> pl.DataFrame:
    """Return rows with a verdict on each window and no longer `thousandths`, where the targets are.

    Args:
        rows: With the seconds of each window, and thousandths (Int64, null: no target).
        windows: Of the rows.
        before: The column before which `target_percent` and the verdicts go.

    Returns:
        The rows with target_percent (Float64) and, for each window, met_… (Boolean, null: no verdict),
        allowed_seconds_… and left_seconds_… (Int64), all null where there is no target.
    """
    place = rows.columns.index(before) if before in rows.columns else len(rows.columns)
    verdicts = [verdict for window in windows for verdict in _verdict(window.name)]
    found = rows.with_columns((pl.col("thousandths") / 1_000).alias("target_percent"), *verdicts)
    new = found.columns[len(rows.columns) :]
    order = [*rows.columns[:place], *new, *rows.columns[place:]]
    return found.select(name for name in order if name != "thousandths")


def _verdict(name: str) -> Iterator[pl.Expr]:
    def seconds(figure: str) -> pl.Expr:
        return pl.col(f"{figure}_seconds_{name}")

    target, known = pl.col("thousandths"), seconds("uptime") + seconds("downtime")
    decided = seconds("measured") + seconds("stated_up") + seconds("stated_down")
    is_known = (known > 0) & (2 * decided >= seconds("open") - seconds("excluded"))
    allowed = known * (_WHOLE - target) // _WHOLE
    yield pl.when(is_known).then(_WHOLE * seconds("uptime") >= target * known).alias(f"met_{name}")
    yield allowed.alias(f"allowed_seconds_{name}")
    yield (allowed - seconds("downtime")).alias(f"left_seconds_{name}")


def grouped(rows: pl.DataFrame, facts: Facts, label: str, windows: Sequence[Window]) -> pl.DataFrame:
    """Add up rows by the values of a label, as `summed` does.

    Args:
        rows: Of `account`.
        facts: Those that it was made of.
        label: As names of columns are matched.
        windows: Of the rows.
    """
    held = facts.of(LABELS).filter(pl.col("label") == label).select("store_id", "value")
    labelled = rows.join(held, on="store_id", how="left").join(targets(facts), on="store_id", how="left")
    return summed(labelled, windows)


def summed(rows: pl.DataFrame, windows: Sequence[Window]) -> pl.DataFrame:
    """Add up rows by their value, stores of different targets apart, so that slices can be added.

    Args:
        rows: Of `account`, with value (null: none) and thousandths (their target, Int64; null: none).
        windows: Of the rows.

    Returns:
        value ("": stores without one), thousandths (their target; null: none), stores, met, missed,
        no_verdict (by the week if it is asked for, else by the last window) and the sums of seconds, Int64.
    """
    sums = [name for name in rows.columns if "_seconds_" in name and not name.startswith(_NOT_SUMMED)]
    names = [window.name for window in windows]
    met = f"met_{'last_week' if 'last_week' in names else names[-1]}"
    verdict = pl.col(met) if met in rows.columns else pl.lit(None, dtype=pl.Boolean)
    return (
        rows.with_columns(pl.col("value").fill_null(""), verdict=verdict)
        .group_by("value", "thousandths")
        .agg(
            stores=pl.len().cast(pl.Int64),
            met=pl.col("verdict").sum().cast(pl.Int64),
            missed=(~pl.col("verdict")).sum().cast(pl.Int64),
            no_verdict=pl.col("verdict").null_count().cast(pl.Int64),
            **{name: pl.col(name).sum() for name in sums},
        )
    )


def added(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Add up what `grouped` returns of several slices."""
    return pl.concat(parts).group_by("value", "thousandths").agg(pl.all().sum())


def group_table(sums: pl.DataFrame, label: str, windows: Sequence[Window]) -> pl.DataFrame:
    """Return a report's rows by a label (R10).

    Args:
        sums: What `grouped` returns, of all slices.
        label: What the column of values is to be called.
        windows: As for `grouped`.

    Returns:
        label, stores, met, missed, no_verdict, the sums of seconds and, if some store has a target, verdicts
        where all stores of a value have one and the same; by code point of the value.
    """
    target = pl.col("thousandths")
    groups = (
        sums.group_by(pl.col("value").alias(label))
        .agg(
            pl.exclude("value", "thousandths").sum(),
            pl.when(target.n_unique() == 1).then(target.first()),
        )
        .sort(label)
    )
    if sums["thousandths"].null_count() == sums.height:
        return groups.drop("thousandths")
    return judged(groups, windows, before=f"uptime_seconds_{windows[0].name}_before")


def having(names: pl.Series, facts: Facts, where: Where) -> pl.Series:
    """Return those of some stores (String) that have one of the wanted values of each label; "": none."""
    for label, values in where:
        held = facts.of(LABELS).filter((pl.col("label") == label) & (pl.col("value") != ""))
        wanted = held.filter(pl.col("value").is_in(values))["store_id"]
        has = names.is_in(wanted.implode())
        if "" in values:
            has |= ~names.is_in(held["store_id"].implode())
        names = names.filter(has)
    return names
