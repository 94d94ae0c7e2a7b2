"""A report computed on this machine's cores and by Ray with as many workers: the same bytes, at what price.

    python -m benchmarks.engines [--stores 140920] [--workers 2] [--rounds 3]

Both are whole processes of `storewatch report` that read one embedded store. Ray's start is what a report of
a fleet of a hundred stores takes longer with it; a service pays it once. Then one of its workers is killed in
the middle of a report.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.fleets import STORES, count_polls, fleet
from benchmarks.growth import report_to, same_bytes
from benchmarks.measure import STOREWATCH, Cost, interleaved, keep, median, run
from benchmarks.processes import tree, words

FEW = 100  # stores: nothing to compute
TASK = "ray::compute"  # what a process of Ray calls itself while it computes a slice
PATIENCE = 120.0  # seconds until a worker of Ray computes


def report(home: Path, out: Path, engine: str) -> Cost:
    """Make a report with an engine."""
    return run(report_to(out), home=home, env={"STOREWATCH_ENGINE_URL": engine})


def kill_a_worker(pid: int) -> None:
    """Kill one of the processes that compute for Ray, once there is one."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for each in tree(pid):
            if words(each).startswith(TASK):
                os.kill(each, signal.SIGKILL)
                return
        time.sleep(0.01)
    raise SystemExit("no worker of Ray was seen computing")


def main() -> None:
    """Measure, keep."""
    parser = argparse.ArgumentParser(description="The engines against each other.")
    parser.add_argument("--stores", type=int, default=10 * STORES)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    engines = {"local": "local:", "Ray": f"ray:local?workers={options.workers}"}
    with tempfile.TemporaryDirectory() as scratch:
        costs: dict[str, list[Cost]] = {}
        for size in sorted({FEW, options.stores}):
            home = Path(scratch, f"{size}")
            run([*STOREWATCH, "load", *map(str, fleet("parquet", size))], home=home)
            outs = {name: Path(scratch, f"{size}-{name}.csv") for name in engines}
            turns = {
                f"{name}, {size} stores": partial(report, home, outs[name], url)
                for name, url in engines.items()
            }
            costs |= interleaved(turns, options.rounds)
            same_bytes(*outs.values())
        killed = Path(scratch, "killed.csv")
        env = {"STOREWATCH_ENGINE_URL": engines["Ray"]}
        costs["Ray, a worker killed"] = [run(report_to(killed), home=home, env=env, meanwhile=kill_a_worker)]
        same_bytes(killed, outs["local"])
    few, many = (
        [median(costs[f"{name}, {size} stores"]) for name in engines] for size in (FEW, options.stores)
    )
    start = few[1].wall - few[0].wall
    keep(
        "engines",
        costs,
        [],
        stores=options.stores,
        polls=count_polls(fleet("parquet", options.stores)),
        workers=options.workers,
        ray_start_s=round(start, 2),
        ray_over_local=round(many[1].wall / many[0].wall, 2),
        ray_over_local_without_start=round((many[1].wall - start) / many[0].wall, 2),
        worker_killed_costs_s=round(median(costs["Ray, a worker killed"]).wall - many[1].wall, 2),
    )


if __name__ == "__main__":
    main()
