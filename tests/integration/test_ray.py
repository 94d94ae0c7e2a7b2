"""Slices as tasks of a real Ray cluster: the same bytes, and what happens when parts of it die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ray", reason="there is no wheel of Ray for this Python or machine")

from processes import folder_for
from service import SRC, Service, children, eventually, free_port, small_facts, state
from storewatch.adapters.polls.postgres_schema import upgrade
from storewatch.answering.answer import answer
from storewatch.bootstrap import open_polls, open_shelf
from storewatch.config import Settings, load_settings
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.engines.ray import RayEngine, ray_engine
from storewatch.errors import EngineError
from storewatch.ports.polls import Load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.formats.report import Report


TESTS = Path(__file__).parents[1]
STORES, SLICES = 60, 12
NONE = "none"
REPORT = [sys.executable, "-m", "storewatch.entrypoints.cli", "report"]
TOKEN = "a-token-of-the-tests-cluster-0000"  # noqa: S105  it guards what ends with them


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster that runs."""

    address: str
    process: subprocess.Popen[bytes]

    def workers(self, title: str) -> list[int]:
        """Return the processes that Ray calls so: by what they compute, or IDLE."""
        nodes = [node for node in children(self.process.pid) if "raylet" in _words(node)]
        return [each for node in nodes for each in children(node) if _words(each).startswith(f"ray::{title}")]


def _words(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


STARTS = 5  # Ray gives a node 30 s to start, which a busy machine may need


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Start a cluster with a head that has no CPUs, and a node with two."""
    for _ in range(STARTS):
        with folder_for("rays") as folder, started(folder) as process:
            address = eventually("a cluster", partial(_address, folder, process), seconds=300, pause=0.1)
            if address != NONE:
                yield Cluster(address=address, process=process)
                return
    raise AssertionError(f"no cluster in {STARTS} starts")


@contextmanager
def started(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a cluster; it ends with this, however this ends."""
    process = subprocess.Popen(
        [sys.executable, str(TESTS / "ray_cluster.py"), str(folder / "address")],
        env={
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": TOKEN,
            "RAY_TMPDIR": str(folder),
            "RAY_USAGE_STATS_ENABLED": "0",
            "PYTHONPATH": str(SRC),
        },
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _address(folder: Path, process: subprocess.Popen[bytes]) -> str:
    path = folder / "address"
    if path.exists():
        return path.read_text("utf-8")
    return "" if process.poll() is None else NONE


@pytest.fixture
def joined(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Make this a machine of the cluster."""
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    return cluster


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings with a poll store that has some stores."""
    Service(home=tmp_path / "home", folder=tmp_path).load(small_facts(STORES))
    return load_settings(home=tmp_path / "home", engine_url="ray:auto")


def made(settings: Settings, engine: RayEngine | None, *, slices: int = SLICES) -> Report:
    """Make a report in slices."""
    polls = open_polls(settings)
    try:
        return answer(polls, Ask(by="brand"), slices=slices, engine=engine)
    finally:
        polls.close()


def by_parts(settings: Settings) -> tuple[int, list[str]]:
    """Make a report by Ray; return how many rows it has, and what lay on the shelf at its last part."""
    polls, rows, kept = open_polls(settings), 0, []
    try:
        with polls.at() as snapshot:
            ask = Ask().at((snapshot.newest or 0) // 1_000_000 + 1)
            for part in ray_engine(settings).parts(
                snapshot, ask, snapshot.slices(SLICES), rules=account, tell=lambda _: None, folder="report/1"
            ):
                rows += part.rows.height
                kept = on_shelf(settings)
    finally:
        polls.close()
    return rows, kept


@contextmanager
def last_slice(settings: Settings, cluster: Cluster) -> Iterator[tuple[int, Future[tuple[int, list[str]]]]]:
    """Make a report up to its last slice; yield who stands in the middle of that, and the rest."""
    with ThreadPoolExecutor(1) as pool:
        report = pool.submit(by_parts, settings)
        worker = eventually("a worker caught at a slice", partial(_caught, cluster), seconds=300)
        try:
            eventually("the others", lambda: len(on_shelf(settings)) == SLICES - 1, seconds=300)
            yield worker, report
        finally:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)


def _caught(cluster: Cluster) -> int | None:
    """Stop a Ray worker while it computes a slice, and return its process id."""
    for pid in cluster.workers("compute"):
        os.kill(pid, signal.SIGSTOP)
        eventually("it stands", partial(_stands, pid))
        if _words(pid).startswith("ray::compute"):
            return pid
        os.kill(pid, signal.SIGCONT)
    return None


def _stands(pid: int) -> bool:
    return state(pid) in {"T", None}


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """Return what a program of ours with these settings starts with."""
    return {**os.environ, **settings.environment(), "PYTHONPATH": str(SRC), **more}


def drivers(parent: int) -> list[int]:
    """Return the drivers of a process."""
    return [pid for pid in children(parent) if "ray_driver" in _words(pid)]


def on_shelf(settings: Settings) -> list[str]:
    """Return the keys of all that lies on the shelf."""
    return [key for key, _ in open_shelf(settings).entries()]


@pytest.mark.usefixtures("joined")
@pytest.mark.parametrize("store", ["delta", "postgresql"])
def test_a_report_by_ray_is_that_of_this_machine_byte_for_byte(
    settings: Settings, store: str, request: pytest.FixtureRequest
) -> None:
    """Of PostgreSQL all nodes read the snapshot that the driver's parent has open."""
    if store == "postgresql":
        url = request.getfixturevalue("postgres_url")
        upgrade(url)
        settings = load_settings(home=settings.home, engine_url="ray:auto", polls_url=url)
        open_polls(settings).load(Load(name="a-load", facts=small_facts(STORES)))
    by_ray, here = made(settings, ray_engine(settings)), made(settings, None)
    assert by_ray.csv_bytes() == here.csv_bytes()
    assert by_ray.parquet_bytes() == here.parquet_bytes()
    assert by_ray.made_of == here.made_of
    assert by_ray.groups is not None
    assert here.groups is not None
    assert by_ray.groups.equals(here.groups)
    assert by_ray.rows.height == STORES
    assert on_shelf(settings) == []


def test_a_ray_worker_that_is_killed_costs_only_the_slice_that_it_had(
    settings: Settings, joined: Cluster
) -> None:
    with last_slice(settings, joined) as (worker, report):
        os.kill(worker, signal.SIGKILL)
        rows, kept = report.result()
    assert rows == STORES
    assert len(kept) == SLICES  # no slice that was done is done again
    assert on_shelf(settings) == []


def test_when_its_driver_dies_a_report_ends_and_leaves_nothing(settings: Settings, joined: Cluster) -> None:
    with last_slice(settings, joined) as (_, report):
        (driver,) = drivers(os.getpid())
        os.kill(driver, signal.SIGKILL)
        with pytest.raises(EngineError, match="driver"):
            report.result()
    assert on_shelf(settings) == []
    assert drivers(os.getpid()) == []


@pytest.mark.usefixtures("joined")
def test_a_driver_ends_with_the_program_that_it_drives_for(settings: Settings, tmp_path: Path) -> None:
    with (tmp_path / "report.csv").open("wb") as file:
        program = subprocess.Popen(REPORT, env=environment(settings), stdout=file)
    try:
        driver = eventually("a driver", lambda: drivers(program.pid))[0]
        os.kill(driver, signal.SIGSTOP)  # so that it is not done before
        program.kill()
        os.kill(driver, signal.SIGCONT)
        eventually("its end", lambda: state(driver) in {None, "Z"})
    finally:
        program.kill()
        program.wait()


@pytest.mark.usefixtures("joined")
def test_a_ray_worker_of_another_version_is_refused(settings: Settings) -> None:
    other = RayEngine(settings=settings, workers=None, software="0.0.1")
    with pytest.raises(EngineError, match=r"a Ray worker has storewatch \d+\.\d+\.\d+, and 0\.0\.1 asks"):
        made(settings, other)


def test_a_cluster_that_cannot_be_reached_is_a_failed_report_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{free_port()}")
    service = Service(home=tmp_path / "home", folder=tmp_path, settings={"engine_url": "ray:auto"})
    service.load(small_facts())
    service.start()
    try:
        report_id = service.trigger()
        assert service.result(report_id, seconds=300)["status"] == "Failed"
        error = service.job(report_id).error
        assert error == "EngineError: the Ray cluster's head cannot be reached: is it running?"
        assert service.job(report_id).attempts == 3
    finally:
        service.close()


def test_a_cluster_on_this_machine_writes_nothing_into_home(tmp_path: Path, settings: Settings) -> None:
    """HOME is no folder: whoever writes there fails."""
    local = settings.model_copy(update={"engine_url": "ray:local?workers=2"})
    done = subprocess.run(
        REPORT, env=environment(local, HOME=os.devnull), cwd=tmp_path, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == made(settings, None).csv_bytes()


def test_when_memory_is_short_a_slice_is_tried_a_few_times_and_no_more(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_memory_usage_threshold", "0.0001")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "20")
    monkeypatch.setenv("RAY_task_oom_retry_delay_base_ms", "1")
    with pytest.raises(EngineError, match="memory was short on a Ray node"):
        made(settings, RayEngine(settings=settings, workers=1), slices=1)


def test_when_the_head_dies_the_report_ends(
    settings: Settings, joined: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of the cluster: it ends with it."""
    monkeypatch.setenv("RAY_gcs_rpc_server_reconnect_timeout_s", "2")
    with last_slice(settings, joined) as (_, report):
        (head,) = [pid for pid in children(joined.process.pid) if "gcs_server" in _words(pid)]
        os.kill(head, signal.SIGKILL)
        with pytest.raises(EngineError, match="the cluster's head may have"):
            report.result()
    assert on_shelf(settings) == []
