"""Reports as CSV (R7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from storewatch.domain.window import Window

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


def export_account(frame: pd.DataFrame, windows: Sequence[Window], *, compare: bool = False) -> bytes:
    """Write what `account` or `by_label` returns as CSV (R7, R10, R11): text and counts first."""
    first = list(frame.columns[: list(frame.columns).index(f"uptime_seconds_{windows[0].name}")])
    has_targets = "target_percent" in frame
    rows = [[*first, *_header(windows, "")]]
    if has_targets:
        rows[0] += [f"{figure}_{window.name}" for figure in ("met", "allowed", "left") for window in windows]
    if compare:
        rows[0] += _header(windows, "_before")
    for found in frame.astype("object").where(frame.notna(), None).to_dict("records"):
        row = {str(column): value for column, value in found.items()}
        line = [quoted(str(row[column])) for column in first]
        line += _figures(row, windows, "")
        if has_targets:
            line += [_VERDICTS[row[f"met_{window.name}"]] for window in windows]
            line += [
                _signed(row[f"{figure}_seconds_{window.name}"], window.unit)
                for figure in ("allowed", "left")
                for window in windows
            ]
        if compare:
            line += _figures(row, windows, "_before")
        rows.append(line)
    return "".join(",".join(line) + "\n" for line in rows).encode()


_VERDICTS = {None: "", True: "yes", False: "no"}
_COLUMNS = ("uptime", "downtime", "unknown", "open", "uptime_percent", "excluded", "measured_percent")


def _header(windows: Sequence[Window], end: str) -> list[str]:
    return [f"{column}_{window.name}{end}" for column in _COLUMNS for window in windows]


def _figures(row: Mapping[str, Any], windows: Sequence[Window], end: str) -> list[str]:
    return [_figure(row, column, window, end) for column in _COLUMNS for window in windows]


def _figure(row: Mapping[str, Any], column: str, window: Window, end: str) -> str:
    def seconds(figure: str) -> int:
        return int(row[f"{figure}_seconds_{window.name}{end}"])

    if column == "uptime_percent":
        return percent(seconds("uptime"), seconds("downtime"))
    if column == "measured_percent":
        measured = seconds("measured")
        return percent(measured, seconds("open") - seconds("excluded") - measured)
    return duration(seconds(column), window.unit)


def _signed(seconds: int | None, unit: int) -> str:
    if seconds is None:
        return ""
    return ("-" if seconds < 0 else "") + duration(abs(seconds), unit)
