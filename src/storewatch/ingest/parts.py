"""What came of a part of the input: good rows and rejected ones, which are together all of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.facts import HOURS, POLLS, ZONES
from storewatch.ingest.csv.records import Record, field_at, shown, without_end
from storewatch.ingest.hours import check_hours
from storewatch.ingest.ids import readable_ids
from storewatch.ingest.kinds import Kind, Layout
from storewatch.ingest.polls import check_polls, poll_fields
from storewatch.ingest.rejects import Codes, reject_table
from storewatch.ingest.zones import check_zones

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from storewatch.ingest.csv.blocks import Block
    from storewatch.ingest.csv.fields import Fields
    from storewatch.ingest.csv.lines import Lines

SCHEMAS = {
    Kind.POLLS: pl.Schema({**POLLS, "store_id": pl.Categorical()}),
    Kind.HOURS: pl.Schema(HOURS),
    # line and row until it is known which zones contradict each other
    Kind.ZONES: pl.Schema({**ZONES, "line": pl.Int64(), "row": pl.String()}),
}


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows of one kind that one piece of input gave."""

    good: pl.DataFrame  # SCHEMAS[kind]
    rejects: pl.DataFrame  # line, reason, row
    tainted: frozenset[str] = frozenset()  # stores with a rejected hours row

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return len(self.good) + len(self.rejects)


def block_parts(fields: Fields, layout: Layout, latest: float | None) -> list[Part]:
    """Check a block of a CSV file; `latest` is in microseconds, None if no poll is too late."""
    parts = []
    if len(fields.ends):
        checked = _check_fields(fields, layout, latest)
        parts.append(_part(layout.kind, checked, lines=fields.line_numbers, raw=fields.raw))
    if fields.lines is not None:
        parts += _odd_parts(fields.lines.odd, layout, latest, fields.block.first)
        parts.append(_bad_part(fields.lines, layout, fields.block))
    return parts


def table_part(
    columns: pl.DataFrame, kind: Kind, latest: float | None, raw: Callable[[Sequence[int]], list[str]]
) -> Part:
    """Check a whole table, of `normalise`d columns; `raw` gives rows as they were, lines count from 1."""
    checked = _check(columns, kind, latest)
    return _part(kind, checked, lines=lambda: np.arange(1, len(columns) + 1), raw=raw)


def _check_fields(fields: Fields, layout: Layout, latest: float | None) -> tuple[pl.DataFrame, Codes]:
    if layout.kind == Kind.POLLS:
        return poll_fields(fields, layout, latest)
    return _check(fields.columns(layout, layout.names), layout.kind, latest)


def _check(columns: pl.DataFrame, kind: Kind, latest: float | None) -> tuple[pl.DataFrame, Codes]:
    match kind:
        case Kind.POLLS:
            return check_polls(columns, latest)
        case Kind.HOURS:
            return check_hours(columns)
        case Kind.ZONES:
            return check_zones(columns)


def _part(
    kind: Kind,
    checked: tuple[pl.DataFrame, Codes],
    *,
    lines: Callable[[], NDArray[np.int64]],
    raw: Callable[[Sequence[int]], list[str]],
) -> Part:
    frame, codes = checked
    if kind == Kind.ZONES:
        frame = frame.with_columns(
            pl.Series("line", lines()), pl.Series("row", raw(range(len(frame))), dtype=pl.String)
        )
    bad = np.flatnonzero(codes)
    if not len(bad):
        return Part(good=frame, rejects=reject_table(bad, bad.astype(np.uint8), []))
    rejects = reject_table(lines()[bad], codes[bad], raw(bad.tolist()))
    tainted = readable_ids(frame["store_id"][bad]) if kind == Kind.HOURS else frozenset[str]()
    return Part(good=frame.filter(pl.Series(codes == 0)), rejects=rejects, tainted=tainted)


def _odd_parts(odd: Sequence[Record], layout: Layout, latest: float | None, first: int) -> list[Part]:
    whole = [record for record in odd if not record.reason]
    useless = [record for record in odd if record.reason]
    parts = []
    if whole:
        rows = [[record.fields[place] for place in layout.at] for record in whole]
        columns = pl.DataFrame(rows, schema=dict.fromkeys(layout.names, pl.String), orient="row")
        lines = np.array([record.line + first for record in whole])
        checked = _check(columns, layout.kind, latest)
        parts.append(
            _part(layout.kind, checked, lines=lambda: lines, raw=_shown([record.raw for record in whole]))
        )
    if useless:
        lines = np.array([record.line + first for record in useless])
        codes = np.array([record.reason for record in useless], np.uint8)
        parts.append(_useless(lines, codes, [record.raw for record in useless], layout))
    return parts


def _shown(raws: Sequence[bytes]) -> Callable[[Sequence[int]], list[str]]:
    return lambda places: [shown(raws[place]) for place in places]


def _bad_part(lines: Lines, layout: Layout, block: Block) -> Part:
    spans = zip(lines.begins[lines.bad].tolist(), lines.begins[lines.bad + 1].tolist(), strict=True)
    raws = [without_end(block.data[begin:end]) for begin, end in spans]
    return _useless(lines.bad + block.first, lines.codes, raws, layout)


def _useless(lines: NDArray[np.int64], codes: Codes, raws: Sequence[bytes], layout: Layout) -> Part:
    """Reject rows that are no records; an hours row still taints the store that it can be seen to mean."""
    tainted = frozenset[str]()
    if layout.kind == Kind.HOURS and raws:
        meant = [field_at(raw, layout.at[0]) for raw in raws]
        tainted = readable_ids(pl.Series(meant, dtype=pl.String))
    rejects = reject_table(lines, codes, [shown(raw) for raw in raws])
    return Part(good=pl.DataFrame(schema=SCHEMAS[layout.kind]), rejects=rejects, tainted=tainted)


def join_parts(parts: Sequence[Part], kind: Kind) -> Part:
    """Return several parts of one piece of input as one, its rejects in order of their lines."""
    empty = reject_table(np.zeros(0, np.int64), np.zeros(0, np.uint8), [])
    return Part(
        good=pl.concat([pl.DataFrame(schema=SCHEMAS[kind]), *(part.good for part in parts)]),
        rejects=pl.concat([empty, *(part.rejects for part in parts)]).sort("line", maintain_order=True),
        tainted=frozenset[str]().union(*(part.tainted for part in parts)),
    )
