"""What came of a part of the input: good rows and rejected ones, which are together all of its rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.domain.kinds import POLLS, Kind
from storewatch.domain.label import FORM, folded
from storewatch.ingest.checks import Checked, check, checked_schema, clash_of
from storewatch.ingest.columns import text_of
from storewatch.ingest.csv.records import Record, fields_at, shown, without_end
from storewatch.ingest.ids import check_ids
from storewatch.ingest.polls import poll_fields
from storewatch.ingest.rejects import Codes, Reason, reject_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from storewatch.ingest.csv.blocks import Block
    from storewatch.ingest.csv.fields import Fields
    from storewatch.ingest.csv.lines import Lines, Places
    from storewatch.ingest.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Part:
    """The rows of one kind that one piece of input gave."""

    good: (
        pl.DataFrame
    )  # by the kind's checked schema; line and row too, if its rows can contradict each other
    rejects: pl.DataFrame  # line, reason, row, value
    tainted: pl.DataFrame  # units with a rejected row, which a load must not half replace (R1)
    spilled: int = 0  # further good rows, which are kept elsewhere

    @property
    def rows(self) -> int:
        """How many rows there were."""
        return len(self.good) + self.spilled + len(self.rejects)


def block_parts(fields: Fields, layout: Layout, latest: float | None) -> list[Part]:
    """Check a block of a CSV file; `latest` is in microseconds, None if no poll is too late."""
    parts = []
    if len(fields.ends):
        checked = _check_fields(fields, layout, latest)
        columns = partial(fields.columns, layout)
        given = _Given(names=tuple(layout.at), columns=columns, lines=fields.line_numbers, raw=fields.raw)
        parts.append(_part(layout.kind, checked, given))
    if fields.lines is not None:
        parts += _odd_parts(fields.lines.odd, layout, latest, fields.block.first)
        parts.append(_bad_part(fields.lines, layout, fields.block))
    return parts


def table_part(
    columns: pl.DataFrame,
    kind: Kind,
    latest: float | None,
    raw: Callable[[Sequence[int]], list[str]],
    *,
    first: int = 1,
) -> Part:
    """Check a table of `normalise`d columns; `raw` gives rows as they were, lines count from `first`."""
    checked = check(kind, columns, latest)
    lines = partial(np.arange, first, first + len(columns))
    given = _Given(names=tuple(columns.columns), columns=columns.select, lines=lines, raw=raw)
    return _part(kind, checked, given)


def rows_part(
    kind: Kind,
    columns: pl.DataFrame,
    *,
    lines: NDArray[np.int64],
    raws: Sequence[str],
    latest: float | None = None,
) -> Part:
    """Check a few rows, text by our names of columns, each with its line and as it was."""
    given = _Given(
        names=tuple(columns.columns),
        columns=columns.select,
        lines=lambda: lines,
        raw=lambda places: [raws[place] for place in places],
    )
    return _part(kind, check(kind, columns, latest), given)


def flawed_part(
    kind: Kind, columns: pl.DataFrame, *, lines: NDArray[np.int64], raws: Sequence[str], flaws: Sequence[str]
) -> Part:
    """Reject rows of which something is not known; the units that they can be seen to mean are tainted."""
    rows, _ = check(kind, columns, None)
    codes = np.full(len(rows), Reason.FOREIGN, np.uint8)
    rejects = reject_table(lines, codes, raws, pl.Series(flaws, dtype=pl.String))
    return Part(good=_none(kind), rejects=rejects, tainted=_meant(kind, rows))


def _check_fields(fields: Fields, layout: Layout, latest: float | None) -> Checked:
    if layout.kind is POLLS:
        return poll_fields(fields, layout, latest)
    return check(layout.kind, fields.columns(layout, list(layout.at)), latest)


@dataclass(frozen=True, kw_only=True)
class _Given:
    """Rows as they were given."""

    names: tuple[str, ...]  # of the columns that there are, ours
    columns: Callable[[Sequence[str]], pl.DataFrame]
    lines: Callable[[], NDArray[np.int64]]
    raw: Callable[[Sequence[int]], list[str]]


def _part(kind: Kind, checked: Checked, given: _Given) -> Part:
    frame, codes = checked
    lines, raw = given.lines, given.raw
    if clash_of(kind):  # which rows do is known at the end only
        frame = frame.with_columns(
            pl.Series("line", lines()), pl.Series("row", raw(range(len(frame))), dtype=pl.String)
        )
    bad = np.flatnonzero(codes)
    if not len(bad):
        return Part(good=frame, rejects=_no_rejects(), tainted=_meant(kind, frame[:0]))
    name = given.names[0]
    first = given.columns([name])[name][bad].cast(pl.String)
    is_header = pl.select(folded=first.str.replace_all(FORM, "").str.to_lowercase() == folded(name))
    found = np.where(is_header.to_series().fill_null(value=False), Reason.HEADER, codes[bad]).astype(np.uint8)
    rejects = reject_table(lines()[bad], found, raw(bad.tolist()), _values(given, bad, found))
    meant = _meant(kind, frame[bad[found != Reason.HEADER]])
    return Part(good=frame.filter(pl.Series(codes == 0)), rejects=rejects, tainted=meant)


def _values(given: _Given, bad: Places, codes: Codes) -> pl.Series:
    """Return of each rejected row the value that its reason is about, "" if that is the row as such."""
    values = np.full(len(bad), "", dtype=object)
    for reason in map(Reason, np.flatnonzero(np.bincount(codes)).tolist()):
        if about := [name for name in reason.columns if name in given.names]:
            mine = codes == reason
            texts = pl.DataFrame([text_of(column) for column in given.columns(about)[bad[mine]]])
            values[mine] = texts.select(pl.concat_str(pl.all(), separator="–")).to_series().to_list()
    return pl.Series("value", values.tolist(), dtype=pl.String)


@cache
def _no_rejects() -> pl.DataFrame:
    return reject_table(np.zeros(0, np.int64), np.zeros(0, np.uint8), [])


def _meant(kind: Kind, rejected: pl.DataFrame) -> pl.DataFrame:
    """Return the units that rejected rows can be seen to mean, of a kind that may be half replaced."""
    units = rejected.select(kind.replaces if kind.may_half_replace else ()).unique().drop_nulls()
    return units.filter(check_ids(units["store_id"]) == 0) if "store_id" in units.columns else units


def _odd_parts(odd: Sequence[Record], layout: Layout, latest: float | None, first: int) -> list[Part]:
    whole = [record for record in odd if not record.reason]
    useless = [record for record in odd if record.reason]
    parts = []
    if whole:
        columns = _texts([[record.fields[place] for place in layout.at.values()] for record in whole], layout)
        raws = [shown(record.raw) for record in whole]
        lines = np.array([record.line + first for record in whole])
        parts.append(rows_part(layout.kind, columns, lines=lines, raws=raws, latest=latest))
    if useless:
        lines = np.array([record.line + first for record in useless])
        codes = np.array([record.reason for record in useless], np.uint8)
        parts.append(_useless(lines, codes, [record.raw for record in useless], layout))
    return parts


def _bad_part(lines: Lines, layout: Layout, block: Block) -> Part:
    spans = zip(lines.begins[lines.bad].tolist(), lines.begins[lines.bad + 1].tolist(), strict=True)
    raws = [without_end(block.data[begin:end]) for begin, end in spans]
    return _useless(lines.bad + block.first, lines.codes, raws, layout)


def _useless(lines: NDArray[np.int64], codes: Codes, raws: Sequence[bytes], layout: Layout) -> Part:
    """Reject rows that are no records; the units that they can be seen to mean are tainted still."""
    fields = [fields_at(raw, layout) for raw in raws if layout.kind.may_half_replace]
    rows, _ = check(layout.kind, _texts(fields, layout), None)
    rejects = reject_table(lines, codes, [shown(raw) for raw in raws])
    return Part(good=_none(layout.kind), rejects=rejects, tainted=_meant(layout.kind, rows))


def _texts(rows: Sequence[Sequence[str | None]], layout: Layout) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(layout.at, pl.String), orient="row")


def _none(kind: Kind) -> pl.DataFrame:
    """Return good rows, as a part has them, of which there are none."""
    origin = {"line": pl.Int64(), "row": pl.String()} if clash_of(kind) else {}
    return pl.DataFrame(schema=checked_schema(kind) | origin)


def join_parts(parts: Sequence[Part], kind: Kind) -> Part:
    """Return several parts of one piece of input as one, its rejects in order of their lines."""
    empty = _none(kind)
    return Part(
        good=pl.concat([empty, *(part.good for part in parts)]),
        rejects=pl.concat([_no_rejects(), *(part.rejects for part in parts)]).sort(
            "line", maintain_order=True
        ),
        tainted=pl.concat([_meant(kind, empty), *(part.tainted for part in parts)]),
        spilled=sum(part.spilled for part in parts),
    )
