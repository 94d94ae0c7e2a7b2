"""The service on a loaded embedded store: how soon a report is there, and what it costs the others.

    python -m benchmarks.service [--rounds 21] [--calls 400]

Trigger → Complete over HTTP, asking every 20 ms as a client would. Then get_report, one call every 5 ms: in
turns on the idle service, and while there is always a report being made. A report's bytes are first checked
against those of `storewatch report --data` on the same files.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchmarks.fleets import full_fleet
from benchmarks.measure import STOREWATCH, Cost, Target, keep, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ASK_EVERY, CALL_EVERY = 0.020, 0.005  # seconds
PATIENCE = 60.0  # seconds until a report or the service itself must be there
BLOCKS = 6  # of calls, idle and busy each


class Client:
    """One connection to the service."""

    def __init__(self, port: int, pid: int = 0) -> None:
        self.pid = pid  # of the service, if it is known
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def call(self, method: str, path: str) -> Any:  # noqa: ANN401  JSON
        """Return the body of an answer that is 200."""
        self.connection.request(method, path)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise SystemExit(f"{method} {path} was answered with {answer.status}: {body.decode()}")
        return json.loads(body)

    def trigger(self) -> str:
        """Ask for a report."""
        return str(self.call("POST", "/trigger_report")["report_id"])

    def download(self, report_id: str) -> bytes:
        """Return a finished report's bytes, by the link that the service hands out."""
        url = self.call("GET", f"/get_report?report_id={report_id}")["url"]
        parts = urlsplit(url)
        self.connection.request("GET", f"{parts.path}?{parts.query}")
        return self.connection.getresponse().read()

    def is_running(self, report_id: str) -> bool:
        """Tell whether a report is still being made."""
        status = self.call("GET", f"/get_report?report_id={report_id}")["status"]
        if status not in {"Running", "Complete"}:
            raise SystemExit(f"the report is {status}")
        return bool(status == "Running")


@contextmanager
def service(home: Path, *, workers: int = 1, env: Mapping[str, str] | None = None) -> Iterator[Client]:
    """Serve a home folder on a free port until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*STOREWATCH, "serve", "--port", str(port), "--workers", str(workers)]
    log = (home / "service.log").open("wb")
    wanted = os.environ | (env or {}) | {"STOREWATCH_HOME": str(home)}
    with log, subprocess.Popen(command, env=wanted, stdout=log, stderr=log) as process:
        try:
            yield ready_client(port, process, home / "service.log")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def ready_client(port: int, process: subprocess.Popen[bytes], log: Path) -> Client:
    """Return a client once the service answers."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client = Client(port, process.pid)
            client.call("GET", "/readyz")
        except (OSError, http.client.HTTPException):
            time.sleep(ASK_EVERY)
        else:
            return client
    raise SystemExit(f"the service did not come up:\n{log.read_text()}")


def trigger_to_complete(client: Client) -> Cost:
    """Time a report as a client sees it."""
    began = time.perf_counter()
    report_id = client.trigger()
    while client.is_running(report_id):
        if time.perf_counter() - began > PATIENCE:
            raise SystemExit("the report did not become Complete")
        time.sleep(ASK_EVERY)
    return Cost(wall=time.perf_counter() - began, cpu=0)


def call_times(client: Client, calls: int, report_id: str, *, busy: bool) -> list[float]:
    """Time single get_report calls in seconds; `busy`: each for a report in the making, or just made."""
    times = []
    if busy:
        report_id = client.trigger()
    for _ in range(calls):
        began = time.perf_counter()
        is_running = client.is_running(report_id)
        times.append(time.perf_counter() - began)
        if busy and not is_running:
            report_id = client.trigger()
        time.sleep(max(0, CALL_EVERY - (time.perf_counter() - began)))
    while client.is_running(report_id):
        time.sleep(ASK_EVERY)
    return times


def percentile(times: list[float], percent: int) -> float:
    """Return a percentile in milliseconds."""
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1] * 1_000


def main() -> None:
    """Measure, keep."""
    parser = argparse.ArgumentParser(description="The service under a full fleet.")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--calls", type=int, default=400, help="in each block")
    options = parser.parse_args()
    idle: list[float] = []
    busy: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        folder, expected = str(full_fleet("csv")), home / "expected.csv"
        run([*STOREWATCH, "load", folder], home=home)
        run([*STOREWATCH, "report", "--data", folder, "--out", str(expected)])
        with service(home) as client:
            first = trigger_to_complete(client)
            reports = [trigger_to_complete(client) for _ in range(options.rounds)]
            done = client.trigger()
            while client.is_running(done):
                time.sleep(ASK_EVERY)
            if client.download(done) != expected.read_bytes():
                raise SystemExit("the service's report and that of the files differ")
            for _ in range(BLOCKS):
                idle += call_times(client, options.calls, done, busy=False)
                busy += call_times(client, options.calls, done, busy=True)
    middle = statistics.median(cost.wall for cost in reports)
    slower = percentile(busy, 99) / percentile(idle, 99)
    keep(
        "service",
        {"trigger → Complete": reports},
        [
            Target(what="trigger → Complete, median", figure=middle, limit=0.5, unit="s"),
            Target(what="get_report p99, busy ÷ idle", figure=slower, limit=3),
        ],
        first_report_s=round(first.wall, 3),
        slowest_report_s=round(max(cost.wall for cost in reports), 3),
        **{
            f"get_report_p{percent}_{name}_ms": round(percentile(times, percent), 2)
            for name, times in (("idle", idle), ("busy", busy))
            for percent in (50, 99)
        },
    )


if __name__ == "__main__":
    main()
