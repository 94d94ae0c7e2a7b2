"""Which lines of a block are plain records, and what the others are.

A plain record has the right number of fields and no quotes (or none that matter). Fast readers take these;
every other line is looked at by itself, so that a file pays only for what is odd in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from storewatch.ingest.csv.records import Record, scan_records
from storewatch.ingest.rejects import Codes, Reason

if TYPE_CHECKING:
    from storewatch.ingest.layout import Layout

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]

_NEWLINE, _RETURN, _QUOTE = b'\n\r"'
_LAST_ASCII = 127


@dataclass(frozen=True, kw_only=True)
class Lines:
    """What the lines of a block are."""

    begins: Places  # of each line, and where the last one ends; blank lines count too
    plain: Mask  # by line: a record that fast readers can take
    dropped: Places  # bytes of plain records that are no part of their values: quotes, carriage returns
    odd: tuple[Record, ...]  # records that have to do with quotes, in order
    bad: Places  # all other lines that are not blank: no records that can be used
    codes: Codes  # the reason of each

    @property
    def size(self) -> int:
        """Bytes of the lines."""
        return int(self.begins[-1])


def find_lines(data: bytes, size: int, layout: Layout, *, final: bool) -> Lines:
    """Sort the lines of a block into plain and odd ones.

    Args:
        data: Text; lines and bytes beyond `size` are left alone.
        size: Where the last whole line ends.
        layout: What parts the fields, and how many a record must have.
        final: These are the last lines of the file; otherwise a record that a quote leaves open is for later,
            and the result ends before it.
    """
    text = np.frombuffer(data, np.uint8, size)
    ends = np.flatnonzero(text == _NEWLINE)
    begins = np.concatenate(([0], ends + 1))
    comma = ord(layout.separator)
    commas, quotes = np.flatnonzero(text == comma), np.flatnonzero(text == _QUOTE)
    returns, twice = _line_returns(text, begins)
    blank = np.diff(begins) == 1 + returns
    special = (_untidy(text, begins, commas, quotes, comma) | twice) & ~blank
    sound, valid = _per_line(begins, commas) == layout.width - 1, _is_utf8(data, text, begins)
    odd, count = _special_records(data, begins, special, layout, final=final)
    ordinary = ~(special | blank)
    for record in odd:
        ordinary[record.line : record.line + record.lines] = False
    bad = np.flatnonzero((ordinary & ~(sound & valid))[:count])
    return Lines(
        begins=begins[: count + 1],
        plain=(ordinary & sound & valid)[:count],
        dropped=np.concatenate([quotes, ends[returns] - 1]),
        odd=odd,
        bad=bad,
        codes=np.where(valid[bad], Reason.FIELDS, Reason.UTF8).astype(np.uint8),
    )


def _special_records(
    data: bytes, begins: Places, special: Mask, layout: Layout, *, final: bool
) -> tuple[tuple[Record, ...], int]:
    """Return the records that begin in special lines, and how many lines come before one left open."""
    count = len(special)
    if not special.any():
        return (), count
    found = list(scan_records(data, begins.tolist(), np.flatnonzero(special).tolist(), layout, final=final))
    if isinstance(found[-1], int):
        count = found[-1]
    return tuple(record for record in found if isinstance(record, Record)), count


def _per_line(begins: Places, places: Places) -> Places:
    """Count places by line."""
    return np.diff(np.searchsorted(places, begins))


def _line_returns(text: NDArray[np.uint8], begins: Places) -> tuple[Mask, Mask]:
    """Tell which lines end with a carriage return, and which with two: a value's own, then."""
    lengths = np.diff(begins)
    last, one_before = np.maximum(begins[1:] - 2, 0), np.maximum(begins[1:] - 3, 0)
    one = (lengths > 1) & (text[last] == _RETURN)
    return one, one & (lengths > 2) & (text[one_before] == _RETURN)  # noqa: PLR2004 - both and the newline


def _is_utf8(data: bytes, text: NDArray[np.uint8], begins: Places) -> Mask:
    valid = np.ones(len(begins) - 1, np.bool_)
    if not _decodes(data[: len(text)]):
        high = np.flatnonzero(text > _LAST_ASCII)
        for line in np.flatnonzero(_per_line(begins, high)):
            valid[line] = _decodes(data[begins[line] : begins[line + 1]])
    return valid


def _decodes(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


def _untidy(text: NDArray[np.uint8], begins: Places, commas: Places, quotes: Places, comma: int) -> Mask:
    """Tell which lines have quotes that do more than stand around a whole field without separators."""
    untidy = np.zeros(len(begins) - 1, np.bool_)
    if not len(quotes):
        return untidy
    per_line = _per_line(begins, quotes)
    line = np.repeat(np.arange(len(per_line)), per_line)
    opens = (np.arange(len(quotes)) - np.repeat(np.cumsum(per_line) - per_line, per_line)) % 2 == 0
    before, after = text[quotes - 1], text[quotes + 1]
    alone = (before == comma) | (before == _NEWLINE) | (quotes == 0)
    closed = (after == comma) | (after == _NEWLINE) | ((after == _RETURN) & (quotes + 3 == begins[line + 1]))
    commas_before = np.searchsorted(commas, quotes)
    closed &= (commas_before == np.roll(commas_before, 1)) & (before != _RETURN)
    untidy[line[~np.where(opens, alone, closed)]] = True
    untidy |= per_line % 2 == 1
    return untidy
