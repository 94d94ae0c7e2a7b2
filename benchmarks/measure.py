"""How the benchmarks run processes, judge figures against targets, and keep the results."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESULTS = Path(__file__).parent / "results"
STOREWATCH = (sys.executable, "-m", "storewatch.entrypoints.cli")
PACKAGES = ("storewatch", "numpy", "polars", "pandas", "duckdb", "deltalake", "fastapi", "uvicorn")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a run took."""

    wall: float  # seconds
    cpu: float  # seconds, of all threads; 0: not measured
    peak_mb: float = 0.0  # largest resident set


@dataclass(frozen=True, kw_only=True)
class Target:
    """A figure and what it has to reach."""

    what: str
    figure: float
    limit: float
    at_least: bool = False  # else at most
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """True if the figure is on the right side of the limit, or on it."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


def run(command: Sequence[str], *, home: Path | None = None) -> Cost:
    """Run a process to its end; its output is shown only if it fails.

    A child's peak starts from its parent's size at the fork, so callers must not import anything big.
    """
    env = os.environ | ({"STOREWATCH_HOME": str(home)} if home else {})
    began = time.perf_counter()
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        output = process.stdout.read() if process.stdout else b""
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{output.decode()}")
    return Cost(wall=wall, cpu=used.ru_utime + used.ru_stime, peak_mb=used.ru_maxrss / 1024)


def timed(action: Callable[[], object]) -> Cost:
    """Run something in this process."""
    began, busy = time.perf_counter(), time.process_time()
    action()
    return Cost(wall=time.perf_counter() - began, cpu=time.process_time() - busy)


def interleaved(runs: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Take turns, so that a noisy minute hits all alike; a round before the first is not counted."""
    costs: dict[str, list[Cost]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, once in runs.items():
            cost = once()
            if number:
                costs[name].append(cost)
    return costs


def median(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        wall=statistics.median(cost.wall for cost in costs),
        cpu=statistics.median(cost.cpu for cost in costs),
        peak_mb=max(cost.peak_mb for cost in costs),
    )


def ratio(costs: Sequence[Cost], to: Sequence[Cost]) -> float:
    """Return the median over the rounds of wall over wall."""
    return statistics.median(one.wall / other.wall for one, other in zip(costs, to, strict=True))


def keep(name: str, costs: Mapping[str, Sequence[Cost]], targets: Sequence[Target], **more: object) -> None:
    """Print medians, further figures and targets, and write all as benchmarks/results/<name>.json."""
    for what, all_costs in costs.items():
        middle = median(all_costs)
        cpu = f"{middle.cpu:9.3f} s CPU" if middle.cpu else ""
        peak = f"{middle.peak_mb:7.0f} MB" if middle.peak_mb else ""
        print(f"{what:<28}{middle.wall:9.3f} s wall{cpu}{peak}")
    for what, figure in more.items():
        print(f"{what:<28}{figure:>9}")
    for target in targets:
        sign, verdict = ("≥" if target.at_least else "≤"), ("met" if target.is_met else "MISSED")
        print(f"{target.what:<44}{target.figure:12,.2f} {sign} {target.limit:,g} {target.unit}  {verdict}")
    result = {
        "benchmark": name,
        "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "machine": machine(),
        "medians": {what: _rounded(median(all_costs)) for what, all_costs in costs.items()},
        "rounds": {what: [_rounded(cost) for cost in all_costs] for what, all_costs in costs.items()},
        "figures": more,
        "targets": [vars(target) | {"is_met": target.is_met} for target in targets],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")


def _rounded(cost: Cost) -> dict[str, float]:
    return {name: round(value, 4) for name, value in vars(cost).items() if value}


def machine() -> dict[str, object]:
    """Say what the figures were taken on."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text().splitlines() if cpus.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": model or platform.processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "load_average": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
