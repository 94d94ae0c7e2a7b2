"""The pages under several viewers: how soon the first one is there, and how many a second.

    python -m benchmarks.pages [--viewers 20] [--stores 400] [--fleet 14092]

A loaded embedded store with a complete report, and a service that has just started. The client runs beside
it, on the same cores: a thread a viewer, each with a connection of its own, which takes compressed pages.
The list of stores is looked at in all of its ways; a larger fleet's results are kept beside the usual one's.
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

from benchmarks.fleets import STORES, fleet
from benchmarks.measure import STOREWATCH, Target, keep, run
from benchmarks.service import ASK_EVERY, PATIENCE, percentile, service

if TYPE_CHECKING:
    from collections.abc import Sequence


ROUNDS = 8  # of the ways of the list
ROWS = 50  # a page of it
LISTS = (  # one filter or order of each kind
    "",
    "?page={last}&sort=-uptime",
    "?sort=name",
    "?sort=change&window=day",
    "?q=7",
    "?q=nobody-has-this",
    "?state=down&sort=-downtime",
    "?below=target&low_evidence=90",
    "?only=silent",
    "?zone=America/New_York&sort=since",
    "?at=wed-14",
    "?at=wed-14-local",
    "?where=brand:3&where=region:north",
)


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


def is_listed(port: int) -> bool:
    """Look at the list; the first look asks for the report that it shows."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/stores")
    return b"mini" in connection.getresponse().read()


def pages_a_second(port: int, paths: Sequence[str], viewers: int) -> float:
    """Look at all pages once, in the hands of several viewers."""
    with ThreadPoolExecutor(viewers) as pool:
        began = time.perf_counter()
        list(pool.map(lambda nth: look(port, paths[nth::viewers]), range(viewers)))
        return len(paths) / (time.perf_counter() - began)


def labelled(folder: Path, target: Path) -> Path:
    """Write a file of stores with names and labels for a fleet's folder."""
    rows = [
        f"{path[8:]},Place {nth % 997},{nth % 7},{'north' if nth % 2 else ''}"
        for nth, path in enumerate(some_stores(folder, STORES))
    ]
    target.write_text("\n".join(["store_id,store_name,brand,region", *rows, ""]), encoding="utf-8")
    return target


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
    parser.add_argument("--fleet", type=int, default=STORES)
    options = parser.parse_args()
    folders = fleet("csv", options.fleet)
    paths = some_stores(folders[0], options.stores)
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        for folder in folders:
            run([*STOREWATCH, "load", str(folder), str(labelled(folder, home / "stores.csv"))], home=home)
        with service(home) as client:
            while not is_listed(client.connection.port):
                time.sleep(ASK_EVERY)
        with service(home) as client:
            port = client.connection.port
            (first,) = look(port, paths[-1:])
            (listed,) = look(port, ["/stores"])
            ways = [query.format(last=max(options.fleet // ROWS, 1)) for query in LISTS]
            lists = look(port, [f"/stores{query}" for query in ways * ROUNDS])
            rounds = [pages_a_second(port, paths, options.viewers) for _ in range(2)]
    keep(
        "pages" if options.fleet == STORES else f"pages_{options.fleet}",
        {},
        [
            Target(what="first page after the start", figure=first * 1_000, limit=300, unit="ms"),
            Target(what="store pages a second, first round", figure=rounds[0], limit=40, at_least=True),
            Target(what="the same, second round", figure=rounds[1], limit=100, at_least=True),
            Target(
                what="list, p95 of its ways",
                figure=percentile(lists, 95),
                limit=150 if options.fleet <= STORES else 500,
                unit="ms",
            ),
        ],
        viewers=options.viewers,
        stores=len(paths),
        first_list_ms=round(listed * 1_000, 1),
        list_p50_ms=round(percentile(lists, 50), 1),
    )


if __name__ == "__main__":
    main()
