"""Many days of a store at once: a square a local day, each in the shares of its open time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from storewatch.domain.instant import iso
from storewatch.domain.shifts import date_of
from storewatch.domain.spans import STATUSES
from storewatch.domain.zone import wall_clock
from storewatch.entrypoints.http.pages.pictures import bands, fill
from storewatch.entrypoints.wording import duration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from storewatch.domain.evidence import Day
    from storewatch.domain.explain import Explanation

WEEK_OF_ROWS = 9  # local days: more than a week can touch are squares
_LEFT, _STEP, _SIDE, _ROW, _TOP = 46, 42, 38, 44, 16  # pixels


@dataclass(frozen=True, kw_only=True)
class DaySums:
    """A local day's seconds, and the window that shows it hour by hour."""

    date: datetime
    window: str
    open: int
    down: int
    unknown: int
    excluded: int
    carried: int


def is_long(found: Explanation) -> bool:
    """Say whether a window is too long to be shown hour by hour."""
    return found.window in ("this_month", "previous_month") or len(found.days) > WEEK_OF_ROWS


def day_sums(found: Explanation) -> list[DaySums]:
    """Return the days of a window, the latest first."""
    return [
        DaySums(
            date=wall_clock(found.zone, day.begin),
            window=f"{iso(day.begin)}/{iso(min(day.end, found.as_of))}",
            open=day.seconds(),
            down=day.seconds("down"),
            unknown=day.seconds("unknown"),
            excluded=day.seconds("excluded"),
            carried=sum(part.open_seconds for part in day.parts if part.is_carried),
        )
        for day in reversed(found.days)
    ]


def month_picture(found: Explanation) -> Markup:
    """Return the days of a window as an inline SVG: a column a weekday, a row a week."""
    return Markup("".join(_drawn(found)))  # noqa: S704 - nothing in it but numbers and names of ours


def _drawn(found: Explanation) -> Iterator[str]:
    dates = [wall_clock(found.zone, day.begin).date() for day in found.days]
    monday = dates[0].toordinal() - dates[0].weekday() if dates else 0
    weeks = (dates[-1].toordinal() - monday) // 7 + 1 if dates else 0
    yield (
        f'<svg class="month" viewBox="0 0 340 {_TOP + weeks * _ROW}" role="img" focusable="false" '
        'aria-label="The days, as the table below has them">'
    )
    for weekday, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")):
        yield f'<text class="axis" x="{_LEFT + weekday * _STEP + _SIDE / 2:g}" y="10">{name}</text>'
    for day, date in zip(found.days, dates, strict=True):
        week, weekday = divmod(date.toordinal() - monday, 7)
        x, y = _LEFT + weekday * _STEP, _TOP + week * _ROW
        if weekday == 0 or day is found.days[0]:
            yield f'<text class="axis name" x="0" y="{y + 12}">{date.day} {date:%b}</text>'
        yield f"<g><title>{_said(day, date_of(date))}</title>"
        yield f'<text class="axis" x="{x + _SIDE / 2:g}" y="{y + 12}">{date.day}</text>'
        yield from _square(day, x, y + 16)
        yield "</g>"
    yield "</svg>"


def _said(day: Day, name: str) -> str:
    parts = [f"{status} {duration(seconds)}" for status in STATUSES if (seconds := day.seconds(status))]
    return f"{name}: {', '.join(parts) or 'closed'}"


def _square(day: Day, x: int, y: int) -> Iterator[str]:
    """Yield a day's shares from left to right, by status, of each the measured part first."""
    shares: dict[tuple[int, bool], int] = {}
    for band in bands(day):
        kind = (STATUSES.index(band.status), band.is_carried)
        shares[kind] = shares.get(kind, 0) + band.end - band.begin
    whole, passed = sum(shares.values()), 0
    if not whole:
        yield f'<path class="closed" d="M{x} {y + 11}H{x + _SIDE}"/>'
    for (status, is_carried), seconds in sorted(shares.items()):
        begin, end = (x + _SIDE * at / whole for at in (passed, passed + seconds))
        look = fill(STATUSES[status], is_carried=is_carried)
        yield f'<rect {look} x="{begin:.2f}" y="{y}" width="{end - begin:.2f}" height="22"/>'
        passed += seconds
