"""Polls outside of memory: taken in any pieces, given back by day and stores, settled (R1)."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from full_disk import full_disk
from storewatch.domain import packed
from storewatch.domain.packed import pack, pieces
from storewatch.ingest import Spill, spill
from strategies import Poll, facts_of, micros

if TYPE_CHECKING:
    from pathlib import Path

NOON = micros("2023-01-18 12:00")
DAY = 86_400_000_000  # microseconds

polls_of_days = st.lists(
    st.tuples(
        st.sampled_from(["b", "a", "é", "\U0001f600", "7", "007"]),
        st.sampled_from([0, NOON, NOON + 1, NOON + DAY, micros("2200-12-31 23:59")]),
        st.booleans(),
    ),
    max_size=30,
)


@given(blocks=st.lists(polls_of_days, max_size=5), held=st.integers(1, 12), on_disk=st.booleans())
def test_any_blocks_give_the_same_days_as_all_polls_at_once(
    blocks: list[list[Poll]], held: int, *, on_disk: bool
) -> None:
    whole = facts_of([poll for block in blocks for poll in block]).polls
    names = whole["store_id"].cast(pl.String).unique().sort()
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr(packed, "LARGE", held)
        if on_disk:
            patch.setattr(spill, "_IN_MEMORY", -1)
        spilled = stack.enter_context(closing(Spill()))
        for block in blocks:
            spilled.add(facts_of(block).polls)
        found = {
            day: np.concatenate([spilled.keys(day, within) for within in pieces(len(names), count)]).tolist()
            for day, count in spilled.days.items()
        }
    assert spilled.stores.to_list() == names.to_list()
    assert found == {day: keys.tolist() for day, keys in pack(whole, names).items()}
    assert sum(spilled.days.values()) == len(whole)
    assert spilled.newest == whole["at"].to_physical().max()


def test_what_is_spilled_leaves_no_file_that_anyone_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spill, "_IN_MEMORY", -1)
    spilled = Spill(tmp_path / "home")
    spilled.add(facts_of([("a", NOON, True)]).polls)
    assert list((tmp_path / "home").iterdir()) == []
    assert spilled.keys(NOON // DAY, range(1)).tolist() == [(NOON % DAY) << 1 | 1]
    spilled.close()


def test_a_disk_that_is_full_is_an_error_that_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spill, "_IN_MEMORY", -1)
    spilled = Spill(tmp_path)
    polls = facts_of([(f"{nth}", NOON, True) for nth in range(1_000)]).polls
    with full_disk(100), pytest.raises(OSError, match=str(tmp_path)):
        spilled.add(polls)
    spilled.close()
