"""Job boards, opened by URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewatch.adapters.location import local_path, scheme_of, unknown_scheme

if TYPE_CHECKING:
    from storewatch.ports.jobs import JobBoard


def open_jobs(url: str, *, max_attempts: int = 3) -> JobBoard:
    """Open the job board at `url`, making it if it is not there.

    - `sqlite:///abs/path` or `sqlite:relative/path`: an SQLite file, shared by the processes of one machine.
    - `redis://user:password@host:6379/0`, or `valkey://`: a Redis or Valkey server, shared by many machines;
      `rediss://`, `valkeys://` with TLS. `?prefix=name`: keys begin with `{name}` instead of `{storewatch}`,
      for several boards on one database.

    A job is tried `max_attempts` times. Open a board in each process: none survives a fork. Raises
    SettingsError for another scheme, UnavailableError if a file cannot be opened; no server is asked yet.
    """
    match scheme_of(url):
        case "sqlite":
            from storewatch.adapters.jobs.sqlite import SqliteJobBoard  # noqa: PLC0415 - only the driver in use

            return SqliteJobBoard(local_path(url), max_attempts=max_attempts)
        case "redis" | "rediss" | "valkey" | "valkeys":
            from storewatch.adapters.jobs.redis import RedisJobBoard  # noqa: PLC0415 - only the driver in use

            return RedisJobBoard(url, max_attempts=max_attempts)
    known = ["sqlite", "redis", "rediss", "valkey", "valkeys"]
    raise unknown_scheme("job board", url, known)
