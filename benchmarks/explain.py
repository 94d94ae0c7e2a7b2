"""The explanation of a store's week, from a warm service on the full fleet.

    python -m benchmarks.explain [--stores 300]

Each call is for another store, spread over the ids, so that nothing is answered from memory. The first call,
which opens the poll store, is kept by itself.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from benchmarks.fleets import full_fleet
from benchmarks.measure import STOREWATCH, Cost, Target, keep, run
from benchmarks.service import Client, percentile, service

WARM_UP = 5  # calls that do not count


def store_ids(folder: Path, count: int) -> list[str]:
    """Return ids spread evenly over the stores that have a zone."""
    with (folder / "timezones.csv").open(encoding="utf-8") as file:
        ids = sorted(line.partition(",")[0] for line in list(file)[1:])
    return [ids[number * len(ids) // count] for number in range(count)]


def explain(client: Client, store_id: str) -> Cost:
    """Time one call as a client sees it."""
    began = time.perf_counter()
    client.call("GET", f"/v1/stores/{quote(store_id, safe='')}/hours?window=week")
    return Cost(wall=time.perf_counter() - began, cpu=0)


def main() -> None:
    """Measure, keep."""
    parser = argparse.ArgumentParser(description="Explanations from a warm service on a full fleet.")
    parser.add_argument("--stores", type=int, default=300)
    count = parser.parse_args().stores
    folder = full_fleet("csv")
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        run([*STOREWATCH, "load", str(folder)], home=home)
        with service(home) as client:
            first, *others = (explain(client, i) for i in store_ids(folder, WARM_UP + 1))
            costs = [explain(client, i) for i in store_ids(folder, count)]
    times = [cost.wall for cost in costs]
    keep(
        "explain",
        {"a store's week": costs},
        [Target(what="a store's week, p95", figure=percentile(times, 95), limit=100, unit="ms")],
        first_call_ms=round(first.wall * 1_000, 1),
        after_warm_up_ms=round(others[-1].wall * 1_000, 1),
        **{f"p{percent}_ms": round(percentile(times, percent), 1) for percent in (50, 95, 99)},
    )


if __name__ == "__main__":
    main()
