"""The fleets that all benchmarks run on, made once and kept in benchmarks/.cache.

A fleet of more than 14,092 stores is several of that size with other seeds, in a folder each: neither memory
nor disk is spent on more than one at a time, and a larger fleet shares its folders with a smaller one. What
is derived from a fleet (denser polls, older ones, those of single hours) goes where the caller says.

To try the benchmarks out, `BENCH_STORES` makes the full fleet a smaller one, and `BENCH_FOLDER` is where
fleets and results are kept instead of in benchmarks/. All functions that make files run in processes of their
own, for whoever measures stays small (see measure.run):

    python -m benchmarks.fleets make FOLDER csv|parquet STORES SEED
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

FOLDER = Path(os.environ.get("BENCH_FOLDER") or Path(__file__).parent)
CACHE = FOLDER / ".cache"
STORES = int(os.environ.get("BENCH_STORES", "14092"))
DAYS, SEED = 7.8, 1
POLLS = "store_status.parquet"


def full_fleet(form: str) -> Path:
    """Return the folder of the full fleet, `csv` or `parquet`."""
    return fleet(form, STORES)[0]


def fleet(form: str, stores: int) -> list[Path]:
    """Return the folders of a fleet, each with polls, hours and zones of other stores; made if need be."""
    spec = importlib.util.find_spec("storewatch.sample")
    if spec is None or spec.origin is None:
        raise SystemExit("storewatch is not installed here: run make setup, or set PYTHONPATH=src")
    digest = hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()[:8]
    whole, rest = divmod(stores, STORES)
    sizes = [STORES] * whole + [rest] * (rest > 0)
    folders = [CACHE / f"{form}-{size}-{digest}-{SEED + i}" for i, size in enumerate(sizes)]
    missing = [place for place in enumerate(folders) if not place[1].exists()]
    with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as makers:
        list(makers.map(lambda it: derive("make", it[1], form, sizes[it[0]], SEED + it[0]), missing))
    return folders


def derive(name: str, *arguments: object) -> str:
    """Run one of the functions below in a process of its own, and return what it prints."""
    command = [sys.executable, "-m", "benchmarks.fleets", name, *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def count_polls(places: Iterable[Path]) -> int:
    """Count the polls in a fleet's folders, or in files of polls."""
    return int(derive("count", *places))


def make(folder: str, form: str, stores: str, seed: str) -> None:
    """Make a fleet beside its place and move it there."""
    from storewatch import sample  # noqa: PLC0415  who only wants the folder stays small

    draft = Path(folder).with_name(f"{Path(folder).name}.draft")
    sample.write(draft, stores=int(stores), days=DAYS, seed=int(seed), parquet=form == "parquet")
    draft.rename(folder)


def count(*places: str) -> None:
    """Print how many polls there are."""
    print(sum(len(_polls(place)) for place in places))


def denser(folder: str, target: str, times: str) -> None:
    """Write `times` − 1 further polls after each one, spread evenly over its hour, none after the newest."""
    import polars as pl  # noqa: PLC0415

    polls, at = _polls(folder), pl.col("timestamp_utc")
    for step in range(1, int(times)):
        later = polls.with_columns(at + pl.duration(minutes=step * 60 // int(times)))
        later.filter(at <= polls["timestamp_utc"].max()).write_parquet(Path(target, f"later-{step}.parquet"))


def older(folder: str, target: str, copies: str) -> None:
    """Write copies of all polls, each three weeks before the last: a report of the newest needs none."""
    import polars as pl  # noqa: PLC0415

    polls = _polls(folder)
    for step in range(1, int(copies) + 1):
        earlier = polls.with_columns(pl.col("timestamp_utc") - pl.duration(weeks=3 * step))
        earlier.write_parquet(Path(target, f"older-{step:02}.parquet"))


def by_hour(folder: str, target: str, hours: str) -> None:
    """Write the polls of each of the last hours to a file of its own, and those of before to another."""
    import polars as pl  # noqa: PLC0415

    polls, at = _polls(folder), pl.col("timestamp_utc")
    end = polls["timestamp_utc"].max()
    back = (end - at).dt.total_hours().alias("back")
    for (hour,), part in polls.with_columns(back.clip(upper_bound=int(hours))).group_by("back"):
        part.drop("back").write_parquet(Path(target, f"{int(hours) - hour:03}.parquet"))


def next_hour(target: str, number: str, *folders: str) -> None:
    """Write a poll of each store in the hour that is `number` hours after the newest poll."""
    import polars as pl  # noqa: PLC0415

    last = [_polls(folder).group_by("store_id").last() for folder in folders]
    end = pl.concat(last)["timestamp_utc"].max()
    seconds = pl.int_range(pl.len()) % 3_000
    stamp = pl.lit(end) + pl.duration(hours=int(number), seconds=seconds)
    pl.concat(last).with_columns(timestamp_utc=stamp).write_parquet(target)


def _polls(place: str) -> pl.DataFrame:
    """Read the polls of a fleet's folder, or a file of polls."""
    import polars as pl  # noqa: PLC0415

    return pl.read_parquet(Path(place, POLLS) if Path(place).is_dir() else place)


if __name__ == "__main__":
    {made.__name__: made for made in (make, count, denser, older, by_hour, next_hour)}[sys.argv[1]](
        *sys.argv[2:]
    )
