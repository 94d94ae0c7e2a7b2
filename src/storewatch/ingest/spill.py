"""The polls of a load, by UTC day, outside of memory: as many as the disk has room for."""

from __future__ import annotations

import io
from dataclasses import dataclass
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.kinds import POLLS
from storewatch.domain.packed import by_day, settle, stores_of, with_stores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from storewatch.domain.packed import Keys

_IN_MEMORY = 32 << 20  # bytes; what is less never touches the disk
_KEY = 8  # bytes


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """The stores in order."""

    stores: pl.Series  # String
    coded: pl.Series  # Categorical
    places: NDArray[np.int64]  # of each number, the last one for the number -1 of others: how many stores


class Spill:
    """Polls as keys in a file that has no name, so that it is gone when the process is; a `PollsByDay`.

    Stores are numbered in the order in which they come. Several threads may add at once; what is read is read
    once all is added.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Name the folder in which the file is made if there are many polls; None: that of the system."""
        self._folder = folder
        self._file: IO[bytes] = io.BytesIO()
        self._size = 0
        self._pieces: dict[int, list[tuple[int, int]]] = {}  # by day: offset in the file, keys
        self._number = np.zeros(0, np.int32)  # of a store, by the code of its id; -1: it has none
        self._ids = [
            POLLS.frame()["store_id"]
        ]  # by number; as long as one is there, codes keep their meaning
        self._stores = 0
        self._found: _Placed | None = None
        self._changing = Lock()
        self.newest: int | None = None

    def add(self, polls: pl.DataFrame) -> None:
        """Take polls, POLLS in any order.

        Raises:
            OSError: The disk has no room for them.
        """
        if polls.is_empty():
            return
        at, active = polls["at"].to_physical().to_numpy(), polls["active"].to_numpy()
        with self._changing:
            number = self._numbers(polls["store_id"])
        days = by_day(number, at, active)
        newest = int(at.max())
        with self._changing:
            self.newest = newest if self.newest is None else max(newest, self.newest)
            for day, keys in days:
                self._pieces.setdefault(day, []).append((self._size, len(keys)))
                self._write(keys)

    @property
    def days(self) -> Mapping[int, int]:
        """How many polls there are of each UTC day (days since 1970), days in order."""
        return {day: sum(count for _, count in self._pieces[day]) for day in sorted(self._pieces)}

    @property
    def stores(self) -> pl.Series:
        """The ids that they name, String, sorted, distinct."""
        return self._placed().stores

    @property
    def coded(self) -> pl.Series:
        """The same, Categorical."""
        return self._placed().coded

    def places(self, ids: pl.Series) -> NDArray[np.int64]:
        """Return the place among `stores` of each id, Categorical; how many they are for another one."""
        codes = ids.to_physical().to_numpy()
        numbers: NDArray[np.int32] = np.append(self._number, -1).astype(np.int32)
        numbers = numbers.take(np.minimum(codes, len(self._number)))
        return self._placed().places.take(numbers)

    def keys(self, day: int, within: range) -> Keys:
        """Return the settled polls of a day, of the stores with these places in `stores`, as sorted keys."""
        places = self._placed().places
        whole = len(within) == len(places) - 1
        found = []
        for offset, count in self._pieces.get(day, ()):
            self._file.seek(offset)
            keys = np.frombuffer(self._file.read(count * _KEY), np.int64, count)
            place = places.take(stores_of(keys))
            if not whole:
                mine = np.flatnonzero((place >= within.start) & (place < within.stop))
                keys, place = keys.take(mine), place.take(mine)
            found.append(with_stores(keys, place))
        return settle(np.concatenate(found)) if found else np.zeros(0, np.int64)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __del__(self) -> None:
        """Let go of the file."""
        self.close()

    def _numbers(self, ids: pl.Series) -> NDArray[np.int32]:
        codes = ids.to_physical().to_numpy()
        lacking = int(codes.max()) + 1 - len(self._number)
        if lacking > 0:
            more = np.full(max(lacking, len(self._number)), -1, np.int32)
            self._number = np.concatenate((self._number, more))
        number = self._number.take(codes)
        new = np.flatnonzero(number < 0)
        if not len(new):
            return number
        fresh, rows = np.unique(codes.take(new), return_index=True)
        self._number[fresh] = self._stores + np.arange(len(fresh))
        self._stores += len(fresh)
        self._ids.append(ids.gather(pl.Series(new.take(rows))))
        return self._number.take(codes)

    def _placed(self) -> _Placed:
        if self._found is None:
            coded = pl.concat(self._ids)
            order = coded.cast(pl.String).arg_sort().to_numpy()
            places = np.full(len(order) + 1, len(order), np.int64)
            places[order] = np.arange(len(order))
            coded = coded.gather(pl.Series(order))
            self._found = _Placed(stores=coded.cast(pl.String), coded=coded, places=places)
        return self._found

    def _write(self, keys: Keys) -> None:
        if isinstance(self._file, io.BytesIO) and self._size > _IN_MEMORY:
            self._move()
        try:
            self._file.seek(self._size)
            self._write_all(keys.data)
        except OSError as error:
            raise self._told(error) from error
        self._size += keys.nbytes

    def _move(self) -> None:
        """Go on in a file on the disk."""
        assert isinstance(self._file, io.BytesIO)  # noqa: S101 - as its only caller knows
        try:
            if self._folder is not None:
                self._folder.mkdir(parents=True, exist_ok=True)
            held = self._file.getbuffer()
            self._file = TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115 - `close` closes it
            self._write_all(held)
        except OSError as error:
            raise self._told(error) from error

    def _write_all(self, data: memoryview) -> None:
        """Write, in several steps if need be: a disk that is nearly full takes a part without a word."""
        rest = data.cast("B")
        while rest:
            rest = rest[self._file.write(rest) :]

    def _told(self, error: OSError) -> OSError:
        return OSError(error.errno, error.strerror, str(self._folder or "the folder of temporary files"))
