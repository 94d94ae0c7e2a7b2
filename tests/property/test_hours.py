"""The table of hours over fleets with the facts of all rules at once: kernel against reference and report."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from beyond import same_rows
from fleets import WholeFleet, whole_fleets
from storewatch.checking import reference
from storewatch.domain import hours, kernel
from storewatch.domain.account import account
from storewatch.domain.instant import iso
from strategies import DAY, HOUR

FIGURES = [f"{figure}_seconds" for figure in hours.SECONDS]
# On full hours and off them, within an hour, and long enough for a poll to run out.
LENGTHS = st.one_of(st.integers(1, 2 * HOUR), st.integers(1, 30).map(lambda n: n * HOUR), st.just(4 * DAY))


@st.composite
def asked_for(draw: st.DrawFn) -> tuple[WholeFleet, int, int]:
    """A fleet, and a time up to its as-of."""
    fleet = draw(whole_fleets(max_stores=3))
    as_of = fleet.ask.instant
    end = max(as_of - draw(st.sampled_from([0, 0, 1, 600, HOUR, 5 * HOUR])), 0)
    end -= draw(st.sampled_from([0, end % HOUR]))
    begin = max(end - draw(LENGTHS), 0)
    begin -= draw(st.sampled_from([0, begin % HOUR]))
    assume(begin < end)
    return fleet, begin, end


@given(asked_for(), st.integers(1, 3))
def test_kernel_and_reference_agree_on_every_hour_which_add_up_to_the_report(
    asked: tuple[WholeFleet, int, int], at_once: int
) -> None:
    """Also where a key has room for fewer stores than there are."""
    fleet, begin, end = asked
    facts = fleet.facts
    found = hours.hour_facts(facts, fleet.ask, begin, end)
    assert found.schema == hours.SCHEMA
    same_rows(found, reference.hours(facts, fleet.ask, begin, end))
    with pytest.MonkeyPatch.context() as patch:
        for module in (kernel, hours):
            patch.setattr(module, "stores_at_once", lambda _hours: at_once)
        assert hours.hour_facts(facts, fleet.ask, begin, end).equals(found)
    assert found.select("store_id", "hour").equals(found.select("store_id", "hour").sort("store_id", "hour"))
    report = account(facts, replace(fleet.ask, windows=(f"{iso(begin)}/{iso(end)}",))).rows
    sums = found.group_by("store_id").agg(pl.col(FIGURES).sum())
    wanted = report.select("store_id", *(pl.col(f"{figure}_window").alias(figure) for figure in FIGURES))
    together = wanted.select("store_id").join(sums, on="store_id", how="left", maintain_order="left")
    assert together.fill_null(0).equals(wanted)
    assert found.filter(pl.col("low_seconds") > pl.col("uptime_seconds")).is_empty()
    assert found.filter(pl.col("uptime_seconds") > pl.col("high_seconds")).is_empty()
