"""Reports by a label and of some stores (R10): slices put together against the reference."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beyond import same_rows
from fleets import LABELS, VALUES, WholeFleet, whole_fleets
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.checking import reference
from storewatch.errors import NoStoreError

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
