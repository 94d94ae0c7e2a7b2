"""Hours as other systems give them: JSON documents, one a store → the rows that a file of ours would have.

A format says what stands where in a document and how an entry there reads. What it does not know is rejected
with its place: nothing is guessed, and the store keeps what it had (R1, R8).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from storewatch.domain.kinds import EXCEPTIONS, HOURS, Kind
from storewatch.domain.label import folded
from storewatch.errors import InputError
from storewatch.ingest.opening import reading
from storewatch.ingest.parts import flawed_part, join_parts, rows_part
from storewatch.ingest.reading import Reading, combine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from storewatch.ingest.parts import Part


class UnknownError(Exception):
    """A part of a document is not known in its format; the message names it."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of hours or exceptions, as a file of ours would have it, without its store."""

    kind: Kind
    columns: dict[str, str | None]  # by our names
    flaw: str | None = None  # what is not known about it

    @classmethod
    def weekly(cls, day: int | str, start: str, end: str, first: str = "", last: str = "") -> Row:
        """Return a row of hours; a day of no week is rejected."""
        times = {"start_time_local": start, "end_time_local": end}
        return cls(kind=HOURS, columns={"day": f"{day}", **times, "valid_from": first, "valid_to": last})

    @classmethod
    def on_date(cls, day: date, start: str = "", end: str = "", reason: str = "") -> Row:
        """Return an exception; without times the store is closed."""
        times = {"start_time_local": start, "end_time_local": end}
        return cls(kind=EXCEPTIONS, columns={"date": f"{day}", **times, "reason": reason})

    @classmethod
    def unknown(cls, kind: Kind, flaw: str, day: date | None = None) -> Row:
        """Return a row that is rejected; of an exception, on a date if that is known."""
        return cls(kind=kind, columns={"date": f"{day}"} if day else {}, flaw=flaw)


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of documents."""

    name: str
    id_key: str  # what it calls a store's id; our own name goes before
    # Where entries stand, key by key; the kind that one gives rows of; and how it reads. What reads raises
    # UnknownError.
    parts: tuple[tuple[tuple[str, ...], Kind, Callable[[dict[str, Any]], list[Row]]], ...]


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """A row with its place."""

    row: Row
    store_id: str | None
    line: int  # the number of its document, from 1
    text: str  # where in the document it stands, and what


def read_documents(paths: Sequence[Path], form: Format) -> Reading:
    """Read documents as one load (R1).

    Args:
        paths: Files with a list of documents that name their stores, or with one document, whose store is
            called as the file unless it names it itself; and folders of such files, which end with .json.
        form: Of all of them.

    Raises:
        InputError: There is no such file. What else cannot be used is in the result.
    """
    named: list[tuple[str, Kind, Part]] = []
    unused = []
    for path in paths:
        for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
            try:
                placed = [one for document in _documents(file) for one in _placed(form, *document)]
            except InputError as error:
                unused.append(f"{error}")
            else:
                named += [(f"{file}", kind, _part(kind, placed)) for kind in (HOURS, EXCEPTIONS)]
    return combine(named, unused=unused)


def _documents(path: Path) -> list[tuple[int, object, str | None]]:
    """Return the documents of a file, numbered from 1, and how their store is called if by the file."""
    with reading(path):
        data = path.read_bytes()
    try:
        given = json.loads(data, object_pairs_hook=_once)
        json.dumps(given, ensure_ascii=False).encode()  # half a character is no text
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no JSON that can be read ({error}); export it again") from error
    if isinstance(given, list):
        return [(line, document, None) for line, document in enumerate(given, 1)]
    return [(1, given, path.name.removesuffix(".json"))]


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"a key twice in one object: {', '.join(sorted(key for key, _ in pairs))}")
    return found


def _placed(form: Format, line: int, document: object, file_name: str | None) -> Iterator[_Placed]:
    """Yield the rows of a document; one that gives nothing gives a flaw."""
    known = document if isinstance(document, dict) else {}
    store_id = _store_id(known, form, file_name)
    found = [
        _Placed(row=row, store_id=store_id, line=line, text=f"{place}: {_short(entry)}")
        for keys, kind, read in form.parts
        for place, entry in _entries(known, keys)
        for row in _rows(entry, kind, read)
    ]
    nothing = Row.unknown(HOURS, "gives no hours")
    yield from found or [_Placed(row=nothing, store_id=store_id, line=line, text=_short(document))]


def _store_id(document: Mapping[str, Any], form: Format, file_name: str | None) -> str | None:
    """Return a store's id, as text or from a whole number; None: it has none."""
    own = [value for key, value in document.items() if folded(key) == folded("store_id")]
    if own:
        value = own[0] if len(own) == 1 else None
    else:
        value = document.get(form.id_key) if file_name is None else file_name
    is_id = isinstance(value, str | int) and not isinstance(value, bool)
    return f"{value}" if is_id else None


def _entries(document: Mapping[str, Any], keys: Sequence[str]) -> Iterator[tuple[str, object]]:
    """Yield the entries of a part of a document, each with its place; none, if the part is not there."""
    value: Any = document
    for key in keys:
        if not isinstance(value, dict):
            yield ".".join(keys), value
            return
        value = value.get(key)
        if value is None:
            return
    for number, entry in enumerate(value if isinstance(value, list) else [value]):
        yield f"{'.'.join(keys)}[{number}]", entry


def _rows(entry: object, kind: Kind, read: Callable[[dict[str, Any]], list[Row]]) -> list[Row]:
    if not isinstance(entry, dict):
        return [Row.unknown(kind, "no object")]
    try:
        return read(entry)
    except UnknownError as error:
        return [Row.unknown(kind, f"{error}")]


def _part(kind: Kind, placed: Sequence[_Placed]) -> Part:
    """Check the rows of a kind, as those of files are."""
    mine = [one for one in placed if one.row.kind is kind]
    known = [one for one in mine if one.row.flaw is None]
    unknown = [one for one in mine if one.row.flaw is not None]
    good = rows_part(kind, _table(kind, known), **_origin(known))
    flaws = [one.row.flaw or "" for one in unknown]
    return join_parts([good, flawed_part(kind, _table(kind, unknown), flaws=flaws, **_origin(unknown))], kind)


def _table(kind: Kind, placed: Sequence[_Placed]) -> pl.DataFrame:
    rows = [{"store_id": one.store_id} | one.row.columns for one in placed]
    columns = {name: [row.get(name) for row in rows] for name in kind.names}
    return pl.DataFrame(columns, schema=dict.fromkeys(kind.names, pl.String))


def _origin(placed: Sequence[_Placed]) -> dict[str, Any]:
    return {"lines": np.array([one.line for one in placed], np.int64), "raws": [one.text for one in placed]}


def known_keys(entry: Mapping[str, Any], keys: Iterable[str]) -> None:
    """Refuse an entry that has other keys: they could change what it means."""
    if strange := sorted(entry.keys() - set(keys)):
        raise UnknownError(", ".join(strange))


def shown(name: str, value: object) -> str:
    """Return a value that is not known as a message shows it."""
    return f"{name} {_short(value)}"


def _short(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
