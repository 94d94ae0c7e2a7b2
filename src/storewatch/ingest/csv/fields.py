"""Where the fields of a block's records lie, so that they can be read in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.ingest.csv.lines import Lines, Places, find_lines
from storewatch.ingest.csv.records import shown, without_end
from storewatch.ingest.stamps import PADDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from storewatch.ingest.csv.blocks import Block
    from storewatch.ingest.layout import Layout

_NEWLINE = ord("\n")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The plain records of a block: no quotes, no carriage returns, as many fields as the header has."""

    data: bytes  # of the records, one a line, then PADDING bytes or more
    ends: Places  # of each record: where its newline is
    commas: Places  # (records, fields − 1): where its separators are
    block: Block
    lines: Lines | None  # of the block; None: all its lines are plain records

    def bounds(self, place: int) -> tuple[Places, Places]:
        """Return where a field of each record begins and ends, in bytes of `data`."""
        fields = self.commas.shape[1] + 1
        begins = self.commas[:, place - 1] + 1 if place else np.concatenate(([0], self.ends[:-1] + 1))
        return begins, self.commas[:, place] if place < fields - 1 else self.ends

    def columns(self, layout: Layout, names: Sequence[str]) -> pl.DataFrame:
        """Read columns as text (String, never null) under our names."""
        if not len(self.ends):
            return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
        frame = pl.read_csv(
            self.data,
            has_header=False,
            schema={f"{place}": pl.String for place in range(layout.width)},
            columns=sorted(layout.at[name] for name in names),
            separator=layout.separator.decode(),
            quote_char=None,
            empty_string_is_null=False,
            n_rows=len(self.ends),
        )
        return frame.select(pl.col(f"{layout.at[name]}").alias(name) for name in names)

    def line_numbers(self) -> NDArray[np.int64]:
        """Return the line of the file that each record is on."""
        if self.lines is None:
            return np.arange(self.block.first, self.block.first + len(self.ends))
        return np.flatnonzero(self.lines.plain) + self.block.first

    def raw(self, records: Iterable[int]) -> list[str]:
        """Return records as they were in the file."""
        lines = self.line_numbers() - self.block.first
        begins = self.lines.begins if self.lines is not None else np.concatenate(([0], self.ends + 1))
        spans = ((begins[line], begins[line + 1]) for line in lines[list(records)])
        return [shown(without_end(self.block.data[begin:end])) for begin, end in spans]


def find_fields(block: Block, layout: Layout) -> Fields:
    """Find the fields of a block's plain records; the layout says how many each must have."""
    width, comma = layout.width, ord(layout.separator)
    if block.lines is None and b"\r" not in block.data and block.data.isascii():
        ends, commas = _signs(block.data, block.size, comma)
        if _is_regular(ends, commas, width):
            commas = commas.reshape(len(ends), width - 1)
            return Fields(data=block.data, ends=ends, commas=commas, block=block, lines=None)
    lines = block.lines or find_lines(block.data, block.size, layout, final=True)
    data, size = _plain_text(block.data, lines)
    ends, commas = _signs(data, size, comma)
    return Fields(data=data, ends=ends, commas=commas.reshape(len(ends), width - 1), block=block, lines=lines)


def _signs(data: bytes, size: int, comma: int) -> tuple[Places, Places]:
    text = np.frombuffer(data, np.uint8, size)
    return np.flatnonzero(text == _NEWLINE), np.flatnonzero(text == comma)


def _is_regular(ends: Places, commas: Places, width: int) -> bool:
    """Tell whether every line has width − 1 separators."""
    if len(commas) != len(ends) * (width - 1):
        return False
    table = commas.reshape(len(ends), width - 1)
    return bool((table[:, -1] < ends).all() and (table[1:, 0] > ends[:-1]).all())


def _plain_text(data: bytes, lines: Lines) -> tuple[bytes, int]:
    """Return the plain records' text less what is no part of their values, and its size less the padding."""
    keep = np.repeat(lines.plain, np.diff(lines.begins))
    keep[lines.dropped[lines.dropped < len(keep)]] = False
    text = np.frombuffer(data, np.uint8, lines.size).compress(keep).tobytes()
    return text + bytes(PADDING), len(text)
