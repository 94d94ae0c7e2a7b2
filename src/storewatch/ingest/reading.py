"""Files → checked facts, and every row that could not be used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.facts import Facts
from storewatch.domain.kinds import KINDS, POLLS, Kind
from storewatch.errors import InputError
from storewatch.ingest.columns import normalise, row_texts
from storewatch.ingest.csv.blocks import Block, read_blocks
from storewatch.ingest.csv.fields import find_fields
from storewatch.ingest.files import Source, find_sources
from storewatch.ingest.layout import Layout, find_layout
from storewatch.ingest.opening import (
    check_unpacked,
    is_parquet,
    open_csv,
    read_header,
    reading,
    reading_parquet,
)
from storewatch.ingest.parts import Part, block_parts, join_parts, table_part
from storewatch.ingest.rejects import REJECTS
from storewatch.ingest.settled import settle

if TYPE_CHECKING:
    from pathlib import Path

    from storewatch.ingest.spill import Spill

Progress = Callable[[str, float], None]

_WORKERS = 2
_WAITING = 4  # blocks in work or done at a time; what bounds memory
_ROWS = 1 << 18  # of a Parquet file that are read at a time
_AHEAD = 3600  # seconds that a poll may be after now
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Reading:
    """All that was read: for every kind, good rows + rejected rows = rows.

    A good row of stores is in the facts as a row of labels for each of its values, and perhaps one of zones.
    """

    facts: Facts
    rejects: pl.DataFrame  # file, line, reason, row, kind, value; in order of files and lines
    tainted: Mapping[str, pl.DataFrame]  # by kind: units with a rejected row, not to be half replaced (R1)
    unused: tuple[str, ...]  # files that were given and could not be used: a sentence each (R1)
    exempt: tuple[str, ...]  # names of files in folders that are no data, or reports of ours
    by_file: tuple[tuple[str, str, int], ...]  # each that was read, its kind and its rows
    rows: Mapping[str, int]  # by kind: that were read, rejected ones among them

    @property
    def files(self) -> tuple[str, ...]:
        """The files that were read."""
        return tuple(file for file, _, _ in self.by_file)

    @property
    def is_complete(self) -> bool:
        """Whether all that was given could be used: every file, and every row of it."""
        return not (self.unused or self.rejects.height)

    @property
    def stores(self) -> pl.Series:
        """The stores that a good row names: String, sorted, each once."""
        return pl.concat([ids.unique().cast(pl.String) for ids in self.facts.ids()]).unique().sort()

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were rejected, by reason, the most frequent first."""
        counts = self.rejects["reason"].value_counts(sort=True)
        return dict(counts.iter_rows())


def read(
    paths: Sequence[Path],
    *,
    now: float,
    allow_future: bool = False,
    progress: Progress | None = None,
    spill: Spill | None = None,
) -> Reading:
    """Read files, and the files of folders, as one load (R1).

    Args:
        paths: CSV, gzipped CSV or Parquet files, or folders of them.
        now: Seconds since 1970 UTC; polls more than an hour later are rejected.
        allow_future: They are not.
        progress: Called now and then with a file's name and the part of all bytes that is done.
        spill: Takes the good polls, in place of the facts that come back; None: there is memory for them.

    Raises:
        InputError: A file is missing, unreadable or of no kind, or nothing is there to read. No row raises.
    """
    found = find_sources(paths)
    latest = None if allow_future else (now + _AHEAD) * _MICROSECONDS
    files = found.sources
    parts: list[list[Part]] = [[] for _ in files]
    bytes_before = [0, *accumulate(source.size for source in files)]
    for task, result in _in_order(_tasks(files, latest), spill):
        parts[task.file] += result
        if progress is not None:
            done = (bytes_before[task.file] + task.position) / max(bytes_before[-1], 1)
            progress(files[task.file].path.name, min(done, 1.0))
    named = [
        (f"{source.path}", source.layout.kind, join_parts(of_file, source.layout.kind))
        for source, of_file in zip(files, parts, strict=True)
    ]
    return combine(named, unused=found.unused, exempt=found.exempt)


@dataclass(frozen=True, kw_only=True)
class _Task:
    """A piece of a file that can be checked by itself."""

    file: int  # its place among all files
    position: int  # where in the file the piece ends, in bytes
    work: Callable[[], list[Part]]


def _tasks(files: Sequence[Source], latest: float | None) -> Iterator[_Task]:
    for number, source in enumerate(files):
        if is_parquet(source.path):
            yield from _parquet_tasks(source, number, latest)
        else:
            for block, position in _blocks(source):
                work = partial(_read_block, block, source.layout, latest)
                yield _Task(file=number, position=position, work=work)


def _in_order(tasks: Iterable[_Task], spill: Spill | None) -> Iterator[tuple[_Task, list[Part]]]:
    """Yield tasks with their results, in order, while later ones are read and in work already."""
    waiting: deque[tuple[_Task, Future[list[Part]]]] = deque()
    with ThreadPoolExecutor(_WORKERS) as pool:
        for task in tasks:
            waiting.append((task, pool.submit(_done, task, spill)))
            if len(waiting) == _WAITING:
                first, future = waiting.popleft()
                yield first, future.result()
        for task, future in waiting:
            yield task, future.result()


def _done(task: _Task, spill: Spill | None) -> list[Part]:
    """Return what came of a task, its polls spilled."""
    parts = task.work()
    return parts if spill is None else [_spilled(part, spill) for part in parts]


def _spilled(part: Part, spill: Spill) -> Part:
    if part.good.schema != POLLS.schema:
        return part
    spill.add(part.good)
    return replace(part, good=part.good.clear(), spilled=len(part.good))


def _blocks(source: Source) -> Iterator[tuple[Block, int]]:
    """Yield the blocks of a CSV file, and how far in the file they were read."""
    path = source.path
    with reading(path), open_csv(path) as (stream, position):
        columns, separator, rest, first = read_header(stream)
        if (columns, separator) != (source.columns, source.layout.separator):
            raise InputError(f"{path}: it changed while it was read; read it again when nothing writes to it")
        unpacked = 0
        for block in read_blocks(stream, rest=rest, first=first, layout=source.layout):
            unpacked += block.size
            check_unpacked(path, unpacked, position())
            yield block, position()


def _read_block(block: Block, layout: Layout, latest: float | None) -> list[Part]:
    return block_parts(find_fields(block, layout), layout, latest)


def _parquet_tasks(source: Source, number: int, latest: float | None) -> Iterator[_Task]:
    with reading_parquet(source.path):
        rows = _parquet(source.path).select(pl.len()).collect().item()
    for begin in range(0, max(rows, 1), _ROWS):
        position = source.size * min(begin + _ROWS, rows) // max(rows, 1)
        work = partial(_read_parquet, source, begin, latest)
        yield _Task(file=number, position=position, work=work)


def _parquet(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


def _read_parquet(source: Source, begin: int, latest: float | None) -> list[Part]:
    layout = source.layout
    names = [source.columns[place] for place in layout.at.values()]
    with reading_parquet(source.path):
        frame = _parquet(source.path).select(names).slice(begin, _ROWS).collect()
    own = find_layout(frame.columns, [layout.kind])
    assert own is not None  # noqa: S101 - these are the columns that it was found by
    raw = partial(_parquet_rows, source.path, begin)
    return [table_part(normalise(frame, own), layout.kind, latest, raw, first=begin + 1)]


def _parquet_rows(path: Path, begin: int, places: Sequence[int]) -> list[str]:
    if not len(places):
        return []
    number = "row number of storewatch"
    wanted = pl.Series(places, dtype=pl.UInt32).implode()
    rows = _parquet(path).slice(begin, _ROWS).with_row_index(number)
    with reading_parquet(path):
        return row_texts(rows.filter(pl.col(number).is_in(wanted)).sort(number).drop(number).collect())


def combine(
    named: Sequence[tuple[str, Kind, Part]], *, unused: Sequence[str] = (), exempt: Sequence[str] = ()
) -> Reading:
    """Join what files or frames gave; rows that contradict each other in any of them are rejected."""
    parts = {kind: [(file, part) for file, of, part in named if of is kind] for kind in KINDS.values()}
    settled = settle(parts)
    good = dict(settled.good)
    return Reading(
        facts=Facts(polls=good.pop("polls"), others=good),
        rejects=_all_rejects(named, settled.rejects),
        tainted=settled.tainted,
        unused=tuple(unused),
        exempt=tuple(exempt),
        by_file=tuple((file, kind.name, part.rows) for file, kind, part in named),
        rows={kind.name: sum(part.rows for _, part in of_kind) for kind, of_kind in parts.items()},
    )


def _all_rejects(named: Sequence[tuple[str, Kind, Part]], clashing: pl.DataFrame) -> pl.DataFrame:
    tables = [
        part.rejects.with_columns(file=pl.lit(file), kind=pl.lit(kind.name)).select(*REJECTS)
        for file, kind, part in named
    ]
    files = list(dict.fromkeys(file for file, _, _ in named))  # one may give rows of several kinds
    order = pl.DataFrame({"file": files}, schema={"file": pl.String}).with_row_index("nth")
    joined = pl.concat([pl.DataFrame(schema=REJECTS), *tables, clashing])
    return joined.join(order, on="file", how="left").sort("nth", "line", maintain_order=True).select(*REJECTS)
