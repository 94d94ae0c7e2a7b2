"""A fleet's week as a heat map: how much of each weekday's and hour's open time was down, or not measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from storewatch.domain.instant import DAY, HOUR
from storewatch.entrypoints.http.pages.rendering import list_url
from storewatch.entrypoints.wording import duration, hundredths, points

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storewatch.formats.overview import Overview

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STEPS = ("very low", "low", "medium", "high", "very high")
WIDTHS = (1, 2, 3, 4, 5, 10, 15, 20)  # of a step, in percent
NEARLY_ALL = 95  # percent of the cells
AT = {"utc": "", "local": "-local", "down": "", "unmeasured": "-unmeasured"}  # in the list's address
CHOICES = {"show": ("down", "unmeasured"), "clock": ("utc", "local")}
SHOWN = {"down": "down", "unmeasured": "not measured"}


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the heat map is to show."""

    show: str = "down"
    clock: str = "utc"
    of: str = ""  # label:value; empty: all stores

    def __post_init__(self) -> None:
        """Refuse what there is not."""
        for name, known in CHOICES.items():
            if (value := getattr(self, name)) not in known:
                raise HTTPException(422, f"There is no {name}={value}: write {name}={' or '.join(known)}.")


@dataclass(frozen=True, kw_only=True)
class Cell:
    """An hour of a weekday."""

    share: str  # percent, cut to hundredths
    step: int  # 1 to 5
    words: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Heat:
    """A heat map."""

    look: Look
    whose: str  # of which stores, in words; empty: of all
    is_known: bool  # whether the report has such hours
    choices: dict[str, list[tuple[str, str]]]  # by label its values, and what to ask for to look at each
    rows: list[tuple[str, list[Cell | None]]]  # a weekday each, that of the as-of last; None: no open time
    turn: float | None  # the hour of the last row from which on it is a week older; None: by other clocks
    key: list[tuple[str, str]]  # the steps, and which percentages each has


def heat_map(overview: Overview, look: Look, as_of: int, query: Mapping[str, str]) -> Heat:
    """Return a look at the hours beside a report.

    Args:
        overview: What lies beside the report.
        look: What to show.
        as_of: That of the report, seconds since 1970 UTC.
        query: What links carry on.
    """
    from storewatch.entrypoints.http.pages.view import where_text  # noqa: PLC0415 - slow to import

    groups = overview.hours.select("label", "value").unique().sort("label", "value").rows()
    named = {where_text(label, value) if label else "": (label, value) for label, value in groups}
    label, value = named.get(look.of, (look.of, ""))
    rows = overview.hours.filter(label=label, value=value, clock=look.clock).to_dicts()
    seconds = {row["cell"]: _seconds(row, look) for row in rows}
    width = _width(hundredths(*each) for each in seconds.values())
    drawing = _Drawing(look=look, width=width, query={"where": look.of, **query} if look.of else query)
    cells = {place: drawing.cell(place, *each) for place, each in seconds.items()}
    last = datetime.fromtimestamp(as_of - 1, UTC).weekday()
    choices: dict[str, list[tuple[str, str]]] = {}
    for name, (each, its) in named.items():
        if each:
            choices.setdefault(each, []).append((its, name))
    return Heat(
        look=look,
        whose=f" of {label} {value}".rstrip() if look.of else "",
        is_known=bool(cells),
        choices=choices,
        rows=[
            (DAYS[day], [cells.get(24 * day + hour) for hour in range(24)])
            for day in ((last + 1 + place) % 7 for place in range(7))
        ],
        turn=((as_of - 1) % DAY + 1) / HOUR if look.clock == "utc" else None,
        key=list(zip(STEPS, _ranges(width), strict=True)),
    )


def _seconds(row: Mapping[str, int], look: Look) -> tuple[int, int]:
    """Return how many seconds are what is looked for, and of how many."""
    if look.show == "down":
        return row["downtime"], row["open"]
    promised = row["open"] - row["excluded"]  # R12
    return promised - row["measured"], promised


def _width(shares: Iterable[int]) -> int:
    """Return how wide steps are (percent), so that all but the last hold nearly all shares (hundredths)."""
    ordered = sorted(shares) or [0]
    most = ordered[(len(ordered) - 1) * NEARLY_ALL // 100]
    return next((width for width in WIDTHS if 100 * width * (len(STEPS) - 1) > most), WIDTHS[-1])


def _ranges(width: int) -> list[str]:
    last = width * (len(STEPS) - 1)
    between = [f"{low}–{low + width} %" for low in range(width, last, width)]
    return [f"under {width} %", *between, f"{last} % or more"]


@dataclass(frozen=True, kw_only=True)
class _Drawing:
    """What all cells of a heat map have in common."""

    look: Look
    width: int  # of a step, percent
    query: Mapping[str, str]

    def cell(self, place: int, part: int, whole: int) -> Cell | None:
        """Return a cell; None if it has no time that could be what is looked for."""
        if not whole:
            return None
        day, hour = DAYS[place // 24], place % 24
        share = points(hundredths(part, whole))
        at = f"{day[:3].lower()}-{hour:02}{AT[self.look.clock]}{AT[self.look.show]}"
        return Cell(
            share=share,
            step=1 + min(100 * part // (self.width * whole), len(STEPS) - 1),
            words=f"{day} {hour:02}:00: {share} % of open time {SHOWN[self.look.show]}, "
            f"{duration(part)} of {duration(whole)}",
            url=list_url(self.query, at=at),
        )
