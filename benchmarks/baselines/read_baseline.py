"""The yardstick of a report from files: Polars alone reads the three files, in a fresh process.

    python benchmarks/baselines/read_baseline.py DIR… [--parquet]

CSV: ids as text, stamps parsed with their exact format, nothing else. Prints one line of JSON. Ratios are
taken from the whole process, timed from outside; the seconds printed leave out the interpreter's own start.
"""

import time

BEGAN = time.perf_counter()

import json  # noqa: E402  the clock starts before the imports
import resource  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import polars as pl  # noqa: E402

IMPORTED = time.perf_counter()
NAMES = ("store_status", "menu_hours", "timezones")


def read(folders: list[Path], *, parquet: bool) -> list[pl.DataFrame]:
    """Return polls, hours and zones; of CSV from one folder."""
    if parquet:
        return [pl.read_parquet([folder / f"{name}.parquet" for folder in folders]) for name in NAMES]
    (folder,) = folders
    text = dict.fromkeys(("store_id", "status", "timestamp_utc"), pl.String)
    polls = pl.read_csv(folder / "store_status.csv", schema_overrides=text)
    stamp = pl.col("timestamp_utc").str.to_datetime("%Y-%m-%d %H:%M:%S%.f UTC", time_unit="us")
    rest = [
        pl.read_csv(folder / f"{name}.csv", schema_overrides={"store_id": pl.String}) for name in NAMES[1:]
    ]
    return [polls.with_columns(stamp), *rest]


def main() -> None:
    """Read, and say what it took."""
    folders = [Path(word) for word in sys.argv[1:] if word != "--parquet"]
    frames = read(folders, parquet="--parquet" in sys.argv)
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = {
        "wall_s": round(time.perf_counter() - BEGAN, 4),
        "cpu_s": round(used.ru_utime + used.ru_stime, 4),
        "import_s": round(IMPORTED - BEGAN, 4),
        "peak_mb": round(used.ru_maxrss / 1024),
    }
    print(json.dumps(figures | dict(zip(NAMES, map(len, frames), strict=True))))


if __name__ == "__main__":
    main()
