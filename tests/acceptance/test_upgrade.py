"""A home folder that the first version left behind is taken over by a real service of this one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import polars as pl
import pytest

from service import Service
from storewatch.bootstrap import open_board
from storewatch.config import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

EARLIER = Path(__file__).parents[1] / "earlier"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Yield a service on a copy of the folder; whatever its age, nothing in it expires."""
    shutil.copytree(EARLIER, tmp_path / "home")
    running = Service(
        home=tmp_path / "home", folder=tmp_path, settings={"retention_seconds": str(100 * 365 * 86_400)}
    )
    try:
        yield running.start()
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


def downloaded(service: Service, report_id: str) -> bytes:
    """Wait for a report and return its CSV."""
    return httpx.get(service.result(report_id)["url"], timeout=30).raise_for_status().content


def test_reports_of_the_first_version_are_downloaded_and_its_jobs_run(service: Service) -> None:
    """One was finished, one its worker was lost with, one queued, one of a store and a stranger queued."""
    board = open_board(load_settings(home=service.home))
    finished, *_, lost, queued, some = reversed(board.recent(99))
    board.close()
    before = downloaded(service, finished.id)
    assert before == (EARLIER / "reports" / str(finished.key)).read_bytes()
    first = pl.read_csv(before, infer_schema=False)
    now = pl.read_csv(downloaded(service, queued.id), infer_schema=False)
    assert now.columns[: first.width] == first.columns  # what came since is behind (R7)
    assert now.select(first.columns).equals(first)
    for job, rows in ((lost, 3), (some, 1)):
        assert len(downloaded(service, job.id).splitlines()) == 1 + rows
        assert service.job(job.id).version == "delta:0"
