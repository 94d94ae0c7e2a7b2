"""The files of a part of the Delta table: whose rows each has, and which are written anew, and how."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from storewatch.adapters.polls.delta_table import STORES
from storewatch.adapters.polls.merge import labels_of, replace
from storewatch.domain import packed
from storewatch.domain.kinds import LABELS, POLLS, replaced_kinds
from storewatch.domain.packed import pack, pieces, poll_stores, unpack
from storewatch.domain.slices import between
from storewatch.ports.polls import Rewritten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storewatch.adapters.polls.delta_table import Commit, DataFile, Version
    from storewatch.adapters.polls.merge import Replaced
    from storewatch.domain.kinds import Kind, Schema
    from storewatch.domain.slices import Slice
    from storewatch.ports.polls import Load

_MOST_FILES = 8  # of one part that are small
IDS: Schema = {"store_id": pl.String()}


def known_rows(base: Version, kind: Kind, load: Load) -> pl.DataFrame:
    """Return the rows of a kind that a load may replace, and others of the files that they are in."""
    if not kind.by_store:
        return base.read(base.of(kind.name), kind.whole)
    frames = [load.facts.of(kind), load.tainted.get(kind.name)]
    ids = pl.concat([frame["store_id"].unique() for frame in frames if frame is not None])
    return base.read(owners(base.of(kind.name), ids), kind.whole)


def known_labels(base: Version, load: Load) -> set[str]:
    """Return those of a load's labels that there are already."""
    wanted, found = labels_of(load), set[str]()
    for file in base.of(LABELS.name):
        if found < wanted:
            found |= wanted & {*base.read([file], {"label": pl.String()})["label"].unique()}
    return found


def owners(files: Sequence[DataFile], ids: pl.Series) -> list[DataFile]:
    """Return the files that have the rows of some stores, or would have them.

    Files of a kind do not overlap: each has the stores from its first one up to the next file's. If one does
    not tell, all are returned.
    """
    firsts = {file.first_id: file for file in files if file.first_id is not None}
    if len(firsts) < len(files) or not firsts:
        return list(files) if len(ids) else []
    ordered = sorted(firsts)
    places = pl.Series(ordered, dtype=pl.String).search_sorted(ids, side="right").unique().to_list()
    return [firsts[first] for first in dict.fromkeys(ordered[max(place - 1, 0)] for place in sorted(places))]


def replace_rows(commit: Commit, kind: Kind, change: Replaced) -> None:
    """Put the rows of a load in the place of those that they replace, in the files that have such stores."""
    files = commit.base.of(kind.name)
    if kind.by_store:
        files = owners(files, change.rows["store_id"].unique())
    rows = replace(kind, commit.base.read(files, kind.whole), change.rows)
    commit.remove(files)
    for piece in _cut(rows) if kind.by_store else [rows]:
        commit.add(kind.name, piece)


def _cut(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield rows in order of their stores in pieces of about one length, none of which parts a store."""
    ids, begin = rows["store_id"], 0
    count = max(-(-len(rows) // packed.LARGE), 1)
    for nth in range(1, count + 1):
        end = len(rows) if nth == count else int(ids.search_sorted(ids[nth * len(rows) // count]))
        if end > begin:
            yield rows.slice(begin, end - begin)
        begin = max(begin, end)


def append(commit: Commit, part: str, rows: pl.DataFrame) -> None:
    """Add rows to a part as one more file, or together with small files that they replace."""
    held = [file for file in commit.base.of(part) if file not in commit.removed]
    small = _worth_merging(held, packed.LARGE - len(rows))
    if small:
        commit.remove(small)
        rows = _settled(pl.concat([commit.base.read(small, rows.schema), rows]))
    commit.add(part, rows)


def _worth_merging(files: Sequence[DataFile], room: int) -> list[DataFile]:
    """Return which of a part's files to write anew with the next one: none while the small ones are few.

    A file that outweighs all smaller ones together stays: so each row is rewritten a few times only, however
    many small loads there are. Together they have at most `room` rows.
    """
    small = sorted((file for file in files if file.rows < packed.LARGE // 2), key=lambda file: file.rows)
    if len(small) < _MOST_FILES:
        return []
    if small[-1].rows > sum(file.rows for file in small[:-1]):
        small.pop()
    while sum(file.rows for file in small) > room:
        small.pop()
    return small


def _settled(rows: pl.DataFrame) -> pl.DataFrame:
    """Put the rows of a part in order; of polls at one instant one stays (R1)."""
    if "at" not in rows.columns:
        return rows.sort(rows.columns)
    names = poll_stores(rows)
    coded = names.cast(pl.Categorical)
    return pl.concat([unpack(day, keys, coded) for day, keys in pack(rows, names).items()])


def compact(commit: Commit, names: pl.Series) -> list[Rewritten]:
    """Write anew the parts whose files overlap, are small, or do not tell whose rows they have.

    Args:
        commit: Takes the files.
        names: The ids of all stores, String, sorted.

    Returns:
        What was done to each part, in order of their names.
    """
    schemas = {kind.name: kind.whole for kind in replaced_kinds() if kind.by_store} | {STORES: IDS}
    done = []
    for part, files in sorted(commit.base.parts.items()):
        schema = POLLS.schema if files[0].has_polls else schemas.get(part)
        if schema is not None and not _is_compact(files):
            made = _rewrite(commit, part, schema, _ranges(names, files))
            done.append(
                Rewritten(part=part, rows=sum(file.rows for file in files), before=len(files), after=made)
            )
    return done


def _ranges(names: pl.Series, files: Sequence[DataFile]) -> list[Slice]:
    parts = pieces(len(names), sum(file.rows for file in files))
    return between(names[part.start] for part in parts[1:])


def _is_compact(files: Sequence[DataFile]) -> bool:
    told = sorted(
        (file.first_id, file.last_id)
        for file in files
        if file.first_id is not None and file.last_id is not None
    )
    apart = all(last < first for (_, last), (first, _) in pairwise(told))
    few = len(files) <= -(-2 * sum(file.rows for file in files) // packed.LARGE)
    return len(told) == len(files) and apart and few


def _rewrite(commit: Commit, part: str, schema: Schema, ranges: Sequence[Slice]) -> int:
    """Write a part anew, a range of stores at a time, and return how many files it has now."""
    files, made = commit.base.of(part), 0
    for stores in ranges:
        rows = _settled(commit.base.read(files, schema, stores))
        if len(rows):
            commit.add(part, rows)
            made += 1
    commit.remove(files)
    return made
