"""The windows of a report as people write them (R6, R11)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewatch.domain.instant import DAY, HOUR, WINDOWS, parse_second
from storewatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

CALENDAR = ("today", "yesterday", "this_week", "previous_week", "this_month", "previous_month")
LONGEST = 400 * DAY  # seconds

_ROLLING = re.compile(r"([1-9]\d{0,4})([hd])")


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window: one of a length that ends at the as-of, two instants, or a date, week or month of a store."""

    text: str  # as it is asked for
    length: int | None = None  # seconds, of a rolling one
    span: tuple[int, int] | None = None  # begin and end, seconds since 1970 UTC

    @property
    def name(self) -> str:
        """What its columns end in: `last_week`, `28d`, `previous_month`, `window`."""
        if self.span is not None:
            return "window"
        return f"last_{self.text}" if self.text in WINDOWS else self.text

    @property
    def unit(self) -> int:
        """The seconds of the unit in which CSV writes it (R7, R11)."""
        return 60 if self.text == "hour" else HOUR


def parse_windows(texts: Sequence[str]) -> tuple[Window, ...]:
    """Return the windows of a report, in their order.

    Raises:
        InputError: One is none, or there is one twice, or two spans, or none at all.
    """
    windows = tuple(parse_window(text) for text in texts)
    names = [window.name for window in windows]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(
            "two windows are from an instant to another: ask for one of them"
            if "window" in twice
            else f"the window {twice[0].removeprefix('last_')} is asked for twice"
        )
    return windows


def parse_window(text: str) -> Window:
    """Return the window of a name, a length like `28d`, or two instants with a slash between them.

    Raises:
        InputError: It is none of these; the message says what is.
    """
    if text in WINDOWS:
        return Window(text=text, length=WINDOWS[text])
    if text in CALENDAR:
        return Window(text=text)
    if "/" in text:
        return Window(text=text, span=_span(text))
    found = _ROLLING.fullmatch(text)
    length = int(found[1]) * (HOUR if found[2] == "h" else DAY) if found else 0
    if not 0 < length <= LONGEST:
        raise InputError(
            f"there is no window {text!r}: write {', '.join((*WINDOWS, *CALENDAR))}, a length from 1h to "
            "400d like 28d, or two instants like 2023-03-01T00:00:00Z/2023-03-05T12:00:00Z"
        )
    return Window(text=text, length=length)


def _span(text: str) -> tuple[int, int]:
    first, _, last = text.partition("/")
    begin, end = (parse_second(instant, "instant of a window") for instant in (first, last))
    if begin >= end:
        raise InputError(f"the window {text} ends before it begins, or has no length")
    return begin, end
