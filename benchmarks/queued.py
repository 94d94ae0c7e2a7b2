"""The service under a queue: reports asked for by the score, while others keep asking for their own.

    python -m benchmarks.queued [--workers 1 2 4] [--minutes 10]

For so many minutes with each number of workers: 20 reports are triggered at once, and when all are there the
next 20; meanwhile 300 get_report calls arrive a second, each timed from the instant at which it was due.
Reports expire after two minutes. The resident memory of each process is looked at all along: once warm, it
should stay as it is.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleets import full_fleet
from benchmarks.measure import STOREWATCH, Cost, Target, keep, run
from benchmarks.processes import resident_mb, tree
from benchmarks.service import ASK_EVERY, Client, percentile, service

AT_ONCE = 20  # reports
RATE, CALLERS = 300, 6  # calls a second, by so many callers together
LOOKS = 40  # at memory, over the whole time
KEPT = {"STOREWATCH_LINK_SECONDS": "120", "STOREWATCH_RETENTION_SECONDS": "120"}


class Caller(threading.Thread):
    """Asks for the newest finished report at a steady rate until told to stop."""

    def __init__(self, port: int, finished: list[str], ending: threading.Event) -> None:
        super().__init__(daemon=True)
        self.client, self.finished, self.ending = Client(port), finished, ending
        self.times: list[float] = []  # seconds

    def run(self) -> None:
        """Call when the next call is due, late ones at once."""
        due = time.perf_counter()
        while not self.ending.is_set():
            time.sleep(max(0, due - time.perf_counter()))
            self.client.is_running(self.finished[-1])
            self.times.append(time.perf_counter() - due)
            due += CALLERS / RATE


class Memory(threading.Thread):
    """Looks at the resident memory of each of a service's processes until told to stop."""

    def __init__(self, pid: int, every: float, ending: threading.Event) -> None:
        super().__init__(daemon=True)
        self.pid, self.every, self.ending = pid, every, ending
        self.seen: dict[int, list[float]] = {}  # MiB

    def run(self) -> None:
        """Look every few seconds."""
        while not self.ending.wait(self.every):
            for pid in tree(self.pid):
                self.seen.setdefault(pid, []).append(round(resident_mb(pid), 1))

    def by_name(self) -> dict[str, list[float]]:
        """Return what each process held at each look."""
        calls, *workers = (held for _, held in sorted(self.seen.items()))
        return {"calls": calls} | {f"worker {i}": held for i, held in enumerate(workers, 1)}


def score(client: Client, finished: list[str]) -> Cost:
    """Trigger 20 reports at once, and wait until all are there."""
    began = time.perf_counter()
    waiting = [client.trigger() for _ in range(AT_ONCE)]
    while waiting:
        time.sleep(ASK_EVERY)
        done = [report_id for report_id in waiting if not client.is_running(report_id)]
        finished += done
        waiting = [report_id for report_id in waiting if report_id not in done]
    return Cost(wall=time.perf_counter() - began, cpu=0)


def growth(held: list[float]) -> float:
    """Return the last quarter's memory over that of the second."""
    quarter = max(1, len(held) // 4)
    return statistics.median(held[-quarter:]) / statistics.median(held[quarter : 2 * quarter] or held)


@dataclass(kw_only=True)
class Seen:
    """What was measured with a number of workers."""

    scores: list[Cost]  # each of 20 reports
    times: list[float]  # of calls, in seconds
    memory: dict[str, list[float]]  # MiB of each process
    seconds: float  # that it took


def under_load(home: Path, workers: int, seconds: float) -> Seen:
    """Keep a service busy for so long."""
    finished: list[str] = []
    ending = threading.Event()
    with service(home, workers=workers, env=KEPT) as client:
        score(client, finished)
        callers = [Caller(client.connection.port, finished, ending) for _ in range(CALLERS)]
        memory = Memory(client.pid, seconds / LOOKS, ending)
        for thread in (*callers, memory):
            thread.start()
        began = time.perf_counter()
        scores: list[Cost] = []
        while (took := time.perf_counter() - began) < seconds or not scores:
            scores.append(score(client, finished))
        ending.set()
        for thread in (*callers, memory):
            thread.join()
    times = [time for caller in callers for time in caller.times]
    return Seen(scores=scores, times=times, memory=memory.by_name(), seconds=took)


def main() -> None:
    """Measure, keep."""
    parser = argparse.ArgumentParser(description="The service under a queue of reports.")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args()
    figures: dict[str, object] = {"minutes": options.minutes}
    costs: dict[str, list[Cost]] = {}
    targets = []
    for workers in options.workers:
        with tempfile.TemporaryDirectory() as scratch:
            run([*STOREWATCH, "load", str(full_fleet("csv"))], home=Path(scratch))
            seen = under_load(Path(scratch), workers, options.minutes * 60)
        costs[f"20 reports at once, workers: {workers}"] = seen.scores
        figures |= {
            f"reports_per_second_{workers}": round(AT_ONCE * len(seen.scores) / seen.seconds, 2),
            f"calls_per_second_{workers}": round(len(seen.times) / seen.seconds),
            **{f"get_report_p{p}_ms_{workers}": round(percentile(seen.times, p), 2) for p in (50, 99)},
            f"memory_mb_{workers}": seen.memory,
        }
        grown = max(map(growth, seen.memory.values()))
        what = f"memory, last quarter ÷ second, workers: {workers}"
        targets.append(Target(what=what, figure=grown, limit=1.05))
    keep("queued", costs, targets, **figures)


if __name__ == "__main__":
    main()
