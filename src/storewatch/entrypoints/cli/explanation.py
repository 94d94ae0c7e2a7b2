"""What the command line shows of an explanation: lines of at most a hundred columns or so."""

from __future__ import annotations

import textwrap
from itertools import groupby
from typing import TYPE_CHECKING

from storewatch.domain.evidence import NO_HOURS, date_of, spelled
from storewatch.domain.instant import HOUR, MICROSECONDS, iso
from storewatch.domain.zone import wall_clock
from storewatch.entrypoints.wording import hours, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from storewatch.domain.evidence import Hour, PollSeen
    from storewatch.domain.explain import Explanation

_WIDTH = 100


def explanation_lines(found: Explanation) -> Iterator[str]:
    """Yield the explanation: figures, hours rows, hours by day, outages, discarded polls."""
    yield from _heading(found)
    yield ""
    yield from _rows(found)
    yield ""
    if not found.hours:
        yield f"no open time in the last {found.window}"
    else:
        yield f"{'clock':<8}{'UTC':<8}{'open':>8}  why"
    for day, of_day in groupby(found.hours, lambda hour: _local(found, hour.begin).date()):
        yield f"{day:%A} {day.day} {day:%B %Y}"
        for hour in of_day:
            yield from _hour(found, hour)
    yield ""
    yield from _outages(found)
    yield from _discarded(found)


def _heading(found: Explanation) -> Iterator[str]:
    zone = f"wall clock of {found.zone}{'' if found.has_zone else ' (no zone is known: the default, R2)'}"
    carry = "for ever" if found.carry is None else f"for {spelled(found.carry)}"
    yield f"store {found.store_id}, {zone}"
    yield f"as of {iso(found.as_of)}, the last {found.window}; a poll carries {carry}"
    up, down, unknown = (found.seconds(status) for status in ("up", "down", "unknown"))
    figures = f"up {hours(up)}, down {hours(down)}, unknown {hours(unknown)} of {hours(found.seconds())} open"
    yield f"{figures}; uptime {percent(up, down)}"


def _rows(found: Explanation) -> Iterator[str]:
    if not found.rows:
        yield NO_HOURS
    yield from (row.text for row in found.rows)


def _hour(found: Explanation, hour: Hour) -> Iterator[str]:
    by = f"row {', '.join(str(row.number) for row in hour.rows)}" if hour.rows else "no hours"
    clock = f"  {_local(found, hour.begin):%H:%M}"
    times = (
        f"{clock:<8}{hour.begin // HOUR % 24:02}:{hour.begin // 60 % 60:02}   {hours(hour.open_seconds):>8}"
    )
    yield f"{times}  {hour.reason.text} ({by})"
    if hour.polls:
        yield from _wrapped(" " * 26, (_poll(found, poll) for poll in hour.polls))


def _poll(found: Explanation, poll: PollSeen) -> str:
    text = f"{_local(found, poll.at // MICROSECONDS):%H:%M:%S} {poll.status}"
    if poll.disagreed:
        text += ", also given as active (R1)"
    return text if poll.counted else f"({text}: discarded, R3)"


def _outages(found: Explanation) -> Iterator[str]:
    if not found.outages:
        yield "no outages"
        return
    yield f"{'outages, from':<24}{'to':<24}{'open time lost':>14}"
    for outage in found.outages:
        begin, end = (_long(_local(found, at)) for at in (outage.begin, outage.end))
        yield f"{begin:<24}{end:<24}{hours(outage.open_seconds):>14}"


def _discarded(found: Explanation) -> Iterator[str]:
    if not found.discarded:
        return
    yield ""
    yield "polls in hours without open time, discarded (R3)"
    for day, polls in groupby(found.discarded, lambda poll: _local(found, poll.at // MICROSECONDS).date()):
        shown = (f"{_local(found, p.at // MICROSECONDS):%H:%M:%S} {p.status}" for p in polls)
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


def _local(found: Explanation, at: int) -> datetime:
    return wall_clock(found.zone, at)


def _long(local: datetime) -> str:
    return f"{date_of(local)} {local:%H:%M:%S}"
