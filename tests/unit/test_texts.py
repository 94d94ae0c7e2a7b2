"""The distinct texts of a field, found in the bytes of a block."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewatch.ingest.csv import texts
from storewatch.ingest.csv.texts import LONGEST, Texts, distinct_places, distinct_texts
from storewatch.ingest.stamps import PADDING

WORDS = st.lists(
    st.binary(min_size=0, max_size=LONGEST).map(lambda text: text.replace(b"\0", b"0")), min_size=1
)


def found(values: list[bytes]) -> Texts | None:
    """Put values after each other, a comma behind each, and find the distinct ones."""
    ends = np.cumsum([len(value) + 1 for value in values]) - 1
    begins = ends - [len(value) for value in values]
    return distinct_texts(b",".join([*values, b""]) + bytes(PADDING), begins, ends)


def texts_of(given_values: list[bytes]) -> list[bytes]:
    """Return the text that each record is said to have."""
    of_all = found(given_values)
    assert of_all is not None
    assert len(set(of_all.distinct.tolist())) == len(of_all.distinct)
    return [bytes(of_all.distinct[number]) for number in of_all.number]


@given(WORDS.filter(any))
def test_every_record_has_the_text_that_stands_there(values: list[bytes]) -> None:
    """Short ones, long ones, and those that begin alike."""
    assert texts_of(values) == values


def test_texts_that_share_a_slot_are_told_apart() -> None:
    """So many texts have many in one slot; a few thousand of them go round again."""
    values = [f"{number % 20_000}".encode() for number in range(50_000)]
    assert texts_of(values) == values


@pytest.mark.parametrize("value", [b"7" * (LONGEST + 1), b"7\0", b""])
def test_what_no_word_holds_is_left_to_others(value: bytes) -> None:
    """A text that is too long, has a zero byte in it, or nothing but empty texts."""
    assert found([value, b""]) is None


def test_texts_made_to_collide_are_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one slot for all, each turn settles one text; who made that happen gains nothing by it."""
    monkeypatch.setattr(texts, "_slots", lambda words, *_, **__: np.zeros(words.shape[1], np.int64))
    assert found([f"{number}".encode() for number in range(20)]) is None
    assert found([b"7", b"8", b"7"]) is not None


@given(st.lists(st.none() | st.sampled_from(["", "a", "b", "bb"]) | st.text()))
def test_each_row_of_a_column_has_its_own_text(values: list[str | None]) -> None:
    column = pl.Series(values, dtype=pl.String)
    places = distinct_places(column)
    assert places is not None
    distinct, number = places
    assert distinct.gather(pl.Series(number)).to_list() == values
    assert len(distinct) == len(set(values))


def test_texts_of_one_hash_are_not_taken_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pl.Series, "hash", lambda column: pl.Series([7] * len(column), dtype=pl.UInt64))
    assert distinct_places(pl.Series(["a", "b"])) is None
