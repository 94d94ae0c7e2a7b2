"""Poll stores, opened by URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewatch.adapters.location import local_path, scheme_of, unknown_scheme
from storewatch.errors import SettingsError

if TYPE_CHECKING:
    from storewatch.adapters.polls.postgres_queries import Queries
    from storewatch.ports.polls import PollStore, Waiting

_POSTGRES = ("postgresql", "postgres")


def open_polls(
    url: str, queries: Queries | None = None, waiting: Waiting | None = None, *, beside: bool = False
) -> PollStore:
    """Open the poll store at `url`; the first load makes it if it is not there.

    - `delta:///abs/path` or `delta:relative/path`: a Delta Lake table in a folder, for the processes of one
      machine; many read while one loads.
    - `postgresql://user@host:5432/database` or `postgres://…`: a schema of our own in a database, made by
      `storewatch db upgrade`. With `queries`: a team's own tables in it, which are only read; with `beside`,
      annotations are kept in the schema of our own for all that.
      `waiting` bounds each statement that reads.

    Raises SettingsError for another scheme, a path that the store cannot have, a schema that is missing or
    behind, or queries that do not run; UnavailableError if a server does not answer.
    """
    scheme = scheme_of(url)
    if queries is not None and scheme not in _POSTGRES:
        raise SettingsError(
            "queries for tables that others keep are set: the poll store must be postgresql://"
        )
    if scheme == "delta":
        from storewatch.adapters.polls.delta import DeltaPollStore  # noqa: PLC0415 - only the driver in use

        return DeltaPollStore(local_path(url))
    if scheme in _POSTGRES:
        return _open_postgres(url, queries, waiting, beside=beside)
    raise unknown_scheme("poll store", url, ["delta", *_POSTGRES])


def _open_postgres(url: str, queries: Queries | None, waiting: Waiting | None, *, beside: bool) -> PollStore:
    from storewatch.adapters.polls.postgres import PostgresPollStore  # noqa: PLC0415 - see above

    if queries is None:
        return PostgresPollStore(url, waiting)
    from storewatch.adapters.polls.postgres_tables import TablesPollStore  # noqa: PLC0415 - see above

    return TablesPollStore(url, queries, waiting, beside=PostgresPollStore(url, waiting) if beside else None)
