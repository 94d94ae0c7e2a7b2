"""A PostgreSQL server: sessions on it, and its errors in our words."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager, suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import IsolationLevel, errors, sql
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from storewatch.errors import UPGRADE, Port, SettingsError, UnavailableError
from storewatch.ports.polls import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.abc import PQGen

T = TypeVar("T")

_DEFAULTS = {
    "connect_timeout": 5,
    "application_name": "storewatch",
    "client_encoding": "UTF8",
    # A machine that is gone without a word is noticed by these, within half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_LOOK_SECONDS = 0.2  # between two looks whether to wait on
_ANSWER_SECONDS = 1.0  # that the server has to say that a statement took too long
_CANCEL_SECONDS = 2.0
# A report is one large aggregate. It must not spill to disk, nor be sorted for want of statistics; compiling
# its expressions costs more than it saves; several reports share the cores better than workers of one report.
_READING = """
SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO';
SET LOCAL work_mem = '256MB'; SET LOCAL enable_sort = off; SET LOCAL jit = off;
SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL statement_timeout = {}
"""
# A load that was stopped in mid-way must not keep the others waiting for ever.
_WRITING = """
SET LOCAL TimeZone = 'UTC'; SET LOCAL idle_in_transaction_session_timeout = '5min';
SET LOCAL work_mem = '256MB'; SET LOCAL maintenance_work_mem = '256MB'; SET LOCAL jit = off
"""
_SHARED = sql.SQL("SET TRANSACTION SNAPSHOT {}")
_EXPORT = "SELECT pg_export_snapshot()"
_LONGEST = 300  # characters of a driver's message


class Connection(psycopg.Connection[TupleRow]):
    """A connection that may be given up in the middle of a statement, which is ended at the server then."""

    limits: Waiting | None = None  # None: each statement is waited for however long it takes

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for the server; what waits for a connection to be made does not come by here."""
        if self.limits is None:
            return super().wait(gen, interval, timeout)
        deadline = time.monotonic() + self.limits.seconds + _ANSWER_SECONDS
        while True:
            try:
                return super().wait(gen, interval, _LOOK_SECONDS)
            except errors._WaitTimeout:  # noqa: SLF001 - the only name it has
                if self.limits.is_over() or time.monotonic() > deadline:
                    self._give_up()
                    raise

    def _give_up(self) -> None:
        with suppress(psycopg.Error):
            self.cancel_safe(timeout=_CANCEL_SECONDS)
        self.close()


class Server:
    """Opens sessions, each a transaction on a connection of its own: so a lost server is lost once only."""

    def __init__(self, url: str, waiting: Waiting | None = None, *, name: str = "poll store") -> None:
        """Name the server and what it is to us, and say how long who reads there waits.

        Raises:
            SettingsError: `url` is no PostgreSQL address.
        """
        self._waiting = waiting or Waiting()
        self._name = name
        try:
            self._options: dict[str, Any] = _DEFAULTS | conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            raise self._wrong() from None  # the driver's message may quote parts of a password
        if "@" in self.address:  # a part of the password, in which it was not written as %40
            raise self._wrong()

    @property
    def address(self) -> str:
        """Where it is, without user and password."""
        host, port = self._options.get("host", "local socket"), self._options.get("port", 5432)
        return f"{host}:{port}/{self._options.get('dbname', '')}"

    @contextmanager
    def reading(self, shared: str | None = None) -> Iterator[Connection]:
        """Open a session that reads one snapshot of the database, whatever is committed meanwhile.

        Args:
            shared: That of another session, as `Readers` names it; None: that of now.
        """
        with self._session() as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.limits = self._waiting
            if shared is not None:
                connection.execute(_SHARED.format(sql.Literal(shared)))
            milliseconds = sql.Literal(round(self._waiting.seconds * 1_000))
            connection.execute(sql.SQL(_READING).format(milliseconds))
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a session whose work is committed at its end, all or nothing."""
        with self._session() as connection:
            connection.execute(_WRITING)
            yield connection

    @contextmanager
    def free(self) -> Iterator[Connection]:
        """Open a session without a transaction, for what PostgreSQL does only outside of one."""
        with self._session() as connection:
            connection.autocommit = True
            yield connection

    @contextmanager
    def _session(self) -> Iterator[Connection]:
        # Statements prepared by name would break behind a pooler, and their plans could read every week.
        with (
            self.telling(),
            Connection.connect(**self._options, prepare_threshold=None) as connection,
        ):
            yield connection

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Turn what the server or the driver says went wrong into our words."""
        try:
            yield
        except psycopg.Error as error:
            raise self._translated(error) from error

    def _translated(self, error: psycopg.Error) -> SettingsError | UnavailableError:
        said = self._said(error)
        match error:
            case errors.InsufficientPrivilege():
                return SettingsError(
                    f"the user of the {self._name} at {self.address} may not do this: {said}"
                )
            case errors.UndefinedTable() | errors.InvalidSchemaName():
                return SettingsError(
                    f"the database at {self.address} lacks what is needed ({said}): {UPGRADE}"
                )
            case errors.DuplicateTable():
                return UnavailableError(
                    f"the poll store at {self.address} has a week that is half dropped ({said}): "
                    "run `storewatch retention` again",
                    port=Port.POLLS,
                )
            case errors.QueryCanceled():
                told = f"within {self._waiting.seconds:g} s, which is STOREWATCH_STATEMENT_SECONDS"
                return UnavailableError(
                    f"the {self._name} at {self.address} does not answer a statement {told}: {said}",
                    port=Port.POLLS,
                    told=f"the {self._name} does not answer a statement {told}",
                )
            case _:
                return UnavailableError(
                    f"the {self._name} at {self.address} does not answer as it should: {said}",
                    port=Port.POLLS,
                )

    def _wrong(self) -> SettingsError:
        return SettingsError(
            f"the {self._name}'s address cannot be read: write postgresql://user:password@host:5432/name, "
            "and signs like @ : / in a password as %40 %3A %2F"
        )

    def _said(self, error: psycopg.Error) -> str:
        # More of it would quote the statement; a server that was not reached has no diagnosis.
        text = " ".join((error.diag.message_primary or str(error)).split())[:_LONGEST]
        password = self._options.get("password")
        return text.replace(str(password), "***") if password else text


class Readers:
    """Sessions that see one snapshot of the database: as many as read at once, opened when needed."""

    def __init__(self, server: Server, first: Connection, closing: ExitStack) -> None:
        """Take a session that reads and locks already what it must, and what closes others at the end."""
        self._server = server
        self._closing = closing
        self._idle = [first]
        self._changing = Lock()
        self.shared = export(first)

    @contextmanager
    def one(self) -> Iterator[Connection]:
        """Lend a session that nobody else reads in; one in which something went wrong is not lent again."""
        with self._server.telling():
            with self._changing:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                session = self._server.reading(self.shared)
                connection = session.__enter__()
                with self._changing:
                    self._closing.push(session)
            yield connection
            with self._changing:
                self._idle.append(connection)


def export(connection: Connection) -> str:
    """Name the snapshot that a session reads, for other ones that are to read the same while it is open."""
    (name,) = connection.execute(_EXPORT).fetchone() or ("",)
    return str(name)
