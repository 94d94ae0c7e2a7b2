"""Fleets: written by hand for one case, or generated with everything that TRAPS 1 to 24 names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
from hypothesis import strategies as st

from storewatch.domain.ask import Ask, Policy
from storewatch.domain.facts import Facts
from storewatch.domain.kinds import HOURS, KINDS, POLLS, ZONES
from storewatch.domain.zone import load_zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SECOND = 1_000_000  # microseconds
HOUR = 3_600  # seconds
DAY = 86_400
WEEK = 604_800

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 7_289_654_400  # 2201-01-01, the first second that is out of range

Poll = tuple[str, int, bool]  # store, microseconds since 1970, active
Row = tuple[str, int, int, int]  # store, day, start, end (seconds of the day)
DatedRow = tuple[str, int, int, int, date | None, date | None]  # the same, valid from, valid to


def instant(text: str) -> int:
    """Return seconds since 1970 of a UTC time like `2023-01-25 10:05` or `…:30`."""
    return micros(text) // SECOND


def micros(text: str) -> int:
    """Return microseconds since 1970 of a UTC time."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def of_day(text: str) -> int:
    """Return seconds of the day of `HH:MM` or `HH:MM:SS`."""
    hours, minutes, *seconds = map(int, text.split(":"))
    return hours * HOUR + minutes * 60 + sum(seconds)


def facts_of(
    polls: Iterable[Poll] = (),
    hours: Iterable[Row | DatedRow] = (),
    zones: Mapping[str, str] | None = None,
    stores: Iterable[str] = (),
    **further: Iterable[tuple[object, ...]],
) -> Facts:
    """Put checked rows into the frames that the engines take; `further`: rows of the kinds of that name."""
    numbers = POLLS.schema | {"at": pl.Int64()}
    rows = list(hours)
    hours_schema = HOURS.whole if rows and len(rows[0]) > len(HOURS.schema) else HOURS.schema
    others = {"hours": HOURS.lean(HOURS.filled(pl.DataFrame(rows, schema=hours_schema, orient="row")))}
    others |= {name: KINDS[name].frame(of_kind) for name, of_kind in further.items()}
    return Facts(
        polls=pl.DataFrame(list(polls), schema=numbers, orient="row").cast(pl.Schema(POLLS.schema)),
        others=others | {"zones": ZONES.frame((zones or {}).items())},
        stores=pl.Series("store_id", list(stores), dtype=pl.String),
    )


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """A generated fleet and the report asked of it."""

    polls: tuple[Poll, ...]
    hours: tuple[Row, ...]
    zones: Mapping[str, str]
    stores: tuple[str, ...]
    as_of: int
    carry: int | None
    policy: Policy

    @property
    def ask(self) -> Ask:
        """What is asked of it."""
        return Ask(as_of=self.as_of, carry=self.carry, policy=self.policy)

    @property
    def facts(self) -> Facts:
        """The fleet as the engines take it."""
        return facts_of(self.polls, self.hours, self.zones, self.stores)

    def with_polls(self, polls: Iterable[Poll]) -> Fleet:
        """Return the fleet with other polls; no store loses its row by it."""
        return replace(self, polls=tuple(polls), stores=tuple({*self.stores, *(p[0] for p in self.polls)}))

    def only(self, store_id: str) -> Fleet:
        """Return the fleet as if there were no other store."""
        return replace(
            self,
            polls=tuple(poll for poll in self.polls if poll[0] == store_id),
            hours=tuple(row for row in self.hours if row[0] == store_id),
            zones={name: zone for name, zone in self.zones.items() if name == store_id},
            stores=(store_id,),
        )

    def shifted(self, seconds: int) -> Fleet:
        """Return the fleet at another time."""
        polls = tuple((store_id, at + seconds * SECOND, active) for store_id, at, active in self.polls)
        return replace(self, polls=polls, as_of=self.as_of + seconds)


# Where something happens to clocks at about that time.
_EVENTS = {
    "1970-01-01 00:00": ("Europe/Dublin",),
    "1970-01-05 00:00": ("Africa/Monrovia",),
    "1971-10-31 02:00": ("Europe/Dublin",),
    "1972-01-07 00:44:30": ("Africa/Monrovia", "Europe/Amsterdam", "America/Guyana"),
    "1974-01-06 08:00": ("America/Chicago",),
    "1985-12-31 18:30": ("Asia/Kathmandu", "Asia/Katmandu", "America/Guyana"),
    "1993-08-21 00:00": ("Pacific/Kwajalein", "UTC"),
    "1995-01-01 00:00": ("Pacific/Kiritimati", "Pacific/Enderbury"),
    "1999-12-31 23:00": ("UTC",),
    "2007-12-09 07:00": ("America/Caracas", "Etc/GMT-14"),
    "2011-11-06 02:31": ("America/St_Johns",),
    "2011-12-30 10:00": ("Pacific/Apia", "Pacific/Fakaofo", "Pacific/Kiritimati"),
    "2012-03-31 14:00": ("Pacific/Apia",),
    "2016-05-01 07:00": ("America/Caracas",),
    "2016-12-31 23:59": ("UTC", "Etc/GMT+12", "Pacific/Kiritimati"),
    "2018-05-04 15:00": ("Asia/Pyongyang", "Asia/Seoul"),
    "2023-01-25 18:00": ("America/Chicago",),
    "2023-03-12 07:00": ("America/New_York", "America/Chicago", "America/St_Johns", "America/Havana"),
    "2023-03-19 02:00": ("Africa/Casablanca", "Africa/El_Aaiun", "Asia/Gaza"),
    "2023-03-25 22:00": ("Asia/Beirut",),
    "2023-03-26 01:00": (
        "Asia/Beirut",
        "Europe/London",
        "Europe/Berlin",
        "Antarctica/Troll",
        "Atlantic/Azores",
    ),
    "2023-03-30 22:00": ("Asia/Beirut", "Asia/Gaza", "Africa/Cairo"),
    "2023-04-01 15:00": ("Australia/Lord_Howe", "Australia/Adelaide", "Pacific/Auckland", "Pacific/Chatham"),
    "2023-04-02 03:00": ("America/Santiago", "America/Asuncion", "Pacific/Easter"),
    "2023-04-23 02:00": ("Africa/Casablanca", "Africa/El_Aaiun", "Africa/Cairo"),
    "2023-09-03 04:00": ("America/Santiago", "Pacific/Easter"),
    "2023-09-23 14:00": ("Pacific/Chatham", "Pacific/Auckland", "Asia/Kathmandu"),
    "2023-10-01 15:30": ("Australia/Lord_Howe", "Australia/Adelaide", "Australia/Sydney"),
    "2023-10-28 21:00": ("Asia/Beirut",),
    "2023-10-29 01:00": ("Antarctica/Troll", "Europe/London", "America/Godthab", "America/Scoresbysund"),
    "2023-11-05 06:00": ("America/New_York", "America/Chicago", "America/St_Johns", "America/Havana"),
    "2023-11-05 07:00": ("America/Denver",),
    "2024-02-29 00:00": ("Asia/Almaty", "Asia/Kathmandu", "Australia/Eucla", "Pacific/Marquesas"),
    "2024-03-01 00:00": ("Asia/Almaty", "Asia/Qostanay", "Asia/Kolkata"),
    "2024-03-10 08:00": ("US/Central",),
    "2024-03-31 01:00": ("Antarctica/Troll", "America/Nuuk", "Asia/Kathmandu", "Europe/Dublin"),
    "2024-11-03 07:00": ("America/Chicago",),
    "2038-01-19 03:14:07": ("US/Central",),
    "2150-03-08 07:00": ("America/New_York",),
    "2200-12-31 23:59:59": ("Asia/Kolkata",),
}
_ZONES = tuple(sorted({zone for zones in _EVENTS.values() for zone in zones}))
FIXED_ZONES = ("UTC", "Asia/Kolkata", "America/Phoenix", "Etc/GMT-14", "Etc/GMT+12")  # since 1970
ODD_IDS = (
    "007",
    "7",
    "8139926242460185114",
    "18446744073709551616",
    "b5d0a65d-6d54-47aa-95e9-9312f0353326",
    "1.48197E+18",
    "a,b",
    'the "x"',
    "two\nlines",
    "cr\r",
    " padded ",
    "Åbo",
    "店",
    "\uffff",
    "😀",
)


def store_ids() -> st.SearchStrategy[str]:
    """Ids of all kinds."""
    return st.sampled_from(ODD_IDS) | st.text(st.characters(codec="utf-8"), min_size=1, max_size=5)


def times_of_day(last: int) -> st.SearchStrategy[int]:
    """Seconds of a day: mostly as people write them, and the awkward ones."""
    awkward = ["00:00", "01:30", "02:00", "02:30", "03:00", "23:58:59", "23:59", "23:59:01", "23:59:59"]
    return (
        st.sampled_from([*map(of_day, awkward), last])
        | st.integers(0, 47).map(lambda half: half * 1_800)
        | st.integers(0, last)
    )


@st.composite
def weeks(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Hours rows of one store: none, the same every day, or any; some twice."""
    start, end = times_of_day(DAY - 1), times_of_day(DAY)
    kind = draw(st.sampled_from(["none", "daily", "any", "any"]))
    if kind == "none":
        return []
    if kind == "daily":
        opens, closes = draw(start), draw(end)
        return [(day, opens, closes) for day in range(7)]
    rows = draw(st.lists(st.tuples(st.integers(0, 6), start, end), min_size=1, max_size=10))
    return rows + draw(st.lists(st.sampled_from(rows), max_size=2))


def instants_around(as_of: int) -> st.SearchStrategy[int]:
    """Microseconds: on hours and edges of windows, in crowded hours, long ago, after the as-of."""
    edges = st.sampled_from([as_of - back for back in (0, HOUR, DAY, WEEK, WEEK + HOUR, 2 * WEEK)])
    return st.one_of(
        st.integers(-2, 3 * HOUR).map(lambda s: (as_of - s) * SECOND),
        st.integers(-1, 200).map(lambda hour: (as_of // HOUR - hour) * HOUR * SECOND),
        st.integers(-9 * DAY * SECOND, SECOND).map(lambda us: as_of * SECOND + us),
        st.integers(-15 * DAY, DAY).map(lambda s: (as_of + s) * SECOND),
        st.integers(0, as_of).map(lambda s: s * SECOND),
        st.tuples(edges, st.integers(-2, 2)).map(lambda edge: edge[0] * SECOND + edge[1]),
    )


@st.composite
def on_edges(draw: st.DrawFn, week: list[tuple[int, int, int]], zone: str, as_of: int) -> int:
    """A poll on, or a hair from, the wall clock's opening or closing time."""
    _, start, end = draw(st.sampled_from(week))
    midnight = datetime(1970, 1, 1) + timedelta(days=as_of // DAY - draw(st.integers(-1, 8)))  # noqa: DTZ001 - a wall clock
    wall = midnight + timedelta(seconds=draw(st.sampled_from([start, end])))
    at = wall.replace(tzinfo=load_zone(zone), fold=draw(st.integers(0, 1))) - _EPOCH
    return at // timedelta(microseconds=1) + draw(st.sampled_from([-SECOND, -1, 0, 1, SECOND]))


@st.composite
def poll_times(draw: st.DrawFn, week: list[tuple[int, int, int]], zone: str, as_of: int) -> list[int]:
    """When one store is polled, some instants twice, some seconds twice."""
    times = instants_around(as_of)
    if week:
        times |= on_edges(week, zone, as_of)
    found = draw(st.lists(times, max_size=25))
    crowded = draw(st.integers(0, 190)) * HOUR
    found += [(as_of - crowded - s) * SECOND for s in draw(st.lists(st.integers(0, 2 * HOUR), max_size=8))]
    doubled = draw(st.lists(st.sampled_from(found), max_size=3)) if found else []
    same_second = [at // SECOND * SECOND + draw(st.integers(0, SECOND - 1)) for at in doubled]
    return [at for at in found + doubled + same_second if 0 <= at < _LAST * SECOND]


@st.composite
def as_ofs(draw: st.DrawFn, event: str) -> int:
    """A whole second up to eight days after an event."""
    unit = draw(st.sampled_from([1, 60, HOUR, HOUR]))
    later = instant(event) + draw(st.integers(0, 8 * DAY // unit)) * unit
    return min(later // unit * unit, _LAST - 1)


def carries() -> st.SearchStrategy[int | None]:
    """Seconds a poll carries, or None."""
    named = st.sampled_from([None, 0, 1, HOUR - 1, HOUR, HOUR + 1, DAY, WEEK, WEEK, 999_999_999 * DAY])
    return named | st.integers(0, 9 * DAY)


@st.composite
def fleets(
    draw: st.DrawFn,
    *,
    zones: Iterable[str] = _ZONES,
    full_hour: bool = False,
    max_stores: int = 4,
    policies: Iterable[Policy] = tuple(Policy),
) -> Fleet:
    """One to four stores: with or without hours, zone and polls."""
    events = {event: [zone for zone in zones if zone in there] for event, there in _EVENTS.items()}
    event = draw(st.sampled_from([event for event, there in events.items() if there]))
    zone_names = st.sampled_from(events[event]) | st.sampled_from([*zones, None])
    as_of = draw(as_ofs(event))
    as_of = as_of // HOUR * HOUR if full_hour else as_of
    ids = draw(st.lists(store_ids(), min_size=1, max_size=max_stores, unique=True))
    polls: list[Poll] = []
    hours: list[Row] = []
    named: dict[str, str] = {}
    for store_id in ids:
        week, zone = draw(weeks()), draw(zone_names)
        hours += [(store_id, *row) for row in week]
        named |= {store_id: zone} if zone else {}
        times = draw(poll_times(week, zone or "America/Chicago", as_of))
        statuses = draw(st.lists(st.booleans(), min_size=len(times), max_size=len(times)))
        polls += [(store_id, at, active) for at, active in zip(times, statuses, strict=True)]
    return Fleet(
        polls=tuple(draw(st.permutations(polls))),
        hours=tuple(hours),
        zones=named,
        stores=tuple(ids[:1]),
        as_of=as_of,
        carry=draw(carries()),
        policy=draw(st.sampled_from(list(policies))),
    )


@st.composite
def rows_of_seconds(draw: st.DrawFn) -> dict[str, str | int]:
    """A report's row with any seconds that add up, the nearly 0 % and nearly 100 % ones too."""
    row: dict[str, str | int] = {"store_id": draw(store_ids())}
    for window, length in {"hour": HOUR, "day": DAY, "week": WEEK}.items():
        part = st.integers(0, length // 3) | st.integers(0, 2)
        up, down, unknown = draw(st.permutations([draw(part), draw(part), draw(part)]))
        figures = {"uptime": up, "downtime": down, "unknown": unknown, "open": up + down + unknown}
        row |= {f"{kind}_seconds_last_{window}": seconds for kind, seconds in figures.items()}
    return row
