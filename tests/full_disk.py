"""The command line on a disk that is full: no file of the process grows beyond some bytes."""

from __future__ import annotations

import os
import subprocess
import sys

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
