"""How durations are worded on the pages."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storewatch.entrypoints.wording import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 min"),
        (45, "45 s"),
        (60, "1 min"),
        (3_600, "1 h"),
        (3_605, "1 h 0 min 5 s"),
        (229_440, "63 h 44 min"),
        (229_450, "63 h 44 min 10 s"),
        (4_444_440, "1,234 h 34 min"),
    ],
)
def test_a_duration_names_no_unit_that_is_zero_unless_it_parts_two(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@given(st.integers(0, 10**8))
def test_a_duration_is_exact(seconds: int) -> None:
    units = {"h": 3_600, "min": 60, "s": 1}
    parts = re.findall(r"([\d,]+) (h|min|s)", duration(seconds))
    assert sum(int(count.replace(",", "")) * units[unit] for count, unit in parts) == seconds
