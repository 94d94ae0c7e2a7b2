"""A worker process as its parent sees it: how it is started, and what it tells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import storewatch
from storewatch.config import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

    from storewatch.config import Settings

Message = dict[str, Any]


@dataclass(kw_only=True)
class WorkerProcess:
    """A worker process, and what it told us that it has in hand. Instants are by the monotonic clock."""

    process: subprocess.Popen[bytes]
    commands: IO[bytes]  # its stdin
    started: float = field(default_factory=time.monotonic)
    held: tuple[str, int] | None = None  # job id and epoch
    held_since: float = 0.0
    killed_for: str | None = None  # why its attempt was not let go on
    name: str | None = None  # by which the board knows it; None: it has not opened it

    @property
    def may_run_out(self) -> bool:
        """Say whether it has a job in hand that is still let go on."""
        return self.held is not None and self.killed_for is None

    def wake(self) -> None:
        """Tell it that there is work; never waits."""
        with suppress(OSError):  # full: it will look anyway; broken: it is dead, and will be buried
            os.write(self.commands.fileno(), b"\n")

    def hold(self, held: list[Any] | None) -> None:
        """Note what it has in hand from now on."""
        self.held = (held[0], held[1]) if held else None
        self.held_since = time.monotonic()

    def close(self) -> int:
        """Close its stdin, by which it ends if it has not yet, and return its exit code."""
        self.commands.close()
        return self.process.wait()


def start_worker(
    settings: Settings, *, hear: Callable[[Message | None], None], spare_a_core: bool
) -> WorkerProcess:
    """Start a worker process that ends when our end of its stdin closes.

    A thread of its own gives what it tells to `hear`, and None when it can tell no more, as the dead.

    Raises:
        OSError: The machine cannot start another process.
    """
    # The parent may have found this package by other means than the environment (uvicorn --app-dir).
    package = str(Path(storewatch.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "storewatch.processes.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**inherited, **settings.environment(), "PYTHONPATH": path},
    )
    if spare_a_core:
        _spare_a_core(process.pid)
    if process.stdin is None or process.stdout is None:
        raise OSError("the worker process has no pipes")
    os.set_blocking(process.stdin.fileno(), False)
    Thread(target=_listen, args=(process.stdout, hear), name="listen", daemon=True).start()
    return WorkerProcess(process=process, commands=process.stdin)


def _listen(told: IO[bytes], hear: Callable[[Message | None], None]) -> None:
    with told:
        for line in told:
            if line.endswith(b"\n"):  # else it died in the middle of it
                hear(json.loads(line))
    hear(None)


def _spare_a_core(process_id: int) -> None:
    """Keep a worker off one core, if there are several.

    Niceness alone does not do: a computing thread keeps its core until its slice of some milliseconds ends,
    and every call that comes in between waits for that.
    """
    if hasattr(os, "sched_setaffinity"):
        _, *others = sorted(os.sched_getaffinity(0))
        if others:
            with suppress(ProcessLookupError):  # it died at once, and will be buried
                os.sched_setaffinity(process_id, others)
