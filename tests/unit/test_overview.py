"""What the pages show of a fleet beside its report: who asks for it, what it says, where it lies."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from beyond import note, on_date
from boards import LONG, claimed
from service import small_facts
from storewatch.adapters.jobs import open_jobs
from storewatch.adapters.polls import open_polls
from storewatch.adapters.polls.given import GivenFacts, GivenSnapshot
from storewatch.adapters.shelf import open_shelf
from storewatch.answering.attempt import work
from storewatch.answering.course import Course
from storewatch.answering.findings import find
from storewatch.answering.overview import overview
from storewatch.domain.ask import Ask
from storewatch.domain.findings import Thresholds
from storewatch.domain.overview import BEFORE
from storewatch.errors import OverError
from storewatch.formats.overview import published_overview
from storewatch.ports.polls import Load
from strategies import HOUR, SECOND, facts_of, instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from storewatch.domain.facts import Facts
    from storewatch.ports.jobs import JobBoard, Progress
    from storewatch.ports.polls import PollStore
    from storewatch.ports.shelf import ReportShelf

AS_OF = "2023-01-25 18:00"  # a Wednesday
WORDS = ["store_id", "store_name", "timezone_str", "target_percent"]

Service = tuple["PollStore", "JobBoard", "ReportShelf"]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Yield stores with a small fleet in them."""
    polls, board = open_polls(f"delta:{tmp_path}/polls"), open_jobs(f"sqlite:{tmp_path}/jobs.sqlite")
    polls.load(Load(name="a-load", facts=small_facts()))
    yield polls, board, open_shelf(f"file:{tmp_path}/reports")
    board.close()
    polls.close()


def made(service: Service, ask: Ask, course: Course | None = None) -> str:
    """Make a report that is asked for and return its key."""
    polls, board, shelf = service
    job_id = board.submit(ask)
    assert work(claimed(board, lease=LONG), polls=polls, board=board, shelf=shelf, course=course)
    job = board.get(job_id)
    assert job is not None
    assert job.key is not None
    return job.key


def test_it_lies_beside_the_report_of_a_job_that_asks_for_it(service: Service) -> None:
    polls, _, shelf = service
    course = Course()
    key = made(service, Ask(overview=True), course)
    found, wanted = published_overview(shelf, key), overview(polls, Ask())

    assert found is not None
    assert found.stores.equals(wanted.stores)
    assert found.hours.equals(wanted.hours)
    assert found.findings == wanted.findings != []
    assert course.seconds.keys() == {"gather", "compute", "overview", "publish"}


@pytest.mark.parametrize("ask", [Ask(), Ask(store_ids=("001",), overview=True)])
def test_no_other_report_has_one(service: Service, ask: Ask) -> None:
    assert published_overview(service[2], made(service, ask)) is None
    assert len(list(service[2].entries())) == 3


def test_the_report_is_the_same_to_the_byte(service: Service) -> None:
    shelf = service[2]
    plain, shown = (made(service, Ask(overview=wanted)) for wanted in (False, True))
    for ending in ("csv", "parquet"):
        one, other = (b"".join(shelf.read(key.replace("csv", ending))) for key in (plain, shown))
        assert one == other


def test_it_is_given_up_with_the_report_that_nobody_needs_any_more(service: Service) -> None:
    told: list[Progress] = []
    course = Course(tell=told.append, is_over=lambda: any(step.stage == "overview" for step in told))
    with pytest.raises(OverError):
        made(service, Ask(overview=True), course)
    assert told[-1].total == 7
    assert list(service[2].entries()) == []


def look(
    store_ids: str, is_up: Callable[[str, int], bool | None], as_of: str = AS_OF, **facts: object
) -> pl.DataFrame:
    """Return the rows of stores, whose names are single letters, that are polled at the half of each hour."""
    return overview(fleet(store_ids, is_up, **facts), Ask(as_of=instant(as_of))).stores


def fleet(store_ids: str, is_up: Callable[[str, int], bool | None], **facts: object) -> GivenFacts:
    first = instant(AS_OF) - 23 * 24 * HOUR
    polls = [
        (name, (first + hour * HOUR + 1_800) * SECOND, status)
        for name in store_ids
        for hour in range(23 * 24)
        if (status := is_up(name, hour - 16 * 24)) is not None
    ]
    return GivenFacts(facts=facts_of(polls, stores=store_ids, **facts))  # type: ignore[arg-type]


def test_a_store_has_its_name_its_target_and_a_column_for_each_label() -> None:
    labels = [
        ("a", "storename", "<b>Café"),
        ("a", "targetpercent", "99.5"),
        ("a", "region", "north"),
        ("c", "brand", "x"),
        ("c", "region", ""),
    ]
    source = fleet("abc", lambda _, hour: hour >= 0, labels=labels, zones={"a": "Asia/Kolkata"})
    rows = overview(source, Ask(as_of=instant(AS_OF)), slices=3).stores

    assert rows.columns == [*WORDS, "label:brand", "label:region", *BEFORE, "silent_since", "week"]
    assert rows.select(*WORDS, "label:brand", "label:region").rows() == [
        ("a", "<b>Café", "Asia/Kolkata", 99.5, None, "north"),
        ("b", None, "America/Chicago", None, None, None),
        ("c", None, "America/Chicago", None, "x", None),
    ]


def test_a_fleet_without_labels_has_no_columns_for_them() -> None:
    assert look("a", lambda _, __: True).columns == [*WORDS, *BEFORE, "silent_since", "week"]


def test_the_week_is_a_letter_an_hour_and_small_where_it_is_carried() -> None:
    """The as-of is 18:00, so letter 0 is the hour of 18:00 a week ago, and letter 30 that of midnight."""
    (week,) = look(
        "a",
        lambda _, hour: None if hour < 1 or hour % 2 else hour < 100,
        zones={"a": "UTC"},
        annotations=[
            note("excluded", "2023-01-20 00:00", "2023-01-20 02:00"),
            note("down", "2023-01-20 05:00", "2023-01-20 06:00", name="m"),
        ],
        exceptions=on_date("2023-01-24"),
    )["week"]
    assert week[:3] == "??U"
    assert week[3:30] == "uU" * 13 + "u"
    assert week[30:38] == "xxUuUEUu"
    assert week[98:104] == "UuDdDd"
    assert week[126:150] == "." * 24
    assert week[150:] == "Dd" * 9
    assert len(week) == 168


def test_a_mixed_hour_has_the_letter_of_the_status_with_most_seconds_and_of_equal_ones_the_worse() -> None:
    """Of 17:00 to 18:00 what is not stated is up, carried from 16:30 or by a poll of 17:30."""
    rows = look(
        "abcdef",
        lambda name, hour: None if name in "bc" and hour == 167 else True,
        annotations=[
            note(
                counts_as,
                f"2023-01-25 17:{begin}",
                f"2023-01-25 17:{end}",
                name=f"n{about}{begin}",
                about=about,
            )
            for about, counts_as, begin, end in [
                ("a", "down", "00", "30"),
                ("b", "down", "00", "29"),
                ("c", "up", "00", "30"),
                ("d", "unknown", "10", "40"),
                ("e", "excluded", "20", "50"),
                ("f", "excluded", "20", "51"),
            ]
        ],
    )
    assert "".join(week[-1] for week in rows["week"]) == "EvW?Ux"


def test_off_the_full_hour_the_week_has_169_letters_that_add_up_in_their_cells() -> None:
    as_of = "2023-01-25 17:45"
    assert look("a", lambda _, __: True, as_of)["week"].to_list() == ["U" * 169]
    hours = overview(fleet("a", lambda _, __: True), Ask(as_of=instant(as_of))).hours
    own = hours.filter((pl.col("label") == "") & (pl.col("clock") == "utc"))
    assert own["cell"].to_list() == list(range(168))
    assert own["open"].to_list() == [HOUR] * 168
    assert own["measured"].sum() == 7 * 24 * HOUR


def test_where_polls_of_the_time_before_were_dropped_that_is_not_known_and_the_rest_is() -> None:
    """A week, the one before it and what is carried into that are three."""
    source = fleet("ab", lambda name, hour: name == "a" or hour % 3 > 0)
    ask = Ask(as_of=instant(AS_OF))
    whole = overview(source, ask)
    kept = _Kept(facts=source.facts, since=ask.instant - 3 * 7 * 24 * HOUR)
    assert overview(kept, ask).stores.equals(whole.stores)
    short = overview(replace(kept, since=kept.since + 1), ask)
    assert short.stores.select(BEFORE.keys()).null_count().unique().rows() == [(2,) * len(BEFORE)]
    assert short.stores.drop(*BEFORE).equals(whole.stores.drop(*BEFORE))
    assert short.stores.schema == whole.stores.schema
    assert whole.stores["uptime_seconds_last_week_before"].to_list() == [168 * HOUR, 112 * HOUR]


def test_a_silent_store_says_since_when() -> None:
    rows = look("abc", lambda name, hour: None if name == "b" and hour >= 100 else True)
    assert rows["silent_since"].to_list() == [None, datetime(2023, 1, 22, 22, tzinfo=UTC), None]


@pytest.mark.parametrize("slices", [1, 3])
def test_its_findings_are_those_of_the_command(slices: int) -> None:
    """Stores went down together, the poller was down, one is silent and one has no polls."""

    def is_up(name: str, hour: int) -> bool | None:
        if hour in {60, 61, 62} or (name == "k" and hour > 90) or name == "l":
            return None
        return hour != 80 or name > "j"

    source, ask = fleet("abcdefghijklmnop", is_up), Ask(as_of=instant(AS_OF))
    found = overview(source, ask, slices=slices)
    wanted = find(source, ask, Thresholds())
    assert {each.kind for each in wanted.findings} > {"poller_down", "together", "silent", "without_polls"}
    assert found.findings == wanted.values(100)["findings"]
    assert found.stores.filter(pl.col("silent_since").is_not_null())["store_id"].to_list() == ["k"]


def test_hours_are_summed_up_for_the_fifty_largest_values_of_a_label() -> None:
    """Of equal ones the first by code point."""
    ids = "".join(chr(ord("A") + nth) for nth in range(53))
    labels = [(name, "city", f"{nth:02}") for nth, name in enumerate(ids[:-1])] + [(ids[-1], "city", "51")]
    hours = overview(fleet(ids, lambda _, hour: hour > 160, labels=labels), Ask(as_of=instant(AS_OF))).hours
    values = hours.filter(pl.col("label") == "city")["value"].unique(maintain_order=True)
    assert values.to_list() == ["51", *(f"{nth:02}" for nth in range(49))]
    assert hours["label"].unique(maintain_order=True).to_list() == ["", "city"]


def test_an_empty_fleet_has_an_empty_overview() -> None:
    found = overview(GivenFacts(facts=facts_of()), Ask(as_of=instant(AS_OF)))
    assert found.stores.is_empty()
    assert found.stores.columns == [*WORDS, *BEFORE, "silent_since", "week"]
    assert found.hours.is_empty()
    assert found.findings == []


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """Facts in memory of which it is said that polls from before an instant were dropped."""

    facts: Facts
    since: int  # seconds since 1970 UTC

    @contextmanager
    def at(self, version: str | None = None) -> Iterator[GivenSnapshot]:
        """Open them."""
        assert version is None
        yield GivenSnapshot(facts=self.facts, kept_since=self.since * SECOND)
