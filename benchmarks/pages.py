"""The pages under several viewers: how soon the first one is there, and how many a second.

    python -m benchmarks.pages [--viewers 20] [--stores 400]

A loaded embedded store with a complete report, and a service that has just started. The client runs beside
it, on the same cores: a thread a viewer, each with a connection of its own, which takes compressed pages.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fleets import full_fleet
from benchmarks.measure import STOREWATCH, Target, keep, run
from benchmarks.service import ASK_EVERY, PATIENCE, service

if TYPE_CHECKING:
    from collections.abc import Sequence


def look(port: int, paths: Sequence[str]) -> list[float]:
    """Look at pages one after the other over one connection, and return how long each took in seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    times = []
    for path in paths:
        began = time.perf_counter()
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise SystemExit(f"{path} was answered with {answer.status}")
        times.append(time.perf_counter() - began)
    return times


def pages_a_second(port: int, paths: Sequence[str], viewers: int) -> float:
    """Look at all pages once, in the hands of several viewers."""
    with ThreadPoolExecutor(viewers) as pool:
        began = time.perf_counter()
        list(pool.map(lambda nth: look(port, paths[nth::viewers]), range(viewers)))
        return len(paths) / (time.perf_counter() - began)


def some_stores(folder: Path, count: int) -> list[str]:
    """Return the paths of stores from all over the fleet."""
    with next(folder.glob("*zone*.csv")).open(encoding="utf-8", newline="") as file:
        ids = sorted({row["store_id"] for row in csv.DictReader(file)})
    return [f"/stores/{store_id}" for store_id in ids[:: max(len(ids) // count, 1)][:count]]


def main() -> None:
    """Measure, keep."""
    parser = argparse.ArgumentParser(description="The pages under several viewers.")
    parser.add_argument("--viewers", type=int, default=20)
    parser.add_argument("--stores", type=int, default=400)
    options = parser.parse_args()
    folder = full_fleet("csv")
    paths = some_stores(folder, options.stores)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        run([*STOREWATCH, "load", str(folder)], home=home)
        with service(home) as client:
            report_id = client.trigger()
            while client.is_running(report_id):
                time.sleep(ASK_EVERY)
        with service(home) as client:
            port = client.connection.port
            (first,) = look(port, paths[-1:])
            rounds = [pages_a_second(port, paths, options.viewers) for _ in range(2)]
    keep(
        "pages",
        {},
        [
            Target(what="first page after the start", figure=first * 1_000, limit=300, unit="ms"),
            Target(what="store pages a second, first round", figure=rounds[0], limit=40, at_least=True),
            Target(what="the same, second round", figure=rounds[1], limit=100, at_least=True),
        ],
        viewers=options.viewers,
        stores=len(paths),
    )


if __name__ == "__main__":
    main()
