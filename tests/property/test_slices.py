"""A report is the same, byte for byte, in any number of slices, whatever it is made from."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import sources
from fleets import whole_fleets
from storewatch.answering.answer import answer
from strategies import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from fleets import WholeFleet
    from sources import Opener
    from storewatch.domain.facts import Facts
    from storewatch.formats.report import Report
    from storewatch.ports.polls import Snapshot


class Opened:
    """A source whose one snapshot is open already."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @contextmanager
    def at(self, version: str | None = None) -> Iterator[Snapshot]:
        """Hand it out."""
        assert version is None
        yield self._snapshot


def written(report: Report) -> tuple[object, ...]:
    made_of = report.made_of
    rejects = None if made_of.rejects is None else sorted(made_of.rejects.rows())
    counts = {name: value for name, value in vars(made_of).items() if name != "rejects"}
    groups = report.by_label
    assert groups is not None
    files = [
        file
        for each in (report, groups)
        for file in (each.csv_bytes(), each.parquet_bytes(), each.json_bytes())
    ]
    assert report.touched is not None
    touched = report.touched.rows()
    return *files, report.totals(), report.worst(3).rows(), touched, report.strangers, counts, rejects


def only(whole: WholeFleet, ids: set[str], annotations: Iterable[tuple[object, ...]]) -> Facts:
    fleet = whole.fleet
    return facts_of(
        [poll for poll in fleet.polls if poll[0] in ids],
        [row for row in whole.hours if row[0] in ids],
        {name: zone for name, zone in fleet.zones.items() if name in ids},
        exceptions=[row for row in whole.exceptions if row[0] in ids],
        annotations=annotations,
        labels=[row for row in whole.labels if row[0] in ids],
    )


def check(data: st.DataObject, opener: Opener) -> None:
    """Load some stores, then the others, whose ids lie between; ask for all or some.

    Exceptions and labels may be about stores that nothing names.
    """
    whole = data.draw(whole_fleets(max_stores=5))
    fleet = replace(whole.fleet, polls=whole.fleet.polls[: data.draw(st.integers(0, len(whole.fleet.polls)))])
    whole = replace(whole, fleet=fleet)
    rows = (fleet.polls, whole.hours, whole.exceptions, whole.labels)
    ids = {str(row[0]) for of_kind in rows for row in of_kind} | set(fleet.zones)
    assume(not any("\0" in name for name in ids))
    first = data.draw(st.sets(st.sampled_from(sorted(ids)))) if ids else set()
    asked = data.draw(st.none() | st.just((*ids, *map(str, range(200)))) | st.just(tuple(first)))
    ask = replace(whole.ask, store_ids=asked, compare=data.draw(st.booleans()), by="brand")
    loads = [only(whole, first, whole.annotations[:2]), only(whole, ids - first, whole.annotations[2:])]
    with opener(loads) as snapshot:
        expected = written(answer(Opened(snapshot), ask))
        slices = data.draw(st.integers(2, 7) | st.just(50))
        assert written(answer(Opened(snapshot), ask, slices=slices)) == expected


@given(data=st.data())
def test_a_report_of_facts_in_memory_is_the_same_in_any_number_of_slices(data: st.DataObject) -> None:
    check(data, sources.memory)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_report_of_the_delta_store_is_the_same_in_any_number_of_slices(
    data: st.DataObject, tmp_path: Path
) -> None:
    check(data, sources.delta(tmp_path / uuid4().hex))


@pytest.mark.parametrize("kind", ["postgresql", "tables"])
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_report_of_a_database_is_the_same_in_any_number_of_slices(
    data: st.DataObject, kind: str, postgres_databases: Callable[[], str]
) -> None:
    check(data, {"postgresql": sources.postgresql, "tables": sources.tables}[kind](postgres_databases))
