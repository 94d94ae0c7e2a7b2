"""Connections to the SQLite file of a job board."""

from __future__ import annotations

import sqlite3
import time
from threading import Lock
from typing import TYPE_CHECKING, TypeAlias

from storewatch.errors import Port, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Value: TypeAlias = str | int | float | None

PATIENCE = 10.0  # seconds to wait for other writers


class Connection:
    """One connection to the file, on which threads take turns; each statement is a transaction."""

    def __init__(self, path: Path, schema: Sequence[str]) -> None:
        """Open the file, making what it lacks by the statements of `schema`."""
        self._path = path
        self._turn = Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._driver = _connect(path, schema)
        except (OSError, sqlite3.Error) as error:
            raise self._unavailable(error) from error

    def rows(self, statement: str, **values: Value) -> list[sqlite3.Row]:
        """Run a statement to its end and return its rows."""
        try:
            with self._turn:
                return self._driver.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def close(self) -> None:
        """Close the file."""
        with self._turn:
            self._driver.close()

    def _unavailable(self, error: Exception) -> UnavailableError:
        return UnavailableError(f"the job board {self._path} cannot be used: {error}", port=Port.BOARD)


def _connect(path: Path, schema: Sequence[str]) -> sqlite3.Connection:
    driver = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    driver.row_factory = sqlite3.Row
    try:
        _prepare(driver, schema)
    except sqlite3.Error:
        driver.close()
        raise
    return driver


def _prepare(driver: sqlite3.Connection, schema: Sequence[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    driver.execute("PRAGMA synchronous = FULL")
    while not _is_wal(driver):
        # Turning to WAL does not wait for others by the connection's timeout, as all other statements do.
        if time.monotonic() > deadline:
            raise sqlite3.OperationalError("it stays locked by another process")
        time.sleep(0.01)
    for statement in schema:
        _define(driver, statement)


def _define(driver: sqlite3.Connection, statement: str) -> None:
    try:
        driver.execute(statement)
    except sqlite3.OperationalError as error:
        # A column knows no IF NOT EXISTS.
        if not str(error).startswith("duplicate column name"):
            raise


def _is_wal(driver: sqlite3.Connection) -> bool:
    try:
        return bool(driver.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
