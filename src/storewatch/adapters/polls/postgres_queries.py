"""A team's queries: what each gives, and its errors by the setting that holds it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from storewatch.errors import SettingsError
from storewatch.ingest.layout import find_layout, no_labels, wanted_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.domain.kinds import Kind


# A SELECT statement for each kind that there is, by its name; it gives the columns of a file, by their names.
Queries = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Input:
    """A query whose columns are known."""

    kind: Kind
    query: str
    columns: Mapping[str, str]  # of the query, by our names
    types: tuple[str, ...]  # of each, as PostgreSQL calls them

    @property
    def source(self) -> sql.Composed:
        """The query as a table called `given`, with our names for the columns."""
        pairs = ((sql.Identifier(theirs), sql.Identifier(ours)) for ours, theirs in self.columns.items())
        columns = [sql.SQL("q.{} AS {}").format(theirs, ours) for theirs, ours in pairs]
        # On lines of its own: the query may end in a comment.
        statement = sql.SQL("(SELECT {} FROM (\n{}\n) AS q) AS given")
        return statement.format(sql.SQL(", ").join(columns), sql.SQL(self.query))


def described(connection: Connection, kind: Kind, query: str) -> Input:
    """Look what a query gives.

    Raises:
        SettingsError: It does not run, or lacks a column.
    """
    with query_errors(kind), connection.cursor() as cursor:
        # In the binary protocol the server takes one statement only.
        statement = sql.SQL("SELECT * FROM (\n{}\n) AS q LIMIT 0").format(sql.SQL(query))
        cursor.execute(statement, binary=True)
        described = cursor.description or []
    columns = [column.name for column in described]
    layout = find_layout(columns, [kind])
    if layout is None:
        wanted = wanted_columns(kind)
        raise SettingsError(
            f"{setting_of(kind)}: columns found: {', '.join(columns) or 'none'}; wanted, each once: {wanted}"
        )
    for sentence in no_labels(layout):
        raise SettingsError(f"{setting_of(kind)}: {sentence}")
    return Input(
        kind=kind,
        query=query,
        columns={name: columns[place] for name, place in layout.at.items()},
        types=tuple(described[place].type_display for place in layout.at.values()),
    )


@contextmanager
def query_errors(kind: Kind) -> Iterator[None]:
    """Turn what the server says of a query into a SettingsError that names its setting."""
    try:
        yield
    except (psycopg.ProgrammingError, psycopg.NotSupportedError, psycopg.InternalError) as error:
        # The rest of what the server says quotes the query, which may hold a secret.
        said = error.diag.message_primary or type(error).__name__
        raise SettingsError(f"{setting_of(kind)} does not run as a SELECT statement: {said}") from None


def setting_of(kind: Kind) -> str:
    """Return the setting that holds a query."""
    return f"STOREWATCH_{kind.name.upper()}_QUERY"
