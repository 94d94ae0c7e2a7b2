"""The database schema `storewatch`: numbered migrations, each applied once."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, LiteralString, cast

from storewatch.adapters.polls.postgres_server import Server
from storewatch.errors import SchemaError, SettingsError

if TYPE_CHECKING:
    from storewatch.adapters.polls.postgres_server import Connection

UPGRADING, LOADING = 7_865_401, 7_865_402  # our advisory locks, held to the end of a transaction

_NOTES = """
CREATE TABLE IF NOT EXISTS storewatch.migrations (
    number integer PRIMARY KEY, name text NOT NULL, applied timestamptz NOT NULL DEFAULT now()
)
"""


def upgrade(url: str) -> list[str]:
    """Bring the schema of the database at `url` up to date; safe beside another one that does the same.

    Returns:
        The names of the migrations that were applied, in order; none if all had been.

    Raises:
        SettingsError: The user may not, the database is not in UTF-8, or `url` is no PostgreSQL address.
        UnavailableError: The server does not answer.
    """
    server = Server(url)
    with server.writing() as connection:
        take(connection, UPGRADING)
        _check_encoding(connection, server)
        if not _is_there(connection, "storewatch"):
            connection.execute("CREATE SCHEMA storewatch")
        connection.execute(_NOTES)
        pending = migrations()[_applied(connection) :]
        for number, (name, statements) in enumerate(pending, start=_applied(connection) + 1):
            connection.execute(statements)
            connection.execute(
                "INSERT INTO storewatch.migrations (number, name) VALUES (%s, %s)", [number, name]
            )
    return [name for name, _ in pending]


def take(connection: Connection, lock: int) -> None:
    """Wait for one of our locks and hold it to the end of the transaction."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [lock])


def migrations() -> list[tuple[str, str]]:
    """Return name and statements of all migrations, in order."""
    folder = resources.files("storewatch.adapters.polls") / "migrations"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name
    )
    return [(file.name.removesuffix(".sql"), file.read_text("utf-8")) for file in files]


def check(connection: Connection, address: str) -> None:
    """Check that every migration was applied. A schema ahead of this program is fine: it is being upgraded.

    Raises:
        SchemaError: One was not.
    """
    there = _is_there(connection, "storewatch") and _is_table(connection, "storewatch.migrations")
    applied, known = _applied(connection) if there else 0, len(migrations())
    if applied < known:
        state = f"behind: {applied} of {known} migrations" if applied else "missing"
        raise SchemaError(state, address=address)


def applied(url: str) -> tuple[int, int]:
    """Return how many migrations were applied to the database at `url`, and how many there are."""
    with Server(url).reading() as connection:
        there = _is_table(connection, "storewatch.migrations")
        return _applied(connection) if there else 0, len(migrations())


def _is_there(connection: Connection, schema: str) -> bool:
    return _one(connection, "SELECT to_regnamespace(%s) IS NOT NULL", schema) is True


def _is_table(connection: Connection, table: str) -> bool:
    return _one(connection, "SELECT to_regclass(%s) IS NOT NULL", table) is True


def _applied(connection: Connection) -> int:
    return cast("int", _one(connection, "SELECT coalesce(max(number), 0) FROM storewatch.migrations"))


def _one(connection: Connection, query: LiteralString, *parameters: str) -> object:
    row = connection.execute(query, parameters).fetchone()
    return row[0] if row else None


def _check_encoding(connection: Connection, server: Server) -> None:
    encoding = _one(connection, "SHOW server_encoding")
    if encoding != "UTF8":
        raise SettingsError(
            f"the database at {server.address} is in {encoding}, where some store ids cannot be kept: "
            "make one with ENCODING 'UTF8'"
        )
