"""Secrets are planted in all that holds one; however adapters fail, nothing shows them."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pydantic import SecretStr
from redis import Redis

from processes import free_ports
from service import SRC, Service, eventually, small_facts
from storewatch.config import PREFIX, Settings, load_settings
from storewatch.domain.ask import Ask
from storewatch.errors import ConflictError, InputError, NoPollsError, SettingsError
from storewatch.ports.jobs import Job, State
from storewatch.processes.worker import describe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers import S3Server, Server

PLANTED = "opensesame"
EMPTY = "without_schema"  # a database
PUBLIC = {"home", "tokens_file", "contact"}  # are shown, for they are no secret

# Uses each port as far as it comes, and tells of each failure all that a log can be made to tell.
FAIL = """
import json, os, sys
import structlog
from storewatch.answering.status import look
from storewatch.bootstrap import open_board, open_polls, open_shelf
from storewatch.config import load_settings
from storewatch.logs import configure_logs

configure_logs()
log = structlog.get_logger()
count = 0

def use(settings):
    open_board(settings).queue_length()
    with open_polls(settings).at() as snapshot:
        snapshot.has("007")
    open_shelf(settings).publish("a/1/b.csv", [b"x"])

for environment in json.load(sys.stdin):
    os.environ.update(environment)
    try:
        settings = load_settings()
        log.info("begins", settings=settings, repr=repr(settings), parts=look(settings))
        use(settings)
    except Exception:
        count += 1
        log.exception("failed")
    for name in environment:
        del os.environ[name]
print(count)
"""


@contextmanager
def silent_port() -> Iterator[int]:
    """Yield a port at which somebody listens who never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture(scope="module")
def places(postgres: Server, valkey: Server, s3: S3Server) -> Iterator[list[dict[str, str]]]:
    """Yield settings under which something fails, on real servers that ask for passwords."""
    if postgres.process is None or valkey.process is None:
        pytest.skip("the servers are not ours to set")
    database = postgres.url.rpartition("@")[2]
    board = valkey.url.removeprefix("redis://")
    _ask_for_passwords(postgres, valkey)
    (port,) = free_ports(1)
    with silent_port() as silent:
        addresses = [
            f"anna:{PLANTED}@nowhere.invalid/db",
            f"anna:{PLANTED}@127.0.0.1:{port}/db",
            f"anna:{PLANTED}@127.0.0.1:{silent}/db",
            f"anna:{PLANTED}@{database}",
            f"postgres:{PLANTED}@{database}_none",
            f"postgres:{PLANTED}@{database}?sslmode=require",
            f"postgres:{PLANTED}@{database.rpartition('/')[0]}/{EMPTY}",  # without a schema
            *_mistyped(database),
        ]
        boards = [
            f"anna:{PLANTED}@nowhere.invalid/0",
            f"anna:{PLANTED}@127.0.0.1:{port}/0",
            f"anna:{PLANTED}@127.0.0.1:{silent}/0",
            f"anna:{PLANTED}@{board}",
            f":{PLANTED}@{board}",
            *_mistyped(board),
        ]
        query = f"SELECT '{PLANTED}' AS store_id, nothing FROM nowhere"  # noqa: S608 - to fail
        yield [
            *({"STOREWATCH_POLLS_URL": f"postgresql://{address}"} for address in addresses),
            {"STOREWATCH_POLLS_URL": postgres.url, "STOREWATCH_POLLS_QUERY": query},
            *({"STOREWATCH_JOBS_URL": f"redis://{address}"} for address in boards),
            {"STOREWATCH_JOBS_URL": f"amqp://anna:{PLANTED}@127.0.0.1/"},
            *_shelves(s3, closed=port, silent=silent),
        ]


def _ask_for_passwords(postgres: Server, valkey: Server) -> None:
    assert postgres.process is not None
    access = postgres.process.folder / "data" / "pg_hba.conf"
    access.write_text(f"host all anna 127.0.0.1/32 scram-sha-256\n{access.read_text()}")
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS anna")
        connection.execute("CREATE ROLE anna LOGIN PASSWORD 'another'")
        connection.execute(f"DROP DATABASE IF EXISTS {EMPTY}")
        connection.execute(f"CREATE DATABASE {EMPTY}")
        connection.execute("SELECT pg_reload_conf()")
    with Redis.from_url(valkey.url) as server:
        server.execute_command("ACL", "SETUSER", "anna", "on", ">another", "~*", "+@all")


def _mistyped(server: str) -> list[str]:
    """Return addresses with signs in the password that should have been written as %40 and its like."""
    return [
        f"anna:{PLANTED[:4]}{sign}{PLANTED}@{server}" for sign in ("@", "/", "?", "#", "%", ":", "@/", "@:")
    ]


def _shelves(s3: S3Server, *, closed: int, silent: int) -> list[dict[str, str]]:
    right = s3.environment() | {"STOREWATCH_REPORTS_URL": f"s3://{s3.bucket}/x"}
    return [
        {"STOREWATCH_REPORTS_URL": f"ftp://anna:{PLANTED}@127.0.0.1/"},
        {"STOREWATCH_REPORTS_URL": f"s3://anna:{PLANTED}@bucket/x"} | s3.environment(),
        right | {"AWS_SECRET_ACCESS_KEY": PLANTED},  # the signature does not match
        right | {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": PLANTED},
        right | {"AWS_SECRET_ACCESS_KEY": PLANTED, "STOREWATCH_REPORTS_URL": "s3://no-such-bucket/x"},
        *(
            right | {"AWS_SECRET_ACCESS_KEY": PLANTED, "AWS_SESSION_TOKEN": PLANTED, "AWS_ENDPOINT_URL": url}
            for url in (
                "http://nowhere.invalid",
                f"http://127.0.0.1:{closed}",
                f"http://127.0.0.1:{silent}",
                f"http://anna:{PLANTED}@127.0.0.1:{closed}",
            )
        ),
    ]


@pytest.mark.parametrize("is_terminal", [False, True], ids=["json", "terminal"])
def test_no_failure_of_any_adapter_shows_a_secret(
    places: list[dict[str, str]], tmp_path: Path, *, is_terminal: bool
) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    control, terminal = pty.openpty()
    with (tmp_path / "log").open("wb") as log:
        done = subprocess.Popen(
            [sys.executable, "-c", FAIL],
            env={**environment, "PYTHONPATH": str(SRC), "STOREWATCH_HOME": str(tmp_path), "COLUMNS": "400"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=terminal if is_terminal else log,
        )
    os.close(terminal)
    with done, os.fdopen(control, "rb", buffering=0) as read:
        assert done.stdin
        assert done.stdout
        done.stdin.write(json.dumps(places).encode())
        done.stdin.close()
        written = _read_all(read.fileno()) if is_terminal else b""
        assert int(done.stdout.read()) == len(places)  # each fails
    written += (tmp_path / "log").read_bytes()
    assert written.count(b"Traceback" if is_terminal else b"frames") >= len(places)
    assert PLANTED.encode() not in written


def _read_all(control: int) -> bytes:
    pieces = []
    try:
        while piece := os.read(control, 1 << 16):
            pieces.append(piece)
    except OSError:  # the other end is closed
        pass
    return b"".join(pieces)


@pytest.mark.parametrize("name", sorted(Settings.model_fields.keys() - PUBLIC))
def test_whatever_is_set_to_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    secret = f"https://anna:{PLANTED}@example.org"
    monkeypatch.setenv("STOREWATCH_POLLS_QUERY", "SELECT 1")  # without which the others may not be
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", secret)
    shown = ""
    try:
        settings = load_settings()
    except SettingsError as error:
        shown = str(error)
        assert PREFIX in shown
    else:
        assert _open(getattr(settings, name)) == secret
        shown = f"{settings!r} {settings}"
    assert PLANTED not in shown


def _open(value: object) -> object:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def test_who_reads_a_report_that_failed_is_told_no_path_and_no_text_of_a_driver(tmp_path: Path) -> None:
    service = Service(home=tmp_path / "home", folder=tmp_path, settings={"patience": "0"})
    service.load(small_facts())
    for part in (tmp_path / "home" / "polls").rglob("*.parquet"):
        part.write_bytes(b"no Parquet at all")
    try:
        service.start()
        report_id = service.trigger()
        answer = service.result(report_id)
        assert answer["error"] == (
            "the poll store does not answer, for 0 s: trigger the report again when it does; "
            f"the log says more, at report_id {report_id}"
        )
        shown = [service.get(path).text for path in ("/", f"/reports/{report_id}", "/v1/reports")]
        assert answer["error"] in shown[2]
        assert "could not be made" in shown[1]
        assert f'report_id <span class="id">{report_id}</span>' in shown[1]
        assert not [text for text in (*shown, answer["error"]) if str(tmp_path) in text or ".parquet" in text]
        told = [line for line in _lines(service) if line.get("report_id") == report_id]
        assert any(str(tmp_path) in line.get("error", "") for line in told)
    finally:
        service.close()


def test_an_error_of_ours_is_told_only_if_it_is_meant_for_readers() -> None:
    job = Job(id="06757268c878488d846aee30a8101cae", state=State.RUNNING, ask=Ask(), created=0)
    fixed = f"this report could not be made: the log says more, at report_id {job.id}"
    for error in (OSError("/srv/a"), InputError("/srv/a"), SettingsError("/srv/a"), ConflictError("/srv/a")):
        assert describe(error, job) == fixed
    assert describe(NoPollsError(), job) == f"NoPollsError: {NoPollsError()}"


def _lines(service: Service) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in service.output.splitlines() if line.startswith("{")]
    return [line for line in lines if "event" in line]


def test_who_waits_for_a_shelf_that_refuses_us_is_told_no_more_than_that(
    tmp_path: Path, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PLANTED)
    service = Service(home=tmp_path / "home", folder=tmp_path, settings={"reports_url": s3_url})
    service.load(small_facts())
    try:
        service.start()
        report_id = service.trigger()
        path = f"/v1/reports/{report_id}"
        error = eventually("it is held up", lambda: service.get(path).json()["error"])
        assert error == "the report shelf does not answer"
        assert PLANTED not in service.output + service.get("/").text
        assert "attempt in vain" in service.output
    finally:
        service.close()
