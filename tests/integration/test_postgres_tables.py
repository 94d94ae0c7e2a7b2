"""Tables that a team has already, in the shape that the first version of this report had, and in others."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg
import pytest

from sources import newest_of, scan, stores_of
from storewatch.adapters.polls import open_polls
from storewatch.adapters.polls.postgres_queries import Queries
from storewatch.adapters.polls.postgres_schema import upgrade
from storewatch.adapters.polls.postgres_tables import TablesPollStore
from storewatch.answering.annotate import all_annotations, annotate, withdraw
from storewatch.answering.answer import answer
from storewatch.answering.explain import explain_store
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.domain.kinds import ANNOTATIONS, EXCEPTIONS, LABELS
from storewatch.errors import InputError, RefusedError, SchemaError, SettingsError
from storewatch.ingest import from_frames
from storewatch.ports.polls import Load
from strategies import HOUR, SECOND, facts_of, micros

if TYPE_CHECKING:
    from storewatch.domain.facts import Facts

EVER = micros("2200-12-31 23:59")
AS_OF = micros("2023-01-25 18:00")
NOW = AS_OF / SECOND

POLLS: list[tuple[str | None, ...]] = [
    ("8419537941919820732", "active", "2023-01-22 12:09:39.388884 UTC"),
    ("8419537941919820732", "active", "2023-01-22 12:09:39.388884 UTC"),
    ("8419537941919820732", "inactive", "2023-01-22T12:09:39.388884Z"),
    ("007", "active", "2023-01-25 17:06:42 UTC"),
    ("007", "inactive", "2023-01-25 18:30:00+01:30"),
    ("long ago", "active", "2019-05-01 10:00:00 UTC"),
]
BAD_POLLS: list[tuple[str | None, ...]] = [
    ("007", "resting", "2023-01-25 17:30:00 UTC"),
    ("007", "active", "yesterday"),
    ("007", "active", "2023-01-25 25:00:00 UTC"),
    ("007", "active", None),
    ("1.48197E+18", "active", "2023-01-25 17:30:00 UTC"),
    (None, "active", "2023-01-25 17:30:00 UTC"),
]
HOURS = [("007", "0", "09:00:00", "17:00:00"), ("007", "2", "00:00", "24:00"), ("007", "9", "09:00", "17:00")]
ZONES = [("007", "Asia/Beirut"), ("only a zone", "America/Denver"), ("007x", "Atlantis/Capital")]
TABLES = """
CREATE TABLE store_status (store_id text, status text, timestamp_utc text);
CREATE TABLE menu_hours (store_id text, day text, start_time_local text, end_time_local text);
CREATE TABLE timezones (store_id text, timezone_str text)
"""
QUERIES = Queries(
    polls="SELECT store_id, status, timestamp_utc FROM store_status",
    hours="SELECT store_id, day, start_time_local, end_time_local FROM menu_hours",
    zones="SELECT * FROM timezones -- all of them",
)


@pytest.fixture
def tables(postgres_url: str) -> str:
    """The address of a database with three filled tables of text."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute(TABLES)
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO store_status VALUES (%s, %s, %s)", POLLS + BAD_POLLS)
            cursor.executemany("INSERT INTO menu_hours VALUES (%s, %s, %s, %s)", HOURS)
            cursor.executemany("INSERT INTO timezones VALUES (%s, %s)", ZONES)
    return postgres_url


def run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def read(store: TablesPollStore, *, since: int | None = None, until: int = EVER) -> Facts:
    return scan(store, since=since, until=until)


def frame(rows: list[tuple[str | None, ...]], *names: str) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def ats(facts: Facts) -> set[int]:
    return set(facts.polls["at"].to_physical().to_list())


def test_a_report_on_the_tables_is_the_report_on_the_same_rows_as_files(tables: str) -> None:
    reading = from_frames(
        frame(POLLS, "store_id", "status", "timestamp_utc"),
        frame(list(HOURS), "store_id", "day", "start_time_local", "end_time_local"),
        frame(list(ZONES), "store_id", "timezone_str"),
    )
    facts = read(TablesPollStore(tables, QUERIES), until=AS_OF)
    as_of, carry = AS_OF // 1_000_000, 604_800
    assert account(facts, Ask(as_of=as_of, carry=carry)).rows.equals(
        account(reading.facts, Ask(as_of=as_of, carry=carry)).rows
    )


def test_further_kinds_are_read_through_queries_of_typed_columns(tables: str) -> None:
    run(
        tables,
        "CREATE TABLE holidays (store_id bigint, date date, opens time, closes time)",
        "INSERT INTO holidays VALUES (7, '2022-12-25', NULL, NULL), (7, '2022-12-31', '09:00', '13:00')",
        "CREATE TABLE downtime (store_id text, since timestamptz, made timestamp, counts_as text)",
        "INSERT INTO downtime VALUES ('7', '2023-01-01 00:00+01', '2023-01-01', 'excluded')",
        "CREATE TABLE places (id text, name text, goal numeric(5, 2), state text)",
        "INSERT INTO places VALUES ('7', 'A', 99.50, 'TX')",
    )
    exceptions = "SELECT store_id, date, opens AS start_time_local, closes AS end_time_local FROM holidays"
    notes = "SELECT store_id, since AS start_utc, made AS made_at, counts_as FROM downtime"
    labels = "SELECT id AS store_id, name AS store_name, goal AS target_percent, {} FROM places"
    named = labels.format("state AS region")
    store = TablesPollStore(
        tables, {**QUERIES, "exceptions": exceptions, "annotations": notes, "labels": named}
    )
    facts = read(store)
    assert [row[1:4] for row in sorted(facts.of(EXCEPTIONS).rows())] == [
        (date(2022, 12, 25), None, None),
        (date(2022, 12, 31), 9 * 3600, 13 * 3600),
    ]
    (note,) = facts.of(ANNOTATIONS).select("store_id", "since", "counts_as").rows()
    assert note == ("7", datetime(2022, 12, 31, 23, tzinfo=UTC), "excluded")
    assert sorted(facts.of(LABELS).rows()) == [
        ("7", "region", "TX"),
        ("7", "storename", "A"),
        ("7", "targetpercent", "99.5"),
    ]
    assert [probe.kind for probe in store.probe()] == [*QUERIES, "exceptions", "annotations", "labels"]
    with pytest.raises(SettingsError, match="STOREWATCH_LABELS_QUERY: the column `state`"):
        TablesPollStore(tables, {**QUERIES, "labels": labels.format("state")})


def test_a_scan_of_one_store_reads_what_is_about_it_and_nothing_else(tables: str) -> None:
    store = TablesPollStore(tables, QUERIES)
    every = read(store, until=AS_OF)
    for store_id in [*stores_of(store), "nobody", "zero\0byte"]:
        facts = scan(store, since=None, until=AS_OF, within=[store_id])
        for found, whole in (
            (facts.polls, every.polls),
            (facts.hours, every.hours),
            (facts.zones, every.zones),
        ):
            own = whole.filter(whole["store_id"].cast(pl.String) == store_id)
            assert sorted(found.rows()) == sorted(own.rows())
        assert facts.stores is not None
        assert every.stores is not None
        assert facts.stores.to_list() == every.stores.filter(every.stores == store_id).to_list()


def test_rows_that_a_load_would_reject_are_left_out_and_come_along_with_their_reasons(tables: str) -> None:
    facts = read(TablesPollStore(tables, QUERIES))
    assert facts.rejects is not None
    counts = {(kind, reason): n for kind, reason, n in facts.rejects.group_by("kind", "reason").len().rows()}
    assert counts == {
        ("polls", "unknown status"): 1,
        ("polls", "impossible time stamp"): 3,
        ("polls", "id destroyed by a spreadsheet"): 1,
        ("polls", "store id missing"): 1,
        ("hours", "day is not 0 to 6"): 1,
        ("zones", "unknown time zone"): 1,
    }
    assert "007,active,yesterday" in facts.rejects["row"].to_list()


def test_text_with_line_breaks_is_one_rejected_row_and_spoils_no_other(tables: str) -> None:
    stamp = "2023-01-25 17:00:00 UTC\n2023-01-25 17:01:00 UTC"
    with psycopg.connect(tables) as connection:
        connection.execute("INSERT INTO store_status VALUES ('007', 'active', %s)", [stamp])
    store = TablesPollStore(tables, QUERIES)
    facts = read(store)
    assert facts.rejects is not None
    assert f'007,active,"{stamp}"' in facts.rejects["row"].to_list()
    assert len(facts.polls) == len(POLLS)


def test_rejected_rows_name_no_store_and_all_others_do(tables: str) -> None:
    store = TablesPollStore(tables, QUERIES)
    named = ["007", "8419537941919820732", "long ago", "only a zone"]
    assert stores_of(store) == named
    facts = read(store, since=AS_OF, until=AS_OF)
    assert facts.stores is not None
    assert facts.stores.to_list() == named


def test_a_row_whose_time_cannot_be_names_no_store_whatever_else_it_looks_like(tables: str) -> None:
    run(
        tables,
        "INSERT INTO store_status VALUES ('no such day', 'active', '2023-02-30 10:00:00 UTC'),"
        " ('rests', 'resting', '2023-01-25 10:00:00 UTC'), ('ever', 'active', 'infinity'),"
        " ('never', 'active', '-infinity'), ('before', 'active', '1969-12-31 23:59:59 UTC'),"
        " ('beyond', 'active', '2201-01-01 00:00:00 UTC'), ('digits', 'active', '2023-01-25 1x:00:00 UTC'),"
        " ('both', 'active', '2019-02-30 10:00:00 UTC'), ('both', 'active', '2019-02-01 10:00:00 UTC')",
    )
    facts = read(TablesPollStore(tables, QUERIES), since=AS_OF - 86_400_000_000, until=AS_OF)
    assert facts.stores is not None
    assert facts.stores.to_list() == ["007", "8419537941919820732", "both", "long ago", "only a zone"]


def test_a_report_as_of_an_instant_takes_one_statement_a_table(
    tables: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    execute, copy = psycopg.Cursor.execute, psycopg.Cursor.copy

    def heard(method: Any) -> Any:
        def hear(cursor: Any, statement: Any, *rest: Any, **named: Any) -> Any:
            sent.append(str(statement))
            return method(cursor, statement, *rest, **named)

        return hear

    run(tables, "DELETE FROM store_status WHERE timestamp_utc LIKE '% 25:%'")
    source = TablesPollStore(tables, QUERIES)
    monkeypatch.setattr(psycopg.Cursor, "execute", heard(execute))
    monkeypatch.setattr(psycopg.Cursor, "copy", heard(copy))
    report = answer(source, Ask(as_of=AS_OF // 1_000_000))
    assert report.newest == micros("2023-01-25 17:06") + 42_000_000
    for table in ("store_status", "menu_hours", "timezones"):
        assert len([statement for statement in sent if table in statement]) == 1


@pytest.mark.parametrize("stamp", ["timestamptz", "timestamp"])
def test_stamps_that_only_a_database_has_are_rejected_as_they_are_written(
    postgres_url: str, stamp: str
) -> None:
    run(
        postgres_url,
        f"CREATE TABLE p (store_id text, status text, t {stamp})",
        "SET TimeZone = 'UTC'",
        "INSERT INTO p SELECT 'a', 'active', v::timestamp FROM unnest(ARRAY['-infinity', 'infinity',"
        " '0044-03-15 12:00 BC', '1969-12-31 23:59:59', '2201-01-01', '294276-01-01', '2023-01-25 10:00',"
        " NULL]) AS v",
        "INSERT INTO p VALUES ('timeless', 'active', 'infinity'), ('timeless', 'active', '-infinity')",
    )
    store = TablesPollStore(postgres_url, Queries(polls="SELECT store_id, status, t AS timestamp_utc FROM p"))
    for since in (None, micros("2023-01-25 09:00")):
        facts = read(store, since=since, until=AS_OF)
        assert ats(facts) == {micros("2023-01-25 10:00")}
        assert facts.stores is not None
        assert facts.stores.to_list() == ["a"]
        assert facts.rejects is not None
        by_reason = facts.rejects.group_by("reason").agg(pl.col("row").sort()).sort("reason").rows()
        (_, impossible), (_, years) = by_reason
        assert [row.split(",")[2].partition("+")[0] for row in impossible] == [
            "",
            "-infinity",
            "0044-03-15 12:00:00" + (" BC" if stamp == "timestamp" else ""),
            "294276-01-01 00:00:00",
            "infinity",
            "-infinity",
            "infinity",
        ]
        assert [row.split(",")[2].partition("+")[0] for row in years] == [
            "1969-12-31 23:59:59",
            "2201-01-01 00:00:00",
        ]
    assert newest_of(store) == micros("2023-01-25 10:00")


def test_only_polls_between_the_bounds_are_read_whatever_the_text_looks_like(tables: str) -> None:
    store = TablesPollStore(tables, QUERIES)
    half_past_five = micros("2023-01-25 17:00")  # written as 18:30 at +01:30
    assert ats(read(store, since=half_past_five, until=half_past_five)) == {half_past_five}
    assert ats(read(store, until=micros("2019-05-01 10:00"))) == {micros("2019-05-01 10:00")}
    noon = micros("2023-01-22 12:09") + 39_388_884
    assert ats(read(store, since=noon, until=noon)) == {noon}
    assert ats(read(store, since=noon + 1, until=half_past_five - 1)) == set()


def test_the_newest_poll_is_the_newest_good_one(tables: str) -> None:
    store = TablesPollStore(tables, QUERIES)
    assert newest_of(store) == micros("2023-01-25 17:06") + 42_000_000
    run(tables, "DELETE FROM store_status WHERE status <> 'resting' AND timestamp_utc LIKE '2023%'")
    assert newest_of(store) == micros("2019-05-01 10:00")
    run(tables, "TRUNCATE store_status")
    assert newest_of(store) is None


def test_polls_of_more_than_an_hour_after_the_version_do_not_count(tables: str) -> None:
    store = TablesPollStore(tables, QUERIES)
    before = "tables:2023-01-22T11:30:00.000000Z"
    facts = scan(store, before, since=None, until=EVER)
    assert max(ats(facts)) == newest_of(store, before) == micros("2023-01-22 12:09") + 39_388_884
    assert facts.stores is not None
    assert "8419537941919820732" in facts.stores


def test_a_store_is_named_by_polls_that_count_for_the_version_whatever_as_of_is_asked(tables: str) -> None:
    run(
        tables,
        "INSERT INTO store_status VALUES ('that day', 'active', '2023-01-22 23:00:00 UTC'),"
        " ('next day', 'active', '2023-01-23 13:00:00 UTC'), ('last', 'active', '2200-12-31 12:00:00 UTC'),"
        " ('both', 'active', '2023-01-22 23:00:00 UTC'), ('both', 'active', '2019-02-01 10:00:00 UTC')",
    )
    store, version = TablesPollStore(tables, QUERIES), "tables:2023-01-22T11:30:00.000000Z"
    for until in (micros("2019-01-01 00:00"), micros("2023-01-22 12:00"), EVER):
        stores = scan(store, version, since=until - 86_400_000_000, until=until).stores
        assert stores is not None
        assert stores.to_list() == ["007", "8419537941919820732", "both", "long ago", "only a zone"]


@pytest.mark.parametrize("version", ["", "tables:", "postgresql:1", "tables:2023-13-01T00:00:00.000000Z"])
def test_a_version_that_is_none_is_an_error(tables: str, version: str) -> None:
    with pytest.raises(InputError, match="version"):
        newest_of(TablesPollStore(tables, QUERIES), version)


@pytest.mark.parametrize("stamp", ["timestamptz", "timestamp", "timestamp(6)", "varchar(40)"])
def test_typed_columns_are_read_like_text(tables: str, stamp: str) -> None:
    text = read(TablesPollStore(tables, QUERIES))
    sound = "SELECT * FROM store_status WHERE timestamp_utc LIKE '20__-%' AND timestamp_utc NOT LIKE '% 25:%'"
    zoned = "timestamp_utc::timestamptz"
    seen = zoned if stamp == "timestamptz" else f"({zoned} AT TIME ZONE 'UTC')::{stamp}"
    view = f"SELECT store_id, status, {seen} AS at FROM ({sound}) AS sound"  # noqa: S608 - our own words
    run(tables, f"CREATE VIEW typed AS {view}")
    polls = "SELECT at AS timestamp_utc, 'more' AS more, status, store_id FROM typed;"
    hours = (
        'SELECT store_id, day::int AS "dayOfWeek", start_time_local::time, end_time_local::time '
        "FROM menu_hours"
    )
    store = TablesPollStore(tables, Queries(polls=polls, hours=hours))
    facts = read(store)
    key = ["store_id", "at", "active"]
    assert (
        facts.polls.with_columns(pl.col("store_id").cast(pl.String))
        .sort(key)
        .equals(text.polls.with_columns(pl.col("store_id").cast(pl.String)).sort(key))
    )
    assert facts.hours.sort("day").equals(text.hours.sort("day"))
    assert newest_of(store) == micros("2023-01-25 17:06") + 42_000_000
    assert ats(read(store, since=AS_OF - 4_000_000_000, until=AS_OF)) == ats(
        read(TablesPollStore(tables, QUERIES), since=AS_OF - 4_000_000_000, until=AS_OF)
    )


def test_whole_numbers_will_do_as_ids(postgres_url: str) -> None:
    run(
        postgres_url,
        "CREATE TABLE p AS SELECT 8139926242460185114 AS store_id, 'active' AS status, now() AS t",
    )
    store = TablesPollStore(postgres_url, Queries(polls="SELECT store_id, status, t AS timestamp_utc FROM p"))
    assert read(store).polls["store_id"].cast(pl.String).to_list() == ["8139926242460185114"]


def test_select_is_the_only_right_that_it_needs(tables: str) -> None:
    name = f"reader_{tables.rpartition('_')[2]}"
    run(
        tables,
        f"CREATE ROLE {name} LOGIN PASSWORD 'x'",
        f"GRANT SELECT ON store_status, menu_hours, timezones TO {name}",
    )
    try:
        as_reader = f"postgresql://{name}:x@" + tables.partition("@")[2]
        assert len(read(TablesPollStore(as_reader, QUERIES)).polls) == len(POLLS)
    finally:
        run(tables, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_a_query_cannot_write(tables: str) -> None:
    delete = "DELETE FROM store_status RETURNING *"
    run(tables, f"CREATE FUNCTION clear() RETURNS SETOF store_status LANGUAGE sql AS '{delete}'")
    for polls in ("SELECT * FROM clear()", delete, "SELECT 1); COMMIT; TRUNCATE store_status --"):
        with pytest.raises(SettingsError, match="STOREWATCH_POLLS_QUERY"):
            read(TablesPollStore(tables, Queries(polls=polls)))
    assert len(read(TablesPollStore(tables, QUERIES)).polls) == len(POLLS)


@pytest.mark.parametrize(
    ("polls", "said"),
    [
        ("SELECT * FROM nowhere", 'relation "nowhere" does not exist'),
        ("SELECT store_id, status FROM store_status", "columns found: store_id, status; wanted"),
        ("SELEC", "syntax error"),
        ("SELECT store_id, status, 7 AS timestamp_utc FROM store_status", "timestamp_utc is int4"),
        ("", "is missing"),
    ],
)
def test_a_query_that_will_not_do_is_told_at_once_by_its_setting(tables: str, polls: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        TablesPollStore(tables, Queries(polls=polls))
    assert "STOREWATCH_POLLS_QUERY" in str(caught.value)


def test_loading_into_the_tables_is_refused(tables: str) -> None:
    now = int(datetime.now(UTC).timestamp()) * 1_000_000
    store = open_polls(tables, QUERIES)
    with pytest.raises(SettingsError, match="load is refused"):
        store.load(Load(name="x", facts=facts_of([("a", now, True)])))


SAID = {"store_id": "007", "start_utc": "2023-01-25T14:00:00Z", "counts_as": "excluded", "reason": "moving"}


def test_annotating_is_refused_unless_annotations_are_kept_beside(tables: str) -> None:
    store = open_polls(tables, QUERIES)
    with pytest.raises(RefusedError, match=r"annotating is refused: .*STOREWATCH_ANNOTATIONS_BESIDE=true"):
        annotate(store, SAID, now=NOW)
    assert all_annotations(store).is_empty()


def test_annotations_beside_the_tables_count_with_them_until_they_are_withdrawn(tables: str) -> None:
    with pytest.raises(SchemaError, match="db upgrade"):
        open_polls(tables, QUERIES, beside=True)
    upgrade(tables)
    store = open_polls(tables, QUERIES, beside=True)
    made = annotate(store, SAID, now=NOW)
    assert all_annotations(store).rows() == all_annotations(open_polls(tables)).rows() == made.rows()
    ask = Ask(as_of=AS_OF // SECOND, windows=("day",))
    assert explain_store(store, "007", ask).figures["excluded"] == 4 * HOUR
    assert withdraw(store, made["id"][0], now=NOW + 1) is not None
    assert explain_store(store, "007", ask).figures["excluded"] == 0
    with pytest.raises(RefusedError, match="load is refused"):
        store.load(Load(name="x", facts=facts_of([("a", AS_OF, True)])))


def test_queries_for_another_poll_store_are_refused() -> None:
    with pytest.raises(SettingsError, match="postgresql"):
        open_polls("delta:here", QUERIES)


def test_a_probe_shows_three_rows_of_each_input_and_warns_of_time_as_text(tables: str) -> None:
    polls, hours, zones = TablesPollStore(tables, QUERIES).probe()
    assert (polls.kind, hours.kind, zones.kind) == ("polls", "hours", "zones")
    assert polls.columns == ("store_id", "status", "timestamp_utc")
    assert polls.rows == tuple(POLLS[:3])
    assert (len(hours.rows), len(zones.rows)) == (3, 3)
    assert polls.warning is not None
    assert "text" in polls.warning
    assert hours.warning is zones.warning is None


@pytest.mark.parametrize("stamp", ["timestamptz", "timestamp"])
def test_a_probe_warns_of_a_missing_time_index_and_not_of_one_that_is_there(
    postgres_url: str, stamp: str
) -> None:
    run(postgres_url, f"CREATE TABLE p (store_id text PRIMARY KEY, status text, seen {stamp})")
    queries = Queries(polls="SELECT store_id, status, seen AS timestamp_utc FROM p")
    (missing,) = TablesPollStore(postgres_url, queries).probe()
    assert missing.warning is not None
    assert "no index" in missing.warning
    run(postgres_url, "CREATE INDEX ON p (seen)")
    (there,) = TablesPollStore(postgres_url, queries).probe()
    assert there.warning is None
