"""`storewatch worker` and how a service ends: real processes, ended by signals, watched over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from processes import free_ports
from servers import prepared_valkey, valkey_address
from service import SRC, Service, children, eventually, small_facts, state
from storewatch.adapters.polls.postgres_schema import upgrade
from storewatch.bootstrap import open_board
from storewatch.config import load_settings
from storewatch.domain.ask import Ask
from storewatch.ports.jobs import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[..., "Program"]

CLI = f"import sys; sys.path.insert(0, {str(SRC)!r}); from storewatch.entrypoints.cli import main; main()"


def figures(url: str) -> dict[str, float]:
    """Return each figure at `url` by its name and the values of its labels."""
    page = httpx.get(f"{url}/metrics", timeout=30).raise_for_status().text
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


@dataclass(kw_only=True)
class Program:
    """A command of ours that runs on."""

    folder: Path
    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> Program:
        """Start it as a process group of its own."""
        with (self.folder / "program.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", CLI, *self.arguments],
                cwd=self.folder,
                env={**os.environ, "STOREWATCH_HOME": str(self.folder / "home"), **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines that it has logged."""
        lines = (self.folder / "program.log").read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def said(self, event: str) -> dict[str, Any]:
        """Wait for a line and return it."""
        return eventually(event, lambda: next((line for line in self.log if line["event"] == event), None))

    @property
    def url(self) -> str:
        """Where a worker is watched."""
        return f"http://127.0.0.1:{self.said('metrics are served')['port']}"

    def end(self, *, seconds: float = 60) -> int:
        """Send SIGTERM and return the exit code."""
        assert self.process
        self.process.terminate()
        return self.process.wait(seconds)

    def close(self) -> None:
        """End whatever is left of it."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGCONT)
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Return a starter of programs in one home folder, which end with the test."""
    made: list[Program] = []

    def program(*arguments: str, **settings: object) -> Program:
        environment = {f"STOREWATCH_{name.upper()}": str(value) for name, value in settings.items()}
        made.append(Program(folder=tmp_path, arguments=list(arguments), environment=environment))
        return made[-1].start()

    yield program
    for one in made:
        one.close()
    if (tmp_path / "program.log").exists():
        print((tmp_path / "program.log").read_text(errors="replace"))  # noqa: T201  shown if a test fails


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home folder with polls of some stores."""
    service = Service(home=tmp_path / "home", folder=tmp_path)
    service.load(small_facts())
    return service.home


def submit(home: Path, **settings: object) -> str:
    board = open_board(load_settings(home=home, **settings))
    try:
        return board.submit(Ask(), request_id="asked-by-a-test")
    finally:
        board.close()


def ended(home: Path, report_id: str, **settings: object) -> State:
    board = open_board(load_settings(home=home, **settings))
    try:

        def look() -> State | None:
            job = board.get(report_id)
            return job.state if job and job.ended else None

        return eventually("the report has ended", look)
    finally:
        board.close()


def test_a_worker_computes_what_others_trigger_and_tells_figures_and_health(start: Start, home: Path) -> None:
    worker = start("worker", "--concurrency", "2", "--metrics-port", "0", "--metrics-host", "127.0.0.1")
    report_ids = [submit(home) for _ in range(3)]
    assert {ended(home, report_id) for report_id in report_ids} == {State.COMPLETE}
    assert httpx.get(f"{worker.url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{worker.url}/nothing").status_code == 404
    eventually("all is counted", lambda: figures(worker.url)["storewatch_reports_total Complete"] == 3)
    found = figures(worker.url)
    for stage in ("gather", "compute", "publish"):
        assert found[f"storewatch_stage_seconds_count {stage}"] == 3
    assert found["storewatch_report_stores"] == 7
    assert found["storewatch_report_polls"] == 7 * 8 * 24
    assert found["storewatch_jobs Complete"] == 3
    eventually("both are live", lambda: figures(worker.url)["storewatch_live_workers"] == 2)


def test_the_logs_of_a_worker_name_report_and_request(start: Start, home: Path) -> None:
    worker = start("worker")
    report_id = submit(home)
    line = worker.said("attempt begins")
    assert (line["report_id"], line["request_id"]) == (report_id, "asked-by-a-test")


def test_an_idle_worker_ends_at_once_and_is_no_longer_live(start: Start, home: Path) -> None:
    worker = start("worker", lease_seconds=600)
    board = open_board(load_settings(home=home))
    eventually("it is live", lambda: board.overview().live_workers == 1)
    assert worker.end() == 0
    assert board.overview().live_workers == 0
    board.close()


def met_in_mid_report(worker: Program, home: Path) -> tuple[str, int]:
    """Submit reports until one is met while it is computed; return it and the child, which is stopped."""
    worker.said("working")
    assert worker.process
    (child,) = children(worker.process.pid)
    for _ in range(50):
        report_id = submit(home)
        eventually("it is begun", lambda i=report_id: has_begun(worker, i), pause=0.001)  # type: ignore[misc]
        os.kill(child, signal.SIGSTOP)
        eventually("it is stopped", lambda: state(child) == "T")
        board = open_board(load_settings(home=home))
        job = board.get(report_id)
        board.close()
        if job and job.state is State.RUNNING:
            return report_id, child
        os.kill(child, signal.SIGCONT)
    raise AssertionError("every report was finished before its worker could be stopped")


def has_begun(worker: Program, report_id: str) -> bool:
    return any(line.get("report_id") == report_id for line in worker.log if line["event"] == "attempt begins")


def is_told(pid: int) -> bool:
    """Tell whether a SIGTERM waits for a process that is stopped."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    waiting = next(line.split()[1] for line in lines if line.startswith("ShdPnd:"))
    return bool(int(waiting, 16) >> (signal.SIGTERM - 1) & 1)


def test_a_worker_told_to_end_finishes_what_is_in_hand_and_begins_nothing(start: Start, home: Path) -> None:
    worker = start("worker")
    report_id, child = met_in_mid_report(worker, home)
    next_one = submit(home)
    assert worker.process
    worker.process.terminate()
    eventually("the child is told", lambda: is_told(child))
    os.kill(child, signal.SIGCONT)
    assert worker.process.wait(60) == 0
    assert ended(home, report_id) is State.COMPLETE
    board = open_board(load_settings(home=home))
    waiting = board.get(next_one)
    board.close()
    assert waiting
    assert (waiting.state, waiting.attempts) == (State.QUEUED, 0)


def test_a_worker_that_cannot_finish_hands_back_and_ends(start: Start, home: Path) -> None:
    worker = start("worker", grace_seconds=2)
    report_id, child = met_in_mid_report(worker, home)
    assert worker.end() == 0
    assert state(child) is None
    board = open_board(load_settings(home=home))
    job = board.get(report_id)
    board.close()
    assert job
    assert (job.state, job.attempts) == (State.QUEUED, 0)


def test_a_worker_is_ready_while_its_stores_answer(start: Start, home: Path) -> None:
    """The shelf goes away and comes back; the worker is alive all the time."""
    worker = start("worker", "--metrics-port", "0", "--metrics-host", "127.0.0.1")
    url = f"http://127.0.0.1:{worker.said('metrics are served')['port']}"
    eventually("it is ready", lambda: status_of(f"{url}/readyz") == 200)
    (home / "reports").rename(home / "away")
    (home / "reports").touch()
    assert status_of(f"{url}/readyz") == 503
    assert status_of(f"{url}/healthz") == 200
    (home / "reports").unlink()
    (home / "away").rename(home / "reports")
    assert status_of(f"{url}/readyz") == 200


def test_old_reports_expire_from_board_and_shelf(start: Start, home: Path) -> None:
    start("worker", retention_seconds=1, link_seconds=1)
    report_id = submit(home)
    folder = home / "reports" / report_id
    board = open_board(load_settings(home=home))
    eventually("the job is gone", lambda: board.get(report_id) is None)
    board.close()
    assert not list(folder.rglob("*.csv"))


def test_a_service_that_ends_is_first_not_ready_then_serves_on_then_is_gone(start: Start, home: Path) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    assert home.exists()
    service = start("serve", "--port", str(port), "--workers", "0", drain_seconds=600, grace_seconds=1_200)
    eventually("it is ready", lambda: status_of(f"{url}/readyz") == 200)
    assert service.process
    service.process.terminate()
    eventually("it is not ready", lambda: status_of(f"{url}/readyz") == 503)
    assert httpx.post(f"{url}/trigger_report").status_code == 200
    assert status_of(f"{url}/healthz") == 200
    assert service.end() == -signal.SIGTERM  # told a second time, it does not wait for the end of the drain
    assert status_of(f"{url}/healthz") == 0


def test_a_service_that_ends_is_gone_when_its_drain_is_over(start: Start, home: Path) -> None:
    (port,) = free_ports(1)
    assert home.exists()
    service = start("serve", "--port", str(port), "--workers", "0", drain_seconds=0.5, grace_seconds=8)
    eventually("it is ready", lambda: status_of(f"http://127.0.0.1:{port}/readyz") == 200)
    assert service.end() == 0


def status_of(url: str) -> int:
    """Return the status of an answer, 0 without one."""
    try:
        return httpx.get(url, timeout=30).status_code
    except httpx.TransportError:
        return 0


WRONG = [
    ("polls_url", "mysql://anna:opensesame@127.0.0.1/polls"),
    ("jobs_url", "amqp://anna:opensesame@127.0.0.1/"),
    ("reports_url", "ftp://anna:opensesame@127.0.0.1/"),
    ("workers", "opensesame"),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
@pytest.mark.parametrize("command", ["serve", "worker"])
def test_what_is_set_wrong_is_one_line_without_a_password(
    tmp_path: Path, command: str, name: str, value: str
) -> None:
    (port,) = free_ports(1)
    options = ["--port", str(port)] if command == "serve" else []
    done = run(tmp_path, command, *options, **{name: value})
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    said = json.loads(line)
    assert (said["event"], said["level"]) == ("ended", "critical")
    assert said["error"]
    assert "opensesame" not in line


def test_a_service_comes_up_while_its_database_is_not_there_yet_and_is_ready_when_it_is(
    start: Start, postgres_url: str
) -> None:
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    service = start("serve", "--port", str(port), polls_url=postgres_url)
    assert "missing" in service.said("waits for what it needs")["error"]
    eventually("it is up", lambda: status_of(f"{url}/healthz") == 200)
    assert status_of(f"{url}/readyz") == 503
    upgrade(postgres_url)
    eventually("it is ready", lambda: status_of(f"{url}/readyz") == 200)
    assert service.end() == 0


def test_a_worker_that_waits_for_its_database_ends_with_its_parent(start: Start) -> None:
    (port,) = free_ports(1)
    worker = start("worker", polls_url=f"postgresql://anna:opensesame@127.0.0.1:{port}/polls")
    assert "opensesame" not in worker.said("waits for what it needs")["error"]
    assert worker.process
    (child,) = children(worker.process.pid)
    worker.process.kill()
    eventually("it has ended", lambda: state(child) is None)


def test_a_service_and_a_worker_come_up_before_their_redis(start: Start, tmp_path: Path, home: Path) -> None:
    redis = prepared_valkey(tmp_path)
    (port,) = free_ports(1)
    url, jobs = f"http://127.0.0.1:{port}", valkey_address(redis)
    assert home.exists()
    start("serve", "--port", str(port), "--workers", "0", jobs_url=jobs)
    eventually("it is up", lambda: status_of(f"{url}/readyz") == 200)
    assert httpx.post(f"{url}/trigger_report", timeout=30).status_code == 503
    worker = start("worker", jobs_url=jobs)
    worker.said("the job board does not answer")
    redis.start()
    try:
        eventually("it answers", lambda: httpx.post(f"{url}/trigger_report", timeout=30).status_code == 200)
        worker.said("attempt ends")
    finally:
        redis.stop()


@pytest.mark.parametrize(
    "command", [["report"], ["load", "."], ["db", "upgrade"], ["retention", "--older-than", "99d"]]
)
def test_a_poll_store_that_is_away_is_one_line_without_a_password(tmp_path: Path, command: list[str]) -> None:
    (port,) = free_ports(1)
    done = run(tmp_path, *command, polls_url=f"postgresql://anna:opensesame@127.0.0.1:{port}/polls")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("storewatch: ")
    assert "opensesame" not in line


def test_a_port_that_is_taken_is_one_line(tmp_path: Path, start: Start) -> None:
    worker = start("worker", "--metrics-port", "0", "--metrics-host", "127.0.0.1")
    port = worker.said("metrics are served")["port"]
    done = run(tmp_path, "worker", "--metrics-port", str(port), "--metrics-host", "127.0.0.1")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"the port {port}" in done.stderr


def run(folder: Path, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    given = {f"STOREWATCH_{name.upper()}": str(value) for name, value in settings.items()}
    return subprocess.run(
        [sys.executable, "-c", CLI, *arguments],
        cwd=folder,
        env={**os.environ, "STOREWATCH_HOME": str(folder / "home"), **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
