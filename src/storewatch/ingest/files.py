"""Which files to read, what each of them holds, and what those lack that cannot be read (R1)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING
from zipfile import BadZipFile, ZipFile

from storewatch.domain.kinds import KINDS
from storewatch.errors import InputError
from storewatch.ingest.columns import check_types
from storewatch.ingest.layout import (
    Layout,
    find_layout,
    is_ours,
    kinds_joined,
    lacking,
    listed,
    no_labels,
    wanted,
)
from storewatch.ingest.opening import csv_header, is_parquet, parquet_schema, reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz", ".parquet")
REFUSED = {  # endings of what is data and never read, and the sentence of what to do
    (
        ".xlsx",
        ".xls",
        ".xlsm",
        ".ods",
    ): "is a workbook, which is not read: save each of its sheets as CSV UTF-8",
    (
        ".json",
        ".jsonl",
        ".ndjson",
    ): "is JSON, which is not read: export it as CSV or Parquet, or if it has hours "
    "as schema.org or Google give them, name it to `load --hours-format`",
    (
        ".zip",
        ".7z",
        ".tar",
        ".tgz",
        ".gz",
        ".bz2",
        ".xz",
        ".zst",
    ): "is an archive, which is not read: unpack it (a single CSV file may stay packed as .csv.gz)",
    (".feather", ".arrow", ".avro", ".orc", ".db", ".sqlite"): "is not read: export it as CSV or Parquet",
}
_MAGIC = ((b"PK\x03\x04", ".zip"), (b"\xd0\xcf\x11\xe0", ".xls"), (b"{", ".json"), (b"[", ".json"))
_MANIFEST = (b'"as_of"', b'"parameters"')
_NO_DATA = ("readme", "license", "licence", "changelog", ".", "_", "~$")  # what other files' names begin with
_OUR_FOLDERS = ("_delta_log", "polls/_delta_log", "jobs.sqlite")  # what a table or home of ours has in it
_MOST_INSIDE = 200  # files of a subfolder that are looked at


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file and what it holds."""

    path: Path
    columns: tuple[str, ...]
    layout: Layout
    size: int  # bytes on disk


@dataclass(frozen=True, kw_only=True)
class Found:
    """The files to read, each once, and those that were given and are not read."""

    sources: tuple[Source, ...]
    unused: tuple[str, ...]  # a sentence each: what cannot be read and what it lacks
    exempt: tuple[str, ...]  # names of what folders hold that is obviously no data, and of our own reports


class _NoDataError(Exception):
    """A file is no data, or a report of ours."""


def find_sources(paths: Sequence[Path]) -> Found:
    """Look at the header of every file named and of every file in the folders named.

    Raises:
        InputError: A path is missing or cannot be looked at, or there is nothing to read.
    """
    sources: dict[Path, Source] = {}
    unused: list[str] = []
    exempt: list[str] = []
    for path in paths:
        for file in _listing(path) if _is_folder(path) else [path]:
            try:
                if file.is_dir():
                    unused += _inside(file)
                else:
                    sources.setdefault(file.resolve(), _look(file))
            except InputError as error:
                unused.append(f"{error}")
            except _NoDataError as error:
                (exempt if file is not path else unused).append(f"{error}" if file is path else file.name)
    unused += [f"{source.path}: {text}" for source in sources.values() for text in no_labels(source.layout)]
    if not sources:
        raise InputError(_nothing_message(paths, unused))
    return Found(sources=tuple(sources.values()), unused=tuple(unused), exempt=tuple(exempt))


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
        return sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from error


def _inside(folder: Path) -> Iterator[str]:
    """Yield a sentence if a folder within one that was given holds data; a table of ours does not count."""
    if folder.name.startswith((".", "_")) or any((folder / name).exists() for name in _OUR_FOLDERS):
        return
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    for file in islice(files, _MOST_INSIDE):
        try:
            _look(file)
        except _NoDataError:
            continue
        except InputError as error:
            yield f"{folder}: folders within a folder are not read; it holds data: {error}"
            return
        yield f"{folder}: folders within a folder are not read, and {file} holds data: move it up, or name it"
        return


def _look(path: Path) -> Source:
    """Return what a file holds.

    Raises:
        InputError: It is data, or should be, and cannot be read; the message says what to do.
        _NoDataError: It is no data.
    """
    name = path.name.lower()
    if not path.is_file():
        raise InputError(f"{path}: is no regular file; write what it gives to a file first")
    if name.startswith(_NO_DATA):
        raise _NoDataError(f"{path}: is no data by its name")
    readable = name.endswith(ENDINGS)
    if not readable:
        _refuse_ending(path, name)
    if readable and not is_parquet(path):
        _refuse_content(path)
    return _understood(path, is_readable=readable)


def _understood(path: Path, *, is_readable: bool) -> Source:
    schema = parquet_schema(path) if is_parquet(path) else None
    columns, separator = (tuple(schema), b",") if schema is not None else csv_header(path)
    layout = find_layout(columns, KINDS.values(), separator)
    if layout is None:
        if is_ours(columns):
            raise _NoDataError(f"{path}: is a report of storewatch")
        lacks = lacking(columns)
        if lacks is None and (not is_readable or path.name.lower().endswith(".txt")):
            raise _NoDataError(f"{path}: is not {kinds_joined('or')}")
        raise InputError(f"{path}: {lacks or 'not ' + kinds_joined('or')} ({listed(columns)})")
    if not is_readable:
        raise InputError(f"{path}: looks like {layout.kind.name}: end its name with .csv and it is read")
    if schema is not None:
        check_types(layout, list(schema.values()), where=f"{path}")
    return Source(path=path, columns=columns, layout=layout, size=path.stat().st_size)


def _refuse_ending(path: Path, name: str) -> None:
    """Refuse what the ending says is data of a kind that is never read, unless storewatch wrote it."""
    for endings, sentence in REFUSED.items():
        if name.endswith(endings):
            if _is_our_workbook_or_json(path):
                raise _NoDataError(f"{path}: is a report of storewatch")
            raise InputError(f"{path}: {sentence}")


def _refuse_content(path: Path) -> None:
    """Refuse what only its name says is CSV."""
    begin = _begin(path).lstrip()
    for magic, ending in _MAGIC:
        if begin.startswith(magic):
            sentence = next(sentence for endings, sentence in REFUSED.items() if ending in endings)
            raise InputError(f"{path}: {sentence}")


def _begin(path: Path) -> bytes:
    with reading(path), path.open("rb") as file:
        return file.read(4096)


def _is_our_workbook_or_json(path: Path) -> bool:
    begin = _begin(path)
    if b'"uptime_seconds_last_hour"' in begin or all(word in begin for word in _MANIFEST):
        return True
    try:
        with reading(path), ZipFile(path) as book:
            return b"<dc:title>Uptime as of " in book.read("docProps/core.xml")
    except (BadZipFile, KeyError, NotImplementedError):
        return False


def _nothing_message(paths: Sequence[Path], unused: list[str]) -> str:
    where = ", ".join(f"{path}" for path in paths) or "no path given"
    passed = "".join(f"; {message}" for message in unused)
    endings = ", ".join(ENDINGS)
    return f"{where}: no file ({endings}) with {kinds_joined('or')}. Columns wanted: {wanted()}{passed}"
