"""What is asked, as a value: it survives being written down, and says what of it is not understood."""

from __future__ import annotations

import json

import pytest

from storewatch.adapters.jobs.asks import from_text, to_text
from storewatch.domain.ask import Ask, Policy, parse_policy
from storewatch.errors import InputError

ASK = Ask(
    as_of=1_674_670_332, carry=None, store_ids=("007", "é"), windows=("day",), policy=Policy.LAST_OBSERVATION
)


def test_an_ask_comes_back_as_it_was_written() -> None:
    assert from_text(to_text(ASK, "a-call")) == (ASK, "a-call", 2)
    assert from_text(to_text(Ask(), None)) == (Ask(), None, None)


def test_all_of_it_is_written_so_that_no_later_default_changes_its_meaning() -> None:
    assert set(json.loads(to_text(Ask(), None))) == {
        "as_of",
        "carry",
        "store_ids",
        "windows",
        "policy",
        "request_id",
    }


def test_what_the_first_version_wrote_is_read() -> None:
    text = '{"as_of": null, "carry": 129600, "store_ids": ["1"], "request_id": "r"}'
    assert from_text(text) == (Ask(carry=129_600, store_ids=("1",)), "r", 1)


@pytest.mark.parametrize(
    ("more", "unknown"),
    [
        ({"policy": "by-the-moon"}, "policy 'by-the-moon'"),
        ({"windows": ["day", "28d"]}, "windows ['day', '28d']"),
        ({"where": {"brand": ["X"]}}, "where {'brand': ['X']}"),
    ],
)
def test_what_a_later_version_wrote_is_named_as_unknown(more: dict[str, object], unknown: str) -> None:
    ask, _, _ = from_text(json.dumps(json.loads(to_text(ASK, None)) | more))
    assert ask.unknown == (unknown,)
    assert ask != ASK


def test_a_policy_or_window_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match="hourly-majority or last-observation"):
        parse_policy("majority")
    with pytest.raises(InputError, match="hour, day, week"):
        Ask(windows=("month",))
