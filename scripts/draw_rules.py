"""Draw docs/explanation/hour-majority.svg: one afternoon by the rules, and by the plain last observation.

The hours are those of the worked example, computed by the kernel, not drawn by hand.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from storewatch import report

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = datetime(2023, 1, 25, tzinfo=UTC)
POLLS = (("10:05", True), ("10:20", True), ("10:50", False), ("13:10", True))
HOURS = range(10, 14)
TARGET = Path(__file__).parent.parent / "docs" / "explanation" / "hour-majority.svg"
WIDTH, LEFT, TOP, LANE = 720, 150, 40, 52  # pixels
HEIGHT = TOP + 3 * LANE + 30
NARROW = 50  # pixels; no word fits in
HOUR = (WIDTH - LEFT - 20) / len(HOURS)
FONT = 'font-family="sans-serif" font-size="13"'
TITLE = (
    "Polls at 10:05, 10:20 and 13:10 active, at 10:50 inactive: by the rules hour 10 is up, hours 11 and 12 "
    "are down, hour 13 is up; by the last observation it is down from 10:50 to 13:10"
)
LOOKS = {True: ("#2f7d4f", "up"), False: ("#b3402e", "down"), None: ("#8a8a8a", "unknown")}


def main() -> None:
    """Write the picture."""
    TARGET.write_text(picture(), encoding="utf-8")


def picture() -> str:
    """Return the SVG."""
    rules = [(hour, hour + 1, status(hour)) for hour in HOURS]
    plain = [(float(HOURS[0]), at(POLLS[0][0]), None), *last_observation()]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" {FONT}>',
            f"<title>{TITLE}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            *(clock(hour) for hour in range(HOURS[0], HOURS[-1] + 2)),
            *lane(0, "polls", []),
            *(mark(text, active=active) for text, active in POLLS),
            *lane(1, "these rules", rules),
            *lane(2, "last observation", plain),
            "</svg>\n",
        )
    )


def status(hour: int) -> bool:
    """Return what the kernel says of a UTC hour."""
    stamps = [f"{DAY:%Y-%m-%d} {text}:00 UTC" for text, _ in POLLS]
    states = ["active" if active else "inactive" for _, active in POLLS]
    polls = pl.DataFrame({"store_id": "s", "status": states, "timestamp_utc": stamps})
    made = report(polls, as_of=DAY + timedelta(hours=hour + 1))
    return bool(made.rows["uptime_seconds_last_hour"][0])


def last_observation() -> list[tuple[float, float, bool | None]]:
    edges = [at(text) for text, _ in POLLS] + [float(HOURS[-1] + 1)]
    return [(edges[i], edges[i + 1], active) for i, (_, active) in enumerate(POLLS)]


def at(text: str) -> float:
    hour, minute = text.split(":")
    return int(hour) + int(minute) / 60


def x(hour: float) -> float:
    return round(LEFT + (hour - HOURS[0]) * HOUR, 1)


def clock(hour: int) -> str:
    return (
        f'<line x1="{x(hour)}" y1="{TOP - 8}" x2="{x(hour)}" y2="{TOP + 3 * LANE}" stroke="#d0d0d0"/>'
        f'<text x="{x(hour)}" y="{TOP - 14}" text-anchor="middle" fill="#444">{hour}:00</text>'
    )


def lane(number: int, name: str, bands: Sequence[tuple[float, float, bool | None]]) -> list[str]:
    y = TOP + number * LANE
    drawn = [f'<text x="12" y="{y + 24}" fill="#222">{name}</text>']
    for begin, end, up in bands:
        colour, word = LOOKS[up]
        width = round(x(end) - x(begin), 1)
        drawn.append(f'<rect x="{x(begin)}" y="{y + 6}" width="{width}" height="28" fill="{colour}"/>')
        if width > NARROW:
            drawn.append(f'<text x="{x(begin) + 6}" y="{y + 25}" fill="#fff">{word}</text>')
    return drawn


def mark(text: str, *, active: bool) -> str:
    colour, _ = LOOKS[active]
    place = x(at(text))
    tip, base = (TOP + 12, TOP + 28) if active else (TOP + 28, TOP + 12)
    return f'<path d="M{place} {tip} L{place - 7} {base} L{place + 7} {base} Z" fill="{colour}"/>'


if __name__ == "__main__":
    main()
