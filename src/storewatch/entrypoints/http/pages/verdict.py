"""A store's verdict in sentences: what somebody at the counter or on the telephone wants to know first."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from storewatch.domain.evidence import spelled
from storewatch.domain.instant import DAY, HOUR, MICROSECONDS
from storewatch.domain.shifts import date_of
from storewatch.domain.zone import clock_text, wall_clock
from storewatch.entrypoints.wording import duration, long_date, window_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.domain.evidence import PollSeen
    from storewatch.domain.explain import Explanation
    from storewatch.domain.window import Window

SILENT = 6 * HOUR  # of open time without a check, from which on it is said when the last one was

_OPEN = {
    "up": "Up as of {}.",
    "down": "Still down as of {}.",
    "unknown": "Whether it is up as of {} is not known.",
    "excluded": "In planned downtime as of {}.",
}
_CLOSED = {
    "up": "Closed as of {}; it was up when it closed.",
    "down": "Closed as of {}; it was down when it closed.",
    "unknown": "Closed as of {}; whether it was up when it closed is not known.",
    "excluded": "Closed as of {}; it was in planned downtime when it closed.",
}


def words_of(window: Window) -> tuple[str, str]:
    """Return what sentences call a window, alone and after a verb: `the last week`, `in the last week`."""
    if window.span is not None:
        return "the time chosen", "in the time chosen"
    words = window_words(window)
    return words, f"in {words}" if words.startswith("the ") else words


def headline(found: Explanation) -> str:
    """Return the one sentence that every page of a store begins with."""
    figures = found.figures
    return f"You were down {duration(figures['downtime'])} of {duration(figures['open'])}."


def sentences(found: Explanation, *, within: str, has_run_out: bool) -> Iterator[str]:
    """Yield what follows the headline.

    Args:
        found: Of the window that is shown.
        within: The window's name after a verb, `in the last week`.
        has_run_out: Whether no hours row makes a shift in the week before the as-of (R8).
    """
    if has_run_out:
        yield "The opening hours that we were given have run out, so the store counts as closed."
    elif not found.figures["open"]:
        yield f"It had no opening hours {within}."
    if found.figures["open"]:
        yield from _state(found)
        yield from _checks(found)
        yield from _unknown(found)
        yield from _carried(found)
        yield from _stated(found)
    yield from _assumed(found)
    yield from _clock_changes(found)
    yield from _target(found)


def checks(found: Explanation) -> list[PollSeen]:
    """Return the checks in opening hours in the window, in order."""
    last = found.end if found.end == found.as_of else found.end - 1  # a poll of the as-of itself counts
    return [
        poll
        for hour in found.hours
        for poll in hour.polls
        if poll.counted and found.begin <= poll.at // MICROSECONDS <= last
    ]


def gaps(found: Explanation) -> list[int]:
    """Return how much open time there is before the first check, between two, and after the last."""
    pieces = [piece for hour in found.hours for piece in hour.open]
    lengths, passed, place = [0], 0, 0
    for at in (poll.at // MICROSECONDS for poll in checks(found)):
        while place < len(pieces) and pieces[place][1] <= at:
            passed += pieces[place][1] - pieces[place][0]
            place += 1
        inside = max(at - pieces[place][0], 0) if place < len(pieces) else 0
        lengths.append(passed + inside)
    lengths.append(found.figures["open"])
    return [later - earlier for earlier, later in pairwise(lengths)]


def clock(found: Explanation, at: int) -> str:
    """Return a time on the store's clock: `13:13`, with seconds if it has any."""
    return clock_text(wall_clock(found.zone, at), "%H:%M:%S" if at % 60 else "%H:%M")


def moment(found: Explanation, at: int) -> str:
    """Return a day and time on the store's clock: `Wed 25 Jan, 13:13`."""
    return f"{date_of(wall_clock(found.zone, at))}, {clock(found, at)}"


def _state(found: Explanation) -> Iterator[str]:
    """Say what the store is now, unless the window ends before."""
    if found.end < found.as_of or found.state.status is None:
        return
    words = _CLOSED if found.state.is_closed else _OPEN
    yield words[found.state.status].format(clock(found, found.as_of))


def _checks(found: Explanation) -> Iterator[str]:
    seen = checks(found)
    if not seen:
        yield _without_checks(found)
        return
    open_gaps = gaps(found)
    inactive = sum(not poll.active for poll in seen)
    said = f"{inactive:,} of {len(seen):,} checks in opening hours said inactive"
    if len(seen) == 1:
        said = f"The only check in opening hours said {seen[0].status}"
    yield f"{said}; the longest gap without a check was {duration(max(open_gaps))}."
    if open_gaps[-1] >= SILENT:
        ago = found.end - seen[-1].at // MICROSECONDS
        count, unit = (ago // DAY, "day") if ago >= DAY else (ago // HOUR, "hour")
        end = "ago" if found.end == found.as_of else "before the end of this time"
        yield f"The last check in opening hours was {count} {unit}{'s' * (count > 1)} {end}."


def _without_checks(found: Explanation) -> str:
    figures = found.figures
    known = figures["uptime"] + figures["downtime"]
    is_given = bool(found.discarded) or any(hour.polls for hour in found.hours)
    none = "No check fell in opening hours" if is_given else "No checks at all"
    if not known:
        return f"{none}: nothing is known." if figures["unknown"] else f"{none}."
    return f"{none}." if not _carried_seconds(found) else f"{none}: what an earlier check said is carried on."


def _unknown(found: Explanation) -> Iterator[str]:
    seconds = {True: 0, False: 0}
    for hour in found.hours:
        if hour.status == "unknown":
            seconds[hour.reason.annotation is not None] += hour.open_seconds
    if seconds[False] and seconds[False] < found.figures["open"]:
        since = "" if found.carry is None else f" in the {spelled(found.carry)}"
        yield f"For {duration(seconds[False])} nothing is known: there was no check{since} before."
    if seconds[True]:
        yield f"For {duration(seconds[True])} nothing is known, because somebody has stated so."


def _carried_seconds(found: Explanation) -> int:
    """Return the seconds up and down that are neither measured nor stated (R12)."""
    figures = found.figures
    own = figures["measured"] + figures["stated_up"] + figures["stated_down"]
    return figures["uptime"] + figures["downtime"] - own


def _carried(found: Explanation) -> Iterator[str]:
    if seconds := _carried_seconds(found):
        whole = found.figures["open"]
        part = "All of it is" if seconds == whole else f"{duration(seconds)} of the {duration(whole)} are"
        yield f"{part} carried from an earlier check, not measured."


def _stated(found: Explanation) -> Iterator[str]:
    if seconds := found.figures["excluded"]:
        yield f"{duration(seconds)} are planned downtime and do not count."
    for status in ("up", "down"):
        if seconds := found.figures[f"stated_{status}"]:
            yield f"{duration(seconds)} are {status} because somebody has stated so."


def _assumed(found: Explanation) -> Iterator[str]:
    if not found.rows:
        yield "We were given no hours, so we assume it is always open."
    if not found.has_zone:
        yield f"We were given no time zone, so we assume that of {found.zone}."


def _clock_changes(found: Explanation) -> Iterator[str]:
    for day in found.days:
        if (length := day.end - day.begin) != DAY:
            way = "back" if length > DAY else "forward"
            hours = f"{length // HOUR} hours" if length % HOUR == 0 else duration(length)
            date = long_date(wall_clock(found.zone, day.begin))
            yield f"Clocks went {way} on {date}: that day had {hours}."


def _target(found: Explanation) -> Iterator[str]:
    verdict = found.verdict
    if verdict is None or found.figures["open"] == found.figures["excluded"]:
        return
    target, allowed = f"{verdict.target_percent:g} %", duration(verdict.allowed_seconds)
    if verdict.is_met is None:
        yield f"Whether the target of {target} was met cannot be said: too little is known."
    elif verdict.is_met:
        yield f"The target of {target} was met: it allows for {allowed} of downtime."
    else:
        over = duration(abs(verdict.left_seconds))
        yield f"The target of {target} was missed: it allows for {allowed} of downtime, this is {over} more."
