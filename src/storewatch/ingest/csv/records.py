"""Records of a CSV file that no fast reader can be trusted with: stray quotes, or quotes across lines.

A record is fields between separators. A field in quotes may hold separators, newlines and doubled quotes;
elsewhere in a field a quote is a character like any other. A record across several lines is not believed if
it comes out with a wrong number of fields and rows inside it. Its first line alone is bad then: a stray quote
must not swallow the rows after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewatch.ingest.rejects import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.ingest.layout import Layout

LONGEST = 1 << 20  # bytes of a record that goes over several lines

_QUOTED = re.compile(rb'"([^"]*(?:""[^"]*)*)"')
_PLAIN = {separator: re.compile(rb"[^%c\n]*" % separator) for separator in (b",", b";", b"\t")}


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record as it came out: fields, or the reason why it is rejected."""

    line: int  # where it begins; lines are counted from 0 within the data
    lines: int  # that it takes
    raw: bytes  # without the line end
    fields: tuple[str, ...] = ()
    reason: Reason = Reason.GOOD


class _BrokenError(Exception):
    """A quote opens or closes where it must not."""


class _OpenError(Exception):
    """A quote is not closed within the data."""


def split_record(data: bytes, begin: int, size: int, separator: bytes) -> tuple[list[bytes], int]:
    """Return the fields of the record at `begin`, and where the next line begins.

    Raises:
        _BrokenError: Its quotes make no sense.
        _OpenError: It is not over at `size`.
    """
    fields, at = [], begin
    while True:
        quoted = data.startswith(b'"', at)
        found = (_QUOTED if quoted else _PLAIN[separator]).match(data, at, size)
        if found is None:
            raise _OpenError
        at = found.end()
        more = at < size and data.startswith(separator, at)
        fields.append(_value(found, quoted=quoted, last=not more))
        if not more:
            return fields, _line_end(data, at, size)
        at += 1


def _value(found: re.Match[bytes], *, quoted: bool, last: bool) -> bytes:
    if quoted:
        return found[1].replace(b'""', b'"')
    return found[0].removesuffix(b"\r") if last else found[0]


def _line_end(data: bytes, at: int, size: int) -> int:
    if at >= size:
        return size
    for end in (b"\n", b"\r\n"):
        if data.startswith(end, at):
            return at + len(end)
    raise _BrokenError


def scan_records(
    data: bytes, begins: list[int], odd: list[int], layout: Layout, *, final: bool
) -> Iterator[Record | int]:
    """Yield the records that begin in odd lines, in order.

    Args:
        data: Whole lines, and whatever comes after them.
        begins: Where each line begins, and the end of the last line.
        odd: Numbers of lines that need a look; those inside an earlier record are passed over.
        layout: What parts the fields, and how many a record must have.
        final: Nothing comes after these lines.

    Yields:
        Records; last, if a quote is still open at the end and more lines may close it, the number of the line
        where its record begins.
    """
    free = 0
    for line in odd:
        if line >= free:
            record = _record(data, begins, line, layout, final=final)
            yield line if record is None else record
            if record is None:
                return
            free = line + record.lines


def _record(data: bytes, begins: list[int], line: int, layout: Layout, *, final: bool) -> Record | None:
    begin = begins[line]
    window = min(begins[-1], begin + LONGEST)
    try:
        fields, end = split_record(data, begin, window, layout.separator)
    except _BrokenError:
        return _broken(data, begins, line)
    except _OpenError:
        return _broken(data, begins, line) if final or window < begins[-1] else None
    lines = data.count(b"\n", begin, end)
    if lines > 1 and len(fields) != layout.width and _swallows(data[begin:end], layout):
        return _broken(data, begins, line)
    return _checked(
        Record(line=line, lines=max(lines, 1), raw=without_end(data[begin:end])), fields, layout.width
    )


def _swallows(raw: bytes, layout: Layout) -> bool:
    """Tell whether a record over several lines has a line in it that is a record by itself."""
    commas = layout.width - 1
    return any(b'"' not in line and line.count(layout.separator) == commas for line in raw.split(b"\n"))


def _broken(data: bytes, begins: list[int], line: int) -> Record:
    raw = without_end(data[begins[line] : begins[line + 1]])
    return Record(line=line, lines=1, raw=raw, reason=Reason.QUOTES)


def _checked(record: Record, fields: list[bytes], width: int) -> Record:
    reason = Reason.GOOD
    texts: tuple[str, ...] = ()
    try:
        texts = tuple(field.decode() for field in fields)
    except UnicodeDecodeError:
        reason = Reason.UTF8
    if not reason and len(fields) != width:
        reason = Reason.FIELDS
    return Record(line=record.line, lines=record.lines, raw=record.raw, fields=texts, reason=reason)


def without_end(line: bytes) -> bytes:
    """Return a line without its newline and the carriage return before it."""
    return line.removesuffix(b"\n").removesuffix(b"\r")


def shown(raw: bytes) -> str:
    r"""Return a row as it was, bytes that are not UTF-8 as \xff."""
    return raw.decode(errors="backslashreplace")


def fields_at(raw: bytes, layout: Layout) -> list[str | None]:
    """Return the kind's fields of a useless row, as far as they can be read: what it meant."""
    try:
        fields, _ = split_record(raw, 0, len(raw), layout.separator)
    except (_BrokenError, _OpenError):
        fields = raw.split(layout.separator)
    return [_readable(fields[place]) if place < len(fields) else None for place in layout.at.values()]


def _readable(field: bytes) -> str | None:
    try:
        text = field.decode()
    except UnicodeDecodeError:
        return None
    return None if '"' in text else text


def split_header(data: bytes, separator: bytes) -> tuple[list[str], int]:
    """Return the column names that a CSV file begins with, and where the next line begins."""
    try:
        fields, end = split_record(data, 0, len(data), separator)
    except (_BrokenError, _OpenError):
        line = data.split(b"\n", 1)[0]
        fields, end = line.split(separator), min(len(line) + 1, len(data))
    return [shown(field) for field in fields if data], end
