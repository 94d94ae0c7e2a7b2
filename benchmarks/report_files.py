"""A report from files, the whole process, against Polars merely reading them.

    python -m benchmarks.report_files [--rounds 11]

Each run is a process of its own; the two take turns. The ratio is the median over the rounds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.fleets import full_fleet
from benchmarks.measure import STOREWATCH, Target, interleaved, keep, median, ratio, run

READ = (sys.executable, str(Path(__file__).parent / "baselines" / "read_baseline.py"))


def main() -> None:
    """Measure, keep."""
    parser = argparse.ArgumentParser(description="storewatch report --data against a mere read.")
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "report.csv"
        runs = {}
        for form in ("csv", "parquet"):
            folder = str(full_fleet(form))
            runs[f"read, {form}"] = partial(
                run, [*READ, folder, *(["--parquet"] if form == "parquet" else [])]
            )
            report = [*STOREWATCH, "report", "--data", folder, "--out", str(out)]
            runs[f"report, {form}"] = partial(run, report)
        costs = interleaved(runs, rounds)
        rows = len(out.read_bytes().splitlines()) - 1
    reports = costs["report, csv"]
    slower = ratio(reports, costs["read, csv"])
    peak = median(reports).peak_mb
    keep(
        "report_files",
        costs,
        [
            Target(what="report from CSV ÷ mere read, wall", figure=slower, limit=1.5),
            Target(what="peak memory of a report from CSV", figure=peak, limit=600, unit="MB"),
        ],
        rows=rows,
        parquet_report_over_read=round(ratio(costs["report, parquet"], costs["read, parquet"]), 2),
    )


if __name__ == "__main__":
    main()
