"""Targets, and reports by a label (R10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from storewatch.checking.reference.stores import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.domain.window import Window

_WHOLE = 100_000  # 100 % in thousandths


def judge(counts: Mapping[str, int], target: int) -> dict[str, bool | int | None]:
    """Say whether seconds meet a target (thousandths of a percent), and how much downtime it allows.

    Returns:
        met (None: no verdict), allowed_seconds, left_seconds (negative when missed).
    """
    up, down = counts["uptime"], counts["downtime"]
    decided = counts["measured"] + counts["stated_up"] + counts["stated_down"]
    is_known = up + down > 0 and 2 * decided >= counts["open"] - counts["excluded"]
    allowed = (up + down) * (_WHOLE - target) // _WHOLE
    return {
        "met": _WHOLE * up >= target * (up + down) if is_known else None,
        "allowed_seconds": allowed,
        "left_seconds": allowed - down,
    }


def by_label(
    report: pd.DataFrame, facts: Facts, ask: Ask, label: str, windows: Sequence[Window]
) -> pd.DataFrame:
    """Add up what `account` says by the values of a label, the stores without one under "".

    Returns:
        label, stores, met, missed, no_verdict (by the week if it is asked for, else by the last window), and
        the report's columns of seconds and targets; in order of the values by code point.
    """
    stores = load(facts, ask)
    values = [store.labels.get(label, "") for store in stores]
    targets = {
        value: {store.target for store, its in zip(stores, values, strict=True) if its == value}
        for value in values
    }
    rows = [
        _group(label, value, report[[its == value for its in values]], targets[value], windows)
        for value in sorted(targets)
    ]
    columns = [column for column in report.columns if _adds_up(column) or _is_judged(column)]
    types = {column: report[column].dtype for column in columns}
    first = [label, "stores", "met", "missed", "no_verdict"]
    frame = pd.DataFrame(rows, columns=[*first, *columns], dtype="object")
    return frame.astype(types | dict.fromkeys(first[1:], "int64"))


def _group(
    label: str, value: str, part: pd.DataFrame, targets: set[int | None], windows: Sequence[Window]
) -> dict[str, object]:
    sums = {column: int(part[column].sum()) for column in part.columns if _adds_up(column)}
    row: dict[str, object] = {label: value, "stores": len(part), **sums}
    names = [window.name for window in windows]
    week = "last_week" if "last_week" in names else names[-1]
    met = part[f"met_{week}"] if f"met_{week}" in part else pd.Series(dtype="boolean")
    row |= {"met": int((met == True).sum()), "missed": int((met == False).sum())}  # noqa: E712 - nulls are neither
    row["no_verdict"] = len(part) - int(met.notna().sum())
    (target,) = targets if len(targets) == 1 else (None,)
    if target is not None:
        row["target_percent"] = target / 1_000
        for name in names:
            counts = {
                column.removesuffix(f"_seconds_{name}"): count
                for column, count in sums.items()
                if column.endswith(f"_seconds_{name}")
            }
            row |= {f"{column}_{name}": judged for column, judged in judge(counts, target).items()}
    return row


def _adds_up(column: str) -> bool:
    return "_seconds_" in column and not column.startswith(("allowed_", "left_", "longest_"))


def _is_judged(column: str) -> bool:
    return column == "target_percent" or column.startswith(("met_", "allowed_", "left_"))
