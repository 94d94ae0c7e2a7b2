"""Everything that a report can be made from, filled with the same facts."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg

from storewatch.adapters.polls import open_polls
from storewatch.adapters.polls.given import GivenSnapshot
from storewatch.adapters.polls.postgres_queries import Queries
from storewatch.adapters.polls.postgres_schema import upgrade
from storewatch.domain.kinds import ANNOTATIONS, EXCEPTIONS, HOURS, LABELS
from storewatch.ports.polls import Load
from strategies import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from storewatch.domain.facts import Facts
    from storewatch.domain.slices import Within
    from storewatch.ports import polls as ports
    from storewatch.ports.polls import PollStore, Snapshot
    from strategies import Poll

    # Opens a snapshot of facts that came in some loads.
    Opener = Callable[[Iterable[Facts]], AbstractContextManager[Snapshot]]

FURTHER = (EXCEPTIONS, ANNOTATIONS, LABELS)
NAMES = ["delta", "postgresql", "tables", "memory"]

_TABLES = """
CREATE TABLE polls (store_id text, status text, timestamp_utc {type});
CREATE TABLE hours (
    store_id text, day text, start_time_local text, end_time_local text, valid_from date, valid_to date
);
CREATE TABLE zones (store_id text, timezone_str text);
CREATE TABLE exceptions (store_id text, date date, start_time_local text, end_time_local text, reason text);
CREATE TABLE annotations (
    id text, store_id text, label text, value text, start_utc timestamptz, end_utc timestamptz,
    counts_as text, reason text, author text, made_at timestamptz, withdrawn_at timestamptz
);
CREATE TABLE labels (store_id text, store_name text, target_percent text, brand text, city text)
"""
_QUERIES = Queries(
    polls="SELECT * FROM polls",
    hours="SELECT * FROM hours",
    zones="SELECT * FROM zones",
    exceptions="SELECT * FROM exceptions",
    annotations="SELECT * FROM annotations",
    labels="SELECT * FROM labels",
)
_LABELS = ("storename", "targetpercent", "brand", "city")


def delta(folder: Path) -> Opener:
    """Return the poll store in a folder, a new one each time."""
    numbers = count()
    return lambda loads: _stored(open_polls(f"delta://{folder}/{next(numbers)}"), loads)


def postgresql(make: Callable[[], str]) -> Opener:
    """Return the poll store in PostgreSQL, in a new database each time."""

    def opened(loads: Iterable[Facts]) -> AbstractContextManager[Snapshot]:
        url = make()
        upgrade(url)
        return _stored(open_polls(url), loads)

    return opened


def tables(make: Callable[[], str], *, stamps: str = "text") -> Opener:
    """Return a team's own tables, with time stamps of that type, in a new database each time."""

    def opened(loads: Iterable[Facts]) -> AbstractContextManager[Snapshot]:
        url = make()
        _fill(url, loads, stamps)
        return open_polls(url, _QUERIES).at()

    return opened


@contextmanager
def memory(loads: Iterable[Facts]) -> Iterator[Snapshot]:
    """Open facts in memory; no unit may be in two loads."""
    given = list(loads)
    yield GivenSnapshot(
        facts=facts_of(
            [row for facts in given for row in polls_of(facts)],
            [row for facts in given for row in HOURS.filled(facts.hours).iter_rows()],
            {row[0]: row[1] for facts in given for row in facts.zones.iter_rows()},
            [name for facts in given if facts.stores is not None for name in facts.stores],
            **{kind.name: [row for facts in given for row in facts.of(kind).iter_rows()] for kind in FURTHER},
        )
    )


def scan(
    source: ports.Source, version: str | None = None, *, since: int | None, until: int, within: Within = None
) -> Facts:
    """Read a version, by default the present one, in a snapshot of its own."""
    with source.at(version) as snapshot:
        return snapshot.scan(since=since, until=until, within=within)


def newest_of(source: ports.Source, version: str | None = None) -> int | None:
    """Return the newest poll's instant of a version."""
    with source.at(version) as snapshot:
        return snapshot.newest


def stores_of(source: ports.Source, version: str | None = None) -> list[str]:
    """Return the ids of all stores of a version."""
    stores = scan(source, version, since=0, until=0).stores
    assert stores is not None
    return stores.to_list()


def polls_of(facts: Facts) -> list[Poll]:
    """Return polls as plain values, in order, each instant once, inactive where two disagree (R1)."""
    settled: dict[tuple[str, int], bool] = {}
    columns = [pl.col("store_id").cast(pl.String), pl.col("at").to_physical(), "active"]
    for name, at, active in facts.polls.select(columns).iter_rows():
        settled[name, at] = active and settled.get((name, at), True)
    return [(name, at, active) for (name, at), active in sorted(settled.items())]


@contextmanager
def _stored(store: PollStore, loads: Iterable[Facts]) -> Iterator[Snapshot]:
    for facts in loads:
        store.load(Load(name="a load", facts=facts))
    with store.at() as snapshot:
        yield snapshot
    store.close()


def _fill(url: str, loads: Iterable[Facts], stamps: str) -> None:
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SET TimeZone = 'UTC'")
        cursor.execute(_TABLES.format(type=stamps).encode())
        for facts in loads:
            at = pl.col("at").dt.to_string("%Y-%m-%d %H:%M:%S%.6f UTC")
            rows = facts.polls.select(
                "store_id", pl.when("active").then(pl.lit("active")).otherwise(pl.lit("inactive")), at
            )
            cursor.executemany("INSERT INTO polls VALUES (%s, %s, %s)", rows.rows())
            for name, day, start, end, *validity in HOURS.filled(facts.hours).iter_rows():
                row = [name, f"{day}", _clock(start), _clock(end), *validity]
                cursor.execute("INSERT INTO hours VALUES (%s, %s, %s, %s, %s, %s)", row)
            cursor.executemany("INSERT INTO zones VALUES (%s, %s)", facts.zones.rows())
            _fill_further(cursor, facts)


def _fill_further(cursor: psycopg.Cursor[Any], facts: Facts) -> None:
    for name, day, start, end, reason in facts.of(EXCEPTIONS).iter_rows():
        row = [name, day, _clock(start), _clock(end), reason]
        cursor.execute("INSERT INTO exceptions VALUES (%s, %s, %s, %s, %s)", row)
    for note in facts.of(ANNOTATIONS).iter_rows():
        places = ", ".join(["%s"] * len(note))
        cursor.execute(b"INSERT INTO annotations VALUES (" + places.encode() + b")", note)
    labels: dict[str, dict[str, str]] = {}
    for name, label, value in facts.of(LABELS).iter_rows():
        labels.setdefault(name, {})[label] = value
    for name, values in labels.items():
        row = [name, *(values.get(label, "") for label in _LABELS)]
        cursor.execute("INSERT INTO labels VALUES (%s, %s, %s, %s, %s)", row)


def _clock(second: int | None) -> str:
    if second is None:
        return ""
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
