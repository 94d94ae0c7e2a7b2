"""Poll stores, opened by URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewatch.adapters.location import local_path, scheme_of, unknown_scheme

if TYPE_CHECKING:
    from storewatch.ports import PollStore


def open_polls(url: str) -> PollStore:
    """Open the poll store at `url`; the first load makes it if it is not there.

    - `delta:///abs/path` or `delta:relative/path`: a Delta Lake table in a folder, for the processes of one
      machine; many read while one loads.
    - `postgresql://user@host:5432/database` or `postgres://…`: a schema of our own in a database, made by
      `storewatch db upgrade`.

    Raises SettingsError for another scheme, a path that the store cannot have, or a schema that is missing or
    behind; UnavailableError if a server does not answer.
    """
    if scheme_of(url) == "delta":
        from storewatch.adapters.polls.delta import DeltaPollStore  # noqa: PLC0415 - only the driver in use

        return DeltaPollStore(local_path(url))
    if scheme_of(url) in {"postgresql", "postgres"}:
        from storewatch.adapters.polls.postgres import PostgresPollStore  # noqa: PLC0415 - the same

        return PostgresPollStore(url)
    raise unknown_scheme("poll store", url, ["delta", "postgresql", "postgres"])
