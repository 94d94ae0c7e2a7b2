"""The overview's sentences, counts and heat map, each of figures that are known: no service, no store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from starlette.exceptions import HTTPException

from storewatch.domain.instant import WEEK
from storewatch.entrypoints.http.pages.changes import Change, Sums, changes
from storewatch.entrypoints.http.pages.heat import DAYS, Heat, Look, heat_map
from storewatch.entrypoints.http.pages.rendering import list_url
from storewatch.formats.overview import Overview

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storewatch.entrypoints.http.pages.changes import Sentence

QUERY = {"as_of": "2023-01-25T18:12:00Z"}
AS_OF = 1_674_670_320  # that instant, a Wednesday
FIGURES = ("uptime", "downtime", "unknown", "open", "excluded")


def stores(count: int, *, brand: str | None, down: int, before: int, unknown: int = 0) -> pl.DataFrame:
    """Return stores of a brand that were each down so many seconds of the week, and of the one before."""
    columns: dict[str, Any] = {"store_id": [f"{brand}-{n}" for n in range(count)]}
    for end, lost in (("", down), ("_before", before)):
        known = WEEK - unknown
        for figure, value in zip(FIGURES, (known - lost, lost, unknown, WEEK, 0), strict=True):
            columns[f"{figure}_seconds_last_week{end}"] = [value] * count
    return pl.DataFrame(columns).with_columns(
        pl.lit(brand, pl.String).alias("label:brand"), timezone_str=pl.lit("Asia/Beirut")
    )


def told(found: Sentence) -> str:
    """Return a sentence as it is read."""
    return found.subject + found.rest + (f"{found.change.words}." if found.change else "")


def sentences(table: pl.DataFrame, *findings: Mapping[str, Any]) -> list[str]:
    return [told(each) for each in changes(table, findings, QUERY)]


def calm() -> pl.DataFrame:
    """Return a fleet of which nothing is to be told."""
    return stores(1_000, brand=None, down=0, before=0)


def test_a_brand_that_fell_is_told_and_leads_to_its_stores() -> None:
    fallen = stores(118, brand="Corner Kitchen & Co", down=WEEK * 88 // 1_000, before=WEEK * 54 // 1_000)
    [found] = changes(pl.concat([calm(), fallen]), [], QUERY)

    assert told(found) == (
        "The 118 stores of brand Corner Kitchen & Co had 91.20 % uptime in the last week, "
        "3.40 points less than the week before."
    )
    assert found.change is not None
    assert found.change.kind == "less worse"
    assert found.url == list_url(QUERY, where="brand:Corner Kitchen & Co")
    assert found.url == "/stores?where=brand%3ACorner+Kitchen+%26+Co&as_of=2023-01-25T18%3A12%3A00Z"


def test_the_change_is_the_difference_of_the_two_figures_that_are_shown() -> None:
    """Down 1/3 and 1/7 of the week: 66.66 % and 85.71 % are shown, so 19.05 and not 19.04…7 points less."""
    [found] = sentences(
        stores(10, brand="A", down=WEEK // 3, before=WEEK // 7)
        .drop("timezone_str")
        .with_columns(timezone_str=pl.lit(None, pl.String))
    )
    assert "66.66 %" in found
    assert "19.05 points less" in found


@pytest.mark.parametrize(
    ("count", "moved", "is_told"), [(10, 50, True), (9, 50, False), (10, 49, False), (10, -50, True)]
)
def test_groups_of_ten_stores_and_half_a_point_are_told(count: int, moved: int, *, is_told: bool) -> None:
    before = WEEK // 10
    group = stores(count, brand="A", down=before + WEEK * moved // 10_000, before=before)
    found = sentences(pl.concat([calm(), group]))
    assert [f"The {count} stores of brand A" in each for each in found] == [True] * is_told


def test_three_that_fell_most_and_the_one_that_rose_most_are_told_in_order() -> None:
    groups = [stores(10, brand=str(n), down=WEEK * n // 100, before=WEEK * 4 // 100) for n in range(9)]
    found = sentences(pl.concat([calm(), *groups]))
    assert [each.split(" had ")[0].rpartition(" ")[2] for each in found] == ["8", "7", "6", "0"]
    assert "4.00 points more than" in found[-1]


def test_a_week_of_which_most_is_unknown_is_compared_with_nothing() -> None:
    group = stores(10, brand="A", down=3_600, before=0, unknown=WEEK * 6 // 10)
    assert sentences(group) == []
    never = group.with_columns(
        pl.lit(None, pl.Int64).alias(name) for name in group.columns if name.endswith("_before")
    )
    assert sentences(never) == []


def test_a_zone_is_a_group_as_well() -> None:
    [found] = changes(stores(10, brand=None, down=WEEK // 10, before=0), [], QUERY)
    assert found.subject == "The 10 stores in Asia/Beirut"
    assert found.url == list_url(QUERY, zone="Asia/Beirut")


def poller(begin: str, end: str, *polled: int) -> dict[str, Any]:
    return {
        "kind": "poller_down",
        "count": len(polled),
        "evidence": {"begin": begin, "end": end, "polled_stores": list(polled), "usual_polled_stores": 9_812},
    }


def together(label: str, value: str, *, still: int) -> dict[str, Any]:
    evidence = {
        "label": label,
        "value": value,
        "begin": "2023-01-25T13:00:00Z",
        "end": "2023-01-25T14:00:00Z",
        "open_stores": 120,
        "still_down": still,
    }
    return {"kind": "together", "count": 118, "evidence": evidence}


def of_kind(kind: str, count: int) -> dict[str, Any]:
    return {"kind": kind, "count": count, "evidence": {}}


def test_findings_come_first_in_words_for_people() -> None:
    found = sentences(
        stores(10, brand="A", down=WEEK // 10, before=0),
        of_kind("silent", 1),
        together("brand", "Corner Kitchen", still=12),
        together("*", "", still=0),
        poller("2023-01-24T22:00:00Z", "2023-01-25T01:00:00Z", 0, 3, 1),
        of_kind("without_zone", 5),
    )
    assert found[:4] == [
        (
            "The poller seems to have been down on Tue 24 Jan from 22:00 to Wed 25 Jan 01:00 UTC: "
            "at most 3 stores an hour were polled; 9,812 an hour are usual."
        ),
        (
            "118 of 120 open stores of brand Corner Kitchen went down within one hour, "
            "on Wed 25 Jan from 13:00 to 14:00 UTC; 12 of them are still down."
        ),
        "118 of 120 open stores went down within one hour, on Wed 25 Jan from 13:00 to 14:00 UTC.",
        "1 store has fallen silent: not polled for far longer than usual.",
    ]
    assert found[4].startswith("The 10 stores of brand A")


def test_of_many_findings_five_are_told_and_two_of_a_kind() -> None:
    hour = poller("2023-01-24T22:00:00Z", "2023-01-24T23:00:00Z", 0)
    many = (
        [hour] * 9
        + [together("brand", "A", still=0)] * 9
        + [of_kind("silent", 7), of_kind("hours_run_out", 2)]
    )
    found = changes(calm(), many, QUERY)
    assert [each.subject.split(" ")[0] for each in found] == ["The", "The", "118", "118", "7"]
    assert found[2].url.endswith("#f10")
    assert found[4].url == list_url(QUERY, only="silent")


@pytest.mark.parametrize(
    ("change", "words", "kind"),
    [
        (Change.of_count(1_040, 3, than="a week ago"), "1,037 more than a week ago", "more worse"),
        (Change.of_count(3, 5, than="a week ago"), "2 fewer than a week ago", "less better"),
        (Change.of_count(3, 3, than="a week ago"), "as many as a week ago", "same"),
        (
            Change.of_share(1_205, than="the day before"),
            "12.05 points more than the day before",
            "more better",
        ),
        (Change.of_share(-1, than="the day before"), "0.01 points less than the day before", "less worse"),
        (Change.of_share(0, than="the day before"), "the same as the day before", "same"),
    ],
)
def test_a_change_says_more_or_less_and_whether_that_is_good(change: Change, words: str, kind: str) -> None:
    assert (change.words, change.kind) == (words, kind)


def test_sums_of_nothing_are_not_known() -> None:
    sums = Sums.of(
        dict.fromkeys([f"{each}_seconds_last_week{end}" for each in FIGURES for end in ("", "_before")])
    )
    assert not sums.is_known
    assert sums.moved is None


def overview(*rows: tuple[str, str, str, int, int, int, int, int, int]) -> Overview:
    names = ["label", "value", "clock", "cell", "open", "downtime", "unknown", "excluded", "measured"]
    return Overview(stores=pl.DataFrame(), hours=pl.DataFrame(rows, schema=names, orient="row"), findings=[])


def heat(look: Look, *rows: tuple[str, str, str, int, int, int, int, int, int], as_of: int = AS_OF) -> Heat:
    return heat_map(overview(*rows), look, as_of, QUERY)


WEDNESDAY_14 = 2 * 24 + 14


def test_a_cell_says_its_share_cut_its_seconds_and_where_its_stores_are() -> None:
    row = ("", "", "utc", WEDNESDAY_14, 380 * 3_600, 12 * 3_600 + 60, 0, 0, 0)
    [cell] = [cell for _, cells in heat(Look(), row).rows for cell in cells if cell]
    assert cell.words == "Wednesday 14:00: 3.16 % of open time down, 12 h 1 min of 380 h"
    assert cell.share == "3.16"
    assert cell.url == list_url(QUERY, at="wed-14")


def test_what_is_excluded_needs_no_check() -> None:
    rows = [
        ("", "", "utc", 0, 7_200, 0, 0, 3_600, 900),
        ("", "", "utc", 1, 3_600, 0, 0, 3_600, 0),
    ]
    [cell] = [cell for _, cells in heat(Look(show="unmeasured"), *rows).rows for cell in cells if cell]
    assert cell.words == "Monday 00:00: 75.00 % of open time not measured, 45 min of 1 h"
    assert cell.url == list_url(QUERY, at="mon-00-unmeasured")


def test_a_look_at_a_brand_by_its_own_clock_shows_that_brand_alone() -> None:
    rows = [
        (label, value, clock, WEDNESDAY_14, 3_600, down, 0, 0, 0)
        for down, (label, value, clock) in enumerate(
            [("", "", "utc"), ("", "", "local"), ("brand", "A:1", "utc"), ("brand", "A:1", "local")]
        )
    ]
    found = heat(Look(clock="local", of="brand:A:1"), *rows)
    [cell] = [cell for _, cells in found.rows for cell in cells if cell]
    assert cell.words.endswith(", 3 s of 1 h")
    assert cell.url == list_url({"where": "brand:A:1", **QUERY}, at="wed-14-local")
    assert found.choices == {"brand": [("A:1", "brand:A:1")]}
    assert found.turn is None


def test_a_value_that_is_not_there_has_an_empty_map() -> None:
    found = heat(Look(of="brand:gone"), ("", "", "utc", 0, 3_600, 0, 0, 0, 0))
    assert not found.is_known
    assert not [cell for _, cells in found.rows for cell in cells if cell]


@pytest.mark.parametrize(
    ("as_of", "last", "turn"), [(AS_OF, "Wednesday", 18.2), (AS_OF // 86_400 * 86_400, "Tuesday", 24)]
)
def test_the_weekday_that_ends_last_is_the_last_row(as_of: int, last: str, turn: float) -> None:
    found = heat(Look(), as_of=as_of)
    assert [day for day, _ in found.rows][-1] == last
    assert sorted(day for day, _ in found.rows) == sorted(DAYS)
    assert found.turn == pytest.approx(turn)


def test_steps_are_as_wide_as_nearly_all_cells_need_and_say_so() -> None:
    rows = [
        ("", "", "utc", place, 10_000, down, 0, 0, 0)
        for place, down in enumerate([0, *range(500, 900, 4), 9_000])
    ]
    found = heat(Look(), *rows)
    assert found.key == [
        ("very low", "under 3 %"),
        ("low", "3–6 %"),
        ("medium", "6–9 %"),
        ("high", "9–12 %"),
        ("very high", "12 % or more"),
    ]
    steps = {cell.share: cell.step for _, cells in found.rows for cell in cells if cell}
    assert (steps["0.00"], steps["5.96"], steps["6.00"], steps["90.00"]) == (1, 2, 3, 5)


@pytest.mark.parametrize("part", [{"show": "up"}, {"clock": "UTC"}])
def test_what_there_is_not_is_refused(part: dict[str, str]) -> None:
    with pytest.raises(HTTPException, match="write"):
        Look(**part)
