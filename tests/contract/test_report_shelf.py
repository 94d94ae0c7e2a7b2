"""What any report shelf must do, whatever it stands on. Each adapter has its part of the `url` fixture."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import httpx
import pytest

from storewatch.adapters.shelf import open_shelf
from storewatch.errors import ConflictError, InputError, SettingsError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.ports.shelf import ReportShelf

LARGE = b"0123456789abcdef" * 500_000  # 8 MB: more than one piece, and more than one part of an upload
UNSAFE = [
    "",
    ".",
    "..",
    "../x",
    "a/../x",
    "a/..",
    "a..b",
    "/x",
    "a//b",
    "a/",
    "a/.b",
    "a\\b",
    "a b",
    "a#1",
    "a\n",
    "ä",
    "%2e%2e/x",
]


@pytest.fixture(params=["embedded", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        place: str = request.getfixturevalue("s3_url")
        return place
    return f"file://{tmp_path}/reports"


@pytest.fixture
def shelf(url: str) -> ReportShelf:
    return open_shelf(url)


def test_what_was_published_is_read_back_to_the_byte(shelf: ReportShelf) -> None:
    shelf.publish("j1/1.csv", [b"store_id\r\n7\r\n"])
    assert b"".join(shelf.read("j1/1.csv")) == b"store_id\r\n7\r\n"
    assert shelf.size("j1/1.csv") == 13


def test_a_large_report_is_read_in_pieces_of_bytes(shelf: ReportShelf) -> None:
    shelf.publish("j1/1.csv", [LARGE])
    pieces = list(shelf.read("j1/1.csv"))
    assert len(pieces) > 1
    assert {type(piece) for piece in pieces} == {bytes}
    assert b"".join(pieces) == LARGE


def test_a_report_larger_than_any_piece_is_written_whole_and_once(shelf: ReportShelf) -> None:
    """With 40 MB it goes to S3 in parts, and an iterator that breaks leaves nothing."""
    pieces = [bytes([65 + nth]) * 4_000_000 for nth in range(10)]

    def broken() -> Iterator[bytes]:
        yield from pieces
        raise InputError("no more")

    with pytest.raises(Exception, match="no more"):
        shelf.publish("j1/1.csv", broken())
    assert shelf.size("j1/1.csv") is None
    shelf.publish("j1/1.csv", iter(pieces))
    with pytest.raises(ConflictError, match=r"j1/1\.csv"):
        shelf.publish("j1/1.csv", [b"x", *pieces])
    assert b"".join(shelf.read("j1/1.csv")) == b"".join(pieces)


def test_an_empty_report_is_a_report(shelf: ReportShelf) -> None:
    shelf.publish("j1/1.csv", [b""])
    assert shelf.size("j1/1.csv") == 0
    assert b"".join(shelf.read("j1/1.csv")) == b""


def test_a_key_is_written_once_and_keeps_what_came_first(shelf: ReportShelf) -> None:
    shelf.publish("j1/1.csv", [b"first"])
    with pytest.raises(ConflictError, match=r"j1/1\.csv"):
        shelf.publish("j1/1.csv", [b"second"])
    assert b"".join(shelf.read("j1/1.csv")) == b"first"


def test_of_two_that_publish_at_once_one_wins_whole(shelf: ReportShelf) -> None:
    start = Barrier(2)

    def publish(letter: bytes) -> bool:
        start.wait()
        try:
            shelf.publish("j1/1.csv", [letter * 3_000_000])
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        won = list(threads.map(publish, [b"a", b"b"]))
    assert sorted(won) == [False, True]
    assert b"".join(shelf.read("j1/1.csv")) == (b"a" if won[0] else b"b") * 3_000_000


def test_a_link_leads_to_what_was_published_and_a_folder_leaves_it_to_the_app(
    shelf: ReportShelf, url: str
) -> None:
    shelf.publish("j1/1.csv", [b"x"])
    link = shelf.link("j1/1.csv", seconds=60)
    if url.startswith("file:"):
        assert link is None
    else:
        assert link
        assert httpx.get(link).content == b"x"


def test_a_shelf_that_is_in_order_has_no_warnings_and_no_end_of_its_links(shelf: ReportShelf) -> None:
    assert shelf.warnings() == {}
    assert shelf.links_end() is None


def test_nothing_has_no_size_and_can_not_be_read(shelf: ReportShelf) -> None:
    shelf.publish("j1/1.csv", [b"x"])
    for key in ("j1/2.csv", "j2/1.csv", "j1"):
        assert shelf.size(key) is None
        with pytest.raises(UnavailableError, match=key):
            shelf.read(key)


def test_reports_are_still_there_when_the_shelf_is_opened_again(url: str, shelf: ReportShelf) -> None:
    shelf.publish("j1/1.csv", [b"x"])
    assert open_shelf(url).size("j1/1.csv") == 1


@pytest.mark.parametrize("key", UNSAFE)
def test_a_key_that_could_lead_elsewhere_is_refused(shelf: ReportShelf, key: str) -> None:
    with pytest.raises(InputError, match="no key"):
        shelf.publish(key, [b"x"])
    with pytest.raises(InputError, match="no key"):
        shelf.size(key)
    with pytest.raises(InputError, match="no key"):
        shelf.read(key)
    with pytest.raises(InputError, match="no key"):
        shelf.sweep(key, keep=None)


def test_all_that_lies_there_is_told_with_the_time_of_its_writing(shelf: ReportShelf) -> None:
    before = time.time()
    assert list(shelf.entries()) == []
    for key in ("j1/1/a.csv", "j1/2/a.csv", "j2/1/a.csv"):
        shelf.publish(key, [b"x"])
    found = dict(shelf.entries())
    assert sorted(found) == ["j1/1/a.csv", "j1/2/a.csv", "j2/1/a.csv"]
    assert all(before - 2 < at < time.time() + 2 for at in found.values())  # S3 tells whole seconds


def test_a_sweep_removes_all_below_its_folder_but_the_one_to_keep(shelf: ReportShelf) -> None:
    for key in ("j1/1.csv", "j1/2.csv", "j1/3/deep.csv"):
        shelf.publish(key, [b"x"])
    assert shelf.sweep("j1", keep="j1/2.csv") == 2
    assert [shelf.size(key) for key in ("j1/1.csv", "j1/2.csv", "j1/3/deep.csv")] == [None, 1, None]


def test_a_sweep_leaves_other_folders_alone_even_if_their_names_begin_alike(shelf: ReportShelf) -> None:
    for key in ("j1/1.csv", "j10/1.csv", "j1.csv"):
        shelf.publish(key, [b"x"])
    assert shelf.sweep("j1", keep=None) == 1
    assert [shelf.size(key) for key in ("j1/1.csv", "j10/1.csv", "j1.csv")] == [None, 1, 1]


def test_a_sweep_keeps_a_folder_with_all_that_is_in_it(shelf: ReportShelf) -> None:
    for key in ("j1/1/a.csv", "j1/2/a.csv", "j1/2/a.json", "j1/21/a.csv", "j1/2.csv"):
        shelf.publish(key, [b"x"])
    assert shelf.sweep("j1", keep="j1/2") == 3
    assert [shelf.size(key) for key in ("j1/2/a.csv", "j1/2/a.json", "j1/21/a.csv")] == [1, 1, None]


def test_a_sweep_where_nothing_is_removes_nothing(shelf: ReportShelf) -> None:
    assert shelf.sweep("j1", keep=None) == 0
    shelf.publish("j1/1.csv", [b"x"])
    assert shelf.sweep("j1", keep="j1/1.csv") == 0
    assert shelf.sweep("j1/1.csv", keep=None) == 0


def test_a_swept_key_may_be_published_again(shelf: ReportShelf) -> None:
    shelf.publish("j1/1.csv", [b"x"])
    shelf.sweep("j1", keep=None)
    shelf.publish("j1/1.csv", [b"longer"])
    assert shelf.size("j1/1.csv") == 6


PUBLISH_ON = """
import sys
from storewatch.adapters.shelf import open_shelf
shelf = open_shelf(sys.argv[1])
data = b"x" * 30_000_000
for epoch in range(1, 1000):
    print(epoch, flush=True)
    shelf.publish(f"j1/{epoch}.csv", [data])
"""


def test_a_publisher_killed_at_work_leaves_whole_reports_and_a_sweep_cleans_up(
    shelf: ReportShelf, url: str
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISH_ON, url],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    assert [process.stdout.readline().strip() for _ in range(2)] == ["1", "2"]
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert {shelf.size(f"j1/{epoch}.csv") for epoch in range(1, 10)} <= {None, 30_000_000}
    shelf.sweep("j1", keep="j1/1.csv")
    shelf.publish("j1/2.csv", [b"again"])
    assert b"".join(shelf.read("j1/2.csv")) == b"again"


# --- the folder -----------------------------------------------------------------------------------------


def test_a_sweep_of_the_folder_removes_what_killed_writers_left(tmp_path: Path) -> None:
    shelf = open_shelf(f"file://{tmp_path}")
    shelf.publish("j1/1.csv", [b"x"])
    shelf.publish("j2/1.csv", [b"x"])
    for name in ("j1/1.csv#1", "j1/2.csv#17", "j2/2.csv#1"):
        (tmp_path / name).write_bytes(b"half")
    assert shelf.sweep("j1", keep="j1/1.csv") == 2
    assert sorted(path.name for path in (tmp_path / "j1").iterdir()) == ["1.csv"]
    assert (tmp_path / "j2/2.csv#1").exists()


def test_a_folder_swept_bare_is_removed_with_its_last_report(tmp_path: Path) -> None:
    shelf = open_shelf(f"file://{tmp_path}/reports")
    shelf.publish("j1/1/a.csv", [b"x"])
    (tmp_path / "reports/j1/2").mkdir()
    (tmp_path / "reports/j1/2/a.csv#1").write_bytes(b"half")
    assert shelf.sweep("j1", keep=None) == 2
    assert list((tmp_path / "reports").iterdir()) == []


def test_a_relative_path_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_shelf("file:some%20home/reports").publish("j1/1.csv", [b"x"])
    assert (tmp_path / "some home/reports/j1/1.csv").read_bytes() == b"x"


@pytest.mark.parametrize("url", ["ftp://x", "reports", ""])
def test_an_unknown_scheme_is_an_error_that_lists_the_known_ones(url: str) -> None:
    with pytest.raises(SettingsError, match="file"):
        open_shelf(url)


@pytest.mark.parametrize("url", ["file:", "file://", "file://host/reports"])
def test_a_url_without_a_path_or_with_a_host_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="file:///abs/path"):
        open_shelf(url)


def test_a_path_that_can_not_be_a_shelf_is_unavailable_and_named(tmp_path: Path) -> None:
    (tmp_path / "a_file").write_text("x")
    for name in ("a_file", "a_file/reports"):
        with pytest.raises(UnavailableError, match=name):
            open_shelf(f"file://{tmp_path}/{name}")
