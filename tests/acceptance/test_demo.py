"""The demos show what they promise, end well, and leave nothing behind but a folder that git ignores."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "scripts"


def demo(name: str, stores: int, folder: Path) -> str:
    """Run a demo in a folder and return what it prints, once nothing runs there and nothing else is left."""
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / name), "--stores", str(stores)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert running_in(folder) == []
    assert [path.name for path in folder.iterdir()] == ["demo-data"]  # which git ignores
    return done.stdout


def running_in(folder: Path) -> list[str]:
    """Return the command lines of the processes that run in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (path / "cwd").readlink() == folder:
                found.append((path / "cmdline").read_text())
    return found


def test_the_demo_shows_a_report_of_the_whole_fleet_and_ends(tmp_path: Path) -> None:
    shown = demo("demo.py", 40, tmp_path)

    assert "Complete after" in shown
    assert "40 stores; the fleet's hours" in shown


def test_a_report_whose_worker_is_killed_arrives_by_another_worker_once(tmp_path: Path) -> None:
    shown = demo("demo_kill.py", 2_000, tmp_path)

    steps = ["was Running, attempt 1", "kill -9", "Complete, attempt 2", "one CSV"]
    places = [shown.find(step) for step in steps]
    assert -1 not in places, shown
    assert places == sorted(places), shown
