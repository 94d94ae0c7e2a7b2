"""Every benchmark runs to its end on a tiny fleet and keeps what it measured, however slow it was."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STORES = 200
TINY = {
    "compare_rules": f"--stores {STORES}",
    "kernel": "--rounds 0 --reference-stores 2",
    "hours": "--rounds 0",
    "report_files": "--rounds 0",
    "beyond": "--rounds 0",
    "load": "--rounds 0",
    "service": "--rounds 2 --calls 10",
    "explain": "--stores 5",
    "stack": "--rounds 0 --seconds 0.2",
    "pages": "--viewers 2 --stores 4",
    "queued": "--workers 1 --minutes 0.01",
    "engines": "--stores 100 --rounds 0",
    "growth stores": f"--stores {STORES} --rounds 0",
    "growth csv": f"--stores {STORES} {2 * STORES}",
    "growth polls": "--an-hour 1 2 --rounds 0",
    "growth history": "--times 2 --rounds 0",
    "growth loads": "--loads 2 --rounds 0",
}


def test_every_benchmark_is_tried_here() -> None:
    """That is, all that `make bench-full` runs."""
    make = shutil.which("make") or "make"
    done = subprocess.run([make, "-n", "bench-full"], cwd=ROOT, capture_output=True, text=True, check=True)
    (loop,) = (line for line in done.stdout.splitlines() if line.startswith("for it in "))

    assert set(shlex.split(loop.partition(";")[0])[3:]) == TINY.keys()


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_keeps_what_it_measured(name: str, tmp_path: Path) -> None:
    words = [*name.split(), *TINY[name].split()]
    if name == "engines":
        pytest.importorskip("ray", reason="there is no wheel of Ray for this Python or machine")

    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{words[0]}", *words[1:]],
        cwd=ROOT,
        env={**os.environ, "BENCH_STORES": f"{STORES}", "BENCH_FOLDER": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads((tmp_path / "results" / f"{name.replace(' ', '_')}.json").read_text(encoding="utf-8"))
    assert kept["machine"]["processor"]
    assert kept["figures"]
    assert all(cost["wall"] > 0 for cost in kept["medians"].values())
