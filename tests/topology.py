"""The whole service as processes: two APIs, two workers, a balancer, on real servers of our own."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from processes import free_ports
from service import children, eventually
from storewatch.bootstrap import open_board, open_polls
from storewatch.config import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers import S3Server, Server
    from storewatch.ports.jobs import Job, JobBoard
    from storewatch.ports.polls import PollStore

LEASE = 5.0  # seconds
STATEMENT = 15.0  # seconds
GRACE = 5.0


@dataclass(kw_only=True)
class Member:
    """An API or a `storewatch worker`, a process group of its own."""

    name: str
    folder: Path
    arguments: list[str]
    environment: dict[str, str]
    url: str = ""  # of an API
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; an API is waited for."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "storewatch.entrypoints.cli", *self.arguments],
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if self.url:
            eventually(f"{self.name} is ready", self._is_ready)

    def _is_ready(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        return False

    @property
    def log(self) -> str:
        """All that it wrote."""
        return (self.folder / f"{self.name}.log").read_text(errors="replace")

    @property
    def pids(self) -> list[int]:
        """Its process and that one's children."""
        assert self.process
        return [self.process.pid, *children(self.process.pid)]

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it and its children."""
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """Kill it and its children at once."""
        self.send(signal.SIGKILL)
        assert self.process
        self.process.wait(60)

    def pause(self) -> None:
        """Stop it and its children in their tracks."""
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self.send(signal.SIGCONT)

    def close(self) -> None:
        """End whatever is left of it."""
        if self.process:
            self.resume()
            self.kill()


@dataclass(kw_only=True)
class Topology:
    """Two APIs and two workers behind a round-robin balancer."""

    folder: Path
    settings: dict[str, str]
    apis: list[Member] = field(default_factory=list)
    workers: list[Member] = field(default_factory=list)
    url: str = ""  # of the balancer

    @contextmanager
    def running(self) -> Iterator[Topology]:
        """Start all, and end all."""
        with ExitStack() as stack:
            for member in self._members():
                stack.callback(member.close)
                member.start()
            self.url = stack.enter_context(balancer([api.url for api in self.apis]))
            eventually("two workers are live", lambda: self.live_workers() >= 2)
            yield self

    def _members(self) -> list[Member]:
        environment = {**self._inherited(), **self.settings}
        for number, port in enumerate(free_ports(2), start=1):
            arguments = ["serve", "--workers", "0", "--port", str(port)]
            api = Member(
                name=f"api-{number}",
                folder=self.folder,
                arguments=arguments,
                environment=environment,
                url=f"http://127.0.0.1:{port}",
            )
            self.apis.append(api)
        for number in (1, 2):
            self.workers.append(
                Member(
                    name=f"worker-{number}", folder=self.folder, arguments=["worker"], environment=environment
                )
            )
        return [*self.apis, *self.workers]

    @staticmethod
    def _inherited() -> dict[str, str]:
        return {k: v for k, v in os.environ.items() if not k.startswith(("STOREWATCH_", "AWS_"))}

    def board(self) -> JobBoard:
        """Open the job board."""
        return open_board(load_settings(jobs_url=self.settings["STOREWATCH_JOBS_URL"]))

    def polls(self) -> PollStore:
        """Open the poll store."""
        return open_polls(load_settings(polls_url=self.settings["STOREWATCH_POLLS_URL"]))

    def live_workers(self) -> int:
        """Return how many workers the board counts as live."""
        board = self.board()
        try:
            return board.overview().live_workers
        finally:
            board.close()

    def job(self, report_id: str) -> Job:
        """Return a job as the board has it."""
        board = self.board()
        try:
            job = board.get(report_id)
        finally:
            board.close()
        assert job
        return job

    def trigger(self, **wanted: Any) -> str:
        """Trigger a report at whichever API is next."""
        answer = httpx.post(f"{self.url}/trigger_report", json=wanted or None, timeout=60)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["report_id"])

    def worker_of(self, job: Job) -> Member:
        """Return the member that claimed a job last; a worker's name ends in its process id."""
        assert job.worker
        pid = int(job.worker.rpartition("-")[2])
        return next(member for member in self.workers if pid in member.pids)

    def result(self, report_id: str, *, seconds: float = 90) -> dict[str, str]:
        """Wait until a report is running no more, whatever answers meanwhile, and return the answer."""

        def ask() -> dict[str, str] | None:
            with suppress(httpx.TransportError):
                answer = httpx.get(f"{self.url}/get_report/{report_id}", timeout=60)
                if answer.status_code == 200 and answer.json()["status"] != "Running":
                    found: dict[str, str] = answer.json()
                    return found
            return None

        return eventually(f"report {report_id} has ended", ask, seconds=seconds, pause=0.05)


def settings_for(postgres_url: str, valkey: Server, s3: S3Server, home: Path) -> dict[str, str]:
    """Return the environment of members on the given servers, with keys and a place of their own."""
    own = uuid4().hex
    return {
        "STOREWATCH_HOME": str(home),
        "STOREWATCH_POLLS_URL": postgres_url,
        "STOREWATCH_JOBS_URL": f"{valkey.url}?prefix=test-{own}",
        "STOREWATCH_REPORTS_URL": f"s3://{s3.bucket}/{own}",
        "STOREWATCH_SECRET": "the tests' own, of no use elsewhere",
        "STOREWATCH_LEASE_SECONDS": f"{LEASE:g}",
        "STOREWATCH_STATEMENT_SECONDS": f"{STATEMENT:g}",
        "STOREWATCH_GRACE_SECONDS": f"{GRACE:g}",
        **s3.environment(),
    }


@contextmanager
def balancer(targets: list[str]) -> Iterator[str]:
    """Serve on a free port, passing requests to the targets in turn; one that is away is passed over."""
    turns = itertools.cycle(range(len(targets)))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on()

        def do_POST(self) -> None:
            self._pass_on()

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            first = next(turns)
            for step in range(len(targets)):
                target = targets[(first + step) % len(targets)]
                with suppress(httpx.TransportError):  # away, paused or cut off: the next one
                    answer = httpx.request(
                        self.command,
                        target + self.path,
                        content=body,
                        headers={"Content-Type": self.headers.get("Content-Type", "application/json")},
                        timeout=5,
                    )
                    return self._answer(answer.status_code, answer.content)
            return self._answer(502, b"{}")

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait(seconds: float) -> None:
    """Let time pass: a lease has to run out while something is paused."""
    time.sleep(seconds)
