"""Reports as CSV (R7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

UNITS = {"hour": 60, "day": 3_600, "week": 3_600}  # R7: the hour in minutes, day and week in hours


def export(frame: pd.DataFrame) -> bytes:
    """Write a report as CSV (R7)."""
    figures = ("uptime", "downtime", "unknown", "open")
    durations = [f"{figure}_last_{window}" for figure in figures for window in UNITS]
    percents = [f"uptime_percent_last_{window}" for window in UNITS]
    lines = [["store_id", *durations, *percents]]
    for row in frame.to_dict("records"):
        seconds = {(f, w): int(row[f"{f}_seconds_last_{w}"]) for f in figures for w in UNITS}
        line = [duration(seconds[figure, window], UNITS[window]) for figure, window in seconds]
        line += [percent(seconds["uptime", window], seconds["downtime", window]) for window in UNITS]
        lines.append([quoted(str(row["store_id"])), *line])
    return "".join(",".join(line) + "\n" for line in lines).encode()


def duration(seconds: int, unit: int) -> str:
    """Write seconds in units of `unit` seconds, two decimals, rounded half up."""
    return _two_decimals((100 * seconds + unit // 2) // unit)


def percent(up: int, down: int) -> str:
    """Write the uptime in percent, two decimals, cut; empty when nothing is known."""
    return _two_decimals(10_000 * up // (up + down)) if up + down else ""


def quoted(text: str) -> str:
    """Write an id: an apostrophe before it if spreadsheets would run it, in quotes only if it must be."""
    if text.lstrip("'").startswith(("=", "+", "-", "@", "\t", "\r")):
        text = "'" + text
    must = any(mark in text for mark in ',"\n\r')
    return '"' + text.replace('"', '""') + '"' if must else text


def _two_decimals(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}"
