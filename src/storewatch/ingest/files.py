"""Which files to read, and what each of them holds."""

from __future__ import annotations

import gzip
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

import polars as pl
from polars.exceptions import PolarsError

from storewatch.domain.kinds import KINDS
from storewatch.errors import InputError
from storewatch.ingest.columns import check_types
from storewatch.ingest.csv.records import split_header
from storewatch.ingest.layout import Layout, find_layout, is_ours, kinds_joined, wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

ENDINGS = (".csv", ".csv.gz", ".parquet")
_HEADER = 1 << 20  # bytes within which the header must end
_BOM = b"\xef\xbb\xbf"
_MOST_NAMES, _LONGEST_NAME = 20, 60  # of what a message lists


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file and what it holds."""

    path: Path
    columns: tuple[str, ...]
    layout: Layout | None  # None: no kind of ours
    size: int  # bytes on disk

    @property
    def is_parquet(self) -> bool:
        """Whether it is to be read as Parquet."""
        return self.path.name.lower().endswith(".parquet")


@dataclass(frozen=True, kw_only=True)
class Found:
    """The files to read, each once, and what was passed over in folders."""

    sources: tuple[Source, ...]
    skipped: tuple[str, ...] = ()

    def readable(self) -> Iterator[tuple[Source, Layout]]:
        """Yield each file with its layout."""
        for source in self.sources:
            if source.layout is not None:
                yield source, source.layout


def find_sources(paths: Sequence[Path]) -> Found:
    """Look at the header of every file named and of every file in the folders named.

    Raises:
        InputError: A path is missing or cannot be read, a file is not what its ending says, a file named by
            itself is of no kind, or there is nothing to read.
    """
    strays: list[Source] = []
    sources: dict[Path, Source] = {}
    skipped: list[str] = []
    for path in paths:
        inside = _is_folder(path)
        for file in _listing(path) if inside else [path]:
            source = _look(file)
            if source.layout:
                sources.setdefault(file.resolve(), source)
            elif not inside:
                strays.append(source)
            elif not is_ours(source.columns):
                none = " nor ".join(KINDS)
                skipped.append(f"{file}: skipped, holds neither {none} (its columns: {_list(source)})")
    if strays:
        raise InputError(_stray_message(strays))
    if not sources:
        raise InputError(_nothing_message(paths, skipped))
    return Found(sources=tuple(sources.values()), skipped=tuple(skipped))


def _is_folder(path: Path) -> bool:
    try:
        if path.is_dir():
            return True
        if not path.exists():
            raise InputError(f"{path}: there is no such file or folder; check the path")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be looked at ({error.strerror}); check the path and its permissions"
        ) from error
    return False


def _listing(folder: Path) -> list[Path]:
    try:
        return sorted(
            file for file in folder.iterdir() if file.name.lower().endswith(ENDINGS) and file.is_file()
        )
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error


def _look(path: Path) -> Source:
    draft = Source(path=path, columns=(), layout=None, size=0)
    schema = _parquet_schema(path) if draft.is_parquet else {}
    columns = tuple(schema) if draft.is_parquet else _csv_columns(path)
    layout = find_layout(columns, KINDS.values())
    if layout and schema:
        check_types(layout, list(schema.values()), where=f"{path}")
    return Source(path=path, columns=columns, layout=layout, size=path.stat().st_size)


def _csv_columns(path: Path) -> tuple[str, ...]:
    with reading(path), open_csv(path) as (stream, _):
        return read_header(stream)[0]


def _parquet_schema(path: Path) -> dict[str, pl.DataType]:
    with reading_parquet(path), path.open("rb") as file:
        return dict(pl.read_parquet_schema(file))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into an InputError that names it."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: is not a whole gzip file ({error}); export or copy it again") from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); check the file and its permissions"
        ) from error


@contextmanager
def reading_parquet(path: Path) -> Iterator[None]:
    """The same for Parquet, whose reader has errors of its own."""
    with reading(path):
        try:
            yield
        except PolarsError as error:
            reason = f"{error}".splitlines()[0]
            raise InputError(
                f"{path}: cannot be read as Parquet ({reason}); export or copy it again"
            ) from error


@contextmanager
def open_csv(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """Open a CSV file for reading, gzipped if its name ends so, with what tells how far one is."""
    with path.open("rb", buffering=0) as file:
        if path.name.lower().endswith(".gz"):
            with gzip.open(file) as unpacked:
                yield cast("IO[bytes]", unpacked), file.tell
        else:
            yield file, file.tell


def read_header(stream: IO[bytes]) -> tuple[tuple[str, ...], bytes, int]:
    """Read a CSV file's header: its first line that is not blank, without a byte-order mark.

    Returns:
        The columns, what else was read, and the line number at which that begins.
    """
    data = b""
    while len(data) < _HEADER and (more := stream.read(_HEADER - len(data))):
        data += more
    text = data.removeprefix(_BOM)
    body = text.lstrip(b"\r\n")
    columns, end = split_header(body)
    skipped = len(text) - len(body) + end
    return tuple(columns), text[skipped:], 1 + text.count(b"\n", 0, skipped)


def _list(source: Source) -> str:
    shown = [_short(column) for column in source.columns[:_MOST_NAMES]]
    more = len(source.columns) - len(shown)
    return ", ".join([*shown, *([f"and {more} more"] if more else [])]) or "none, it is empty"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def _stray_message(strays: list[Source]) -> str:
    found = "; ".join(f"{stray.path} has {_list(stray)}" for stray in strays)
    return f"not {kinds_joined('or')}: {found}. Columns wanted: {wanted()}. Nothing was read."


def _nothing_message(paths: Sequence[Path], skipped: list[str]) -> str:
    where = ", ".join(f"{path}" for path in paths) or "no path given"
    passed = "".join(f"\n  {message}" for message in skipped)
    endings = ", ".join(ENDINGS)
    return f"{where}: no file ({endings}) with {kinds_joined('or')}. Columns wanted: {wanted()}.{passed}"
