"""The table of hours as others read it: the how-to in DuckDB and PostgreSQL, and loads into PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import psycopg
import pytest
from click.testing import CliRunner

from storewatch import sample
from storewatch.adapters.polls.postgres_hours import write_hours
from storewatch.domain.ask import Ask
from storewatch.domain.hours import SCHEMA, hour_facts
from storewatch.entrypoints.cli import commands
from storewatch.errors import SettingsError
from strategies import facts_of, instant, micros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.domain.facts import Facts

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "hours.md"
QUERIES = re.findall(r"```sql\n(.*?)```", HOW_TO.read_text(encoding="utf-8"), re.DOTALL)
BEGIN, END = "2023-01-20T00:00:00Z", "2023-01-25T18:00:00Z"


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    sample.write(tmp_path / "fleet", stores=25, days=7, seed=3)
    return tmp_path / "fleet"


def write(folder: Path, out: str) -> None:
    """Run the command."""
    words = ["hours", "--data", f"{folder}", "--from", BEGIN, "--to", END, "--out", out]
    done = CliRunner().invoke(commands, words)
    assert done.exit_code == 0, done.output


def rows_of(cursor: Any) -> list[tuple[object, ...]]:
    """Return what a query gave, numbers of all kinds as floats."""
    return [
        tuple(value if isinstance(value, str) or value is None else _plain(value) for value in row)
        for row in cursor.fetchall()
    ]


def _plain(value: Any) -> object:
    return round(float(value), 6) if hasattr(value, "__float__") else str(value)


def test_the_queries_of_the_how_to_say_the_same_in_duckdb_and_in_postgresql(
    folder: Path, tmp_path: Path, postgres_url: str
) -> None:
    file = tmp_path / "hours.parquet"
    write(folder, f"{file}")
    write(folder, postgres_url)
    table = pl.read_parquet(file)
    brands = [(name, "a" if nth % 2 else "b") for nth, name in enumerate(table["store_id"].unique().sort())]
    duck = duckdb.connect()
    duck.execute(f"CREATE VIEW store_hours AS FROM '{file}'")
    duck.execute("CREATE TABLE stores (store_id text, brand text)")
    duck.executemany("INSERT INTO stores VALUES (?, ?)", brands)
    with psycopg.connect(postgres_url) as postgres:
        postgres.execute("CREATE TABLE stores (store_id text, brand text)")
        postgres.cursor().executemany("INSERT INTO stores VALUES (%s, %s)", brands)
        found = [(rows_of(duck.execute(query)), rows_of(postgres.execute(query))) for query in QUERIES]

    assert len(found) == 3
    for by_duckdb, by_postgres in found:
        assert by_duckdb
        assert by_duckdb == by_postgres
    (of_brands, *_), worst, measured = (by_duckdb for by_duckdb, _ in found)
    own = table.filter(pl.col("store_id").is_in([name for name, brand in brands if brand == "a"]))
    up, down = (int(own[f"{figure}_seconds"].sum()) for figure in ("uptime", "downtime"))
    assert of_brands[2:4] == (10_000 * up // (up + down) / 100, round(down / 3600, 6))
    assert [row[3] for row in worst] == sorted([row[3] for row in worst], key=float, reverse=True)  # type: ignore[arg-type]
    assert all(low <= high for _, _, low, high in measured)  # type: ignore[operator]


# ---------------------------------------------------------------- into PostgreSQL

FIRST, LAST = instant("2023-01-25 09:00"), instant("2023-01-25 12:00")


def facts(*, is_up: bool, stores: tuple[str, ...] = ("a", 'b,"', "c")) -> Facts:
    """Return facts of stores that are open from nine to ten, or all the time."""
    polls = [(name, micros("2023-01-25 09:30:00.000007"), is_up) for name in stores]
    return facts_of(polls, [("a", 2, 9 * 3600, 10 * 3600)], dict.fromkeys(stores, "UTC"))


def put(url: str, facts: Facts, *, begin: int = FIRST, end: int = LAST) -> pl.DataFrame:
    """Write the hours of facts, a store after the other, and return them."""
    rows = hour_facts(facts, Ask(as_of=LAST), begin, end)
    parts = [(pl.Series([name]), rows.filter(pl.col("store_id") == name)) for name in ("a", 'b,"', "c")]
    write_hours(url, parts, begin=begin, end=end)
    return rows


def held(url: str) -> pl.DataFrame:
    """Return what the table has."""
    with psycopg.connect(url) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        found = connection.execute("SELECT * FROM store_hours ORDER BY store_id, hour").fetchall()
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


def test_the_same_load_twice_changes_nothing_and_a_later_one_takes_its_place(postgres_url: str) -> None:
    written = put(postgres_url, facts(is_up=True))
    assert written["how"].to_list() == ["majority"] + ["majority", "carried", "carried"] * 2
    assert held(postgres_url).equals(written)
    put(postgres_url, facts(is_up=True))
    assert held(postgres_url).equals(written)

    later = put(postgres_url, facts(is_up=False))
    assert held(postgres_url).equals(later)
    assert later["uptime_seconds"].sum() == 0


def test_hours_that_are_closed_now_go_and_other_stores_and_times_stay(postgres_url: str) -> None:
    written = put(postgres_url, facts(is_up=True))
    closed = facts_of(hours=[("c", 5, 0, 3600)], stores=["c"])
    write_hours(
        postgres_url,
        [(pl.Series(["c"]), hour_facts(closed, Ask(as_of=LAST), FIRST + 3600, LAST))],
        begin=FIRST + 3600,
        end=LAST,
    )

    gone = (pl.col("store_id") == "c") & (pl.col("hour").dt.hour() >= 10)
    assert held(postgres_url).equals(written.filter(~gone))


def test_a_load_that_breaks_off_leaves_the_table_as_it_was(postgres_url: str) -> None:
    written = put(postgres_url, facts(is_up=True))

    def broken() -> Iterator[tuple[pl.Series, pl.DataFrame]]:
        yield pl.Series(["a", "c"]), written.clear()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_hours(postgres_url, broken(), begin=FIRST, end=LAST)
    assert held(postgres_url).equals(written)


def test_an_address_that_is_none_is_told_without_its_password() -> None:
    with pytest.raises(SettingsError, match="the database for hours's address cannot be read") as told:
        write_hours("postgresql://me:p@ss@host/name", [], begin=FIRST, end=LAST)
    assert "p@ss" not in str(told.value)
