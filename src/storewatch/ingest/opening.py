"""Files, opened: CSV of whatever encoding and packing as UTF-8, and Parquet; errors are ours."""

from __future__ import annotations

import gzip
import io
import os
import sys
import threading
import zlib
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, cast

import polars as pl
from polars.exceptions import PanicException, PolarsError

from storewatch.errors import InputError
from storewatch.ingest.csv.blocks import UnreadableError
from storewatch.ingest.csv.records import split_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MOST_UNPACKED = 250  # bytes a byte of a packed file
_MUCH = 256 << 20  # bytes; what unpacks to less does no harm
_STDERR = 2
_ONE_AT_A_TIME = threading.Lock()
SEPARATORS = (b",", b";", b"\t")
_HEADER = 1 << 20  # bytes within which the header must end
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def is_parquet(path: Path) -> bool:
    """Tell whether a file is to be read as Parquet."""
    return path.name.lower().endswith(".parquet")


def csv_header(path: Path) -> tuple[tuple[str, ...], bytes]:
    """Return the columns of a CSV file, and the separator of its fields."""
    with reading(path), open_csv(path) as (stream, _):
        columns, separator, _, _ = read_header(stream)
        return columns, separator


def parquet_schema(path: Path) -> dict[str, pl.DataType]:
    """Return the columns of a Parquet file."""
    with reading_parquet(path):
        table = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        schema = dict(table.collect_schema())
        cells = table.select(pl.len()).collect().item() * len(schema)
    check_unpacked(path, 8 * cells, path.stat().st_size)
    return schema


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into an InputError that names it."""
    try:
        yield
    except UnreadableError as error:
        raise InputError(f"{path}: {error}") from error
    except UnicodeError as error:
        raise InputError(f"{path}: is not whole UTF-16 ({error}); export it as CSV UTF-8") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: is not a whole gzip file ({error}); export or copy it again") from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); check the file and its permissions"
        ) from error


@contextmanager
def reading_parquet(path: Path) -> Iterator[None]:
    """The same for Parquet, whose reader has errors of its own, and panics where a file is damaged.

    It lets fixed offsets be zones, as pandas writes them. One file is read at a time: see `_quiet`.
    """
    os.environ.setdefault("POLARS_IGNORE_TIMEZONE_PARSE_ERROR", "1")
    with reading(path):
        try:
            with _quiet():
                yield
        except (PolarsError, PanicException) as error:
            reason = f"{error}".splitlines()[0]
            raise InputError(
                f"{path}: cannot be read as Parquet ({reason}); export or copy it again"
            ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what is written to stderr, and drop it after a panic, which Rust prints unasked."""
    with _ONE_AT_A_TIME, TemporaryFile() as held:
        sys.stderr.flush()
        stderr = os.dup(_STDERR)
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        except PanicException:
            held.truncate(0)
            raise
        finally:
            os.dup2(stderr, _STDERR)
            held.seek(0)
            os.write(stderr, held.read())
            os.close(stderr)


def check_unpacked(path: Path, unpacked: int, packed: int) -> None:
    """Refuse a file that grows out of all proportion: a few kilobytes can be made to fill any memory."""
    if unpacked > _MUCH and unpacked > MOST_UNPACKED * packed:
        raise InputError(
            f"{path}: unpacks to more than {MOST_UNPACKED} times its size, which no data does; "
            "unpack it and look"
        )


@contextmanager
def open_csv(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """Open a CSV file as UTF-8, gzipped if its name ends so, with what tells how far one is."""
    with path.open("rb", buffering=0) as file:
        if path.name.lower().endswith(".gz"):
            with gzip.open(file) as unpacked:
                yield _as_utf8(cast("IO[bytes]", unpacked)), file.tell
        else:
            yield _as_utf8(file), file.tell


def _as_utf8(stream: IO[bytes]) -> IO[bytes]:
    begin = stream.read(2)
    stream.seek(0)
    return cast("IO[bytes]", _FromUtf16(stream)) if begin in _UTF16 else stream


class _FromUtf16:
    """A stream of UTF-16, which begins with its byte-order mark, read as UTF-8."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._text = io.TextIOWrapper(stream, "utf-16", newline="")

    def read(self, size: int) -> bytes:
        return self._text.read(size).encode()


def read_header(stream: IO[bytes]) -> tuple[tuple[str, ...], bytes, bytes, int]:
    """Read a CSV file's header: its first line that is not blank, without a byte-order mark.

    Returns:
        The columns, the separator, which is what parts most of them, what else was read, and the line number
        at which that begins.
    """
    data = b""
    while len(data) < _HEADER and (more := stream.read(_HEADER - len(data))):
        data += more
    text = data.removeprefix(_BOM)
    body = text.lstrip(b"\r\n")
    headers = [(*split_header(body, separator), separator) for separator in SEPARATORS]
    columns, end, separator = max(headers, key=lambda header: len(header[0]))
    skipped = len(text) - len(body) + end
    return tuple(columns), separator, text[skipped:], 1 + text.count(b"\n", 0, skipped)
