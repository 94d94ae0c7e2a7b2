"""The Delta table below the embedded poll store: its files, and commits that add and remove some of them.

One table holds everything, so that one commit decides on a whole load. Its partition column `part` names
what a file holds: the polls of one UTC day, `polls-2023-01-18`, another kind, by its name, or `stores`. Each
file has the columns that its part needs and is sorted by store. Files are written here, not by the driver,
which neither sorts nor can commit several parts together with the files that they replace. Other Delta
readers see one table whose unused columns are null.
"""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import unquote
from uuid import uuid4

import polars as pl
from deltalake import DeltaTable, Field, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import PrimitiveType
from deltalake.transaction import (
    AddAction,
    CommitProperties,
    RemoveAction,
    Transaction,
    create_table_with_add_actions,
)

from storewatch.adapters.polls.delta_files import count_stores, is_by_store, read_files, write_file
from storewatch.domain.kinds import KINDS
from storewatch.domain.slices import Slice
from storewatch.errors import InputError, Port, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from polars._typing import PolarsDataType

STORES = "stores"
EMPTY = "delta:none"  # the name of the version before the first load

_POLLS = "polls-"
_RETENTION = (
    "storewatch-retention"  # an application whose transactions are days: Delta Lake keeps the last one
)
_TYPES: dict[type[pl.DataType], str] = {
    pl.Categorical: "string",
    pl.String: "string",
    pl.Datetime: "timestamp",
    pl.Date: "date",
    pl.Boolean: "boolean",
    pl.Int8: "byte",
    pl.Int32: "integer",
}
_SETTINGS: dict[str, str | None] = {"delta.checkpointInterval": "20"}  # commits
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OURS = re.compile(
    r".+-(\d{10})-[0-9a-f]{12}\.parquet"
)  # see Commit.add: the version that it was written for


def _schema() -> Schema:
    """Return the columns of the table: those of all kinds."""
    columns = {"part": "string"}
    for kind in KINDS.values():
        columns |= {name: _TYPES[type(dtype)] for name, dtype in kind.whole.items()}
    return Schema([Field(name, PrimitiveType(dtype)) for name, dtype in columns.items()])


def polls_part(day: int) -> str:
    """Return the part that holds the polls of a UTC day (days since 1970)."""
    return f"{_POLLS}{date(1970, 1, 1) + timedelta(days=day)}"


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """One file of a version."""

    path: str  # as the log has it
    part: str
    size: int  # bytes
    rows: int
    first: int | None  # oldest and newest poll in microseconds since 1970 UTC; None: not known, or no polls
    last: int | None
    first_id: str | None = None  # the least and greatest store; None: not known
    last_id: str | None = None

    @property
    def has_polls(self) -> bool:
        """Whether it is a file of polls."""
        return self.part.startswith(_POLLS)

    def meets(self, since: int | None, until: int) -> bool:
        """Return whether it may hold polls of `since` ≤ at ≤ `until`."""
        starts = self.first is None or self.first <= until
        return starts and (since is None or self.last is None or self.last >= since)

    def may_have(self, within: Slice | pl.Series | None) -> bool:
        """Return whether it may hold rows of a range of stores, or of some of these ids, sorted."""
        if self.first_id is None or self.last_id is None or within is None:
            return True
        if isinstance(within, Slice):
            after = within.after is None or self.first_id < within.after
            return after and (within.first is None or within.first <= self.last_id)
        return bool(len(within)) and within[0] <= self.last_id and self.first_id <= within[-1]


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of the table. Number -1 has no table and no files."""

    root: Path
    number: int
    files: tuple[DataFile, ...] = ()
    table: DeltaTable | None = None

    @property
    def name(self) -> str:
        """Its name, for whoever reads it later."""
        return f"delta:{self.number}" if self.number >= 0 else EMPTY

    @cached_property
    def parts(self) -> dict[str, list[DataFile]]:
        """The files by part."""
        parts: dict[str, list[DataFile]] = {}
        for file in self.files:
            parts.setdefault(file.part, []).append(file)
        return parts

    @cached_property
    def kept_since(self) -> int | None:
        """The day (since 1970) before which retention dropped polls; None: it did not."""
        return None if self.table is None else self.table.transaction_version(_RETENTION)

    def of(self, part: str) -> list[DataFile]:
        """Return the files of a part."""
        return self.parts.get(part, [])

    def polls(self) -> list[DataFile]:
        """Return the files of polls."""
        return [file for file in self.files if file.has_polls]

    def read(
        self,
        files: Iterable[DataFile],
        schema: Mapping[str, PolarsDataType],
        within: Slice | pl.Series | None = None,
    ) -> pl.DataFrame:
        """Return the rows of some files, one file after the other.

        Args:
            files: Of this version.
            schema: The columns wanted, and what they become.
            within: A range of stores, or ids of stores, String, sorted; None: all.

        Raises:
            InputError: A file is gone, since the version is too old to be kept.
            UnavailableError: A file cannot be read.
        """
        with self._reading():
            return read_files([self._path(file) for file in files if file.may_have(within)], schema, within)

    def has(self, file: DataFile, columns: Iterable[str]) -> bool:
        """Say whether a file has one of some columns."""
        with self._reading():
            found = pl.scan_parquet(self._path(file), glob=False).collect_schema()
            return not found.keys().isdisjoint(columns)

    def stores_of(self, part: str) -> int:
        """Return how many stores a part has rows of, of whose files no two have the same store."""
        with self._reading():
            return sum(count_stores(self._path(file)) for file in self.of(part))

    def _path(self, file: DataFile) -> Path:
        return self.root / unquote(file.path)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise InputError(
                f"version {self.number} of the poll store in {self.root} is no longer kept: "
                "loads have replaced its files; read the present version"
            ) from error
        except (OSError, pl.exceptions.PolarsError) as error:
            raise UnavailableError(
                f"a file of the poll store in {self.root} cannot be read: {brief(error)}", port=Port.POLLS
            ) from error


def open_version(root: Path, number: int | None = None) -> Version:
    """Open a version of the table, by default the newest one.

    Raises:
        InputError: There is no such version, or it is no longer kept.
        UnavailableError: The table cannot be read.
    """
    try:
        table = DeltaTable(root.as_uri(), version=number)
        return Version(root=root, number=table.version(), files=_files(table), table=table)
    except (TableNotFoundError, DeltaError) as error:
        if number is not None:
            raise InputError(
                f"the poll store in {root} has no version {number}, or keeps it no longer: "
                f"read the present version ({brief(error)})"
            ) from error
        if isinstance(error, TableNotFoundError):
            return Version(root=root, number=-1)
        raise UnavailableError(
            f"the poll store in {root} cannot be opened: {brief(error)}", port=Port.POLLS
        ) from error


def _files(table: DeltaTable) -> tuple[DataFile, ...]:
    actions = pl.DataFrame(table.get_add_actions(flatten=True))
    columns = {
        "path": "path",
        "part": "partition.part",
        "size": "size_bytes",
        "rows": "num_records",
        "first": "min.at",
        "last": "max.at",
        "first_id": "min.store_id",
        "last_id": "max.store_id",
    }
    instants = [name for name in ("min.at", "max.at") if name in actions.columns]
    actions = actions.with_columns(pl.col(instants).cast(pl.Datetime("us", "UTC")).to_physical())
    for name in set(columns.values()).difference(actions.columns):  # no file has this statistic
        actions = actions.with_columns(pl.lit(None).alias(name))
    picked = actions.select(pl.col(theirs).alias(ours) for ours, theirs in columns.items())
    return tuple(DataFile(**row) for row in picked.iter_rows(named=True))


@dataclass(frozen=True, kw_only=True)
class Commit:
    """Files to be added to a version and removed from it, all in one step or not at all."""

    base: Version
    is_change: bool = True  # False: the rows stay the same, which tells other readers that nothing is new
    added: list[AddAction] = field(default_factory=list)
    removed: list[DataFile] = field(default_factory=list)

    def add(self, part: str, frame: pl.DataFrame) -> None:
        """Write a file of rows in order of their stores; nobody sees it before `run`. Polls: at least one."""
        path = f"{part}-{self.base.number + 1:010}-{uuid4().hex[:12]}.parquet"
        write_file(self.base.root / path, frame)
        found = (self.base.root / path).stat()
        self.added.append(
            AddAction(
                path=path,
                size=found.st_size,
                partition_values={"part": part},
                modification_time=int(found.st_mtime * 1000),
                data_change=self.is_change,
                stats=json.dumps(
                    _statistics(frame), ensure_ascii=False
                ),  # the driver misreads pairs of escapes
            )
        )

    def remove(self, files: Sequence[DataFile]) -> None:
        """Take files out of the table; versions before still have them."""
        self.removed.extend(files)

    def run(self, load: str, *, kept_since: int | None = None) -> Version:
        """Commit under the load's name and return the new version; without a change, the old one.

        With `kept_since`: note that retention dropped the polls before a day (since 1970).
        """
        if not self.added and not self.removed:
            return self.base
        properties = CommitProperties(
            custom_metadata={"load": load},
            app_transactions=None if kept_since is None else [Transaction(_RETENTION, kept_since)],
        )
        if self.base.table is None:
            create_table_with_add_actions(
                self.base.root.as_uri(),
                _schema(),
                self.added,
                partition_by=["part"],
                configuration=_SETTINGS,
                commit_properties=properties,
            )
        else:
            actions: list[AddAction | RemoveAction] = [*self.added, *map(self._removal, self.removed)]
            self._add_columns(self.base.table)
            self.base.table.create_write_transaction(
                actions, "append", _schema(), ["part"], commit_properties=properties
            )
        return open_version(self.base.root)

    def _removal(self, file: DataFile) -> RemoveAction:
        now = int(time.time() * 1000)
        return RemoveAction(file.path, self.is_change, now, file.size, {"part": file.part})

    def _add_columns(self, table: DeltaTable) -> None:
        """Give a table from before a kind its columns; a commit of its own, which changes no row."""
        there = {column.name for column in table.schema().fields}
        missing = [column for column in _schema().fields if column.name not in there]
        if missing:
            table.alter.add_columns(missing)


def _statistics(frame: pl.DataFrame) -> dict[str, object]:
    least: dict[str, object] = {}
    greatest: dict[str, object] = {}
    if "at" in frame.columns:
        at = frame["at"].to_physical()
        least["at"], greatest["at"] = _text(at.min()), _text(at.max())
    if len(frame) and is_by_store(frame):
        least["store_id"], greatest["store_id"] = frame["store_id"][0], frame["store_id"][-1]
    return {"numRecords": len(frame), "nullCount": {}, "minValues": least, "maxValues": greatest}


def _text(microseconds: object) -> str:
    assert isinstance(microseconds, int)  # noqa: S101 - files of polls are not empty
    return f"{_EPOCH + timedelta(microseconds=microseconds):%Y-%m-%dT%H:%M:%S.%fZ}"


def sweep(present: Version) -> None:
    """Remove what loads left behind that died before their commit. Only for who holds the lock of loads.

    Their files are named for a version that does not exist.
    """
    for path in present.root.glob("*.parquet"):
        ours = _OURS.fullmatch(path.name)
        if ours and int(ours[1]) > present.number:
            path.unlink(missing_ok=True)
    for pattern in ("*.tmp", "*#*"):
        for path in (present.root / "_delta_log").glob(pattern):
            path.unlink(missing_ok=True)


def vacuum(present: Version, *, keep_hours: int) -> None:
    """Delete the files that no version of the last hours needs. Only for who holds the lock of loads."""
    if present.table is None:
        return
    # Deleting them here spares the two commits that the driver would write about it.
    paths = present.table.vacuum(keep_hours, dry_run=True, enforce_retention_duration=False, full=True)
    for path in paths:
        (present.root / unquote(path)).unlink(missing_ok=True)


def brief(error: Exception) -> str:
    """Return the first line of what a driver says; the rest is its back trace."""
    return next(iter(str(error).splitlines()), type(error).__name__)
