"""How instants, durations and shares are worded, wherever people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewatch.domain.instant import DAY, HOUR, WINDOWS

if TYPE_CHECKING:
    from datetime import date

    from storewatch.domain.window import Window


def age(seconds: float) -> str:
    """Return how long ago something was, in its largest unit."""
    if seconds < 0:
        return "in the future"
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count:,} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def hours(seconds: int) -> str:
    """Return a duration as hours, minutes and seconds: `1,234:05:09`."""
    return f"{seconds // 3_600:,}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def duration(seconds: int) -> str:
    """Return a duration to the second, without units that are zero: `63 h 44 min`, `1 h 0 min 5 s`."""
    hour, minute, second = seconds // 3_600, seconds // 60 % 60, seconds % 60
    parts = [f"{hour:,} h"] * (hour > 0)
    parts += [f"{minute} min"] * (minute > 0 or not (hour or second) or bool(hour and second))
    return " ".join(parts + [f"{second} s"] * (second > 0))


def hundredths(part: int, whole: int) -> int:
    """Return a share in hundredths of a percent, cut (R6); of nothing it is 0."""
    return 10_000 * part // max(whole, 1)


def points(share: int) -> str:
    """Return hundredths as they are written: `12.05`."""
    return f"{share // 100}.{share % 100:02}"


def percent(up: int, down: int) -> str:
    """Return the uptime cut to hundredths of a percent, a dash where nothing is known (R6)."""
    return f"{points(hundredths(up, up + down))} %" if up + down else "–"


def window_words(window: Window) -> str:
    """Return a window as sentences name it: `the last week`, `the last 28 days`, `today`."""
    if window.length is not None:
        count = window.length // (HOUR if window.text.endswith("h") else DAY)
        unit = "hour" if window.text.endswith("h") else "day"
        return (
            f"the {window.title}"
            if window.text in WINDOWS
            else f"the last {count:,} {unit}{'s' * (count > 1)}"
        )
    return window.title.replace("previous", "the previous")


def long_date(local: date) -> str:
    """Return a day as `Wednesday 25 January`."""
    return f"{local:%A} {local.day} {local:%B}"
