"""Nothing is lost: what is read is good or rejected, whatever the file looks like."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from storewatch import ingest
from storewatch.domain.kinds import POLLS
from storewatch.ingest.csv.blocks import read_blocks
from storewatch.ingest.csv.fields import find_fields
from storewatch.ingest.layout import Layout
from storewatch.ingest.parts import Part, block_parts, join_parts

COLUMNS = ("store_id", "status", "timestamp_utc", "note")
STAMP = "2023-01-22 12:09:39.388884 UTC"
IDS = [
    "8139926242460185114",
    "007",
    " a ",
    "x,y",
    'q"q',
    "café",
    "\u00a0b",
    "e+1",
    "é" * 256,
]

good_rows = st.tuples(
    st.sampled_from(IDS),
    st.sampled_from(["active", "inactive", "Inactive ", "ACTIVE"]),
    st.sampled_from([STAMP, "2023-01-22T12:09:39Z", "2023-01-22 12:09:39+0530", "2023-01-22 12:09:39.1"]),
    st.sampled_from(["", "note", "a,b", "over\ntwo lines", '"']),
)
bad_rows = st.one_of(
    good_rows.map(lambda row: ("", *row[1:])),
    good_rows.map(lambda row: (" \t", *row[1:])),
    good_rows.map(lambda row: ("1.48197E+18", *row[1:])),
    good_rows.map(lambda row: ("two\nlines", *row[1:])),
    good_rows.map(lambda row: ("a\x00", *row[1:])),
    good_rows.map(lambda row: ("a\rb", *row[1:])),
    good_rows.map(lambda row: ("é" * 257, *row[1:])),
    st.just(("store_id", "status", "timestamp_utc", "note")),
    good_rows.map(lambda row: (row[0], "open", *row[2:])),
    good_rows.map(lambda row: (row[0], "", *row[2:])),
    good_rows.map(lambda row: (*row[:2], "2023-02-30 00:00:00 UTC", row[3])),
    good_rows.map(lambda row: (*row[:2], "", row[3])),
    good_rows.map(lambda row: row[:3]),
    good_rows.map(lambda row: (*row, "one more")),
)
raw_rows = st.sampled_from(
    [
        b"a,active,2023-01-22 12:09:39 UTC,\xff",
        b"\xe9,active,2023-01-22 12:09:39 UTC,",
        b'"stray,active,2023-01-22 12:09:39 UTC,x',
        b'"a"b,active,2023-01-22 12:09:39 UTC,x',
        b"lonely",
        b",,,",
        b" ",
    ]
)


def written(fields: tuple[str, ...], *, quote: bool) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL if quote else csv.QUOTE_MINIMAL).writerow(fields)
    return text.getvalue().encode().removesuffix(b"\r\n")


rows = st.one_of(
    st.tuples(st.just(value=True), good_rows),
    st.tuples(st.just(value=False), bad_rows),
    st.tuples(st.just(value=False), raw_rows),
    st.just((False, b"")),  # a blank line
)


@st.composite
def dirty_files(draw: st.DrawFn) -> tuple[bytes, list[str], list[tuple[int, str]]]:
    """A file, the ids of its good rows, and line and text of its bad ones."""
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    quote = draw(st.booleans())
    data, line = draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + ",".join(COLUMNS).encode() + end, 2
    ids, rejects = [], []
    for good, row in draw(st.lists(rows, max_size=12)):
        raw = row if isinstance(row, bytes) else written(row, quote=quote)
        if good:
            ids.append(f"{row[0]}")
        elif raw:
            rejects.append((line, raw.decode(errors="backslashreplace")))
        data += raw + end
        line += raw.count(b"\n") + 1
    return data if draw(st.booleans()) else data.removesuffix(end), ids, rejects


def load(data: bytes, name: str = "polls.csv") -> ingest.Reading:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return ingest.read([path], now=2e9)


@given(dirty_files())
def test_good_rows_are_taken_and_bad_ones_kept_as_they_were(
    case: tuple[bytes, list[str], list[tuple[int, str]]],
) -> None:
    data, ids, rejects = case
    reading = load(data)
    assert Counter(reading.facts.polls["store_id"].cast(pl.String).to_list()) == Counter(ids)
    assert reading.rejects.select("line", "row").rows() == rejects
    assert reading.rows["polls"] == len(ids) + len(rejects)


LAYOUT = Layout(kind=POLLS, width=4, at={name: place for place, name in enumerate(POLLS.names)})


def in_blocks(data: bytes, block: int) -> Part:
    """Read what comes after the header in blocks of so many bytes."""
    blocks = read_blocks(io.BytesIO(data), rest=b"", first=2, layout=LAYOUT, block=block)
    parts = [part for one in blocks for part in block_parts(find_fields(one, LAYOUT), LAYOUT, None)]
    return join_parts(parts, POLLS)


garbage = st.lists(
    st.sampled_from([b",", b'"', b"\n", b"\r", b"a", b"active", STAMP.encode(), b"\xff", b"\xc3\xa9"])
)


def as_rows(part: Part) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    good = part.good.with_columns(pl.col("store_id").cast(pl.String))
    return sorted(good.rows(), key=str), part.rejects.rows()


@given(dirty_files(), st.integers(1, 200))
def test_where_blocks_end_changes_nothing(
    case: tuple[bytes, list[str], list[tuple[int, str]]], block: int
) -> None:
    rest = case[0].split(b"\n", 1)[1] if b"\n" in case[0] else b""
    assert as_rows(in_blocks(rest, block)) == as_rows(in_blocks(rest, 1 << 20))


@given(garbage.map(b"".join), st.integers(1, 50))
def test_where_blocks_end_changes_nothing_for_garbage_either(data: bytes, block: int) -> None:
    assert as_rows(in_blocks(data, block)) == as_rows(in_blocks(data, 1 << 20))


@given(garbage.map(b"".join).map(lambda data: data.replace(b'"', b"")))
def test_without_quotes_every_line_that_is_not_blank_is_a_row(data: bytes) -> None:
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    assert in_blocks(data, 1 << 20).rows == sum(line != b"" for line in lines)


@given(garbage.map(b"".join))
def test_rejected_rows_are_text_of_the_file_at_their_line(data: bytes) -> None:
    lines = data.decode(errors="backslashreplace").split("\n")
    for line, _, row, _ in in_blocks(data, 1 << 20).rejects.rows():
        assert "\n".join(lines[line - 2 :]).startswith(row)
