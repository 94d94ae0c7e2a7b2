"""`storewatch explain`, run as a person runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

STATUS = """store_id,status,timestamp_utc
a,inactive,2023-01-24 20:55:00 UTC
a,active,2023-01-25 08:58:00.25 UTC
a,active,2023-01-25 10:30:00 UTC
b,active,2023-01-25 11:00:00 UTC
"""
HOURS = "store_id,day,start_time_local,end_time_local\na,1,09:00:00,21:00:00\na,2,09:00:00,21:00:00\n"
ZONES = "store_id,timezone_str\na,UTC\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for name, text in (("status", STATUS), ("hours", HOURS), ("zones", ZONES)):
        (folder / f"{name}.csv").write_text(text)
    return folder


def run(*arguments: object, home: Path, code: int = 0) -> tuple[str, str]:
    command = [sys.executable, "-m", "storewatch.entrypoints.cli", *map(str, arguments)]
    env = os.environ | {"STOREWATCH_HOME": str(home), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


def test_a_stores_day_is_explained_from_a_folder_and_from_the_poll_store_alike(
    data: Path, tmp_path: Path
) -> None:
    wanted = ("explain", "a", "--window", "day")
    from_folder, _ = run(*wanted, "--data", data, home=tmp_path)
    run("load", data, home=tmp_path)
    from_store, _ = run(*wanted, home=tmp_path)
    assert from_store == from_folder
    assert from_folder.splitlines()[:3] == [
        "store a, wall clock of UTC",
        "as of 2023-01-25T11:00:00Z, the last day; a poll carries for 7 days",
        "up 1:00:00, down 2:00:00, unknown 9:00:00 of 12:00:00 open; uptime 33.33 %",
    ]
    assert "down: carried from the poll of Tue 24 Jan 20:55, R5 (row 2)" in from_folder
    assert "08:58:00 active" in from_folder


def test_a_store_that_no_input_names_is_one_line_with_the_nearest_ids(data: Path, tmp_path: Path) -> None:
    run("load", data, home=tmp_path)
    for source in ((), ("--data", data)):
        out, err = run("explain", "aa", *source, home=tmp_path, code=1)
        assert (out, err) == ("", "storewatch: no input names the store aa: the nearest ids are a\n")


def test_rows_of_the_folder_that_cannot_be_used_make_exit_code_3(data: Path, tmp_path: Path) -> None:
    (data / "more.csv").write_text("store_id,status,timestamp_utc\na,broken,2023-01-25 10:31:00 UTC\n")
    out, err = run("explain", "a", "--data", data, home=tmp_path, code=3)
    assert "1 rows could not be used" in err
    assert "up 1:00:00" in out
