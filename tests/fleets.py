"""Generated fleets that have the facts of all rules at once, and what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from storewatch.domain.window import CALENDAR, Window, parse_windows
from strategies import DAY, HOUR, Fleet, facts_of, fleets, times_of_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from strategies import DatedRow

LABELS = ("brand", "city")
VALUES = ("x", "X", "店", "=1")
TARGETS = ("99.5", "100", "0.001", "50", "33.333")

_FIRST, _LAST = 0, 7_289_654_400  # seconds since 1970: no instant is outside


@dataclass(frozen=True, kw_only=True)
class WholeFleet:
    """A fleet with dated hours, exceptions, annotations, labels and targets, and the report asked of it."""

    fleet: Fleet  # polls, zones and stores; its hours are not looked at
    hours: tuple[DatedRow, ...]
    exceptions: tuple[tuple[object, ...], ...]
    annotations: tuple[tuple[object, ...], ...]
    labels: tuple[tuple[str, str, str], ...]
    windows: tuple[Window, ...]

    @property
    def ask(self) -> Ask:
        """What is asked of it."""
        return replace(self.fleet.ask, windows=tuple(window.text for window in self.windows))

    @property
    def facts(self) -> Facts:
        """The fleet as the engines take it."""
        return facts_of(
            self.fleet.polls,
            self.hours,
            self.fleet.zones,
            self.fleet.stores,
            exceptions=self.exceptions,
            annotations=self.annotations,
            labels=self.labels,
        )

    def plain(self) -> WholeFleet:
        """Return it without any fact of R8 to R10; the hours are all valid."""
        hours = tuple((*row[:4], None, None) for row in self.hours)
        return replace(self, hours=hours, exceptions=(), annotations=(), labels=())


def dates_around(as_of: int) -> st.SearchStrategy[date]:
    """Local dates near what windows reach."""
    today = date(1970, 1, 1) + timedelta(days=as_of // DAY)
    return st.integers(-9, 1).map(lambda days: today + timedelta(days=days))


@st.composite
def validities(draw: st.DrawFn, as_of: int) -> tuple[date | None, date | None]:
    """From one date to another, mostly without a limit; the first is never after the last."""
    dates = st.none() | dates_around(as_of)
    first, last = draw(dates), draw(dates)
    return (last, first) if first and last and first > last else (first, last)


@st.composite
def exceptions_of(draw: st.DrawFn, store_id: str, as_of: int) -> list[tuple[object, ...]]:
    """Exceptions of one store: closed dates, and dates with shifts, never both on one date."""
    found: list[tuple[object, ...]] = []
    for day in draw(st.lists(dates_around(as_of), max_size=4, unique=True)):
        spans = draw(st.lists(st.tuples(times_of_day(DAY - 1), times_of_day(DAY)), max_size=3))
        found += [(store_id, day, *span, "") for span in spans] or [(store_id, day, None, None, "")]
    return found


@st.composite
def stated_times(draw: st.DrawFn, as_of: int) -> tuple[datetime, datetime | None]:
    """From when to when an annotation holds: on full hours and off them, short, long, without end."""
    units = st.sampled_from([1, 60, HOUR, HOUR])
    begin = as_of - draw(st.integers(-HOUR, 9 * DAY))
    begin -= begin % draw(units)
    length = draw(st.one_of(st.integers(1, 3 * HOUR), st.integers(1, 30).map(lambda n: n * HOUR), st.none()))
    begin = min(max(begin, _FIRST), _LAST - 2)
    end = None if length is None else min(begin + length, _LAST - 1)
    return _utc(begin), None if end is None else _utc(end)


@st.composite
def annotations_about(draw: st.DrawFn, ids: Sequence[str], as_of: int) -> list[tuple[object, ...]]:
    """Annotations about stores, labels and all; many made at one instant, some withdrawn."""
    found: list[tuple[object, ...]] = []
    for name in draw(st.lists(st.text("abZ~", min_size=1, max_size=3), max_size=6, unique=True)):
        about = draw(
            st.one_of(
                st.sampled_from([*ids, "nobody"]).map(lambda store_id: (store_id, "", "")),
                st.tuples(st.just(""), st.sampled_from(LABELS), st.sampled_from(VALUES[:2])),
                st.just(("", "*", "")),
            )
        )
        made = _utc(as_of + draw(st.integers(-1, 1))) if as_of else _utc(0)
        withdrawn = draw(st.sampled_from([None, None, None, made]))
        counts_as = draw(st.sampled_from(["excluded", "up", "down", "unknown"]))
        found.append((name, *about, *draw(stated_times(as_of)), counts_as, "", "", made, withdrawn))
    return draw(st.permutations(found))


@st.composite
def labels_of(draw: st.DrawFn, store_id: str) -> list[tuple[str, str, str]]:
    """A store's labels and target, if it has any."""
    values = st.sampled_from(["", *VALUES[:2], *VALUES])
    found = [(store_id, label, draw(values)) for label in LABELS if draw(st.booleans())]
    target = draw(st.sampled_from([None, "99.5", *TARGETS]))
    return found if target is None else [*found, (store_id, "targetpercent", target)]


@st.composite
def windows_of(draw: st.DrawFn, as_of: int) -> tuple[Window, ...]:
    """Windows asked for: the three, or others."""
    span = st.tuples(st.integers(1, 5 * DAY), st.integers(0, 3 * DAY)).map(lambda s: _span(as_of, *s))
    others = st.sampled_from(["hour", "day", "week", "1h", "25h", "2d", "9d", *CALENDAR, *CALENDAR])
    chosen = draw(st.lists(others, min_size=1, max_size=3, unique=True))
    chosen += [draw(span)] if as_of > 9 * DAY and draw(st.booleans()) else []
    three = ["hour", "day", "week"]
    return parse_windows(draw(st.sampled_from([three, chosen, chosen])))


@st.composite
def whole_fleets(draw: st.DrawFn, *, max_stores: int = 3) -> WholeFleet:
    """A fleet with all of it at once, around an odd clock change."""
    fleet = draw(fleets(max_stores=max_stores))
    polled, opened = ({row[0] for row in rows} for rows in (fleet.polls, fleet.hours))
    ids = sorted({*fleet.stores, *polled, *opened, *fleet.zones})
    validity = validities(fleet.as_of) | st.just((None, None))
    hours = [(*row, *draw(validity)) for row in fleet.hours]
    return WholeFleet(
        fleet=fleet,
        hours=tuple(hours),
        exceptions=tuple(row for name in ids for row in draw(exceptions_of(name, fleet.as_of))),
        annotations=tuple(draw(annotations_about(ids, fleet.as_of))),
        labels=tuple(row for name in ids for row in draw(labels_of(name))),
        windows=draw(windows_of(fleet.as_of)),
    )


def _span(as_of: int, length: int, back: int) -> str:
    end = as_of - back
    return f"{_utc(end - length):%Y-%m-%dT%H:%M:%SZ}/{_utc(end):%Y-%m-%dT%H:%M:%SZ}"


def _utc(at: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=min(max(at, _FIRST), _LAST - 1))
