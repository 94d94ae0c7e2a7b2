"""Tables that a team has already, read through one SELECT statement an input; nothing is ever written.

The tables have no versions of ours. A version here is the instant at which it was asked for: polls of more
than an hour later are left out, as a load leaves them out, but rows that somebody adds or changes later are
read by a later attempt. Rows that a load would reject are left out and come along as `rejects`.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import psycopg
from psycopg import sql

from storewatch.adapters.polls.postgres_server import Server
from storewatch.adapters.polls.postgres_times import TimeColumn
from storewatch.adapters.polls.postgres_wire import micros
from storewatch.domain.facts import Facts
from storewatch.errors import InputError, SettingsError
from storewatch.ingest import from_frames
from storewatch.ingest.ids import readable_ids
from storewatch.ingest.kinds import COLUMNS, Kind, find_layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from typing import NoReturn

    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.ingest import Reading
    from storewatch.ports.polls import Load, LoadSummary

_AHEAD = timedelta(hours=1)  # that a poll may be after now, as in a load
_ALL_STORES = sql.SQL("true")
_SHOWN = 3  # rows of a probe
_VERSION = re.compile(r"tables:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)")


@dataclass(frozen=True, kw_only=True)
class Queries:
    """A SELECT statement for each input; each gives our columns, by these names, and any others."""

    polls: str  # store_id, status, timestamp_utc (timestamptz, timestamp in UTC, or text)
    hours: str | None = None  # store_id, day (0 = Monday), start_time_local, end_time_local
    zones: str | None = None  # store_id, timezone_str


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a query gives."""

    kind: Kind
    columns: tuple[str, ...]  # ours
    rows: tuple[tuple[str | None, ...], ...]  # the first three
    warning: str | None  # what makes it slow, and the remedy


@dataclass(frozen=True, kw_only=True)
class _Input:
    """A query whose columns are known."""

    kind: Kind
    query: str
    columns: tuple[str, ...]  # of the query, in the order of COLUMNS[kind]
    types: tuple[str, ...]  # of each, as PostgreSQL calls them

    @property
    def source(self) -> sql.Composed:
        """The query as a table called `given`, with our names for the columns."""
        pairs = zip(self.columns, COLUMNS[self.kind], strict=True)
        columns = [sql.SQL("q.{} AS {}").format(sql.Identifier(a), sql.Identifier(b)) for a, b in pairs]
        # On lines of its own: the query may end in a comment.
        statement = sql.SQL("(SELECT {} FROM (\n{}\n) AS q) AS given")
        return statement.format(sql.SQL(", ").join(columns), sql.SQL(self.query))


class TablesPollStore:
    """A team's own tables in PostgreSQL; a `PollStore` that refuses to load."""

    def __init__(self, url: str, queries: Queries) -> None:
        """Open the tables.

        Raises:
            SettingsError: A query does not run or lacks a column, or `url` is no PostgreSQL address.
            UnavailableError: The server does not answer.
        """
        self._server = Server(url)
        given = {Kind.POLLS: queries.polls, Kind.HOURS: queries.hours, Kind.ZONES: queries.zones}
        with self._server.reading() as connection:
            self._inputs = {
                kind: _described(connection, kind, query.strip().rstrip(";"))
                for kind, query in given.items()
                if query
            }
        if Kind.POLLS not in self._inputs:
            raise SettingsError(f"{_setting(Kind.POLLS)} is missing: the tables are read through it")
        self._time = TimeColumn(self._inputs[Kind.POLLS].types[2])

    def load(self, load: Load) -> LoadSummary:  # noqa: ARG002 - of the port
        """Refuse.

        Raises:
            SettingsError: Always.
        """
        refuse("load")

    def version(self) -> str:
        """Name the instant, by the server's clock."""
        with self._server.reading() as connection:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM gives a row
        return f"tables:{row[0]:%Y-%m-%dT%H:%M:%S.%fZ}"

    def newest(self, version: str) -> int | None:
        """Return the newest poll's instant in microseconds since 1970 UTC, None without polls."""
        latest = self._latest(version)
        with self._server.reading() as connection:
            with _query_errors(Kind.POLLS):
                row = connection.execute(
                    self._select(self._time.last(), self._time.before(latest))
                ).fetchone()
            since = self._time.well_before(row[0]) if row else None
            at = None if since is None else _newest(self._read_polls(connection, since, latest))
            # What looks like the newest may be rejected for other reasons: then all polls are looked at.
            return _newest(self._read_polls(connection, None, latest)) if at is None else at

    def scan(
        self, version: str, *, since: int | None, until: int, store_ids: Sequence[str] | None = None
    ) -> Facts:
        """Read all hours, zones and store names, and the polls of `since` ≤ at ≤ `until` (microseconds).

        With `store_ids`: only what is about these stores. Of two polls at one instant both come. `rejects`
        has the rows that a load would reject; of the polls those whose time stamp lies between the two, or is
        none.
        """
        latest = self._latest(version)
        with self._server.reading() as connection:
            own = _of_stores(store_ids)
            reading = self._read_polls(connection, since, min(until, latest), own, others=True)
            stores = self._polled(connection, latest, own)
        facts, rejects = reading.facts, reading.rejects.select("kind", "reason", "row")
        return Facts(
            polls=facts.polls,
            hours=facts.hours,
            zones=facts.zones,
            stores=pl.concat([stores, reading.stores.rename("store_id")]).unique().sort(),
            rejects=rejects,
        )

    def stores(self, version: str) -> pl.Series:
        """Return the ids of all stores that a usable row names, String, sorted."""
        stores = self.scan(version, since=0, until=0).stores
        assert stores is not None  # noqa: S101 - see scan
        return stores

    def retention(self, before: date) -> list[str]:  # noqa: ARG002 - of the port
        """Refuse.

        Raises:
            SettingsError: Always.
        """
        refuse("retention")

    def close(self) -> None:
        """Do nothing: no connection stays open between two calls."""

    def probe(self) -> tuple[Probe, ...]:
        """Run each query for three rows, and look whether an index leads to the polls of a time."""
        with self._server.reading() as connection:
            return tuple(self._probe(connection, one) for one in self._inputs.values())

    def _probe(self, connection: Connection, one: _Input) -> Probe:
        with _query_errors(one.kind):
            columns = sql.SQL(", ").join(
                sql.SQL("{}::text").format(sql.Identifier(name)) for name in COLUMNS[one.kind]
            )
            statement = sql.SQL("SELECT {} FROM {} LIMIT {}").format(columns, one.source, sql.Literal(_SHOWN))
            rows = connection.execute(statement).fetchall()
            warning = self._time.warning(connection, one.source) if one.kind == Kind.POLLS else None
        return Probe(kind=one.kind, columns=COLUMNS[one.kind], rows=tuple(rows), warning=warning)

    def _latest(self, version: str) -> int:
        """Return the last instant (microseconds) that a version's polls may have."""
        found = _VERSION.fullmatch(version)
        if not found:
            raise InputError(
                f"{version!r} is no version of the tables at {self._server.address}: "
                "they are like tables:2023-01-25T18:12:00.000000Z"
            )
        try:
            return micros(datetime.fromisoformat(found[1]) + _AHEAD)
        except (ValueError, OverflowError) as error:
            raise InputError(f"version {version!r} names no instant") from error

    def _select(self, what: sql.Composable, where: sql.Composable) -> sql.Composed:
        source = self._inputs[Kind.POLLS].source
        return sql.SQL("SELECT {} FROM {} WHERE {}").format(what, source, where)

    def _read_polls(
        self,
        connection: Connection,
        since: int | None,
        until: int,
        own: sql.Composable = _ALL_STORES,
        *,
        others: bool = False,
    ) -> Reading:
        """Read and check polls of `since` ≤ at ≤ `until`, and the other inputs if they are wanted."""
        within = sql.SQL("({}) AND {}").format(self._time.within(since, until), own)
        frames = {Kind.POLLS: self._polls(connection, within)}
        for kind in (Kind.HOURS, Kind.ZONES) if others else ():
            if kind in self._inputs:
                select = sql.SQL("SELECT * FROM {} WHERE {}").format(self._inputs[kind].source, own)
                frames[kind] = _copy_out(connection, kind, select)
        reading = from_frames(frames[Kind.POLLS], frames.get(Kind.HOURS), frames.get(Kind.ZONES))
        return _cut(reading, since, until)

    def _polls(self, connection: Connection, where: sql.Composable) -> pl.DataFrame:
        """Return polls as they are, read in packed groups: row by row it would take many times as long."""
        columns = sql.SQL("store_id::text, status::text, count(timestamp_utc), count(*), {}")
        select = self._select(columns.format(self._time.packed), where)
        with _query_errors(Kind.POLLS):
            statement = sql.SQL("{} GROUP BY 1, 2").format(select)
            groups = connection.cursor(binary=True).execute(statement).fetchall()
        stamps, counts = self._time.unpacked([group[4] for group in groups if group[4] is not None])
        if counts.to_list() != [group[2] for group in groups if group[4] is not None]:
            return _copy_out(connection, Kind.POLLS, self._select(sql.SQL("*"), where))
        return _ungrouped(groups, stamps)

    def _polled(self, connection: Connection, latest: int, own: sql.Composable) -> pl.Series:
        """Return the ids in polls of any time that a load would take."""
        condition = sql.SQL("status::text IN ('active', 'inactive') AND {} AND {}")
        usable = condition.format(self._time.before(latest), own)
        with _query_errors(Kind.POLLS):
            select = self._select(sql.SQL("DISTINCT store_id::text"), usable)
            rows = connection.execute(select).fetchall()
        ids = pl.Series("store_id", [name for (name,) in rows], dtype=pl.String)
        return pl.Series("store_id", sorted(readable_ids(ids)), dtype=pl.String)


def refuse(what: str) -> NoReturn:
    """Refuse a command that would change tables which are not ours.

    Raises:
        SettingsError: Always.
    """
    raise SettingsError(
        f"{what} is refused: {_setting(Kind.POLLS)} is set, so storewatch only reads tables of others; "
        "unset it to use a schema of its own"
    )


def _of_stores(store_ids: Sequence[str] | None) -> sql.Composable:
    """Return a condition for rows of these stores; an id with a zero byte in it is in no row."""
    if store_ids is None:
        return _ALL_STORES
    ids = [store_id for store_id in store_ids if "\0" not in store_id]
    return sql.SQL("store_id::text = ANY({}::text[])").format(sql.Literal(ids))


def _setting(kind: Kind) -> str:
    return f"STOREWATCH_{kind.upper()}_QUERY"


@contextmanager
def _query_errors(kind: Kind) -> Iterator[None]:
    try:
        yield
    except (psycopg.ProgrammingError, psycopg.NotSupportedError, psycopg.InternalError) as error:
        said = " ".join(str(error).split())
        raise SettingsError(f"{_setting(kind)} does not run as a SELECT statement: {said}") from error


def _described(connection: Connection, kind: Kind, query: str) -> _Input:
    with _query_errors(kind), connection.cursor() as cursor:
        # In the binary protocol the server takes one statement only.
        statement = sql.SQL("SELECT * FROM (\n{}\n) AS q LIMIT 0").format(sql.SQL(query))
        cursor.execute(statement, binary=True)
        described = cursor.description or []
    columns = [column.name for column in described]
    layout = find_layout(columns, [kind])
    if layout is None:
        wanted = ", ".join(COLUMNS[kind])
        raise SettingsError(
            f"{_setting(kind)}: columns found: {', '.join(columns) or 'none'}; wanted, each once: {wanted}"
        )
    return _Input(
        kind=kind,
        query=query,
        columns=tuple(columns[place] for place in layout.at),
        types=tuple(described[place].type_display for place in layout.at),
    )


def _copy_out(connection: Connection, kind: Kind, select: sql.Composable) -> pl.DataFrame:
    """Return what a statement gives, all columns as text."""
    statement = sql.SQL("COPY ({}) TO STDOUT (FORMAT csv)").format(select)
    with _query_errors(kind), connection.cursor().copy(statement) as copy:
        data = b"".join(copy)
    schema = dict.fromkeys(COLUMNS[kind], pl.String())
    if not data:
        return pl.DataFrame(schema=schema)
    return pl.read_csv(data, has_header=False, schema=schema, encoding="utf8-lossy")


def _ungrouped(groups: Sequence[tuple[Any, ...]], stamps: pl.Series) -> pl.DataFrame:
    """Return polls from groups (store id, status, how many have a stamp, how many in all) and stamps."""
    sound = np.array([group[2] for group in groups], dtype=np.int64)
    rows = np.array([group[3] for group in groups], dtype=np.int64)
    nth = np.arange(len(groups), dtype=np.uint32)
    order = pl.Series(np.concatenate([nth.repeat(sound), nth.repeat(rows - sound)]))
    ids = pl.Series("store_id", [group[0] for group in groups], dtype=pl.String).cast(pl.Categorical)
    statuses = pl.Series("status", [group[1] for group in groups], dtype=pl.String)
    every = stamps.extend_constant(None, len(order) - len(stamps)).rename("timestamp_utc")
    return pl.DataFrame([ids.gather(order), statuses.gather(order), every])


def _newest(reading: Reading) -> int | None:
    at = reading.facts.polls["at"].to_physical().max()
    return at if isinstance(at, int) else None


def _cut(reading: Reading, since: int | None, until: int) -> Reading:
    """Leave out good polls that are not between two instants."""
    facts = reading.facts
    at = facts.polls["at"].to_physical()
    inside = (at <= until) if since is None else at.is_between(since, until)
    if inside.all():
        return reading
    cut = Facts(polls=facts.polls.filter(inside), hours=facts.hours, zones=facts.zones)
    return replace(reading, facts=cut)
