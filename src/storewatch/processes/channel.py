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
from typing import TYPE_CHECKING, Any

import storewatch
from storewatch.config import PREFIX

if TYPE_CHECKING:
    from typing import IO

    from storewatch.config import Settings

Message = dict[str, Any]


@dataclass(kw_only=True)
class WorkerProcess:
    """A worker process, and what it told us that it has in hand. Instants are by the monotonic clock."""

    process: subprocess.Popen[bytes]
    commands: IO[bytes]  # its stdin
    told: IO[bytes]  # its stdout
    started: float = field(default_factory=time.monotonic)
    held: tuple[str, int] | None = None  # job id and epoch
    held_since: float = 0.0
    _unread: bytes = b""

    def wake(self) -> None:
        """Tell it that there is work; never waits."""
        try:
            os.write(self.commands.fileno(), b"\n")
        except OSError:  # full: it will look anyway; broken: it is dead, and will be buried
            return

    def listen(self) -> list[Message] | None:
        """Take in and return what it told; None if it has closed its end, as the dead do."""
        try:
            data = os.read(self.told.fileno(), 65_536)
        except BlockingIOError:
            return []
        *lines, self._unread = (self._unread + data).split(b"\n")
        messages: list[Message] = [json.loads(line) for line in lines]
        for message in messages:
            if "held" in message:
                self.held = tuple(message["held"]) if message["held"] else None
                self.held_since = time.monotonic()
        return messages if data else None

    def close(self) -> int:
        """Close the pipes, by which it ends if it has not yet, and return its exit code."""
        self.commands.close()
        self.told.close()
        return self.process.wait()


def start_worker(settings: Settings, *, spare_a_core: bool) -> WorkerProcess:
    """Start a worker process that ends when our end of its stdin closes.

    Raises:
        OSError: The machine cannot start another process.
    """
    # The parent may have found this package by other means than the environment (uvicorn --app-dir).
    package = str(Path(storewatch.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    inherited = {name: value for name, value in os.environ.items() if name != f"{PREFIX}SECRET"}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "storewatch.processes.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env={**inherited, **settings.environment(), "PYTHONPATH": path},
    )
    if spare_a_core:
        _spare_a_core(process.pid)
    if process.stdin is None or process.stdout is None:
        raise OSError("the worker process has no pipes")
    for pipe in (process.stdin, process.stdout):
        os.set_blocking(pipe.fileno(), False)
    return WorkerProcess(process=process, commands=process.stdin, told=process.stdout)


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
