"""How the benchmarks run processes, judge figures against targets, and keep the results."""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fleets import FOLDER
from benchmarks.processes import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

RESULTS = FOLDER / "results"
STOREWATCH = (sys.executable, "-m", "storewatch.entrypoints.cli")
PACKAGES = ("storewatch", "numpy", "polars", "pandas", "duckdb", "deltalake", "fastapi", "uvicorn", "ray")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a run took."""

    wall: float  # seconds
    cpu: float  # seconds, of all threads and processes; 0: not measured
    peak_mb: float = 0.0  # MiB that were resident at once, in all processes together


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


def run(
    command: Sequence[str],
    *,
    home: Path | None = None,
    env: Mapping[str, str] | None = None,
    meanwhile: Callable[[int], None] | None = None,
) -> Cost:
    """Run a process to its end; its output is shown only if it fails.

    A child's peak starts from its parent's size at the fork, so callers must not import anything big. Of a
    process that starts others, the peak is what was seen of all every 50 ms.
    `meanwhile` is called with the process's id once it runs.
    """
    wanted = os.environ | (env or {}) | ({"STOREWATCH_HOME": str(home)} if home else {})
    began = time.perf_counter()
    with subprocess.Popen(command, env=wanted, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        watch = Watch(process.pid)
        watch.start()
        if meanwhile:
            meanwhile(process.pid)
        output = process.stdout.read() if process.stdout else b""
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        watch.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{output.decode()}")
    return Cost(
        wall=wall,
        cpu=max(used.ru_utime + used.ru_stime, sum(watch.cpu.values())),
        peak_mb=max(used.ru_maxrss / 1024, watch.peak_mb),
    )


def timed(action: Callable[[], object]) -> Cost:
    """Run something in this process."""
    began, busy = time.perf_counter(), time.process_time()
    action()
    return Cost(wall=time.perf_counter() - began, cpu=time.process_time() - busy)


def interleaved(runs: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, list[Cost]]:
    """Take turns, so that a noisy minute hits all alike.

    A round before the first is not counted. No rounds: each runs once, and counts.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, once in runs.items():
            cost = once()
            if number or not rounds:
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
        if not isinstance(figure, dict):
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
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    short = re.sub(r"([{[])\s+([^][{}]*?)\s+([]}])", _on_one_line, text)
    (RESULTS / f"{name}.json").write_text(short + "\n")


def _on_one_line(innermost: re.Match[str]) -> str:
    opening, inside, closing = innermost.groups()
    return opening + re.sub(r"\n\s*", " ", inside) + closing


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
