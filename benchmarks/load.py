"""CSV files into the embedded poll store through `storewatch load`, all checks on.

    python -m benchmarks.load [--rounds 7]

Timed as a whole process, and inside a process that has everything imported; each time into an empty store,
and then once more the same files, which changes nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fleets import full_fleet
from benchmarks.measure import STOREWATCH, Cost, Target, keep, median, run

if TYPE_CHECKING:
    from storewatch.answering.load import Loaded

INSIDE = (sys.executable, "-m", "benchmarks.load", "--inside")


def inside(folder: Path, home: Path) -> None:
    """Load twice in this process; print both costs as JSON. Run in a process of its own."""
    from benchmarks.measure import timed  # noqa: PLC0415  the parent stays small, see measure.run

    from storewatch.answering.load import load_files  # noqa: PLC0415
    from storewatch.bootstrap import open_polls  # noqa: PLC0415
    from storewatch.config import load_settings  # noqa: PLC0415

    polls = open_polls(load_settings(home=home))
    loads: list[Loaded] = []
    given = count_polls(folder)
    costs = [
        timed(lambda: loads.append(load_files([folder], polls, home=home, now=time.time()))) for _ in range(2)
    ]
    seen = [(loaded.summary.polls, loaded.summary.new_polls) for loaded in loads if loaded.summary]
    if [polls for polls, _ in seen] != [given, given] or not 0.99 * given < seen[0][1] <= given or seen[1][1]:
        raise SystemExit(f"of {given} polls the loads took (all, new) {seen}")
    print(json.dumps([vars(cost) for cost in costs]))


def inside_costs(folder: Path, home: Path) -> list[Cost]:
    """Return what a first and a second load take in a process that has all imported."""
    command = [*INSIDE, str(folder), str(home)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [Cost(**cost) for cost in json.loads(done.stdout)]


def count_polls(folder: Path) -> int:
    """Count the lines of the polls' file without the header."""
    with (folder / "store_status.csv").open("rb") as file:
        return sum(1 for _ in file) - 1


def main() -> None:
    """Measure, keep."""
    parser = argparse.ArgumentParser(description="storewatch load of the full fleet.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--inside", nargs=2, type=Path, metavar=("FOLDER", "HOME"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        inside(*options.inside)
        return
    folder = full_fleet("csv")
    polls = count_polls(folder)
    costs: dict[str, list[Cost]] = {}
    for _ in range(options.rounds + 1):
        with tempfile.TemporaryDirectory() as scratch:
            home = Path(scratch) / "whole"
            again = partial(run, [*STOREWATCH, "load", str(folder)], home=home)
            figures = {"first load": [again()], "the same again": [again()]}
            first, second = inside_costs(folder, Path(scratch) / "inside")
            figures |= {"first load, inside": [first], "the same again, inside": [second]}
        costs = {name: costs.get(name, []) + figures[name] for name in figures}
    costs = {name: counted[1:] or counted for name, counted in costs.items()}  # the first round warms up
    keep(
        "load",
        costs,
        [
            Target(
                what="CSV files into the store, polls a second",
                figure=polls / median(costs["first load"]).wall,
                limit=800_000,
                at_least=True,
            )
        ],
        polls=polls,
        polls_per_second_again=round(polls / median(costs["the same again"]).wall),
        polls_per_second_inside=round(polls / median(costs["first load, inside"]).wall),
    )


if __name__ == "__main__":
    main()
