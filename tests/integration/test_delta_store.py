"""What is particular to the poll store in a Delta table: its files, its folder, its errors."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable

from sources import newest_of, polls_of, scan
from storewatch.adapters.polls import delta_files, open_polls
from storewatch.adapters.polls.delta import DeltaPollStore
from storewatch.adapters.polls.delta_files import scan_file
from storewatch.adapters.polls.delta_table import Commit, Version, open_version
from storewatch.domain import packed
from storewatch.domain.slices import Slice
from storewatch.domain.uptime import store_names
from storewatch.errors import InputError, SettingsError, UnavailableError
from storewatch.ports.polls import Load, LoadSummary, PollStore
from strategies import facts_of, micros

if TYPE_CHECKING:
    from pathlib import Path

NOON = micros("2023-01-18 12:00")
EVER = micros("2200-01-01 00:00")


def load(store: PollStore, at: int, *, start: int = 0) -> LoadSummary:
    """Load a poll of two stores, and hours of one."""
    facts = facts_of([("b", at, True), ("a", at, False)], [("a", 0, start, 80_000)])
    return store.load(Load(name="a load", facts=facts))


def count_polls(store: PollStore, version: str) -> int:
    return len(scan(store, version, since=None, until=EVER).polls)


def files(root: Path) -> list[Path]:
    return sorted(root.glob("*.parquet"))


def test_small_loads_do_not_pile_up_files(tmp_path: Path) -> None:
    store = DeltaPollStore(tmp_path)
    for i in range(60):
        load(store, NOON + i)
        assert len(open_version(tmp_path).polls()) <= 9
    assert count_polls(store, store.version()) == 120


def test_another_folder_that_takes_the_place_is_read_though_its_versions_have_the_same_names(
    tmp_path: Path,
) -> None:
    """As when a backup is put back under a service that runs."""
    store, other = DeltaPollStore(tmp_path / "polls"), DeltaPollStore(tmp_path / "other")
    load(store, NOON)
    load(other, NOON + 1)
    version = store.version()
    assert newest_of(store) == NOON
    shutil.rmtree(tmp_path / "polls")
    (tmp_path / "other").rename(tmp_path / "polls")
    assert store.version() == version
    assert newest_of(store) == NOON + 1


def test_each_file_is_in_order_of_store_and_instant(tmp_path: Path) -> None:
    store = DeltaPollStore(tmp_path)
    for i in range(20):
        load(store, NOON - i)
    files = list(open_version(tmp_path).polls())
    assert files
    for file in files:
        rows = pl.read_parquet(tmp_path / file.path).select(pl.col("store_id").cast(pl.String), "at")
        assert rows.rows() == sorted(rows.rows())


def test_a_scan_opens_only_the_days_that_it_needs(tmp_path: Path) -> None:
    store = DeltaPollStore(tmp_path)
    load(store, NOON)
    load(store, NOON + 86_400_000_000)
    other_days = list(tmp_path.glob("polls-2023-01-18-*"))
    assert other_days
    for path in other_days:
        path.write_bytes(b"not to be opened")
    facts = scan(store, since=micros("2023-01-19 00:00"), until=EVER)
    assert len(facts.polls) == 2
    assert newest_of(store) == NOON + 86_400_000_000


def test_replaced_files_stay_for_readers_of_recent_versions(tmp_path: Path) -> None:
    store = DeltaPollStore(tmp_path)
    first = load(store, NOON).version
    for i in range(1, 30):
        load(store, NOON + i, start=i)
    assert count_polls(store, first) == 2
    assert scan(store, first, since=None, until=EVER).hours["start"].to_list() == [0]


def test_replaced_files_are_deleted_when_their_time_is_over(tmp_path: Path) -> None:
    store = DeltaPollStore(tmp_path, keep_hours=0)
    first = load(store, NOON).version
    for i in range(1, 30):
        last = load(store, NOON + i, start=i).version
    assert count_polls(store, last) == 60
    assert {path.name for path in files(tmp_path)} == {file.path for file in open_version(tmp_path).files}
    with pytest.raises(InputError, match="no longer kept"):
        scan(store, first, since=None, until=EVER)


def test_files_of_a_load_that_never_committed_are_removed_by_the_next(tmp_path: Path) -> None:
    lost = Commit(base=Version(root=tmp_path, number=-1))
    lost.add("stores", pl.DataFrame({"store_id": ["a"]}))
    (left,) = files(tmp_path)
    assert DeltaPollStore(tmp_path).version() == "delta:none"
    load(DeltaPollStore(tmp_path), NOON)
    assert left not in files(tmp_path)


def test_other_delta_readers_see_one_plain_table(tmp_path: Path) -> None:
    load(DeltaPollStore(tmp_path), NOON + 388_884)
    table = pl.DataFrame(DeltaTable(tmp_path).scan())
    polls = table.filter(pl.col("part") == "polls-2023-01-18").sort("store_id")
    assert polls.select("store_id", "active", "day").rows() == [("a", False, None), ("b", True, None)]
    assert polls["at"].to_physical().to_list() == [NOON + 388_884] * 2
    assert table.filter(pl.col("part") == "hours")["end"].to_list() == [80_000]


def test_any_name_of_a_folder_will_do(tmp_path: Path) -> None:
    store = DeltaPollStore(tmp_path / "a b" / "é#[x]*?{y}~")
    load(store, NOON)
    load(store, NOON + 1)
    assert count_polls(store, store.version()) == 4


@pytest.mark.parametrize("name", ["a%20b", "a\\b"])
def test_a_folder_name_that_the_driver_misreads_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="path"):
        DeltaPollStore(tmp_path / name)


def test_a_relative_address_is_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = open_polls("delta:data/polls")
    monkeypatch.chdir("/")
    load(store, NOON)
    assert (tmp_path / "data" / "polls" / "_delta_log").is_dir()


def test_reading_makes_no_folder(tmp_path: Path) -> None:
    store = DeltaPollStore(tmp_path / "none")
    assert count_polls(store, store.version()) == 0
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = DeltaPollStore(tmp_path / "file" / "polls")
    with pytest.raises(UnavailableError, match=r"file/polls cannot be written: Not a directory"):
        load(store, NOON)


def test_a_spoilt_log_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    store = DeltaPollStore(tmp_path)
    load(store, NOON)
    (tmp_path / "_delta_log" / f"{0:020}.json").write_text("spoilt")
    with pytest.raises(UnavailableError, match=str(tmp_path)):
        store.version()
    with pytest.raises(UnavailableError, match=str(tmp_path)):
        load(store, NOON + 1)


def test_a_spoilt_file_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    store = DeltaPollStore(tmp_path)
    load(store, NOON)
    for path in files(tmp_path):
        path.write_bytes(b"spoilt")
    with pytest.raises(UnavailableError, match=str(tmp_path)):
        scan(store, since=None, until=EVER)


def test_a_folder_that_was_removed_and_made_anew_is_read_anew(tmp_path: Path) -> None:
    store = DeltaPollStore(tmp_path / "polls")
    load(store, NOON)
    store.version()
    shutil.rmtree(tmp_path / "polls")
    assert count_polls(store, store.version()) == 0
    load(store, NOON - 5)
    assert newest_of(store) == NOON - 5


def test_of_a_slice_only_the_row_groups_that_may_have_it_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids a … l with 100 polls each, in groups of 150 rows, which begin with a, b, d, e, g, h, j, k."""
    monkeypatch.setattr(delta_files, "GROUP_ROWS", 150)
    store = DeltaPollStore(tmp_path)
    polls = [(name, NOON + nth, True) for name in "abcdefghijkl" for nth in range(100)]
    store.load(Load(name="a load", facts=facts_of(polls)))
    (file,) = [path for path in files(tmp_path) if path.name.startswith("polls-")]
    assert scan_file(file, None).collect().height == 1_200
    for wanted, rows in (
        ("c", 150),
        ("de", 450),
        ("a", 150),
        ("l", 150),
        ("z", 150),
        (" ", 0),
        ("al", 1_200),
    ):
        assert scan_file(file, pl.Series(list(wanted))).collect().height == rows
    monkeypatch.undo()  # files say how large their groups are, so that these may become others
    found = scan(store, since=None, until=EVER, within=Slice(first="d", after="f")).polls
    assert sorted(found["store_id"].cast(pl.String)) == ["d"] * 100 + ["e"] * 100


def test_optimizing_leaves_few_files_in_order_and_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "LARGE", 40)
    store = DeltaPollStore(tmp_path)
    names = [f"{nth:02}" for nth in range(30)]
    for hour in range(6):
        polls = [(name, NOON + hour * 3_600_000_000, hour % 2 > 0) for name in names]
        hours = [(name, day, hour, 80_000) for name in names[:: hour + 1] for day in range(3)]
        store.load(Load(name="a load", facts=facts_of(polls, hours, stores=[f"new{hour}"])))
    before = store.version()
    with store.at() as open_before:
        done = store.optimize()
        assert {one.part: one.rows for one in done}["polls-2023-01-18"] == 180
        state = scan(store, since=None, until=EVER)
        for other in (open_before.scan(since=None, until=EVER), scan(store, before, since=None, until=EVER)):
            assert polls_of(other) == polls_of(state)
            assert sorted(other.hours.rows()) == sorted(state.hours.rows())
            assert store_names(other).equals(store_names(state))
    assert store.version() != before
    for part, of_part in open_version(tmp_path).parts.items():
        ids = [(file.first_id or "", file.last_id or "") for file in of_part]
        assert sorted(ids) == sorted(ids, key=lambda pair: pair[1])
        assert len(of_part) <= max(sum(file.rows for file in of_part) // 20, 1), part
    assert store.optimize() == []
    load(store, NOON)  # and goes on taking loads
    assert len(polls_of(scan(store, since=None, until=EVER))) == 182


def test_one_store_that_changes_leaves_the_hours_of_most_others_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "LARGE", 20)
    store = DeltaPollStore(tmp_path)
    rows = [(f"{nth:02}", day, 0, 80_000) for nth in range(30) for day in range(7)]
    store.load(Load(name="all", facts=facts_of((), rows)))
    before = {file.path for file in open_version(tmp_path).of("hours")}
    changed = [("17", 0, 1, 80_000), ("a new one", 0, 1, 80_000)]
    summary = store.load(Load(name="two", facts=facts_of((), changed)))
    after = {file.path for file in open_version(tmp_path).of("hours")}
    assert len(before) == 11
    assert len(before - after) == 2
    assert (summary.hours_replaced, summary.hours_new, summary.always_open) == (("17",), 1, 0)
    expected = sorted([*(row for row in rows if row[0] != "17"), *changed])
    assert sorted(scan(store, since=None, until=EVER).hours.rows()) == expected


def test_of_a_range_of_stores_only_the_files_that_may_have_it_are_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "LARGE", 10)
    store = DeltaPollStore(tmp_path)
    polls = [(name, NOON + nth, True) for name in "abcdef" for nth in range(10)]
    store.load(Load(name="a load", facts=facts_of(polls)))
    of_others = [file for file in open_version(tmp_path).polls() if file.first_id not in ("c", "d")]
    assert len(of_others) == 4
    for file in of_others:
        (tmp_path / file.path).write_bytes(b"not to be opened")
    facts = scan(store, since=None, until=EVER, within=Slice(first="c", after="e"))
    assert polls_of(facts) == [poll for poll in polls if poll[0] in "cd"]
