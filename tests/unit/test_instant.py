"""As-of and carry as people write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from storewatch.domain.instant import as_of_from_newest, compact, iso, parse_as_of, parse_carry
from storewatch.errors import InputError


@pytest.mark.parametrize(
    "text",
    [
        "2023-01-25T18:12:00Z",
        "2023-01-25 18:12:00 UTC",
        "2023-01-25T13:12:00-05:00",
        "2023-01-25T18:12:00.000000Z",
        "2023-01-25T18:12:00.000000000Z",
    ],
)
def test_one_instant_has_many_spellings(text: str) -> None:
    assert parse_as_of(text) == 1_674_670_320
    assert iso(parse_as_of(text)) == "2023-01-25T18:12:00Z"
    assert compact(parse_as_of(text)) == "20230125T181200Z"


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2023-01-25T18:12:00",
        "2023-01-25T18:12:00.5Z",
        "2023-01-25T18:12:00.0000001Z",
        "2023-01-25T18:12:00,000000000001Z",
        "1969-12-31T23:00:00Z",
        "2201-01-01T00:00:00Z",
    ],
)
def test_an_as_of_that_is_naive_or_no_whole_second_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="as-of"):
        parse_as_of(text)


def test_an_aware_datetime_is_an_as_of() -> None:
    assert parse_as_of(datetime(1970, 1, 2, tzinfo=UTC)) == 86_400


def test_a_nanosecond_of_pandas_is_a_fraction_too() -> None:
    with pytest.raises(InputError, match="fraction of a second"):
        parse_as_of(pd.Timestamp("2023-01-25T18:12:00.000000001Z"))
    assert parse_as_of(pd.Timestamp("2023-01-25T18:12:00Z")) == 1_674_670_320


def test_the_newest_poll_is_rounded_up_to_a_whole_second() -> None:
    assert as_of_from_newest(1_000_000) == 1
    assert as_of_from_newest(1_000_001) == 2


@pytest.mark.parametrize(
    ("text", "seconds"), [("7d", 604_800), ("36h", 129_600), ("90m", 5_400), ("0s", 0), ("none", None)]
)
def test_a_carry_is_a_number_with_its_unit_or_none(text: str, seconds: int | None) -> None:
    assert parse_carry(text) == seconds


@pytest.mark.parametrize("text", ["7", "d", "-1d", "1.5d", "None", "1w", ""])
def test_any_other_carry_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="carry"):
        parse_carry(text)
