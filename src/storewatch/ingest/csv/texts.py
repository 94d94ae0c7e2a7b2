"""The distinct texts of a field of many records, found without making a text of each.

A text is a few 64-bit words, and its hash is the slot of a table. The last record that comes to a slot holds
it; those that meet another text there go round again with another hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.ingest.stamps import PADDING, words_at

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storewatch.ingest.csv.lines import Places

LONGEST = PADDING  # bytes of a text: as many can be read from where any field begins

_WORD = 8
_ROWS = 16_384  # at a time: what a step needs then stays in the core's own cache
_INSIDE = np.clip(np.arange(LONGEST + 1) - np.arange(0, LONGEST, _WORD)[:, None], 0, _WORD)
_MASKS = np.array([(1 << 8 * bytes_) - 1 for bytes_ in range(_WORD + 1)], np.uint64)[_INSIDE]  # word, length
_FACTORS = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93], np.uint64
)  # odd, and no more
_TURNS = 8  # from then on the texts are made to collide


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Texts, each once, and which of them each record has."""

    distinct: NDArray[np.bytes_]
    number: NDArray[np.uint32]  # of each record


def distinct_texts(data: bytes, begins: Places, ends: Places) -> Texts | None:
    """Find the distinct texts of a field.

    Args:
        data: What the records lie in; it goes on for `PADDING` bytes after the last of them.
        begins: Of each record's text, in bytes; at least one.
        ends: The same, exclusive.

    Returns:
        None where this is not the way: a text is longer than `LONGEST`, has a zero byte in it, or many are
        made to have one hash.
    """
    width = -(-int((ends - begins).max()) // _WORD)
    if not 0 < width * _WORD <= LONGEST or data.find(b"\0", 0, int(ends[-1])) >= 0:
        return None
    words = _words(data, begins, ends, width)
    found = _numbered(words, turn=0)
    if found is None:
        return None
    first, number = found
    texts = np.ascontiguousarray(words[:, first].T).view(f"S{width * _WORD}").ravel()
    return Texts(distinct=texts, number=number)


def distinct_places(texts: pl.Series) -> tuple[pl.Series, NDArray[np.uint32]] | None:
    """Find the distinct texts of a column.

    Args:
        texts: String; nulls are equal to each other.

    Returns:
        Each text once, and which of them each row has; None where this is not the way.
    """
    found = _numbered(texts.hash().to_numpy()[None], turn=0)
    if found is None:
        return None
    distinct = texts.gather(pl.Series(found[0]))
    is_same = distinct.gather(pl.Series(found[1])).eq_missing(texts)  # two texts may have one hash
    return (distinct, found[1]) if is_same.all() else None


def _words(data: bytes, begins: Places, ends: Places, width: int) -> NDArray[np.uint64]:
    """Return the texts as little-endian words, zeros behind their ends: [width, records]."""
    words = np.empty((width, len(begins)), np.uint64)
    for row in range(0, len(begins), _ROWS):
        rows = slice(row, row + _ROWS)
        piece, lengths = words_at(data, begins[rows], width), ends[rows] - begins[rows]
        for nth in range(width):
            np.bitwise_and(piece[:, nth], _MASKS[nth].take(lengths), out=words[nth, rows])
    return words


def _numbered(words: NDArray[np.uint64], turn: int) -> tuple[Places, NDArray[np.uint32]] | None:
    """Return a record for each distinct text, and the number of each record's text."""
    if turn == _TURNS:
        return None
    rows = words.shape[1]
    slot = _slots(words, turn, bits=rows.bit_length())
    table = np.empty(1 << rows.bit_length(), np.uint32)
    own = np.arange(rows, dtype=np.uint32)
    table[slot] = own
    first = np.flatnonzero(table.take(slot) == own)
    table[slot[first]] = own[: len(first)]
    number = table.take(slot)
    wrong = np.zeros(rows, np.bool_)
    for word in words:
        wrong |= word.take(first).take(number) != word
    rest = np.flatnonzero(wrong)
    if len(rest):
        more = _numbered(words[:, rest], turn + 1)
        if more is None:
            return None
        number[rest] = more[1] + np.uint32(len(first))
        first = np.concatenate((first, rest[more[0]]))
    return first, number


def _slots(words: NDArray[np.uint64], turn: int, bits: int) -> Places:
    mixed = np.zeros(words.shape[1], np.uint64)
    for nth, word in enumerate(words):
        mixed += word * _FACTORS[(nth + turn) % len(_FACTORS)]
        mixed ^= mixed >> np.uint64(29 + turn)
    mixed *= _FACTORS[turn % len(_FACTORS)]
    return (mixed >> np.uint64(64 - bits)).view(np.int64)
