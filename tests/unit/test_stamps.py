from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewatch.ingest.rejects import Reason
from storewatch.ingest.stamps import PADDING, stamps_from_bytes, stamps_from_text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def from_bytes(stamps: list[bytes]) -> list[int | None]:
    data = b"\n".join(stamps) + bytes(PADDING)
    lengths = np.array([len(stamp) for stamp in stamps])
    begins = np.concatenate(([0], np.cumsum(lengths + 1)[:-1]))
    at, known = stamps_from_bytes(data, begins, begins + lengths)
    return [int(one) if sure else None for one, sure in zip(at, known, strict=True)]


def from_text(stamps: list[str]) -> list[int | Reason]:
    at, codes = stamps_from_text(pl.Series(stamps, dtype=pl.String))
    return [Reason(int(code)) if code else int(one) for one, code in zip(at, codes, strict=True)]


@st.composite
def stamps(draw: st.DrawFn) -> tuple[str, int]:
    """A stamp in one of the forms, and its microseconds by the datetime module."""
    last = datetime(2200, 12, 30)  # noqa: DTZ001 - the zone comes with the suffix
    moment = draw(st.datetimes(min_value=datetime(1970, 1, 2), max_value=last))  # noqa: DTZ001 - the same
    digits = draw(st.integers(0, 9))
    fraction = f"{moment.microsecond:06d}{draw(st.integers(0, 999)):03d}"[:digits]
    sign = draw(st.sampled_from([1, -1]))
    hours, minutes = draw(st.integers(0, 23)), draw(st.integers(0, 59))
    forms = {
        "": 0,
        " UTC": 0,
        "UTC": 0,
        "Z": 0,
        " Z": 0,
        "+00:00": 0,
        f" {'-+'[sign > 0]}{hours:02d}:{minutes:02d}": sign * (hours * 60 + minutes),
        f"{'-+'[sign > 0]}{hours:02d}": sign * hours * 60,
        f"{'-+'[sign > 0]}{hours:02d}:{minutes:02d}": sign * (hours * 60 + minutes),
        f"{'-+'[sign > 0]}{hours:02d}{minutes:02d}": sign * (hours * 60 + minutes),
    }
    suffix = draw(st.sampled_from(list(forms)))
    zone = timezone(timedelta(minutes=forms[suffix]))
    cut = moment.replace(microsecond=int(fraction[:6].ljust(6, "0")), tzinfo=zone)
    day, clock = moment.isoformat(timespec="seconds").split("T")
    text = f"{day}{draw(st.sampled_from(' T'))}{clock}{'.' * bool(fraction)}{fraction}{suffix}"
    return text, (cut - EPOCH) // MICROSECOND


def is_common(stamp: str) -> bool:
    """Say whether the byte reader must understand a stamp that the text reader understands."""
    fraction, suffix = re.fullmatch(r".{19}\.?(\d*)(.*)", stamp, re.ASCII).groups()  # type: ignore[union-attr]
    return len(fraction) <= 6 and suffix in ("", " UTC", "Z", "+00:00")


@given(st.lists(stamps(), min_size=1, max_size=20))
def test_every_form_is_read_as_the_datetime_module_reads_it(cases: list[tuple[str, int]]) -> None:
    assert from_text([text for text, _ in cases]) == [at for _, at in cases]


@given(st.lists(stamps(), min_size=1, max_size=20))
def test_the_byte_reader_reads_the_common_forms_and_no_others(cases: list[tuple[str, int]]) -> None:
    expected = [at if is_common(text) else None for text, at in cases]
    assert from_bytes([text.encode() for text, _ in cases]) == expected


@given(stamps(), st.integers(0, 40), st.binary(max_size=2), st.integers(0, 2))
def test_a_damaged_stamp_is_never_misread_by_the_byte_reader(
    case: tuple[str, int], place: int, put: bytes, cut: int
) -> None:
    whole = case[0].encode()
    damaged = whole[:place] + put.replace(b"\n", b"") + whole[place + cut :]
    sound, found = from_bytes([b"2023-01-22 12:09:39 UTC", damaged])
    assert sound is not None
    if found is not None:
        assert from_text([damaged.decode()]) == [found]


@pytest.mark.parametrize(
    "text",
    [
        "2023-01-22 12:09:39",
        "2023-01-22 12:09:39 UTC",
        "2023-01-22T12:09:39Z",
        "2023-01-22 12:09:39.3 UTC",
        "2023-01-22 12:09:39.388884 UTC",
        "2023-01-22 12:09:39.388884+00:00",
        "2023-01-22T12:09:39.3888",
        "1970-01-01 00:00:00 UTC",
        "2200-12-31 23:59:59.999999 UTC",
        "2024-02-29 00:00:00 UTC",
    ],
)
def test_the_common_forms_take_the_fast_way(text: str) -> None:
    assert from_bytes([text.encode()]) == from_text([text])


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "2023-01-22",
        "2023-01-22 12:09",
        "2023-02-29 00:00:00 UTC",
        "2023-13-01 00:00:00 UTC",
        "2023-00-10 00:00:00 UTC",
        "2023-01-00 00:00:00 UTC",
        "2023-04-31 00:00:00 UTC",
        "2023-01-22 24:00:00 UTC",
        "2023-01-22 12:60:00 UTC",
        "2023-01-22 23:59:60 UTC",
        "2023-01-22 12:09:39. UTC",
        "2023-01-22 12:09:39.1234567890 UTC",
        "2023-01-22 12:09:39,5 UTC",
        "2023-01-22  12:09:39 UTC",
        "2023-01-22t12:09:39 UTC",
        "2023-01-22 12:09:39z",
        "2023-01-22 12:09:39 UT",
        "2023-01-22 12:09:39 GMT",
        "2023-01-22 12:09:39+24:00",
        "2023-01-22 12:09:39+05:60",
        "2023-01-22 12:09:39+5",
        " 2023-01-22 12:09:39",
        "2023-01-22 12:09:39 ",
        "2023-01-22 12:09:39\n",
        "2023/01/22 12:09:39",
        "22-01-2023 12:09:39",
        "2023-1-22 12:09:39",
        "1674389379",
        "2023-01-22 1a:09:39 UTC",
        "２０２３-01-22 12:09:39",
    ],
)
def test_what_is_no_instant_is_impossible_to_both_readers(text: str) -> None:
    assert from_text([text]) == [Reason.STAMP]
    assert from_bytes([text.encode()]) == [None]


@pytest.mark.parametrize(
    "text",
    [
        "1969-12-31 23:59:59.999999 UTC",
        "2201-01-01 00:00:00 UTC",
        "0001-01-01 00:00:00 UTC",
        "1970-01-01 00:29:59+00:30",
        "2200-12-31 23:30:00-00:30",
    ],
)
def test_a_year_outside_1970_to_2200_in_utc_has_a_reason_of_its_own(text: str) -> None:
    assert from_text([text]) == [Reason.YEAR]
    assert from_bytes([text.encode()]) == [None]


def test_the_year_is_that_in_utc() -> None:
    assert from_text(["1969-12-31 23:30:00-00:30"]) == [0]
    assert from_text(["2201-01-01 00:30:00+01"]) == from_text(["2200-12-31 23:30:00"])


def test_what_is_finer_than_microseconds_is_cut_not_rounded() -> None:
    cut, exact = from_text(["2023-01-22 12:09:39.999999999 UTC", "2023-01-22 12:09:39.999999 UTC"])
    assert cut == exact


def test_a_null_is_impossible() -> None:
    _, codes = stamps_from_text(pl.Series([None], dtype=pl.String))
    assert codes.tolist() == [Reason.STAMP]


def test_every_day_from_1970_to_2200_is_known() -> None:
    days = [EPOCH + timedelta(days=day) for day in range((datetime(2201, 1, 1, tzinfo=UTC) - EPOCH).days)]
    found = from_bytes([f"{day:%Y-%m-%d %H:%M:%S} UTC".encode() for day in days])
    assert found == [(day - EPOCH) // MICROSECOND for day in days]
