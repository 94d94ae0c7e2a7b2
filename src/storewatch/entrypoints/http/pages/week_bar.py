"""A store's week as a bar in a list: a strip an hour, in the week picture's colours and patterns."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from storewatch.domain.instant import DAY, HOUR
from storewatch.domain.overview import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator

HEIGHT = 12
_STATUSES = {"u": "up", "d": "down", "?": "unknown", "x": "excluded"}


def week_bar(week: str, begin: int, words: str) -> Markup:
    """Return a week as an inline SVG.

    Args:
        week: A letter an hour, as `Overview.stores` has them.
        begin: The first hour, seconds since 1970 UTC.
        words: What it says, for those who do not see it.
    """
    days = "".join(
        f"M{place} 0V{HEIGHT}" for place in range(1, len(week)) if (begin + place * HOUR) % DAY == 0
    )
    drawn = "".join(f'<path {look} d="{path}"/>' for look, path in _paths(week))
    return Markup(  # noqa: S704 - numbers, and what is escaped
        f'<svg class="mini" viewBox="0 0 {len(week)} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(words)}"><path class="ground" d="M0 {HEIGHT // 2}H{len(week)}"/>{drawn}'
        f'<path class="days" d="{days}"/></svg>'
    )


def _paths(week: str) -> Iterator[tuple[str, str]]:
    """Yield a path of all runs of a status, and how it looks: thin if up, paler if carried."""
    runs: dict[str, str] = {}
    place = 0
    for letter, hours in groupby(PLAIN.get(letter, letter) for letter in week):
        length = len(list(hours))
        if letter != ".":
            top, height = (HEIGHT // 3, HEIGHT // 3) if letter in "Uu" else (0, HEIGHT)
            runs[letter] = f"{runs.get(letter, '')}M{place} {top}h{length}v{height}h-{length}z"
        place += length
    for letter, path in runs.items():
        status = _STATUSES[letter.lower()]
        carried = " carried" if letter in "ud" else ""
        if status == "up":
            yield f'class="fill-up{carried}"', path
        else:
            yield f'class="patterned{carried}" fill="url(#p-{status})"', path
