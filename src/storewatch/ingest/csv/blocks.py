"""A CSV file as blocks of whole lines, so that memory holds a few megabytes of text and never the file."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import numpy as np

from storewatch.ingest.csv.lines import Lines, find_lines
from storewatch.ingest.stamps import PADDING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.ingest.layout import Layout

BLOCK = 8 << 20  # bytes
LONGEST_LINE = 1 << 20  # bytes


class UnreadableError(Exception):
    """A file is not read any further; the message says why and what to do, and names no file."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Whole lines of a file."""

    data: bytes  # the lines, then at least PADDING bytes that do not belong to them
    size: int  # bytes of the lines
    first: int  # number of the first line in the file, the header's being 1
    lines: Lines | None  # found already where quotes had to be followed, else None


def read_blocks(
    stream: IO[bytes], *, rest: bytes, first: int, layout: Layout, block: int = BLOCK
) -> Iterator[Block]:
    """Yield a file's lines in blocks that no record straddles.

    Args:
        stream: Whatever of the file has not been read.
        rest: What has been read of it beyond the header.
        first: The line number at which `rest` begins.
        layout: What parts the fields, and how many columns there are.
        block: Bytes to read at a time.
    """
    while True:
        more = stream.read(block)
        data, final = rest + more, not more
        size = _whole(data, final=final)
        if final and size > len(data):
            data += b"\n"
        lines = find_lines(data, size, layout, final=final) if data.find(b'"', 0, size) >= 0 else None
        if lines is not None:
            size = lines.size
        if lines is None and len(data) - size > LONGEST_LINE:
            _check_length(data, size, first)
        rest = _give_back(stream, data[size:]) if size else data
        if size:
            yield Block(data=_padded(data, size), size=size, first=first, lines=lines)
            first += len(lines.plain) if lines is not None else _count_lines(data, size)
        if final:
            return


def _check_length(data: bytes, size: int, first: int) -> None:
    """Refuse a line that is not over after `LONGEST_LINE`: it would be held, and grow, until it is."""
    line = first + _count_lines(data, size)
    raise UnreadableError(
        f"line {line} is longer than {LONGEST_LINE:,} bytes, so this is no CSV; export it again"
    )


def _count_lines(data: bytes, size: int) -> int:
    """Return how many lines end in the first bytes, several times as fast as `bytes.count` does."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8, size) == ord("\n")))


def _give_back(stream: IO[bytes], rest: bytes) -> bytes:
    """Let the next read begin with `rest` where that is cheap; joining it to the next block copies that."""
    if not isinstance(stream, io.RawIOBase):
        return rest
    stream.seek(-len(rest), io.SEEK_CUR)
    return b""


def _whole(data: bytes, *, final: bool) -> int:
    """Return where the last whole line ends; the last line of a file may lack its newline."""
    size = data.rfind(b"\n") + 1
    return len(data) + 1 if final and size < len(data) else size


def _padded(data: bytes, size: int) -> bytes:
    return data if len(data) - size >= PADDING else data + bytes(PADDING)
