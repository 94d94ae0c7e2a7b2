"""A report from files, the whole process, against Polars merely reading them, and against DuckDB's report.

    python -m benchmarks.report_files [--rounds 11]

Each run is a process of its own; all take turns. A ratio is the median over the rounds. At the end it is
checked that DuckDB's figures are ours, to the second.
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

DUCKDB = (sys.executable, "-m", "benchmarks.baselines.duckdb_rules")


def main() -> None:
    """Measure, keep."""
    parser = argparse.ArgumentParser(description="storewatch report --data against a mere read, and DuckDB.")
    parser.add_argument("--rounds", type=int, default=11)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as scratch:
        out, theirs = Path(scratch) / "report.parquet", Path(scratch) / "duckdb.csv"
        costs = interleaved(
            {name: partial(run, command) for name, command in commands(out, theirs).items()}, rounds
        )
        rows = check(out, theirs)
    targets = []
    for form, most in (("csv", 1.3), ("parquet", 2.2)):
        reports = costs[f"report, {form}"]
        slower = ratio(reports, costs[f"read, {form}"])
        faster = ratio(costs[f"DuckDB, {form}"], reports)
        targets += [
            Target(what=f"report from {form} ÷ mere read, wall", figure=slower, limit=most),
            Target(
                what=f"peak memory of a report from {form}",
                figure=median(reports).peak_mb,
                limit=300,
                unit="MB",
            ),
            Target(what=f"DuckDB's whole process from {form} ÷ ours", figure=faster, limit=2, at_least=True),
        ]
    keep("report_files", costs, targets, rows=rows)


def commands(out: Path, theirs: Path) -> dict[str, list[str]]:
    """Return what is run, by its name."""
    runs = {}
    for form in ("csv", "parquet"):
        folder = str(full_fleet(form))
        runs[f"read, {form}"] = [*READ, folder, *(["--parquet"] if form == "parquet" else [])]
        runs[f"report, {form}"] = [*STOREWATCH, "report", "--data", folder, "--out", str(out)]
        runs[f"DuckDB, {form}"] = [*DUCKDB, folder, "--out", str(theirs)]
    return runs


def check(ours: Path, theirs: Path) -> int:
    """Stop if the two reports differ; return how many stores there are."""
    import polars as pl  # noqa: PLC0415  what is run must not begin with this process's size, see measure.run

    names = {"up": "uptime", "down": "downtime", "unknown": "unknown"}
    figures = [
        pl.col(f"{kind}_{window}").cast(pl.Int64).alias(f"{names[kind]}_seconds_last_{window}")
        for kind in names
        for window in ("hour", "day", "week")
    ]
    plain = pl.read_csv(theirs, schema_overrides={"store_id": pl.String}).select("store_id", *figures)
    report = pl.read_parquet(ours)
    if not report.select(plain.columns).equals(plain.sort("store_id")):
        raise SystemExit("the reports of storewatch and DuckDB differ")
    return report.height


if __name__ == "__main__":
    main()
