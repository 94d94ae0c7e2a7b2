"""A real service process on a free port, with a poll store of its own."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx

from storewatch.bootstrap import open_board, open_polls
from storewatch.config import load_settings
from storewatch.domain.facts import Facts
from storewatch.domain.kinds import HOURS, POLLS, ZONES
from storewatch.ports.jobs import Job, State
from storewatch.ports.polls import Load

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")

SRC = Path(__file__).resolve().parents[1] / "src"
NEWEST = datetime(2023, 1, 25, 18, 11, 59, 500_000, UTC)
AS_OF = int(NEWEST.timestamp()) + 1  # rounded up (R3)
FILE_NAME = "storewatch-20230125T181200Z.csv"


def eventually(what: str, ask: Callable[[], T | None], *, seconds: float = 60, pause: float = 0.01) -> T:
    """Return the first answer that is true; ask again after each `pause` (seconds)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(pause)
    raise AssertionError(f"not within {seconds} s: {what}")


def small_facts(stores: int = 7) -> Facts:
    """Return a week of hourly polls, every fifth of them inactive."""
    ids = [f"{i:03}" for i in range(stores)]
    polls = [
        (store, NEWEST - timedelta(hours=hour, minutes=7 * n), (hour + n) % 5 > 0)
        for n, store in enumerate(ids)
        for hour in range(8 * 24)
    ]
    hours = [(store, day, 32_400, 64_800 + n) for n, store in enumerate(ids[1:]) for day in range(6)]
    return Facts(
        polls=POLLS.frame(polls),
        others={"hours": HOURS.frame(hours), "zones": ZONES.frame([(ids[0], "Asia/Beirut")])},
    )


@dataclass(kw_only=True)
class Service:
    """A service in its home folder, started and ended at will; settings go in by name."""

    home: Path
    folder: Path  # where it runs, and writes its output
    settings: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ("-m", "uvicorn", "--app-dir", str(SRC), "storewatch.main:app")
    _process: subprocess.Popen[bytes] | None = None
    _port: int = 0

    def load(self, facts: Facts) -> None:
        """Load facts into the poll store."""
        open_polls(load_settings(home=self.home)).load(Load(name="a-load", facts=facts))

    def start(self) -> Self:
        """Start the service as a process group of its own, and wait until it is ready."""
        self._port = free_port()
        with (self.folder / "output.txt").open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, *self.command, "--port", str(self._port)],
                cwd=self.folder,
                env=self._environment(),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        eventually("the service is ready", self._is_ready)
        return self

    def _environment(self) -> dict[str, str]:
        own = {f"STOREWATCH_{name.upper()}": value for name, value in self.settings.items()}
        kept = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONWARNINGS"}}
        return {**kept, "STOREWATCH_HOME": str(self.home), **own}

    def _is_ready(self) -> bool:
        assert self._process
        assert self._process.poll() is None, "the service ended"
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz").status_code == 200
        return False

    @property
    def pid(self) -> int:
        """The service's process id, also that of its group."""
        assert self._process
        return self._process.pid

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def output(self) -> str:
        """All that the service and its workers have written."""
        path = self.folder / "output.txt"
        return path.read_text(errors="replace") if path.exists() else ""

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET a path."""
        return httpx.get(self.url + path, timeout=60, **options)

    def trigger(self, **wanted: Any) -> str:
        """Trigger a report and return its id."""
        answer = httpx.post(f"{self.url}/trigger_report", json=wanted or None, timeout=60)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["report_id"])

    def result(self, report_id: str, *, seconds: float = 60) -> dict[str, str]:
        """Wait until a report is running no more and return get_report's answer."""

        def ask() -> dict[str, str] | None:
            answer: dict[str, str] = self.get(f"/get_report/{report_id}").json()
            return None if answer["status"] == "Running" else answer

        return eventually(f"report {report_id} has ended", ask, seconds=seconds)

    def job(self, report_id: str) -> Job:
        """Return a job as the board in the home folder has it."""
        board = open_board(load_settings(home=self.home))
        job = board.get(report_id)
        board.close()
        assert job
        return job

    def pause_in_mid_report(self) -> tuple[str, int]:
        """Trigger a report and stop the one worker while it computes; return the report's and process's ids.

        The worker logs that it begins after it has told its parent. A quick one may have finished before it
        is stopped: then another report is triggered.
        """
        (worker,) = eventually("there is a worker", self.workers)
        for _ in range(50):
            report_id = self.trigger()
            eventually("it is begun", lambda i=report_id: self._has_begun(i), pause=0.001)  # type: ignore[misc]
            os.kill(worker, signal.SIGSTOP)
            eventually("the worker is stopped", lambda: state(worker) == "T")
            if self._is_board_free() and self.job(report_id).state is State.RUNNING:
                return report_id, worker
            os.kill(worker, signal.SIGCONT)
        raise AssertionError("every report was finished before its worker could be stopped")

    def _has_begun(self, report_id: str) -> bool:
        lines = self.output.splitlines()
        return any(report_id in line for line in lines if "attempt begins" in line)

    def _is_board_free(self) -> bool:
        """Tell whether nobody holds the board's lock: who is stopped in the middle of a write keeps it."""
        try:
            with closing(sqlite3.connect(self.home / "jobs.sqlite", timeout=0.2)) as board:
                board.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True

    def workers(self) -> list[int]:
        """Return the process ids of its workers."""
        return children(self.pid)

    def stop(self) -> None:
        """End it in order with SIGTERM."""
        assert self._process
        self._process.terminate()
        self._process.wait(60)

    def kill(self) -> None:
        """End the service's own process with SIGKILL."""
        assert self._process
        self._process.kill()
        self._process.wait(60)

    def kill_group(self) -> None:
        """End the service and its workers with SIGKILL, all at once."""
        os.killpg(self.pid, signal.SIGKILL)
        assert self._process
        self._process.wait(60)

    def close(self) -> None:
        """End whatever is left of it."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGCONT)
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait(60)


def free_port() -> int:
    """Return a port that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def children(pid: int) -> list[int]:
    """Return the process ids of a process's living children."""
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return sorted(child for child in found if state(child, parent=pid) not in {None, "Z"})


def state(pid: int, *, parent: int | None = None) -> str | None:
    """Return a process's state (T: stopped, Z: dead), None if there is none, or none of that parent."""
    try:
        # The name in brackets may hold anything.
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return after_name[0] if parent in {None, int(after_name[1])} else None
