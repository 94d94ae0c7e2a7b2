"""A disk that is full: no file of a process grows beyond some bytes, of this one or of the command line."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = """
import resource, sys
room, *sys.argv[1:] = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), resource.RLIM_INFINITY))
from storewatch.entrypoints.cli import main
main()
"""


def run_on_full_disk(*arguments: object, home: object, room: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command that can write files of at most `room` bytes."""
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(room), *map(str, arguments)],
        env=os.environ | {"STOREWATCH_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """Let no file of this process grow beyond some bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
