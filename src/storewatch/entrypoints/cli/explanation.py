"""What the command line shows of an explanation: lines that a terminal of 80 columns folds well."""

from __future__ import annotations

import textwrap
from itertools import starmap
from typing import TYPE_CHECKING

from storewatch.domain.instant import iso
from storewatch.entrypoints.explanation import (
    carry_text,
    day_views,
    discarded_views,
    known_lines,
    outage_views,
    window_text,
)
from storewatch.entrypoints.wording import hours, long_date, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from storewatch.domain.evidence import PollSeen
    from storewatch.domain.explain import Explanation
    from storewatch.entrypoints.explanation import HourView

_WIDTH = 80


def explanation_lines(found: Explanation) -> Iterator[str]:
    """Yield the explanation: figures, hours rows, hours by day, outages, discarded polls, what is known."""
    yield from _heading(found)
    yield ""
    yield from found.opening
    yield ""
    yield from _days(found)
    yield ""
    yield from _outages(found)
    yield from _discarded(found)
    yield ""
    yield from known_lines(found)


def _heading(found: Explanation) -> Iterator[str]:
    zone = f"wall clock of {found.zone}{'' if found.has_zone else ' (no zone is known: the default, R2)'}"
    yield f"store {found.store_id}, {zone}"
    yield f"as of {iso(found.as_of)}, {window_text(found)}; a poll carries {carry_text(found.carry)}"
    figures = ", ".join(f"{status} {hours(found.seconds(status))}" for status in found.statuses)
    share = percent(found.seconds("up"), found.seconds("down"))
    yield f"{figures} of {hours(found.seconds())} open; uptime {share}"


def _days(found: Explanation) -> Iterator[str]:
    days = day_views(found)
    if not days:
        yield f"no open time in {window_text(found)}"
        return
    width = max(8, *(len(hour.clock) + 3 for day in days for hour in day.hours))
    yield f"{'clock':<{width}}{'UTC':<8}{'open':>8}  why"
    for day in days:
        yield f"{long_date(day.date)} {day.date.year}"
        for hour in day.hours:
            yield from _hour(hour, width)


def _hour(hour: HourView, width: int) -> Iterator[str]:
    times = f"{f'  {hour.clock}':<{width}}{hour.utc:<8}{hour.open:>8}"
    yield f"{times}  {hour.status}: {hour.why} ({hour.rows})"
    if hour.polls:
        yield from _wrapped(" " * (width + 18), starmap(_poll, hour.polls))


def _poll(clock: str, poll: PollSeen) -> str:
    text = f"{clock} {poll.status}{', also given as active (R1)' if poll.disagreed else ''}"
    return text if poll.counted else f"({text}: discarded, R3)"


def _outages(found: Explanation) -> Iterator[str]:
    outages = outage_views(found, "{} %H:%M:%S")
    if not outages:
        yield "no outages"
        return
    width = max(24, *(len(text) + 2 for outage in outages for text in (outage.begin, outage.end)))
    yield f"{'outages, from':<{width}}{'to':<{width}}{'open time lost':>14}"
    for outage in outages:
        words = f"began before, {outage.ending}" if outage.began_before else outage.ending
        yield f"{outage.begin:<{width}}{outage.end:<{width}}{outage.lost:>14}  {words}"


def _discarded(found: Explanation) -> Iterator[str]:
    if not found.discarded:
        return
    yield ""
    yield "polls in hours without open time, discarded (R3)"
    for day, polls in discarded_views(found):
        shown = (f"{clock} {poll.status}" for clock, poll in polls)
        yield from _wrapped(f"  {day:%a} {day.day:>2} {day:%b}  ", shown)


def _wrapped(head: str, texts: Iterable[str]) -> list[str]:
    """Return texts in lines, the first after `head`, none of them cut."""
    whole = [text.replace(" ", "\0") for text in texts]
    lines = textwrap.wrap(
        " · ".join(whole).replace("\0·\0", " · "), _WIDTH - len(head), break_long_words=False
    )
    return [
        f"{head if not number else ' ' * len(head)}{line}".replace("\0", " ")
        for number, line in enumerate(lines)
    ]
