"""The rows of a report, part by part, so that a fleet's need not be in memory at once."""

from __future__ import annotations

import io
import os
import tempfile
import weakref
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO


class Rows:
    """Frames, one after the other: the first is held in memory, any further ones in a file without a name.

    Frames of stores that have no target lack the columns of one (R10): they get them, empty, if others have
    them. The file goes with this, however the process ends. It lies where the system keeps what is temporary.
    """

    def __init__(self, first: pl.DataFrame) -> None:
        """Begin with a frame."""
        self.height = first.height
        self.schema = first.schema  # that of all frames as they are given back
        self._first = first
        self._file: BinaryIO | None = None
        self._ends: list[int] = []  # in the file, of each further frame

    def add(self, frame: pl.DataFrame) -> None:
        """Append a frame."""
        if len(frame.schema) > len(self.schema):
            self.schema = frame.schema
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed with this
            weakref.finalize(self, self._file.close)
        self.height += frame.height
        frame.write_ipc_stream(buffer := io.BytesIO())
        self._file.write(buffer.getbuffer())
        self._file.flush()
        self._ends.append(self._file.tell())

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Yield the frames, as often as one likes."""
        yield self._whole(self._first)
        begin = 0
        for end in self._ends:
            assert self._file is not None  # noqa: S101 - else there is no end
            yield self._whole(pl.read_ipc_stream(os.pread(self._file.fileno(), end - begin, begin)))
            begin = end

    def _whole(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame with all columns, in order; those that it lacks are empty."""
        missing = [
            pl.lit(None, dtype).alias(name)
            for name, dtype in self.schema.items()
            if name not in frame.columns
        ]
        return frame.with_columns(missing).select(list(self.schema)) if missing else frame
