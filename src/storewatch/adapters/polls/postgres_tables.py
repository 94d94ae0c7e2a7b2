"""Tables that a team has already, read through one SELECT statement an input; nothing is written to them.

Annotations that are made by hand may be kept beside them, in a schema of our own.

The tables have no versions of ours. A version here is the instant at which it was asked for: polls of more
than an hour later are left out, as a load leaves them out, but rows that somebody adds or changes later are
read by a later attempt. Rows that a load would reject are left out and come along as `rejects`.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from psycopg import sql

from storewatch.adapters.polls.postgres_queries import described, query_errors, setting_of
from storewatch.adapters.polls.postgres_server import Server
from storewatch.adapters.polls.postgres_times import TimeColumn
from storewatch.adapters.polls.postgres_wire import micros
from storewatch.adapters.polls.tables_snapshot import TablesSnapshot
from storewatch.domain.kinds import ANNOTATIONS, KINDS, POLLS
from storewatch.errors import InputError, RefusedError, SettingsError
from storewatch.ports.polls import Probe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from typing import NoReturn

    from storewatch.adapters.polls.postgres_queries import Input, Queries
    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.ports.polls import Load, LoadSummary, PollStore, Rewritten, Waiting

_AHEAD = timedelta(hours=1)  # that a poll may be after now, as in a load
_SHOWN = 3  # rows of a probe
_VERSION = re.compile(r"tables:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)")


_BESIDE = """
SELECT id, store_id, label, value, since AS start_utc, until AS end_utc, counts_as, reason, author, made_at,
    withdrawn_at
FROM storewatch.annotations WHERE ended IS NULL
"""


class TablesPollStore:
    """A team's own tables in PostgreSQL; a `PollStore` that refuses to load."""

    def __init__(
        self,
        url: str,
        queries: Queries,
        waiting: Waiting | None = None,
        *,
        beside: PollStore | None = None,
    ) -> None:
        """Open the tables; with `beside`, a schema of our own in the same database keeps annotations.

        Raises:
            SettingsError: A query does not run or lacks a column, or `url` is no PostgreSQL address.
            UnavailableError: The server does not answer.
        """
        self._server = Server(url, waiting)
        self._beside = beside
        if beside is not None:
            queries = {**queries, ANNOTATIONS.name: _BESIDE}
        with self._server.reading() as connection:
            self._inputs = {
                KINDS[name]: described(connection, KINDS[name], query.strip().rstrip(";"))
                for name, query in queries.items()
                if query
            }
        if POLLS not in self._inputs:
            raise SettingsError(f"{setting_of(POLLS)} is missing: the tables are read through it")
        self._time = TimeColumn(self._inputs[POLLS].types[2])

    def load(self, load: Load) -> LoadSummary:
        """Keep annotations beside the tables, if that is set; refuse all else.

        Raises:
            RefusedError: It is something else, or not set.
        """
        if load.facts.others.keys() != {ANNOTATIONS.name}:
            refuse("load")
        if self._beside is None:
            refuse("annotating", "write annotations there, or set STOREWATCH_ANNOTATIONS_BESIDE=true")
        return self._beside.load(load)

    def version(self) -> str:
        """Name the instant, by the server's clock."""
        with self._server.reading() as connection:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None  # noqa: S101 - a SELECT without FROM gives a row
        return f"tables:{row[0]:%Y-%m-%dT%H:%M:%S.%fZ}"

    @contextmanager
    def at(self, version: str | None = None) -> Iterator[TablesSnapshot]:
        """Open a version to be read, by default that of now, in one transaction."""
        name, _, shared = (self.version() if version is None else version).partition("@")
        latest = self._latest(name)
        with self._server.reading(shared or None) as connection:
            yield TablesSnapshot(connection, self._inputs, self._time, version=name, latest=latest)

    def retention(self, before: date) -> list[str]:  # noqa: ARG002 - of the port
        """Refuse.

        Raises:
            SettingsError: Always.
        """
        refuse("retention")

    def close(self) -> None:
        """Do nothing: no connection stays open between two calls."""

    def optimize(self) -> list[Rewritten]:
        """Refuse.

        Raises:
            SettingsError: Always.
        """
        refuse("lake optimize")

    def probe(self) -> tuple[Probe, ...]:
        """Run each query for three rows, and look whether an index leads to the polls of a time."""
        with self._server.reading() as connection:
            return tuple(self._probe(connection, one) for one in self._inputs.values())

    def _probe(self, connection: Connection, one: Input) -> Probe:
        with query_errors(one.kind):
            columns = sql.SQL(", ").join(
                sql.SQL("{}::text").format(sql.Identifier(name)) for name in one.columns
            )
            statement = sql.SQL("SELECT {} FROM {} LIMIT {}").format(columns, one.source, sql.Literal(_SHOWN))
            rows = connection.execute(statement).fetchall()
            warning = self._time.warning(connection, one.source) if one.kind is POLLS else None
        return Probe(kind=one.kind.name, columns=tuple(one.columns), rows=tuple(rows), warning=warning)

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


def refuse(what: str, instead: str = "unset it to use a schema of its own") -> NoReturn:
    """Refuse a command that would change tables which are not ours.

    Raises:
        RefusedError: Always.
    """
    raise RefusedError(
        f"{what} is refused: {setting_of(POLLS)} is set, so storewatch only reads tables of others; {instead}"
    )
