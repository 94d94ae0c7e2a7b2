"""A store's sums of seconds by window, as its page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewatch.entrypoints.http.pages.verdict import words_of
from storewatch.entrypoints.wording import percent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from storewatch.domain.window import Window

FIGURES = {
    "Up": "uptime",
    "Down": "downtime",
    "Unknown": "unknown",
    "Planned downtime": "excluded",
    "Open": "open",
}


@dataclass(frozen=True, kw_only=True)
class Sums:
    """One window's figures."""

    title: str
    percent: str
    seconds: dict[str, int]  # by what people call them
    measured: str  # the share of the open time that counts


def all_sums(row: Mapping[str, int], windows: Sequence[Window], *, is_compared: bool) -> Iterator[Sums]:
    """Yield the figures of the first window, of the one before it if that is known, and of the others."""
    first, *others = windows
    yield sums_of(row, first.name, _title(first))
    if is_compared:
        yield sums_of(row, first.name, "period before", end="_before")
    yield from (sums_of(row, each.name, _title(each)) for each in others)


def _title(window: Window) -> str:
    return words_of(window)[0].removeprefix("the ")


def sums_of(row: Mapping[str, int], name: str, title: str, *, end: str = "") -> Sums:
    """Return the figures of a window in a row of a report."""
    seconds = {figure: row[f"{figure}_seconds_{name}{end}"] for figure in (*FIGURES.values(), "measured")}
    counts = seconds["open"] - seconds["excluded"]
    return Sums(
        title=title[:1].upper() + title[1:],
        percent=percent(seconds["uptime"], seconds["downtime"]),
        seconds={word: seconds[figure] for word, figure in FIGURES.items()},
        measured=percent(seconds["measured"], counts - seconds["measured"]),
    )


def change(row: Mapping[str, int], window: Window) -> str:
    """Return by how many hundredths of a percent the uptime differs from that of the window before."""
    shares = []
    for end in ("", "_before"):
        up, down = (row[f"{figure}_seconds_{window.name}{end}"] for figure in ("uptime", "downtime"))
        if not up + down:
            return "–"
        shares.append(10_000 * up // (up + down))
    change = shares[0] - shares[1]
    sign = "−" if change < 0 else "+"
    return f"{sign}{abs(change) // 100}.{abs(change) % 100:02} points" if change else "no change"
