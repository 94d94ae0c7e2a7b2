"""The poll store in PostgreSQL, beyond what every poll store must do."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import errors

from processes import free_ports
from sources import newest_of, scan, stores_of
from storewatch.adapters.polls import open_polls
from storewatch.adapters.polls.postgres import PostgresPollStore, _Loading
from storewatch.adapters.polls.postgres_keys import EVERY, find_stores
from storewatch.adapters.polls.postgres_schema import applied, migrations, upgrade
from storewatch.adapters.polls.postgres_server import Connection
from storewatch.adapters.polls.postgres_snapshot import _ENDING_ALIKE, _NEIGHBOURS
from storewatch.adapters.polls.postgres_weeks import _READ
from storewatch.domain.slices import Slice
from storewatch.errors import InputError, SchemaError, SettingsError, UnavailableError
from storewatch.ingest.ids import LONGEST
from storewatch.ports.polls import Load, LoadSummary
from strategies import Poll, facts_of, micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from processes import Process
    from servers import Server

NOON = micros("2023-01-18 12:00")  # a Wednesday
DAY = 86_400_000_000  # microseconds
WEEK = 7 * DAY
EVER = micros("2200-12-31 23:59")
PATIENCE = 60.0  # seconds until a wait is a failure


@pytest.fixture
def store(postgres_url: str) -> PostgresPollStore:
    upgrade(postgres_url)
    return PostgresPollStore(postgres_url)


def a_load(polls: Iterable[Poll]) -> Load:
    return Load(name="a load", facts=facts_of(polls))


def load(store: PostgresPollStore, *polls: Poll) -> LoadSummary:
    return store.load(a_load(polls))


def ats(store: PostgresPollStore, version: str | None = None) -> list[int]:
    polls = scan(store, version or store.version(), since=None, until=EVER).polls
    return sorted(polls["at"].to_physical().to_list())


def partitions(url: str) -> list[str]:
    query = "SELECT relname FROM pg_class WHERE relname ~ '^polls_[0-9]+$' ORDER BY relname"
    with psycopg.connect(url) as connection:
        return [name for (name,) in connection.execute(query)]


# --- schema ---------------------------------------------------------------------------------------------


def test_a_database_without_the_schema_is_refused_with_the_remedy(postgres_url: str) -> None:
    with pytest.raises(SchemaError, match="missing: run `storewatch db upgrade`"):
        open_polls(postgres_url)


def test_a_schema_that_is_behind_is_refused_with_the_remedy(
    postgres_url: str, store: PostgresPollStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = len(migrations())
    known = [*migrations(), ("9999_more", "CREATE TABLE storewatch.more (n integer)")]
    monkeypatch.setattr("storewatch.adapters.polls.postgres_schema.migrations", lambda: known)
    said = f"behind: {done} of {done + 1} migrations: run `storewatch db upgrade`"
    with pytest.raises(SchemaError, match=said):
        open_polls(postgres_url)
    assert applied(postgres_url) == (done, done + 1)
    assert upgrade(postgres_url) == ["9999_more"]
    assert store.version() == open_polls(postgres_url).version()


def test_upgrading_again_applies_nothing_and_keeps_what_is_loaded(
    postgres_url: str, store: PostgresPollStore
) -> None:
    load(store, ("a", NOON, True))
    assert upgrade(postgres_url) == []
    assert ats(store) == [NOON]


def test_of_upgrades_at_once_one_applies_each_migration(postgres_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(upgrade, [postgres_url] * 4))
    assert sorted(done, key=len) == [[], [], [], [name for name, _ in migrations()]]


def test_a_migration_that_fails_leaves_nothing_of_the_upgrade(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = [("0001_good", "CREATE TABLE storewatch.good (n integer)"), ("0002_bad", "SELECT 1 / 0")]
    monkeypatch.setattr("storewatch.adapters.polls.postgres_schema.migrations", lambda: known)
    with pytest.raises(UnavailableError, match="division by zero"):
        upgrade(postgres_url)
    assert applied(postgres_url) == (0, 2)


def test_a_database_that_cannot_keep_all_ids_is_refused(postgres: Server) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(
            "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' STRATEGY wal_log"
        )
        try:
            with pytest.raises(SettingsError, match="SQL_ASCII"):
                upgrade(postgres.url.rpartition("/")[0] + "/ascii")
        finally:
            connection.execute("DROP DATABASE ascii WITH (FORCE)")


def test_the_database_itself_holds_one_poll_a_store_and_instant(
    postgres_url: str, store: PostgresPollStore
) -> None:
    load(store, ("a", NOON, True))
    again = "INSERT INTO storewatch.polls SELECT * FROM storewatch.polls"
    with psycopg.connect(postgres_url) as connection, pytest.raises(errors.UniqueViolation):
        connection.execute(again)


def test_store_keys_are_dense_and_in_the_order_of_ids_within_a_load(
    postgres_url: str, store: PostgresPollStore
) -> None:
    load(store, ("é", NOON, True), ("b", NOON, True), ("B", NOON, True))
    load(store, ("a", NOON, True), ("b", NOON, True))
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute("SELECT store_key, store_id FROM storewatch.stores ORDER BY 1").fetchall()
    assert rows == [(0, "B"), (1, "b"), (2, "é"), (3, "a")]


def test_the_longest_id_that_reading_lets_through_can_be_kept(store: PostgresPollStore) -> None:
    """R1: 512 bytes; what is longer, or has a zero byte in it, is a rejected row for every poll store."""
    load(store, ("é" * (LONGEST // 2), NOON, True), ("x" * LONGEST, NOON, True))
    assert len(ats(store)) == 2


# --- loads and readers ----------------------------------------------------------------------------------


def test_a_load_into_a_new_week_does_not_wait_for_readers(
    postgres_url: str, store: PostgresPollStore
) -> None:
    load(store, ("a", NOON, True))
    with psycopg.connect(postgres_url) as reader:
        reader.execute("SELECT count(*) FROM storewatch.polls")
        load(store, ("a", NOON + WEEK, True))
        assert reader.execute("SELECT count(*) FROM storewatch.polls").fetchone() == (2,)
    assert ats(store) == [NOON, NOON + WEEK]


def test_readers_do_not_wait_for_a_load_and_see_nothing_of_it_until_it_is_committed(
    store: PostgresPollStore,
) -> None:
    first = load(store, ("a", NOON, True)).version
    with store._server.writing() as connection:
        _Loading(connection, a_load([("a", NOON + 1, True), ("b", NOON + WEEK, True)])).run()
        assert store.version() == first
        assert ats(store) == [NOON]
        assert stores_of(store, first) == ["a"]
    assert ats(store) == [NOON, NOON + 1, NOON + WEEK]
    assert ats(store, first) == [NOON]


def test_a_report_touches_only_the_weeks_that_it_needs(postgres_url: str, store: PostgresPollStore) -> None:
    load(store, *(("a", NOON + week * WEEK, True) for week in range(-9, 3)))
    bounds = {"load": 1, "since": "2023-01-16 00:00Z", "until": "2023-01-23 00:00Z", **EVERY}
    with psycopg.connect(postgres_url) as connection:
        plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {_READ}", bounds))
    assert "polls_20230116" in plan
    assert "polls_20230123" in plan
    assert plan.count(" on polls_") == 2


def test_what_is_near_an_id_is_found_by_two_indexes(postgres_url: str, store: PostgresPollStore) -> None:
    load(store, *((f"{nth * 7_919 % 100_003:05}", NOON, True) for nth in range(5_000)))
    wanted = {"id": "12345", "load": 1, "most": 40}
    with psycopg.connect(postgres_url) as connection:
        connection.execute("ANALYZE")
        for query, index in ((_NEIGHBOURS, "stores_store_id_key"), (_ENDING_ALIKE, "stores_from_their_end")):
            plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {query}", wanted))
            assert plan.count(index) == 2
            assert "Sort" not in plan


def test_a_slice_is_a_run_of_keys_and_those_that_came_later_found_by_the_index(
    postgres_url: str, store: PostgresPollStore
) -> None:
    load(store, *((f"{nth:05}", NOON + nth, True) for nth in range(0, 9_000, 3)))
    load(store, ("04001", NOON, True), ("08000", NOON, True), ("04000", NOON, True))
    with Connection.connect(postgres_url) as connection:
        connection.execute("ANALYZE")
        stores = find_stores(connection, Slice(first="04000", after="04500"), load=2)
        assert stores.chosen == {"every": False, "first": 1_334, "last": 1_499, "later": [3_000, 3_001]}
        bounds = {"load": 2, "since": "2023-01-16 00:00Z", "until": "2023-01-22 00:00Z", **stores.chosen}
        plan = "\n".join(line for (line,) in connection.execute(f"EXPLAIN {_READ}", bounds))
    assert "polls_20230116_pkey" in plan
    assert "Seq Scan" not in plan


def test_what_an_open_snapshot_shares_is_read_elsewhere_whatever_was_dropped_since(
    postgres_url: str, store: PostgresPollStore
) -> None:
    load(store, ("a", NOON, True), ("b", NOON + 4 * WEEK, True))
    with store.at() as snapshot:
        load(store, ("c", NOON, True))
        with psycopg.connect(postgres_url) as connection:  # the note that retention begins with
            connection.execute(
                "INSERT INTO storewatch.loads VALUES (3, 'retention', now(), NULL, '2023-02-01Z')"
            )
        with pytest.raises(InputError, match="no longer kept"):
            ats(store, snapshot.version)
        assert ats(PostgresPollStore(postgres_url), snapshot.shared) == [NOON, NOON + 4 * WEEK]
        with pytest.raises(UnavailableError, match="snapshot"):
            ats(store, f"{snapshot.version}@00000000-00000000-0")


_LOADER = """
import sys
sys.path.insert(0, sys.argv[2])
from strategies import facts_of
from storewatch.adapters.polls.postgres import PostgresPollStore
from storewatch.ports.polls import Load

store = PostgresPollStore(sys.argv[1])
with store.at() as snapshot:
    done = len(snapshot.scan(since=None, until=0).zones)
for k in range(done, 1000):
    first = 1_674_000_000_000_000 + k * 40_000_000_000
    polls = [(f"s{i % 100}", first + i, True) for i in range(3_000)]
    hours = [(f"s{i}", 0, k, 80_000) for i in range(100)]
    print("loading", flush=True)
    store.load(Load(name=str(k), facts=facts_of(polls, hours, {f"own{k}": "UTC"})))
"""


def whole_loads(store: PostgresPollStore) -> int:
    """Return how many loads the store holds, having checked that it holds nothing but all of each."""
    facts = scan(store, since=None, until=EVER)
    loads = len(facts.zones)
    assert set(facts.zones["store_id"]) == {f"own{k}" for k in range(loads)}
    assert len(facts.polls) == 3_000 * loads
    assert facts.stores is not None
    assert len(facts.stores) == (100 + loads if loads else 0)
    assert set(facts.hours["start"]) == ({loads - 1} if loads else set())
    return loads


def test_a_killed_load_leaves_nothing_behind(postgres_url: str, store: PostgresPollStore) -> None:
    tests = next(path for path in sys.path if path.endswith("tests"))
    moments, loads = random.Random(5), []  # noqa: S311 - no secret
    for kill in range(6):
        command = [sys.executable, "-c", _LOADER, postgres_url, tests]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(1 if kill < 3 else 2):  # from the fourth on, in a load after one that was finished
                process.stdout.readline()
            time.sleep(moments.uniform(0, 0.25))  # the moment of the kill is what varies
            process.send_signal(signal.SIGKILL)
        loads.append(whole_loads(store))
    assert loads == sorted(loads)
    assert loads[-1] > 0


# --- retention ------------------------------------------------------------------------------------------


def test_retention_drops_whole_weeks_and_nothing_of_later_ones(
    postgres_url: str, store: PostgresPollStore
) -> None:
    load(store, *(("a", NOON + week * WEEK, True) for week in (-2, -1, 0)), ("old", NOON - 2 * WEEK, True))
    assert store.retention(date(2023, 1, 15)) == ["polls_20230102"]  # the next one ends on the 16th
    assert ats(store) == [NOON - WEEK, NOON]
    assert partitions(postgres_url) == ["polls_20230109", "polls_20230116"]
    assert stores_of(store) == ["a", "old"]
    assert newest_of(store) == NOON
    assert store.retention(date(2023, 1, 15)) == []


def test_a_version_from_before_retention_is_read_whole_or_refused(store: PostgresPollStore) -> None:
    before = load(store, ("a", NOON - 2 * WEEK, True), ("a", NOON, True)).version
    store.retention(date(2023, 1, 16))
    with pytest.raises(InputError, match="no longer kept"):
        scan(store, before, since=None, until=EVER)
    kept = scan(store, before, since=micros("2023-01-09 00:00"), until=EVER).polls
    assert kept["at"].to_physical().to_list() == [NOON]


def test_retention_of_everything_leaves_no_newest_poll_and_takes_loads_again(
    store: PostgresPollStore,
) -> None:
    load(store, ("a", NOON, True))
    store.retention(date(2024, 1, 1))
    assert newest_of(store) is None
    assert load(store, ("a", NOON, True)).new_polls == 1
    assert ats(store) == [NOON]


def test_retention_ends_what_one_that_died_began(postgres_url: str, store: PostgresPollStore) -> None:
    load(store, ("a", NOON, True), ("a", NOON + WEEK, True))
    with psycopg.connect(postgres_url) as connection:
        connection.execute("ALTER TABLE storewatch.polls DETACH PARTITION storewatch.polls_20230116")
    assert store.retention(date(2023, 1, 23)) == ["polls_20230116"]
    assert partitions(postgres_url) == ["polls_20230123"]
    assert ats(store) == [NOON + WEEK]


def test_a_load_into_a_week_that_retention_left_half_dropped_names_the_remedy(
    postgres_url: str, store: PostgresPollStore
) -> None:
    load(store, ("a", NOON, True))
    with psycopg.connect(postgres_url) as connection:
        connection.execute("ALTER TABLE storewatch.polls DETACH PARTITION storewatch.polls_20230116")
    with pytest.raises(UnavailableError, match="storewatch retention"):
        load(store, ("a", NOON + 1, True))
    store.retention(date(2023, 1, 1))
    assert load(store, ("a", NOON + 1, True)).new_polls == 1


def test_retention_waits_for_a_reader_and_locks_out_none(postgres_url: str, store: PostgresPollStore) -> None:
    load(store, ("a", NOON, True), ("a", NOON + WEEK, True))
    with psycopg.connect(postgres_url) as reader, ThreadPoolExecutor(1) as pool:
        reader.execute("SELECT count(*) FROM storewatch.polls")
        dropping = pool.submit(store.retention, date(2023, 1, 23))
        wait_for_a_lock(postgres_url)
        assert ats(store)[-1:] == [NOON + WEEK]
        assert not dropping.done()
        reader.rollback()
        assert dropping.result(timeout=PATIENCE) == ["polls_20230116"]


def test_an_open_snapshot_has_a_week_that_retention_drops_and_a_later_one_knows_that_it_goes(
    postgres_url: str, store: PostgresPollStore
) -> None:
    weeks = [NOON + week * WEEK for week in (-2, -1, 0)]
    version = load(store, *(("a", at, True) for at in weeks)).version
    with ThreadPoolExecutor(1) as pool, store.at(version) as snapshot:
        dropping = pool.submit(store.retention, date(2023, 1, 16))
        wait_for_a_lock(postgres_url)
        with pytest.raises(InputError, match="no longer kept"):
            scan(store, version, since=None, until=EVER)
        assert ats(store)[-1:] == [NOON]
        found = snapshot.scan(since=None, until=EVER).polls["at"].to_physical().sort().to_list()
        assert found == weeks
        assert not dropping.done()
    assert len(dropping.result(timeout=PATIENCE)) == 2
    assert ats(store) == [NOON]


def wait_for_a_lock(url: str) -> None:
    waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')"
    deadline = time.monotonic() + PATIENCE
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(waiting).fetchone() != (True,):
            assert time.monotonic() < deadline, "nobody waits"
            time.sleep(0.01)


# --- what goes wrong ------------------------------------------------------------------------------------


def test_a_server_that_is_away_is_told_without_the_password() -> None:
    (port,) = free_ports(1)
    with pytest.raises(UnavailableError, match=rf"127\.0\.0\.1:{port}/polls") as caught:
        open_polls(f"postgresql://anna:opensesame@127.0.0.1:{port}/polls")
    assert "opensesame" not in f"{caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize("rest", ["open:sesame@h:port/d", "x@h:1/d?sesame=1", "@h/d?port=sesame"])
def test_an_address_that_cannot_be_read_is_told_without_what_is_in_it(rest: str) -> None:
    with pytest.raises((SettingsError, UnavailableError)) as caught:
        open_polls(f"postgresql://anna:{rest}")
    assert "open:" not in str(caught.value)


def test_a_database_that_is_not_there_is_one_line(postgres_url: str) -> None:
    with pytest.raises(UnavailableError, match=r'database ".*nowhere" does not exist') as caught:
        open_polls(f"{postgres_url}nowhere")
    assert "\n" not in str(caught.value)


def test_a_store_goes_on_after_its_server_was_killed(postgres: Server, store: PostgresPollStore) -> None:
    if postgres.process is None:
        pytest.skip("the server is not ours to kill")
    load(store, ("a", NOON, True))
    postgres.process.kill()
    with pytest.raises(UnavailableError):
        store.version()
    postgres.process.start()
    assert ats(store) == [NOON]
    assert load(store, ("a", NOON + 1, True)).new_polls == 1


def test_a_load_whose_server_is_killed_is_unavailable_and_leaves_nothing(
    postgres: Server, store: PostgresPollStore
) -> None:
    if postgres.process is None:
        pytest.skip("the server is not ours to kill")
    before = load(store, ("a", NOON, True)).version

    def die_before_the_commit(process: Process) -> None:
        with store._server.writing() as connection:
            _Loading(connection, a_load([("a", NOON + 1, True), ("b", NOON + WEEK, True)])).run()
            process.kill()

    with pytest.raises(UnavailableError):
        die_before_the_commit(postgres.process)
    postgres.process.start()
    assert (store.version(), ats(store)) == (before, [NOON])
