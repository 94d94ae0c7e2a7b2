"""How cost grows: with stores, with polls a store, with the history that is kept, with the number of loads.

    python -m benchmarks.growth stores [--stores 14092 140920 1000000] [--rounds 3]
    python -m benchmarks.growth csv [--stores 140920 281840]
    python -m benchmarks.growth polls [--an-hour 1 4 12]
    python -m benchmarks.growth history [--times 10]
    python -m benchmarks.growth loads [--loads 100]

Each part is kept by itself. Loads, reports and Polars' mere reading of the same Parquet files are whole
processes; a report is read from the embedded store (in `history` from PostgreSQL too) and written as CSV.
A slope is that of the logarithm of CPU seconds over the logarithm of polls: 1 is work that grows as they do.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fleets import STORES, count_polls, derive, fleet, full_fleet
from benchmarks.measure import STOREWATCH, Cost, Target, interleaved, keep, median, ratio, run
from benchmarks.report_files import READ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

LARGE, LARGEST = 140_920, 1_000_000  # stores: what the targets are about


def main() -> None:
    """Measure a part, keep it."""
    parser = argparse.ArgumentParser(description="How cost grows with what there is.")
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--stores", type=int, nargs="+", help="sizes, smallest first; in the last three: one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--an-hour", type=int, nargs="+", default=[1, 4, 12], help="polls a store")
    parser.add_argument("--times", type=int, default=10, help="the history")
    parser.add_argument("--loads", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        PARTS[options.part](options, Path(scratch))


def stores(options: argparse.Namespace, scratch: Path) -> None:
    """Load fleets of several sizes, report on them, and load an hour's polls of all stores on top."""
    costs: dict[str, list[Cost]] = {}
    figures: dict[str, object] = {}
    targets: list[Target] = []
    sizes = options.stores or [STORES, 10 * STORES, LARGEST]
    for size in sizes:
        folders, home = fleet("parquet", size), scratch / f"{size}"
        mine = {"load": [run([*STOREWATCH, "load", *map(str, folders)], home=home)]}
        mine |= interleaved(
            {
                "read": partial(run, [*READ, *map(str, folders), "--parquet"]),
                "report": partial(run, report_to(scratch / "report.csv"), home=home),
            },
            options.rounds,
        )
        mine["load of an hour"] = [_load_hour(number, folders, home) for number in range(options.rounds + 1)]
        costs |= {f"{what}, {size} stores": each for what, each in mine.items()}
        targets += _targets_of(size, mine)
        figures |= {
            f"polls_{size}": count_polls(folders),
            f"room_mb_{size}": round(room_mb(home), 1),
            f"load_polls_per_second_{size}": round(count_polls(folders) / mine["load"][0].wall),
            f"report_over_read_{size}": round(ratio(mine["report"], mine["read"]), 2),
        }
    for what in ("load", "report"):
        for smaller, larger in pairwise(sizes):
            few, many = (median(costs[f"{what}, {size} stores"]).cpu for size in (smaller, larger))
            figures[f"{what}_cpu_slope_{smaller}_{larger}"] = round(slope(few, many, larger / smaller), 3)
    if {LARGE, LARGEST} <= set(sizes):
        steepness = float(str(figures[f"report_cpu_slope_{LARGE}_{LARGEST}"]))
        targets.append(
            Target(what="slope of a report's CPU, 140,920 → 1 M stores", figure=steepness, limit=1.05)
        )
    keep("growth_stores", costs, targets, **figures)


def _load_hour(number: int, folders: Sequence[Path], home: Path) -> Cost:
    """Load one more poll of each store."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "hour.parquet")
        derive("next_hour", file, number + 1, *folders)
        return run([*STOREWATCH, "load", str(file)], home=home)


def _targets_of(size: int, costs: Mapping[str, Sequence[Cost]]) -> list[Target]:
    """Return what a size has to reach, if there is something."""
    report, hour = median(costs["report"]), median(costs["load of an hour"])
    over = ratio(costs["report"], costs["read"])
    if size == LARGE:
        return [
            Target(what="report ÷ mere read, 140,920 stores", figure=over, limit=2),
            Target(what="report's peak, 140,920 stores", figure=report.peak_mb, limit=700, unit="MiB"),
            Target(
                what="load's peak, 140,920 stores",
                figure=median(costs["load"]).peak_mb,
                limit=600,
                unit="MiB",
            ),
        ]
    if size == LARGEST:
        return [
            Target(what="report, 1 M stores", figure=report.wall, limit=20, unit="s"),
            Target(what="report's peak, 1 M stores", figure=report.peak_mb, limit=1_536, unit="MiB"),
            Target(what="load of an hour, 1 M stores", figure=hour.wall, limit=3, unit="s"),
        ]
    return []


def csv(options: argparse.Namespace, scratch: Path) -> None:
    """Load twice as many CSV files: the peak is that of half as many."""
    costs: dict[str, list[Cost]] = {}
    rates = {}
    for size in options.stores or [10 * STORES, 20 * STORES]:
        folders = [str(folder) for folder in fleet("csv", size)]
        cost = run([*STOREWATCH, "load", *folders], home=scratch / f"{size}")
        costs[f"load from CSV, {size} stores"] = [cost]
        rates[f"load_polls_per_second_{size}"] = round(count_polls(fleet("parquet", size)) / cost.wall)
    few, *_, many = (cost.peak_mb for (cost,) in costs.values())
    keep(
        "growth_csv",
        costs,
        [
            Target(what="peak of loading 18 million polls", figure=few, limit=600, unit="MiB"),
            Target(what="peak of twice as many ÷ that", figure=many / few, limit=1.05),
            Target(what="polls a second", figure=min(rates.values()), limit=1.5e6, at_least=True),
        ],
        **rates,
    )


def polls(options: argparse.Namespace, scratch: Path) -> None:
    """Poll each store more often."""
    costs: dict[str, list[Cost]] = {}
    counts = []
    (folder,) = one_fleet(options)
    for times in options.an_hour:
        more = scratch / f"more-{times}"
        more.mkdir()
        derive("denser", folder, more, times)
        given, home = [folder, *more.glob("*")], scratch / f"{times}"
        costs[f"load, {times} an hour"] = [run([*STOREWATCH, "load", *map(str, given)], home=home)]
        report = partial(run, report_to(scratch / "report.csv"), home=home)
        costs |= interleaved({f"report, {times} an hour": report}, options.rounds)
        counts.append(count_polls(given))
    first, last = options.an_hour[0], options.an_hour[-1]
    few, many = (median(costs[f"report, {times} an hour"]).cpu for times in (first, last))
    keep(
        "growth_polls",
        costs,
        [],
        **{f"polls_{times}": count for times, count in zip(options.an_hour, counts, strict=True)},
        report_cpu_slope=round(slope(few, many, counts[-1] / counts[0]), 3),
    )


def history(options: argparse.Namespace, scratch: Path) -> None:
    """Keep more history than a report reads; its bytes stay, and so should its time."""
    costs: dict[str, list[Cost]] = {}
    targets = []
    (folder,) = one_fleet(options)
    past = scratch / "past"
    past.mkdir()
    derive("older", folder, past, options.times - 1)
    with contextlib.ExitStack() as stack:
        places = {"Delta": _homes(scratch), "PostgreSQL": stack.enter_context(_databases(scratch))}
        for name, environments in places.items():
            runs = {}
            for env, what in zip(environments, ("1 ×", f"{options.times} ×"), strict=True):
                run([*STOREWATCH, "load", str(folder)], env=env)
                out = scratch / f"{name}-{what}.csv"
                runs[f"report, {what}, {name}"] = partial(run, report_to(out), env=env)
            run([*STOREWATCH, "load", str(past)], env=environments[1])
            mine = interleaved(runs, options.rounds)
            same_bytes(*scratch.glob(f"{name}-*.csv"))
            costs |= mine
            young, old = mine.values()
            what = f"{options.times} × the history ÷ 1 ×, {name}"
            targets.append(Target(what=what, figure=ratio(old, young), limit=1.1))
    keep("growth_history", costs, targets, polls=count_polls([folder]))


def _homes(scratch: Path) -> list[dict[str, str]]:
    return [{"STOREWATCH_HOME": str(scratch / f"delta-{number}")} for number in range(2)]


@contextlib.contextmanager
def _databases(scratch: Path) -> Iterator[list[dict[str, str]]]:
    """Run two PostgreSQL servers of the tests."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from servers import a_postgres  # noqa: PLC0415  only this part needs it

    with a_postgres() as first, a_postgres() as second:
        places = [
            {"STOREWATCH_POLLS_URL": server.url, "STOREWATCH_HOME": str(scratch)}
            for server in (first, second)
        ]
        for env in places:
            run([*STOREWATCH, "db", "upgrade"], env=env)
        yield places


def loads(options: argparse.Namespace, scratch: Path) -> None:
    """Load the polls of each hour by themselves, and all at once; then optimise the table."""
    (folder,) = one_fleet(options)
    files, at_once, one_by_one = (scratch / name for name in ("files", "at-once", "one-by-one"))
    files.mkdir()
    derive("by_hour", folder, files, options.loads)
    first, *hours = ([str(file)] for file in sorted(files.glob("*.parquet")))
    others = [str(folder / f"{name}.parquet") for name in ("menu_hours", "timezones")]
    run([*STOREWATCH, "load", str(files), *others], home=at_once)
    run([*STOREWATCH, "load", *first, *others], home=one_by_one)
    each = [run([*STOREWATCH, "load", *hour], home=one_by_one) for hour in hours]
    outs = (scratch / "at-once.csv", scratch / "one-by-one.csv")
    turns = {
        "report, loaded at once": partial(run, report_to(outs[0]), home=at_once),
        "report, hour by hour": partial(run, report_to(outs[1]), home=one_by_one),
    }
    before = interleaved(turns, options.rounds)
    same_bytes(*outs)
    optimise = run([*STOREWATCH, "lake", "optimize"], home=one_by_one)
    after = interleaved(turns, options.rounds)
    same_bytes(*outs)
    keep(
        "growth_loads",
        {
            "load of an hour": each,
            **before,
            "lake optimize": [optimise],
            **{f"{what}, optimised": cost for what, cost in after.items()},
        },
        [
            Target(what=f"after {len(hours)} loads ÷ at once", figure=_second_to_first(before), limit=1.3),
            Target(what="the same, optimised", figure=_second_to_first(after), limit=1.05),
        ],
        polls=count_polls([folder]),
        loads=len(hours),
    )


def _second_to_first(costs: Mapping[str, Sequence[Cost]]) -> float:
    first, second = costs.values()
    return ratio(second, first)


def one_fleet(options: argparse.Namespace) -> list[Path]:
    """Return the folder of the fleet whose size was asked for."""
    return fleet("parquet", options.stores[0]) if options.stores else [full_fleet("parquet")]


def report_to(out: Path) -> list[str]:
    """Return the command of a report from the poll store."""
    return [*STOREWATCH, "report", "--out", str(out)]


def same_bytes(*files: Path) -> None:
    """Stop if reports that must not differ do."""
    first, *others = (file.read_bytes() for file in files)
    if any(other != first for other in others) or not others:
        raise SystemExit(f"these differ: {', '.join(map(str, files))}")


def room_mb(home: Path) -> float:
    """Return what the poll store takes on disk, in millions of bytes."""
    return sum(path.stat().st_size for path in (home / "polls").rglob("*") if path.is_file()) / 1e6


def slope(few: float, many: float, times: float) -> float:
    """Return by which power of its amount a cost grew when there was so many times as much."""
    return math.log(many / few) / math.log(times)


PARTS: dict[str, Callable[[argparse.Namespace, Path], None]] = {
    part.__name__: part for part in (stores, csv, polls, history, loads)
}

if __name__ == "__main__":
    main()
