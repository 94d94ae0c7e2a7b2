"""What a load and a report take by stores and days, in a folder: the table of docs/how-to/sizing.md.

    python -m benchmarks.sizing [--largest 56_000]

Each line is a fleet of its own: made, loaded into an empty store, reported on from there. Times are CPU
seconds, which hang less on what else the machine does.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.measure import STOREWATCH, Cost, keep, run

SIZES = ((500, 8), (14_000, 8), (14_000, 30), (56_000, 8))  # stores, days of polls


def main() -> None:
    """Measure, keep, print the table."""
    parser = argparse.ArgumentParser(description="Memory, time and room by the size of the fleet.")
    parser.add_argument("--largest", type=int, default=max(stores for stores, _ in SIZES), help="stores")
    largest = parser.parse_args().largest
    costs: dict[str, list[Cost]] = {}
    rows = []
    for stores, days in SIZES:
        if stores <= largest:
            with tempfile.TemporaryDirectory() as scratch:
                files, home = Path(scratch, "files"), Path(scratch, "home")
                run([*STOREWATCH, "sample", str(files), "--stores", str(stores), "--days", str(days)])
                load = run([*STOREWATCH, "load", str(files)], home=home)
                report = run([*STOREWATCH, "report", "--out", f"{scratch}/report.csv"], home=home)
                with (files / "store_status.csv").open(
                    "rb"
                ) as lines:  # this process stays small, see measure.run
                    polls = sum(1 for _ in lines) - 1
                room = sum(path.stat().st_size for path in (home / "polls").rglob("*") if path.is_file())
            costs |= {f"load {stores} × {days}": [load], f"report {stores} × {days}": [report]}
            cells = (f"{load.cpu:.1f}", f"{load.peak_mb:.0f}", f"{report.cpu:.1f}", f"{report.peak_mb:.0f}")
            rows.append(" | ".join([f"| {stores:,}", f"{days}", f"{polls:,}", *cells, f"{room / 1e6:.1f} |"]))
    keep("sizing", costs, [])
    print("\n".join(rows))


if __name__ == "__main__":
    main()
