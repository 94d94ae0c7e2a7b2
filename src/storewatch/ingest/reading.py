"""Files → checked facts, and every row that could not be used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.facts import ZONES, Facts
from storewatch.errors import InputError
from storewatch.ingest.blocks import Block, read_blocks
from storewatch.ingest.columns import normalise, row_texts
from storewatch.ingest.fields import find_fields
from storewatch.ingest.files import Source, find_sources, open_csv, read_header, reading, reading_parquet
from storewatch.ingest.kinds import Kind, Layout, find_layout
from storewatch.ingest.parts import SCHEMAS, Part, block_parts, join_parts, table_part
from storewatch.ingest.rejects import REJECTS, Reason
from storewatch.ingest.zones import contradicting

if TYPE_CHECKING:
    from pathlib import Path

Progress = Callable[[str, float], None]

_WORKERS = 2
_WAITING = 4  # blocks in work or done at a time; what bounds memory
_AHEAD = 3600  # seconds that a poll may be after now
_MICROSECONDS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Reading:
    """All that was read: for every kind, good rows + rejected rows = rows."""

    facts: Facts
    rejects: pl.DataFrame  # file, line, reason, row, kind; in order of files and lines
    tainted: frozenset[str]  # stores with a rejected hours row: their hours must not be half replaced (R1)
    skipped: tuple[str, ...]  # messages about files of no kind that folders held
    files: tuple[str, ...]  # that were read
    rows: dict[Kind, int]  # that were read, rejected ones among them

    @property
    def stores(self) -> pl.Series:
        """The stores that a good row names: String, sorted, each once."""
        facts = self.facts
        ids = [
            frame["store_id"].unique().cast(pl.String) for frame in (facts.polls, facts.hours, facts.zones)
        ]
        return pl.concat(ids).unique().sort()

    @property
    def reasons(self) -> dict[str, int]:
        """How many rows were rejected, by reason, the most frequent first."""
        counts = self.rejects["reason"].value_counts(sort=True)
        return dict(counts.iter_rows())


def read(
    paths: Sequence[Path], *, now: float, allow_future: bool = False, progress: Progress | None = None
) -> Reading:
    """Read files, and the files of folders, as one load (R1).

    Args:
        paths: CSV, gzipped CSV or Parquet files, or folders of them.
        now: Seconds since 1970 UTC; polls more than an hour later are rejected.
        allow_future: They are not.
        progress: Called now and then with a file's name and the part of all bytes that is done.

    Raises:
        InputError: A file is missing, unreadable or of no kind, or nothing is there to read. No row raises.
    """
    found = find_sources(paths)
    latest = None if allow_future else (now + _AHEAD) * _MICROSECONDS
    total, done = sum(source.size for source in found.sources) or 1, 0
    named: list[tuple[str, Kind, Part]] = []
    for source, layout in found.readable():
        report = _reporter(source, done, total, progress)
        part = (
            _read_parquet(source, layout, latest)
            if source.is_parquet
            else _read_csv(source, layout, latest, report)
        )
        named.append((f"{source.path}", layout.kind, part))
        done += source.size
        report(source.size)
    return combine(named, skipped=found.skipped)


def _reporter(source: Source, before: int, total: int, progress: Progress | None) -> Callable[[int], None]:
    def report(done: int) -> None:
        if progress is not None:
            progress(source.path.name, min((before + done) / total, 1.0))

    return report


def _read_csv(source: Source, layout: Layout, latest: float | None, report: Callable[[int], None]) -> Part:
    path = source.path
    with reading(path), open_csv(path) as (stream, position), ThreadPoolExecutor(_WORKERS) as pool:
        columns, rest, first = read_header(stream)
        if columns != source.columns:
            raise InputError(f"{path}: it changed while it was read; read it again when nothing writes to it")
        blocks = read_blocks(stream, rest=rest, first=first, width=layout.width)
        parts = []
        for block_part in _in_order(pool, partial(_block, layout=layout, latest=latest), blocks):
            parts += block_part
            report(position())
    return join_parts(parts, layout.kind)


def _block(block: Block, *, layout: Layout, latest: float | None) -> list[Part]:
    return block_parts(find_fields(block, layout.width), layout, latest)


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[Block], list[Part]], blocks: Iterable[Block]
) -> Iterator[list[Part]]:
    """Yield the results of work on blocks in their order, while later blocks are in work already."""
    waiting: deque[Future[list[Part]]] = deque()
    for block in blocks:
        waiting.append(pool.submit(work, block))
        if len(waiting) == _WAITING:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _read_parquet(source: Source, layout: Layout, latest: float | None) -> Part:
    names = [source.columns[place] for place in layout.at]
    with reading_parquet(source.path):
        frame = pl.read_parquet(source.path, columns=names, glob=False, hive_partitioning=False).select(names)
    own = find_layout(frame.columns, [layout.kind])
    assert own is not None  # noqa: S101 - these are the columns that it was found by
    return table_part(normalise(frame, own), layout.kind, latest, partial(_parquet_rows, source.path))


def _parquet_rows(path: Path, places: Sequence[int]) -> list[str]:
    if not len(places):
        return []
    table = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    number = "row number of storewatch"
    wanted = pl.Series(places, dtype=pl.UInt32).implode()
    rows = table.with_row_index(number).filter(pl.col(number).is_in(wanted)).sort(number).drop(number)
    return row_texts(rows.collect())


def combine(named: Sequence[tuple[str, Kind, Part]], *, skipped: Sequence[str] = ()) -> Reading:
    """Join what files or frames gave; zones that contradict each other in any of them are rejected."""
    good = {kind: _good(named, kind) for kind in Kind}
    clash = pl.Series(contradicting(good[Kind.ZONES]))
    zones = good[Kind.ZONES].filter(~clash).select(*ZONES).unique(maintain_order=True)
    facts = Facts(polls=good[Kind.POLLS], hours=good[Kind.HOURS], zones=zones)
    return Reading(
        facts=facts,
        rejects=_all_rejects(named, good[Kind.ZONES].filter(clash)),
        tainted=frozenset[str]().union(*(part.tainted for _, _, part in named)),
        skipped=tuple(skipped),
        files=tuple(file for file, _, _ in named),
        rows={kind: sum(part.rows for _, of, part in named if of == kind) for kind in Kind},
    )


def _good(named: Sequence[tuple[str, Kind, Part]], kind: Kind) -> pl.DataFrame:
    frames = [part.good.with_columns(file=pl.lit(file)) for file, of, part in named if of == kind]
    empty = pl.DataFrame(schema=SCHEMAS[kind]).with_columns(file=pl.lit("").cast(pl.String))
    joined = pl.concat([empty, *frames])
    return joined if kind == Kind.ZONES else joined.drop("file").rechunk()


def _all_rejects(named: Sequence[tuple[str, Kind, Part]], clashing: pl.DataFrame) -> pl.DataFrame:
    tables = [
        part.rejects.select(pl.lit(file).alias("file"), pl.all(), pl.lit(kind.value).alias("kind"))
        for file, kind, part in named
    ]
    tables.append(
        clashing.select(
            "file",
            "line",
            pl.lit(Reason.TWO_ZONES.text).alias("reason"),
            "row",
            pl.lit(Kind.ZONES.value).alias("kind"),
        )
    )
    order = pl.DataFrame({"file": [file for file, _, _ in named]}, schema={"file": pl.String}).with_row_index(
        "nth"
    )
    joined = pl.concat([pl.DataFrame(schema=REJECTS), *tables])
    return joined.join(order, on="file", how="left").sort("nth", "line", maintain_order=True).select(*REJECTS)
