"""What a report costs with and without dates that differ, annotations, other windows, and what pages show.

    python -m benchmarks.beyond [--rounds 11] [--before SRC]

The whole process, from CSV files. SRC is the `src` folder of an earlier version: then the report without any
of it is held against that version's too. Each run is a process of its own; all take turns. A ratio is the
median over the rounds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.fleets import STORES, full_fleet
from benchmarks.measure import STOREWATCH, Cost, Target, interleaved, keep, median, ratio, run

ONE_IN = 20  # stores has exceptions and an annotation
WINDOWS = ("hour", "week", "previous_week")
DAYS_OF_PAGES = 22  # a week, the one before, and what is carried into that


def main() -> None:
    """Measure, keep."""
    parser = argparse.ArgumentParser(description="A report with and without dates, annotations and windows.")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--before", help="The src folder of an earlier version.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, out = Path(scratch) / "facts", Path(scratch) / "report.parquet"
        child("add_facts", full_fleet("csv"), folder)
        costs = interleaved(runs(folder, out, before=options.before), options.rounds)
    plain = costs["report"]
    targets = [
        Target(
            what=f"dates and annotations of 1 in {ONE_IN} ÷ none",
            figure=ratio(costs["facts"], plain),
            limit=1.25,
        ),
        Target(what="three windows, compared ÷ the three", figure=ratio(costs["windows"], plain), limit=1.6),
        Target(what="a month ÷ a week", figure=ratio(costs["month"], costs["week"]), limit=4),
        Target(
            what="peak memory of 400 days", figure=median(costs["400 days"]).peak_mb, limit=1024, unit="MB"
        ),
        Target(what="kernel with all of it, unused ÷ before", figure=float(child("kernel")), limit=1.15),
        Target(what="what the pages show ÷ the report", figure=float(child("overview")), limit=4),
    ]
    if options.before:
        targets.append(Target(what="report ÷ before", figure=ratio(plain, costs["before"]), limit=1.05))
    keep("beyond", costs, targets, stores_with_facts=f"1 in {ONE_IN}")


def runs(folder: Path, out: Path, *, before: str | None) -> dict[str, partial[Cost]]:
    """Return what is run, by its name."""
    none = str(full_fleet("csv"))
    command = [*STOREWATCH, "report", "--out", str(out), "--data"]
    found = {
        "report": partial(run, [*command, none]),
        "facts": partial(run, [*command, str(folder)]),
        "windows": partial(run, [*command, none, "--compare", *chosen(*WINDOWS)]),
        "week": partial(run, [*command, none, *chosen("week")]),
        "month": partial(run, [*command, none, *chosen("30d")]),
        "400 days": partial(run, [*command, none, *chosen("400d")]),
    }
    if before:
        found["before"] = partial(run, [*command, none], env={"PYTHONPATH": before})
    return found


def chosen(*windows: str) -> list[str]:
    """Return the options that ask for windows."""
    return [word for window in windows for word in ("--window", window)]


def child(what: str, *arguments: object) -> str:
    """Run one of the functions below in a process of its own: whoever measures processes stays small."""
    command = [sys.executable, "-m", "benchmarks.beyond", what, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def add_facts(fleet: str, folder: str) -> None:
    """Copy a fleet, and give some of its stores exceptions and an annotation within the week."""
    import polars as pl  # noqa: PLC0415 - see `child`

    shutil.copytree(fleet, folder)
    polls = pl.read_csv(Path(fleet) / "store_status.csv", schema_overrides={"store_id": pl.String})
    newest = datetime.fromisoformat(str(polls["timestamp_utc"].max()).replace(" UTC", "+00:00"))
    lines = {
        "exceptions": ["store_id,date,start_time_local,end_time_local"],
        "annotations": ["store_id,start_utc,end_utc,counts_as,made_at"],
    }
    for number, store_id in enumerate(polls["store_id"].unique().sort()[::ONE_IN]):
        day = newest.astimezone(UTC) - timedelta(days=1 + number % 5)
        midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
        lines["exceptions"] += [
            f"{store_id},{day:%Y-%m-%d},,",
            f"{store_id},{day - timedelta(1):%Y-%m-%d},10:00,14:00",
        ]
        begin = midnight + timedelta(minutes=17 * (number % 60))
        stated = ("excluded", "up", "down", "unknown")[number % 4]
        end = begin + timedelta(hours=1 + number % 9)
        lines["annotations"].append(
            f"{store_id},{begin.isoformat()},{end.isoformat()},{stated},{newest.isoformat()}"
        )
    for name, rows in lines.items():
        (Path(folder) / f"{name}.csv").write_text("\n".join(rows) + "\n")


def kernel() -> None:
    """Print how long the kernel takes for all that a report says, to how long for the sums of R6 alone."""
    import numpy as np  # noqa: PLC0415 - the same
    from benchmarks import kernel as bench  # noqa: PLC0415 - the same

    from storewatch.domain.ask import Policy  # noqa: PLC0415 - the same
    from storewatch.domain.instant import DEFAULT_CARRY, as_of_from_newest  # noqa: PLC0415 - the same
    from storewatch.domain.instant import WINDOWS as LENGTHS  # noqa: PLC0415 - the same
    from storewatch.domain.kernel import tally  # noqa: PLC0415 - the same
    from storewatch.domain.schedule import distinct_schedules  # noqa: PLC0415 - the same
    from storewatch.domain.stated import NOTHING  # noqa: PLC0415 - the same
    from storewatch.domain.sums import sum_up  # noqa: PLC0415 - the same

    fleet = bench.read(full_fleet("parquet"))
    as_of = as_of_from_newest(int(fleet.polls.at.max()))
    schedules = distinct_schedules(*fleet.hours, zone_of_store=fleet.zone_of_store)
    edges = np.array([[as_of - length] for length in (*LENGTHS.values(), 0)])
    rules: dict[str, Any] = {
        "as_of": as_of,
        "carry": DEFAULT_CARRY,
        "policy": Policy.HOURLY_MAJORITY,
        "edges": edges,
    }
    took: dict[str, list[float]] = {"all": [], "sums": []}
    for _ in range(25):
        for name, compute in (
            ("sums", partial(tally, fleet.polls, schedules, **rules)),
            ("all", partial(sum_up, fleet.polls, schedules, NOTHING.spans, **rules)),
        ):
            began = time.process_time()
            compute()
            took[name].append(time.process_time() - began)
    print(json.dumps(float(np.median(np.array(took["all"]) / np.array(took["sums"])))))


def overview() -> None:
    """Print how long what the pages show takes, without its files, to how long its report does."""
    from storewatch import sample  # noqa: PLC0415 - see `child`
    from storewatch.adapters.polls import open_polls  # noqa: PLC0415 - the same
    from storewatch.answering import overview as pages  # noqa: PLC0415 - the same
    from storewatch.answering.answer import answer  # noqa: PLC0415 - the same
    from storewatch.domain.ask import Ask  # noqa: PLC0415 - the same
    from storewatch.ingest import from_frames  # noqa: PLC0415 - the same
    from storewatch.ports.polls import Load  # noqa: PLC0415 - the same

    facts = from_frames(*sample.fleet(stores=STORES, days=DAYS_OF_PAGES, seed=1)).facts
    with tempfile.TemporaryDirectory() as scratch:
        polls = open_polls(f"delta:{scratch}/polls")
        polls.load(Load(name="all", facts=facts))
        ratios = []
        for _ in range(11):
            took = []
            for make in (partial(answer, polls, Ask()), partial(pages.overview, polls, Ask())):
                began = time.process_time()
                make()
                took.append(time.process_time() - began)
            ratios.append(took[1] / took[0])
        polls.close()
    print(json.dumps(sorted(ratios)[len(ratios) // 2]))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["add_facts", fleet, folder]:
            add_facts(fleet, folder)
        case ["kernel"]:
            kernel()
        case ["overview"]:
            overview()
        case _:
            main()
