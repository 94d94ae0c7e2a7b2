"""Server processes that tests start, stop, kill and pause; none outlives the tests."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 60.0  # seconds until a server that does not answer is a failure

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(kw_only=True)
class Process:
    """A server process, stopped and started again on the same port and data."""

    folder: Path  # its own: data and log
    command: list[str]
    is_ready: Callable[[], bool]
    identity: dict[str, Any] = field(default_factory=dict)  # user, group: of Popen, where it must not be root
    stop_signal: signal.Signals = signal.SIGTERM
    _running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._running is not None, "it was never started"
        return self._running.pid

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with (self.folder / "server.log").open("ab") as log:
            self._running = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - the child does one system call and no more
                **self.identity,
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.is_ready():
            if not self.is_alive() or time.monotonic() > deadline:
                log = (self.folder / "server.log").read_text(errors="replace")
                raise RuntimeError(f"{self.command[0]} did not come up:\n{log[-4_000:]}")
            time.sleep(0.02)

    def is_alive(self) -> bool:
        """Tell whether the process runs (or is paused)."""
        return self._running is not None and self._running.poll() is None

    def stop(self) -> None:
        """End the server as an operator would."""
        if self._running is None or not self.is_alive():
            return
        self.resume()
        self._running.send_signal(self.stop_signal)
        try:
            self._running.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the server and its children: a busy PostgreSQL backend would outlive it and hold its data."""
        children = _children(self.pid)
        self._signal(signal.SIGKILL, children)
        assert self._running is not None
        self._running.wait()
        deadline = time.monotonic() + PATIENCE
        while any(_is_running(child) for child in children):
            assert time.monotonic() < deadline, "a child of a killed server lives on"
            time.sleep(0.01)

    def pause(self) -> None:
        """Stop the server and its children in their tracks."""
        self._signal(signal.SIGSTOP, _children(self.pid))

    def resume(self) -> None:
        """Let a paused server go on."""
        self._signal(signal.SIGCONT, _children(self.pid))

    def _signal(self, number: signal.Signals, children: list[int]) -> None:
        for pid in (self.pid, *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _die_with_parent() -> None:
    _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _status(pid: int) -> list[str]:
    """Return state, parent … of a process; an empty list if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def _children(pid: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [child for child in pids if _status(child)[1:2] == [str(pid)]]


def _is_running(pid: int) -> bool:
    return _status(pid)[:1] not in ([], ["Z"])


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that are free now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def folder_for(kind: str, owner: dict[str, Any] | None = None) -> Iterator[Path]:
    """Yield a new folder below /tmp that the owner (`user` and `group` of Popen; default: we) can use."""
    # Not pytest's tmp_path: that lies below a folder of mode 0700, which another user cannot enter.
    path = Path(tempfile.mkdtemp(prefix=f"storewatch-{kind}-", dir="/tmp"))
    if owner:
        os.chown(path, owner["user"], owner["group"])
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def running(prepare: Callable[[], Process]) -> Iterator[Process]:
    """Start a server, on other ports if somebody else was quicker to take them."""
    for attempt in range(3):
        process = prepare()
        try:
            process.start()
            break
        except RuntimeError:
            process.stop()
            if attempt == 2:
                raise
    try:
        yield process
    finally:
        process.stop()


def package_folder(name: str) -> Path:
    """Return a package's folder without importing it."""
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"{name} is not installed"
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0])
