"""Files are there whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from full_disk import run_on_full_disk
from storewatch.whole import whole_file

ROOM = 2_000  # bytes: enough for none of the files that are written here


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture(name="fleet")
def _fleet(tmp_path: Path) -> Path:
    folder = tmp_path / "fleet"
    folder.mkdir()
    rows = "".join(f"store-{n:04},active,2023-01-25 11:05:00 UTC\n" for n in range(2_000))
    (folder / "polls.csv").write_text(f"store_id,status,timestamp_utc\n{rows}")
    (folder / "more.csv").write_text(
        "store_id,status,timestamp_utc\n" + "a,closed,2023-01-25 11:05:00 UTC\n" * 2_000
    )
    return folder


def test_a_file_appears_when_all_is_written_and_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old")
    path.chmod(0o640)
    with whole_file(path) as file:
        file.write(b"new")
        assert path.read_text() == "old"

    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert names(tmp_path) == ["report.csv"]


def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as file:
        file.write(b"x" * (1 // file.write(b"")))

    assert path.read_text() == "old"
    assert names(tmp_path) == ["report.csv"]


def test_a_file_that_is_not_to_be_replaced_stays(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("first")
    with pytest.raises(FileExistsError), whole_file(tmp_path / "secret", replace=False) as file:
        file.write(b"second")

    assert (tmp_path / "secret").read_text() == "first"
    assert names(tmp_path) == ["secret"]


def test_a_link_stays_a_link_and_a_long_name_is_no_hindrance(tmp_path: Path) -> None:
    name = "n" * 250 + ".csv"
    (tmp_path / "link").symlink_to(name)
    with whole_file(tmp_path / "link") as file:
        file.write(b"there")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / name).read_text() == "there"


def test_a_device_is_written_to_and_stays_one() -> None:
    with whole_file(os.devnull) as file:
        file.write(b"gone")

    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


@pytest.mark.parametrize("ending", ["csv", "parquet", "json", "xlsx"])
def test_on_a_full_disk_the_report_of_before_stays(ending: str, fleet: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / f"keep.{ending}"
    out.parent.mkdir()
    out.write_text("the report of yesterday")
    done = run_on_full_disk("report", "--data", fleet, "--out", out, home=tmp_path, room=ROOM)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"storewatch: {out}")
    assert "Traceback" not in done.stderr
    assert out.read_text() == "the report of yesterday"
    assert names(out.parent) == [out.name]


def test_on_a_full_disk_nothing_is_loaded_and_no_half_file_of_rejects_is_left(
    fleet: Path, tmp_path: Path
) -> None:
    done = run_on_full_disk("load", fleet, home=tmp_path / "home", room=ROOM)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "home" / "rejects").iterdir()) == []


def test_an_output_that_cannot_be_written_whole_is_said(fleet: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "storewatch.entrypoints.cli", "report", "--data", str(fleet)],
            env=os.environ | {"STOREWATCH_HOME": str(tmp_path)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert "is not whole: No space left on device: make room" in done.stderr.splitlines()[-1]


def test_on_a_full_disk_there_is_all_of_a_sample_or_none(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    done = run_on_full_disk("sample", folder, "--stores", 200, "--days", 2, home=tmp_path, room=300_000)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert list(folder.iterdir()) == []
