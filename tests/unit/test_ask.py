"""What is asked, as a value: it survives being written down, and says what of it is not understood."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from storewatch.adapters.jobs.asks import from_text, to_text
from storewatch.domain.ask import Ask, Policy, parse_policy
from storewatch.domain.instant import parse_as_of
from storewatch.domain.periods import window_edges
from storewatch.domain.window import CALENDAR, Window
from storewatch.domain.zone import zone_names
from storewatch.errors import InputError

ASK = Ask(
    as_of=1_674_670_332, carry=None, store_ids=("007", "é"), windows=("day",), policy=Policy.LAST_OBSERVATION
)
MORE = replace(
    ASK,
    windows=("28d", "today", "2023-01-01T00:00:00+01:00/2023-01-02T00:00:00Z"),
    compare=True,
    by="brand",
    where=(("region", ("N", "")), ("brand", ("X",))),
    overview=True,
)


def test_an_ask_comes_back_as_it_was_written() -> None:
    assert from_text(to_text(ASK, "a-call")) == (ASK, "a-call", 2)
    assert from_text(to_text(Ask(), None)) == (Ask(), None, None)
    assert from_text(to_text(MORE, None))[0] == MORE


def test_equal_asks_are_equal_however_they_are_written() -> None:
    assert MORE.windows[2] == "2022-12-31T23:00:00Z/2023-01-02T00:00:00Z"
    again = (("brand", ("X",)), ("region", ("",)), ("region", ("N", "")))
    assert replace(MORE, windows=MORE.windows, where=again) == MORE


def test_what_the_version_before_could_not_be_asked_is_only_written_where_it_is_asked() -> None:
    assert set(MORE.values()) - set(ASK.values()) == {"compare", "by", "where", "overview"}


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
        ({"windows": ["day", "2w"]}, "windows ['day', '2w']"),
        ({"whereabouts": {"brand": ["X"]}}, "whereabouts {'brand': ['X']}"),
        ({"by": "uptime_28d"}, "by 'uptime_28d'"),
        ({"where": {"uptime_28d": ["X"]}}, "where {'uptime_28d': ['X']}"),
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
    with pytest.raises(InputError, match="no window is asked for"):
        Ask(windows=())
    with pytest.raises(InputError, match="ends after the as-of, 2023-01-25T18:12:12Z"):
        replace(ASK, windows=("2023-01-01T00:00:00Z/2023-01-25T18:12:13Z",))


@pytest.mark.parametrize(
    ("windows", "compare", "since"),
    [
        (("hour", "day", "week"), False, "2023-01-11T18:00:00Z"),
        (("hour",), True, "2023-01-11T18:00:00Z"),  # a week for the state, in any case
        (("9d", "1h"), False, "2023-01-09T18:00:00Z"),
        (("9d", "1h"), True, "2022-12-31T18:00:00Z"),
        (("2022-12-01T00:30:00Z/2022-12-02T00:30:00Z",), False, "2022-11-24T00:00:00Z"),
        (("2022-12-01T00:30:00Z/2022-12-02T00:30:00Z",), True, "2022-11-23T00:00:00Z"),
        (("this_month",), False, "2022-12-24T10:00:00Z"),
        (("previous_month",), True, "2022-10-24T10:00:00Z"),
    ],
)
def test_polls_matter_back_to_where_a_window_begins_anywhere_less_the_carry(
    windows: tuple[str, ...], *, compare: bool, since: str
) -> None:
    ask = Ask(as_of=parse_as_of("2023-01-25T18:12:12Z"), windows=windows, compare=compare)
    assert ask.since == parse_as_of(since) * 1_000_000


def test_no_poll_is_before_1970_and_without_an_end_of_the_carry_all_matter() -> None:
    assert Ask(as_of=604_800 + 7_300, carry=3_600).since == 3_600 * 1_000_000
    assert Ask(as_of=604_800 + 7_300, carry=999_999_999 * 86_400).since == 0
    assert Ask(as_of=604_800 + 7_300, carry=None).since is None


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("as_of", ["2023-03-12T11:00:00Z", "2023-05-01T10:30:00Z", "2011-12-30T11:00:00Z"])
def test_in_no_zone_a_calendar_window_begins_before_the_earliest_begin(as_of: str, *, before: bool) -> None:
    instant = parse_as_of(as_of)
    zones = sorted(zone_names())
    windows = [Window(text=text) for text in CALENDAR]
    edges = window_edges(windows, zones, instant, compare=True)[len(windows) * 2 * before :: 2]
    for window, begins in zip(windows, edges, strict=False):
        assert window.earliest(instant, before=before) <= begins.min()
