"""What a process and all that it started hold in memory and have computed, as Linux tells it."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

EVERY = 0.05  # seconds
TICKS, PAGE_MB = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE") / 2**20


def tree(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for each in found:  # it grows meanwhile
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def words(pid: int) -> str:
    """Return a process's command line, empty if it has gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def resident_mb(pid: int) -> float:
    """Return a process's resident set in MiB, 0 if it has gone."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MB
    return 0.0


def together_mb(pids: list[int]) -> float:
    """Return what processes hold together in MiB; what several map counts once."""
    return resident_mb(pids[0]) if len(pids) == 1 else sum(map(_proportional_mb, pids))


def _proportional_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds(pid: int) -> float:
    """Return what all threads of a process have computed, 0 if it has gone."""
    with contextlib.suppress(OSError):
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / TICKS
    return 0.0


class Watch(threading.Thread):
    """Looks at a process and its descendants, until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.ending = threading.Event()
        self.peak_mb = 0.0  # of all together
        self.cpu: dict[int, float] = {}  # seconds, of those that were seen

    def run(self) -> None:
        """Look every few milliseconds."""
        while not self.ending.wait(EVERY):
            pids = tree(self.pid)
            self.peak_mb = max(self.peak_mb, together_mb(pids))
            self.cpu |= {pid: seconds for pid in pids if (seconds := cpu_seconds(pid))}

    def stop(self) -> None:
        """Look no more."""
        self.ending.set()
        self.join()
