"""`make demo`: a made fleet, loaded, and a report of it over HTTP, as a client would fetch it.

Needs nothing but the standard library beside the `storewatch` command of its own environment. The fleet
stays in `demo-data/` (not tracked), which `make serve` serves.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path("demo-data")
STOREWATCH = [sys.executable, "-m", "storewatch.entrypoints.cli"]
STORES = 500
PATIENCE = 60  # seconds for the service to start, and for the report


def main() -> None:
    """Show the whole way once."""
    began = time.monotonic()
    made_fleet(stores_asked_for(STORES))
    with service() as (base, _):
        say(f"3  the service answers on {base}")
        url, took = report(base)
        say(f"4  POST /trigger_report … GET /get_report: Complete after {took:.2f} s\n   {url[:100]}…")
        show(fetch(url).decode())
    say(f"\nall of it took {time.monotonic() - began:.1f} s; nothing is left running. Next:\n")
    say("   make serve                                     this fleet on port 8000, API docs at /docs")
    say("   .venv/bin/storewatch report --data FOLDER      your own files")
    say("   make test                                      all tests")


def stores_asked_for(default: int) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stores", type=int, default=default, help="size of the made fleet")
    return int(parser.parse_args().stores)


def made_fleet(stores: int) -> None:
    """Make a fleet and load it into an empty home."""
    shutil.rmtree(HOME, ignore_errors=True)
    say(f"1  a made fleet of {stores:,} stores, a week of polls, in {HOME}/files")
    storewatch("sample", HOME / "files", "--stores", stores)
    say(f"2  loaded into {HOME}/polls")
    storewatch("load", HOME / "files")


def storewatch(*arguments: object) -> None:
    """Run the command line, showing what it prints."""
    subprocess.run([*STOREWATCH, *map(str, arguments)], check=True, env=environment())


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("STOREWATCH_")} | {
        "STOREWATCH_HOME": str(HOME)
    }


@contextmanager
def service() -> Iterator[tuple[str, int]]:
    """Run the service on a free port and yield its address and process id.

    It and its worker end with the block.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (HOME / "service.log").open("wb")
    with (
        log,
        subprocess.Popen(
            [*STOREWATCH, "serve", "--port", str(port)], env=environment(), stdout=log, stderr=log
        ) as server,
    ):
        base = f"http://127.0.0.1:{port}"
        try:
            wait_until_ready(base, server)
            yield base, server.pid
        finally:
            server.terminate()


def wait_until_ready(base: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            fetch(f"{base}/readyz")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    sys.exit(f"the service did not start:\n{(HOME / 'service.log').read_text(errors='replace')}")


def report(base: str) -> tuple[str, float]:
    """Trigger a report and poll until it is complete; return its link and the seconds that it took."""
    began = time.monotonic()
    report_id = trigger(base)
    while time.monotonic() < began + PATIENCE:
        answer = get_report(base, report_id)
        if answer["status"] == "Complete":
            return answer["url"], time.monotonic() - began
        if answer["status"] == "Failed":
            sys.exit(f"the report failed: {answer['error']}")
        time.sleep(0.05)
    sys.exit(f"the report was not complete after {PATIENCE} s")


def trigger(base: str) -> str:
    return str(json.loads(fetch(f"{base}/trigger_report", data=b""))["report_id"])


def get_report(base: str, report_id: str) -> dict[str, str]:
    answer: dict[str, str] = json.loads(fetch(f"{base}/get_report?report_id={report_id}"))
    return answer


def show(text: str) -> None:
    """Print fleet totals and the five stores that lost most open time."""
    rows = list(csv.DictReader(io.StringIO(text)))
    say(f"\n   {len(rows):,} stores; the fleet's hours, as the CSV rounds them")
    line("", "uptime", "down", "unknown", "open")
    for window, unit in (("hour", 60), ("day", 1), ("week", 1)):
        up, down, unknown, whole = (
            sum(float(row[f"{kind}_last_{window}"]) for row in rows) / unit
            for kind in ("uptime", "downtime", "unknown", "open")
        )
        share = 100 * up / (up + down)
        line(f"last {window}", f"{share:.2f} %", f"{down:,.1f}", f"{unknown:,.1f}", f"{whole:,.1f}")
    say("")
    line("most lost, last week", "uptime", "down", "unknown", "open")
    for row in sorted(rows, key=lambda row: -float(row["downtime_last_week"]))[:5]:
        cells = (row[f"{kind}_last_week"] for kind in ("downtime", "unknown", "open"))
        line(row["store_id"], f"{row['uptime_percent_last_week']} %", *cells)


def line(name: str, *cells: str) -> None:
    say(f"   {name:<24}" + "".join(f"{cell:>13}" for cell in cells))


def fetch(url: str, data: bytes | None = None) -> bytes:
    """Return what a URL answers; a POST if there is data."""
    with urllib.request.urlopen(url, data=data, timeout=10) as answer:  # noqa: S310 - our own service
        body: bytes = answer.read()
    return body


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
