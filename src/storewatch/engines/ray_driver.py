"""The driver of one report in a Ray cluster: a process of its own, because Ray may end its process at will.

By the connection whose handle is its argument it is told what to do, and tells what came of it. It ends, and
what it started with it, when the other end closes, however that comes.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from multiprocessing.connection import Connection
from threading import Thread
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError, WorkerCrashedError

from storewatch.engines.ray_task import TRIES, SliceTask, Trouble, compute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.engines.ray_task import Shelved

OBJECT_STORE_BYTES = 80 << 20  # near the least that Ray takes; only facts of a few hundred bytes come back
NO_PART = -1  # the place of what is none
LOOK_SECONDS = 5.0  # between two looks whether there is a CPU at all
WITHOUT_CPU_SECONDS = 300.0  # that an autoscaler has to bring the first one


class _StoppedError(Exception):
    """There is no use in going on; says why in a sentence that clients may read."""


def main() -> None:
    """Drive one report."""
    other = Connection(int(sys.argv[1]))
    folder, workers, tasks = other.recv()
    Thread(target=_fall_with, args=(other, folder), daemon=True).start()
    try:
        _connect(workers, folder)
        other.send((NO_PART, None))
        for answer in _answers(tasks):
            other.send(answer)
    except Exception as error:  # noqa: BLE001  told to who asked
        other.send((NO_PART, _trouble(error)))
    signal.pause()


def _fall_with(other: Connection, folder: str) -> None:
    """End with the other end: a local cluster's processes are of our group."""
    try:
        other.recv()
    except (EOFError, OSError):
        shutil.rmtree(folder, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)


def _connect(workers: int | None, folder: str) -> None:
    quiet: dict[str, Any] = {"logging_level": "warning", "log_to_driver": False}
    if workers is None:
        ray.init("auto", **quiet)
    else:
        ray.init(
            "local",
            num_cpus=workers,
            object_store_memory=OBJECT_STORE_BYTES,
            include_dashboard=False,
            _temp_dir=folder,
            **quiet,
        )


def _answers(tasks: list[SliceTask]) -> Iterator[tuple[int, Shelved | Trouble]]:
    """Yield what comes of each task, with its place, as they end."""
    remote = ray.remote(num_cpus=1, max_retries=TRIES)(compute)
    waiting = {remote.remote(task): place for place, task in enumerate(tasks)}
    last = time.monotonic()
    while waiting:
        done, _ = ray.wait(list(waiting), timeout=LOOK_SECONDS)
        for reference in done:
            yield waiting.pop(reference), ray.get(reference)
        if done or ray.cluster_resources().get("CPU", 0) >= 1:
            last = time.monotonic()
        elif time.monotonic() - last > WITHOUT_CPU_SECONDS:
            raise _StoppedError(f"the Ray cluster had no CPU for slices for {WITHOUT_CPU_SECONDS:g} s")


def _trouble(error: Exception) -> Trouble:
    match error:
        case _StoppedError():
            told = str(error)
        case OutOfMemoryError():
            told = f"memory was short on a Ray node {TRIES + 1} times: give its workers more, or fewer CPUs"
        case WorkerCrashedError():
            told = f"a Ray worker died {TRIES + 1} times at the same slice"
        case RayTaskError():
            told = "a slice failed in a Ray worker"
        case ConnectionError():
            told = "no Ray cluster was found: is its head running, and this machine a node of it?"
        case RayError():
            told = "the Ray cluster could not compute a slice"
        case _:
            told = "Ray could not be used"
    return Trouble(port=None, message=f"{told}: {type(error).__name__}: {error}", told=told)


if __name__ == "__main__":
    main()
