"""The adapters that the contract suites run on: one name each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storewatch.adapters.jobs import open_jobs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.ports import JobBoard


@pytest.fixture(params=["embedded"])
def board_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return {"embedded": f"sqlite://{tmp_path}/jobs.sqlite"}[request.param]


@pytest.fixture
def board(board_url: str) -> Iterator[JobBoard]:
    board = open_jobs(board_url)
    yield board
    board.close()
