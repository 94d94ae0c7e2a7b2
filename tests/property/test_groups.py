"""Reports by a label and of some stores (R10): slices put together against the reference."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import polars.selectors as cs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond import same_rows
from fleets import LABELS, VALUES, WholeFleet, whole_fleets
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.answering.overview import overview
from storewatch.checking import reference
from storewatch.entrypoints.http.pages.current import Current
from storewatch.entrypoints.http.pages.groups import ZONE, groups_of
from storewatch.entrypoints.http.pages.table import fleet_table, labels_of
from storewatch.errors import NoStoreError
from storewatch.ports.jobs import Job, State

labels = st.sampled_from([*LABELS, "Brand", "nothing"])
wheres = st.dictionaries(
    labels, st.lists(st.sampled_from(["", *VALUES, "X"]), min_size=1, max_size=3), max_size=2
)


@settings(max_examples=30)
@given(
    fleet=whole_fleets(max_stores=6),
    label=labels,
    where=wheres,
    slices=st.integers(1, 4),
    compare=st.booleans(),
)
def test_a_report_by_a_label_is_the_references_in_any_number_of_slices(
    *, fleet: WholeFleet, label: str, where: dict[str, list[str]], slices: int, compare: bool
) -> None:
    facts, windows = fleet.facts, fleet.windows
    asked = tuple((name, tuple(values)) for name, values in where.items())
    ask = replace(fleet.ask, by=label, where=asked, compare=compare)
    expected = reference.account(facts, ask, windows, compare=compare)
    if where and expected.empty:
        with pytest.raises(NoStoreError):
            answer(GivenFacts(facts=facts), ask, slices=slices)
        return
    report = answer(GivenFacts(facts=facts), ask, slices=slices)
    same_rows(report.rows, expected)
    assert report.csv_bytes() == reference.export_account(expected, windows, compare=compare)
    table = reference.by_label(expected, facts, ask, label.casefold(), windows).rename(
        columns={label.casefold(): label}
    )
    groups = report.by_label
    assert groups is not None
    same_rows(groups.rows, table)
    assert groups.csv_bytes() == reference.export_account(table, windows, compare=compare)
    assert groups.totals() == report.totals()
    assert groups.rows["stores"].sum() == report.rows.height


@settings(max_examples=30)
@given(
    fleet=whole_fleets(max_stores=6),
    missed=st.booleans(),
    worst=st.none() | st.integers(1, 4),
    slices=st.integers(1, 3),
)
def test_chosen_rows_are_those_of_the_whole_report_in_any_number_of_slices(
    *, fleet: WholeFleet, missed: bool, worst: int | None, slices: int
) -> None:
    report = answer(GivenFacts(facts=fleet.facts), fleet.ask, slices=slices)
    chosen = report.choose(missed=missed, worst=worst)
    rows = report.rows.to_dicts()
    if missed:
        rows = [row for row in rows if any(row.get(f"met_{each.name}") is False for each in fleet.windows)]
    if worst is not None:
        down = f"downtime_seconds_{fleet.windows[-1].name}"
        rows = sorted(rows, key=lambda row: (-row[down], row["store_id"]))[:worst]
    assert pl.concat(chosen.filed).to_dicts() == rows
    assert chosen.csv_bytes().count(b"\n") >= 1 + len(rows)
    assert (chosen.rows.height, chosen.totals()) == (report.rows.height, report.totals())


@settings(max_examples=10)
@given(
    fleet=whole_fleets(max_stores=6),
    label=st.sampled_from([*LABELS, ZONE]),
    window=st.sampled_from(["hour", "day", "week"]),
)
def test_the_groups_of_the_pages_are_those_of_a_report_by_the_label(
    *, fleet: WholeFleet, label: str, window: str
) -> None:
    """By zone they add up to the same."""
    source, ask = GivenFacts(facts=fleet.facts), replace(fleet.ask, windows=("hour", "day", "week"))
    job = Job(id=32 * "0", state=State.COMPLETE, ask=ask, created=0.0)
    shown = overview(source, ask)
    now = Current(job=job, report=answer(source, ask), overview=shown, is_pinned=False)
    if label != ZONE and label not in labels_of(fleet_table(now)):
        return
    lacking = cs.ends_with("_before") - cs.by_name(shown.stores.columns, require_all=False)
    found = groups_of(now, label, window).select(~lacking)
    by = replace(ask, by=None if label == ZONE else label, windows=(window,), compare=True)
    report = answer(source, by)
    assert found["stores"].sum() == report.rows.height
    for name, total in report.totals().items():
        assert name not in found.columns or found[name].sum() == total
    if report.groups is not None:
        groups = report.groups.rename({label: "value"})
        common = [name for name in groups.columns if name in found.columns]
        assert {"value", "met", "missed", "no_verdict"} <= set(common)
        assert f"downtime_seconds_last_{window}" in common
        assert ("target_percent" in common) == ("target_percent" in groups.columns)
        assert found.select(common).equals(groups.select(common))
