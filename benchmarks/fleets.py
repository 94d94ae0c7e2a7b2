"""The fleet that all benchmarks run on, made once and kept in benchmarks/.cache.

    python -m benchmarks.fleets FOLDER (csv | parquet)

The folder's name carries a digest of the code that makes fleets, so a change there makes a new one.
"""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

CACHE = Path(__file__).parent / ".cache"
STORES, DAYS, SEED = 14_092, 7.8, 1


def full_fleet(form: str) -> Path:
    """Return the folder of the full fleet, `csv` or `parquet`; made in a process of its own if need be."""
    spec = importlib.util.find_spec("storewatch.sample")
    if spec is None or spec.origin is None:
        raise SystemExit("storewatch is not installed here: run make setup, or set PYTHONPATH=src")
    digest = hashlib.sha256(Path(spec.origin).read_bytes()).hexdigest()[:8]
    folder = CACHE / f"{form}-{STORES}-{digest}"
    if not folder.exists():
        subprocess.run([sys.executable, "-m", "benchmarks.fleets", str(folder), form], check=True)
    return folder


def make(folder: Path, form: str) -> None:
    """Make the full fleet beside its place and move it there."""
    from storewatch import sample  # noqa: PLC0415  who only wants the folder stays small, see measure.run

    draft = folder.with_name(f"{folder.name}.draft")
    sample.write(draft, stores=STORES, days=DAYS, seed=SEED, parquet=form == "parquet")
    draft.rename(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]), sys.argv[2])
