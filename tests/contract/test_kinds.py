"""A kind of facts is a row in the table of kinds, its checks, and a table in PostgreSQL: nothing else.

Two kinds are made up here: closures, kept by store, of which a load replaces the dates that it names, and
notes, given whole to everyone, of which it replaces the ones with its ids.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from sources import scan, stores_of
from storewatch.adapters.polls import open_polls, postgres_schema
from storewatch.domain.kinds import KINDS, Column, Form, Kind
from storewatch.ingest import Reading, check_frames, read
from storewatch.ingest.checks import CHECKS, Checked, Checks
from storewatch.ingest.ids import check_ids
from storewatch.ingest.rejects import Reason, first_reason, flaws_of
from storewatch.ports.polls import Load
from strategies import facts_of, micros

if TYPE_CHECKING:
    from pathlib import Path

    from storewatch.domain.facts import Facts
    from storewatch.ports.polls import PollStore

CLOSURES = Kind(
    name="closures",
    columns=(
        Column(name="store_id", form=Form.ID),
        Column(name="date", aliases=("closedOn",)),
        Column(name="why"),
    ),
    schema={"store_id": pl.String(), "date": pl.Date(), "why": pl.String()},
    key=("store_id", "date", "why"),
    replaces=("store_id", "date"),
    by_store=True,
    names_stores=False,
)
NOTES = Kind(
    name="notes",
    columns=(Column(name="note_id"), Column(name="text"), Column(name="start")),
    schema={"note_id": pl.String(), "text": pl.String(), "start": pl.Int32()},
    key=("note_id",),
    replaces=("note_id",),
    by_store=False,
    names_stores=False,
)
MIGRATION = """
CREATE TABLE storewatch.closures (
    store_id text NOT NULL, date date NOT NULL, why text NOT NULL, load bigint NOT NULL, ended bigint
);
CREATE TABLE storewatch.notes (
    note_id text NOT NULL, text text NOT NULL, opens integer, load bigint NOT NULL, ended bigint
);
"""
NOON = micros("2023-01-18 12:00")
XMAS, BOXING, EASTER = date(2022, 12, 25), date(2022, 12, 26), date(2023, 4, 9)


def check_closures(columns: pl.DataFrame) -> Checked:
    day = columns["date"].str.to_date("%Y-%m-%d", strict=False)
    codes = first_reason(
        len(day), *flaws_of(check_ids(columns["store_id"])), (Reason.DAY, day.is_null().to_numpy())
    )
    return columns.with_columns(date=day), codes


def check_notes(columns: pl.DataFrame) -> Checked:
    numbers = columns.with_columns(pl.col("start").cast(pl.Int32, strict=False))
    return numbers, first_reason(len(columns), (Reason.NO_ID, (columns["note_id"] == "").to_numpy()))


@pytest.fixture(params=["delta", "postgresql"])
def polls(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PollStore:
    """A poll store from before there were these kinds, brought up to date."""
    url = f"delta://{tmp_path}/polls"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        postgres_schema.upgrade(url)
    open_polls(url).load(Load(name="before", facts=facts_of(hours=[("a", 0, 9 * 3600, 17 * 3600)])))

    for kind, checks in (
        (CLOSURES, Checks(rows=check_closures)),
        (NOTES, Checks(rows=check_notes, clash=Reason.TWO_ZONES)),
    ):
        monkeypatch.setitem(KINDS, kind.name, kind)
        monkeypatch.setitem(CHECKS, kind.name, checks)
    migrations = [*postgres_schema.migrations(), ("made_up", MIGRATION)]
    monkeypatch.setattr(postgres_schema, "migrations", lambda: migrations)
    if request.param == "postgresql":
        assert postgres_schema.upgrade(url) == ["made_up"]
    return open_polls(url)


def load(polls: PollStore, reading: Reading) -> Facts:
    polls.load(Load(name="a load", facts=reading.facts, tainted=reading.tainted))
    return read_all(polls)


def read_all(polls: PollStore, version: str | None = None) -> Facts:
    return scan(polls, version, since=None, until=NOON)


def given(**frames: list[tuple[str, ...]]) -> Reading:
    return check_frames(
        {name: pl.DataFrame(rows, schema=KINDS[name].names, orient="row") for name, rows in frames.items()}
    )


def rows(facts: Facts, kind: Kind) -> list[tuple[object, ...]]:
    found = facts.of(kind)
    assert dict(found.schema) == kind.schema
    return sorted(found.rows())


def test_files_of_a_new_kind_are_known_by_their_columns_checked_loaded_and_read(
    polls: PollStore, tmp_path: Path
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "1.csv").write_text(
        'why,closedOn,store_id\nChristmas,2022-12-25,a\nno day,yesterday,b\n"a, ""b""\n",2022-12-26,b\n'
    )
    (folder / "2.csv").write_text(
        "note_id,text,start\n1,,\n2,two,2\n2,two,2\n3,three,3\n3,drei,3\n,nobody,\n"
    )
    reading = read([folder], now=2e9)
    assert reading.rejects.select("kind", "line", "reason").rows() == [
        ("closures", 3, Reason.DAY.text),
        ("notes", 5, Reason.TWO_ZONES.text),
        ("notes", 6, Reason.TWO_ZONES.text),
        ("notes", 7, Reason.NO_ID.text),
    ]
    assert (reading.rows["closures"], reading.rows["notes"], reading.rows["polls"]) == (3, 6, 0)
    facts = load(polls, reading)
    assert rows(facts, CLOSURES) == [("a", XMAS, "Christmas"), ("b", BOXING, 'a, "b"\n')]
    assert rows(facts, NOTES) == [("1", "", None), ("2", "two", 2)]
    assert facts.hours.rows() == [("a", 0, 9 * 3600, 17 * 3600)]


def test_a_load_replaces_the_units_that_it_names_and_no_others(polls: PollStore) -> None:
    before = load(
        polls,
        given(
            closures=[
                ("a", "2022-12-25", "x"),
                ("a", "2022-12-25", "y"),
                ("a", "2022-12-26", "z"),
                ("b", "2022-12-25", "x"),
            ],
            notes=[("1", "one", ""), ("2", "two", "2")],
        ),
    )
    version = polls.version()
    after = load(
        polls,
        given(closures=[("a", "2022-12-25", "new"), ("b", "2023-04-09", "")], notes=[("2", "zwei", "")]),
    )
    assert rows(after, CLOSURES) == [
        ("a", XMAS, "new"),
        ("a", BOXING, "z"),
        ("b", XMAS, "x"),
        ("b", EASTER, ""),
    ]
    assert rows(after, NOTES) == [("1", "one", None), ("2", "zwei", None)]
    for kind in (CLOSURES, NOTES):
        assert rows(read_all(polls, version), kind) == rows(before, kind)


def test_loading_again_changes_nothing(polls: PollStore) -> None:
    reading = given(closures=[("a", "2022-12-25", "x")] * 2, notes=[("1", "one", "1")])
    load(polls, reading)
    version = polls.version()
    load(polls, reading)
    assert polls.version() == version


def test_a_unit_with_a_rejected_row_keeps_what_it_had(polls: PollStore) -> None:
    load(polls, given(closures=[("a", "2022-12-25", "old"), ("a", "2022-12-26", "old")]))
    reading = given(
        closures=[("a", "2022-12-25", "new"), ("a", "2022-12-26", "new"), ("b", "2022-12-25", "new")]
    )
    tainted = pl.DataFrame({"store_id": ["a", "b"], "date": [XMAS, XMAS]})
    polls.load(Load(name="a load", facts=reading.facts, tainted={"closures": tainted}))
    assert rows(read_all(polls), CLOSURES) == [("a", XMAS, "old"), ("a", BOXING, "new"), ("b", XMAS, "new")]


def test_who_reads_of_some_stores_gets_their_rows_and_all_of_what_is_given_whole(polls: PollStore) -> None:
    load(
        polls, given(closures=[("a", "2022-12-25", "x"), ("c", "2022-12-25", "x")], notes=[("1", "one", "1")])
    )
    facts = scan(polls, since=None, until=NOON, within=["a"])
    assert rows(facts, CLOSURES) == [("a", XMAS, "x")]
    assert rows(facts, NOTES) == [("1", "one", 1)]


def test_a_kind_that_only_speaks_of_stores_names_none(polls: PollStore) -> None:
    facts = load(polls, given(closures=[("nobody", "2022-12-25", "x")]))
    assert rows(facts, CLOSURES) == [("nobody", XMAS, "x")]
    assert stores_of(polls) == ["a"]
