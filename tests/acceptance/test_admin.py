"""`storewatch status`, `db upgrade`, `retention`, `gc`: what who runs the service sees, by real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from redis import Redis

from processes import free_ports
from service import SRC, small_facts
from storewatch.adapters.shelf import open_shelf
from storewatch.bootstrap import open_board, open_polls
from storewatch.config import load_settings
from storewatch.domain.ask import Ask
from storewatch.ports.polls import Load

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Server

CLI = f"import sys; sys.path.insert(0, {str(SRC)!r}); from storewatch.entrypoints.cli import main; main()"
TABLES = """
CREATE TABLE store_status (store_id text, status text, timestamp_utc text);
INSERT INTO store_status VALUES ('007', 'active', '2023-01-25 11:05:00.123456 UTC')
"""
QUERY = "SELECT store_id, status, timestamp_utc FROM store_status"


def run(folder: Path, *arguments: str, code: int = 0, **settings: str) -> tuple[str, str]:
    """Run a command; return stdout and stderr."""
    given = {f"STOREWATCH_{name.upper()}": value for name, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-c", CLI, *arguments],
        cwd=folder,
        env={**os.environ, "STOREWATCH_HOME": str(folder / "home"), **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout, done.stderr


def parts(out: str) -> dict[str, dict[str, Any]]:
    return {part["name"]: part for part in json.loads(out)["parts"]}


def test_the_status_of_an_embedded_service_is_well_and_tells_its_figures(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home")
    open_polls(settings).load(Load(name="a-load", facts=small_facts()))
    board = open_board(settings)
    report_id = board.submit(Ask())
    board.announce("a worker", ttl=600)
    board.close()
    out, _ = run(tmp_path, "status", "--json")
    found = json.loads(out)
    assert found["is_well"]
    assert set(found["versions"]) == {"storewatch", "rules", "tzdata", "python"}
    assert "secret" not in found["settings"]
    told = parts(out)
    assert told["poll store"]["details"]["newest_poll"] == "2023-01-25T18:11:59Z"
    jobs = told["job board"]["details"]
    assert (jobs["queue_length"], jobs["live_workers"]) == (1, 1)
    assert [job["report_id"] for job in jobs["recent"]] == [report_id]
    text, _ = run(tmp_path, "status")
    assert "job board: answers" in text
    assert report_id in text


def test_what_does_not_answer_is_named_without_passwords_and_the_others_still_tell(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    away = {
        "jobs_url": f"redis://anna:opensesame@127.0.0.1:{port}/0",
        "polls_url": f"postgresql://anna:opensesame@127.0.0.1:{port}/polls?password=opensesame",
    }
    out, err = run(tmp_path, "status", "--json", code=1, **away)
    told = parts(out)
    assert {name: part["answers"] for name, part in told.items()} == {
        "poll store": False,
        "job board": False,
        "report shelf": True,
    }
    assert str(port) in told["job board"]["error"]
    text, _ = run(tmp_path, "status", code=1, **away)
    assert "job board: DOES NOT ANSWER" in text
    assert "opensesame" not in out + err + text


def test_a_database_that_is_slow_is_not_called_dead(tmp_path: Path, postgres_url: str) -> None:
    """The catalogue of migrations is locked, as by a long one."""
    run(tmp_path, "db", "upgrade", polls_url=postgres_url)
    with psycopg.connect(postgres_url) as connection:
        connection.execute("LOCK TABLE storewatch.migrations IN ACCESS EXCLUSIVE MODE")
        text, _ = run(tmp_path, "status", code=1, polls_url=postgres_url)
    assert "poll store: HAS NOT ANSWERED YET" in text
    assert "it has not answered within 10 s" in text


def test_a_redis_that_may_lose_jobs_is_warned_of(
    tmp_path: Path, valkey: Server, redis_board_url: str
) -> None:
    if valkey.process is None:
        pytest.skip("the server is not ours to set")
    with Redis.from_url(valkey.url) as server:
        server.config_set("maxmemory", "512mb")
        server.config_set("maxmemory-policy", "allkeys-lru")
        try:
            out, _ = run(tmp_path, "status", "--json", jobs_url=redis_board_url)
            text, _ = run(tmp_path, "status", jobs_url=redis_board_url)
        finally:
            server.config_set("maxmemory-policy", "noeviction")
            server.config_set("maxmemory", "0")
    assert "noeviction" in parts(out)["job board"]["warnings"]["evicts"]
    assert "WARNING: the job board" in text


def test_the_schema_is_missing_then_upgraded_once_and_the_status_tells(
    tmp_path: Path, postgres_url: str
) -> None:
    out, _ = run(tmp_path, "status", "--json", code=1, polls_url=postgres_url)
    store = parts(out)["poll store"]
    assert "storewatch db upgrade" in store["error"]
    assert store["details"]["migrations"].startswith("0 of ")
    assert run(tmp_path, "db", "upgrade", polls_url=postgres_url)[0].startswith("applied 0001_")
    assert run(tmp_path, "db", "upgrade", polls_url=postgres_url)[0] == "the schema is up to date\n"
    out, _ = run(tmp_path, "status", "--json", polls_url=postgres_url)
    assert parts(out)["poll store"]["answers"]


def test_in_a_folder_there_is_no_schema_to_upgrade(tmp_path: Path) -> None:
    _, err = run(tmp_path, "db", "upgrade", code=1)
    assert "PostgreSQL" in err


def test_optimizing_says_what_was_done_once(tmp_path: Path) -> None:
    for hour in (10, 11):
        polls = f"store_id,status,timestamp_utc\na,active,2023-01-18 {hour}:00:00 UTC\n"
        (tmp_path / "polls.csv").write_text(polls)
        run(tmp_path, "load", f"{tmp_path}/polls.csv")
    assert run(tmp_path, "lake", "optimize")[0] == "polls-2023-01-18: 2 rows, 2 files before, 1 now\n"
    assert run(tmp_path, "lake", "optimize")[0] == "all parts are in order\n"


def test_retention_drops_old_days_and_keeps_at_least_what_a_report_reads(tmp_path: Path) -> None:
    open_polls(load_settings(home=tmp_path / "home")).load(Load(name="a-load", facts=small_facts()))
    out, _ = run(tmp_path, "retention", "--older-than", "400d")
    assert out.splitlines()[0] == "dropped polls-2023-01-17"
    assert run(tmp_path, "retention", "--older-than", "400d")[0].startswith("no polls are from before ")
    for wrong in ("14d", "none", "400", "-1d"):
        run(tmp_path, "retention", "--older-than", wrong, code=2)


@pytest.fixture
def tables(postgres_url: str) -> dict[str, Any]:
    """Return the settings for a team's own tables."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute(TABLES)
    return {"polls_url": postgres_url, "polls_query": QUERY}


def test_tables_of_others_are_reported_on_and_shown_by_the_status(
    tmp_path: Path, tables: dict[str, Any]
) -> None:
    out, _ = run(tmp_path, "report", **tables)
    assert [line.split(",")[0] for line in out.splitlines()] == ["store_id", "007"]
    told = parts(run(tmp_path, "status", "--json", **tables)[0])["poll store"]
    assert told["details"]["polls query"] == [["007", "active", "2023-01-25 11:05:00.123456 UTC"]]
    assert told["warnings"]  # no index leads to the polls of a time


@pytest.mark.parametrize(
    "command",
    [["load", "polls.csv"], ["db", "upgrade"], ["retention", "--older-than", "400d"], ["lake", "optimize"]],
)
def test_tables_of_others_are_never_changed(
    tmp_path: Path, tables: dict[str, Any], command: list[str]
) -> None:
    (tmp_path / "polls.csv").write_text("store_id,status,timestamp_utc\na,active,2023-01-25 11:05:00 UTC\n")
    _, err = run(tmp_path, *command, code=1, **tables)
    assert "is refused" in err


def test_queries_are_for_postgresql_alone(tmp_path: Path) -> None:
    _, err = run(tmp_path, "report", code=1, polls_query=QUERY)
    assert err.startswith("storewatch: ")
    assert "postgresql://" in err


@pytest.fixture(params=["embedded", "s3"])
def reports_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        place: str = request.getfixturevalue("s3_url")
        return place
    return f"file://{tmp_path}/reports"


def test_of_all_that_lies_on_the_shelf_only_old_reports_without_a_job_are_removed(
    tmp_path: Path, reports_url: str
) -> None:
    """What a lost board has left goes; what a job knows, what is new and what is no report stays."""
    board = open_board(load_settings(home=tmp_path / "home"))
    known, lost = board.submit(Ask()), "0123456789abcdef0123456789abcdef"
    board.close()
    shelf = open_shelf(reports_url)
    keys = {name: f"{name}/1/a.csv" for name in (known, lost)} | {"other": "another-program/1/a.csv"}
    for key in (*keys.values(), f"{lost}/2/a.csv"):
        shelf.publish(key, [b"x"])
    arguments = ("gc", "--older-than", "0s")

    young, _ = run(tmp_path, "gc", reports_url=reports_url)
    asked, _ = run(tmp_path, *arguments, "--dry-run", reports_url=reports_url)
    untouched = len(list(shelf.entries()))
    done, _ = run(tmp_path, *arguments, reports_url=reports_url)

    assert young == "reports that no job knows: 0, removed\n"
    assert asked == f"{lost}  files: 2\nreports that no job knows: 1, left as they are\n"
    assert untouched == 4
    assert done == f"{lost}  files: 2\nreports that no job knows: 1, removed\n"
    assert sorted(key for key, _ in shelf.entries()) == sorted([keys[known], keys["other"]])


def test_no_report_is_removed_while_the_board_does_not_answer(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    shelf = open_shelf(f"file://{tmp_path}/home/reports")
    shelf.publish(f"{'0' * 32}/1/a.csv", [b"x"])
    _, err = run(tmp_path, "gc", "--older-than", "0s", code=1, jobs_url=f"redis://127.0.0.1:{port}/0")
    assert str(port) in err
    assert len(list(shelf.entries())) == 1


def test_a_token_is_made_alone_on_the_last_line_listed_without_it_and_removed(tmp_path: Path) -> None:
    out, err = run(tmp_path, "token", "new", "ci", "--scope", "trigger")
    (secret,) = out.splitlines()
    assert secret not in err
    again, said = run(tmp_path, "token", "new", "ci", "--scope", "read", code=1)
    assert again == ""
    assert "already" in said
    run(tmp_path, "token", "new", "ops", "--scope", "all", code=2)
    listed, _ = run(tmp_path, "token", "list")
    assert [line.split()[:2] for line in listed.splitlines()] == [["ci", "trigger"]]
    assert secret not in listed
    run(tmp_path, "token", "remove", "ci")
    assert run(tmp_path, "token", "list")[0] == ""
    assert "token list" in run(tmp_path, "token", "remove", "ci", code=1)[1]


def test_a_way_to_ask_for_tokens_that_there_is_not_stops_the_service(tmp_path: Path) -> None:
    _, err = run(tmp_path, "serve", "--port", "0", code=1, auth="password")
    assert "STOREWATCH_AUTH: " in err
    (tmp_path / "tokens").write_text("nonsense\n")
    _, err = run(
        tmp_path, "serve", "--port", "0", code=1, auth="tokens", tokens_file=str(tmp_path / "tokens")
    )
    assert "line 1 of the tokens" in err
