"""The whole report over fleets with the facts of all rules at once: kernel against reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beyond import same_rows
from fleets import WholeFleet, whole_fleets
from storewatch.checking import reference
from storewatch.domain import kernel, sums
from storewatch.domain.account import account
from storewatch.formats.csv import csv_bytes

if TYPE_CHECKING:
    from storewatch.domain.facts import Facts


@given(whole_fleets(max_stores=4))
def test_kernel_and_reference_agree_to_the_second_on_all_rules(fleet: WholeFleet) -> None:
    facts = fleet.facts
    expected = reference.account(facts, fleet.ask, fleet.windows, compare=True)
    found = account(facts, replace(fleet.ask, compare=True))
    same_rows(found.rows, expected)
    assert csv_bytes(found.rows) == reference.export_account(expected, fleet.windows, compare=True)
    same_rows(found.touched.sort("id"), reference.touched(facts, fleet.ask, fleet.windows))


@given(whole_fleets(max_stores=4))
def test_what_annotations_decide_is_what_is_excluded_or_stated(fleet: WholeFleet) -> None:
    found = account(fleet.facts, fleet.ask)
    for window in fleet.windows:
        figures = [f"{figure}_seconds_{window.name}" for figure in ("excluded", "stated_up", "stated_down")]
        decided = found.touched[f"seconds_{window.name}"].sum()
        assert sum(found.rows[figure].sum() for figure in figures) <= decided
        if not any("unknown" in note for note in fleet.annotations):
            assert sum(found.rows[figure].sum() for figure in figures) == decided


@given(whole_fleets(max_stores=6), st.integers(1, 3))
def test_fleets_with_more_stores_than_a_key_has_room_for_are_computed_in_parts(
    fleet: WholeFleet, at_once: int
) -> None:
    facts = fleet.facts
    whole = account(facts, fleet.ask).rows
    with pytest.MonkeyPatch.context() as patch:
        for module in (kernel, sums):
            patch.setattr(module, "stores_at_once", lambda _hours: at_once)
        assert account(facts, fleet.ask).rows.equals(whole)


@given(whole_fleets(max_stores=4))
def test_a_stores_row_does_not_depend_on_who_else_is_asked_for(fleet: WholeFleet) -> None:
    facts: Facts = fleet.facts
    ask = replace(fleet.ask, compare=True)
    whole = account(facts, ask).rows
    for row in whole.iter_rows(named=True):
        asked = replace(ask, store_ids=(row["store_id"], "nobody"))
        (alone,) = account(facts, asked).rows.to_dicts()
        assert alone == {name: row[name] for name in alone}
        assert all(row[name] is None for name in row if name not in alone)  # verdicts on others
