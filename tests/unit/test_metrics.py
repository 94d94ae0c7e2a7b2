"""The figures: what counts where, and what is told of a board that is away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from boards import LONG, claimed
from storewatch.adapters.jobs import open_jobs
from storewatch.adapters.shelf import open_shelf
from storewatch.answering.expire import BATCH, expire
from storewatch.domain.ask import Ask
from storewatch.errors import Port, UnavailableError
from storewatch.metrics import Metrics
from storewatch.ports.jobs import State

if TYPE_CHECKING:
    from pathlib import Path

    from storewatch.ports.jobs import JobBoard
    from storewatch.ports.shelf import ReportShelf


def figures(metrics: Metrics) -> dict[str, float]:
    """Return each figure by its name and the values of its labels, in order of their names."""
    families = text_string_to_metric_families(metrics.page().decode())
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.fixture
def own_board(tmp_path: Path) -> JobBoard:
    return open_jobs(f"sqlite://{tmp_path}/jobs.sqlite")


def test_a_request_counts_under_its_route_method_and_status() -> None:
    metrics = Metrics()
    metrics.request(route="/get_report", method="GET", status=200, seconds=0.002)
    metrics.request(route="/get_report", method="BREW", status=405, seconds=0.002)
    found = figures(metrics)
    assert found["storewatch_requests_total GET /get_report 200"] == 1
    assert found["storewatch_requests_total other /get_report 405"] == 1
    assert found["storewatch_request_seconds_count /get_report"] == 2


def test_an_attempt_counts_its_stages_and_only_an_end_as_an_outcome() -> None:
    metrics = Metrics()
    metrics.attempt(
        {"outcome": None, "seconds": {"gather": 1.0}, "polls": None, "stores": None, "rejected": {}}
    )
    metrics.attempt(
        {
            "outcome": "Complete",
            "seconds": {"gather": 2.0, "compute": 1.0},
            "polls": 9,
            "stores": 3,
            "rejected": {"unknown status": 4},
        }
    )
    found = figures(metrics)
    assert found["storewatch_reports_total Complete"] == 1
    assert found["storewatch_reports_total Failed"] == 0
    assert found["storewatch_stage_seconds_sum gather"] == 3
    assert found["storewatch_stage_seconds_count compute"] == 1
    assert (found["storewatch_report_polls"], found["storewatch_report_stores"]) == (9, 3)
    assert found["storewatch_rejected_rows_total unknown status"] == 4


def test_the_board_is_asked_at_each_look(own_board: JobBoard) -> None:
    metrics = Metrics()
    metrics.watch(own_board)
    assert figures(metrics)["storewatch_queue_length"] == 0
    own_board.submit(Ask())
    own_board.announce("w", ttl=LONG)
    found = figures(metrics)
    assert found["storewatch_queue_length"] == found["storewatch_jobs Queued"] == 1
    assert found["storewatch_oldest_queued_job_seconds"] >= 0
    assert found["storewatch_live_workers"] == 1
    assert found["storewatch_evicting_redis"] == 0


def test_figures_of_a_board_that_is_away_are_absent_and_that_is_counted(own_board: JobBoard) -> None:
    metrics = Metrics()
    metrics.watch(own_board)
    own_board.close()
    figures(metrics)
    found = figures(metrics)
    assert "storewatch_queue_length" not in found
    assert found["storewatch_adapter_errors_total job board"] >= 1
    assert found["storewatch_adapter_errors_total report shelf"] == 0


def test_two_figures_of_one_process_do_not_meet() -> None:
    one, other = Metrics(), Metrics()
    one.unanswered(Port.SHELF)
    assert figures(other)["storewatch_adapter_errors_total report shelf"] == 0


@pytest.fixture
def own_shelf(tmp_path: Path) -> ReportShelf:
    return open_shelf(f"file://{tmp_path}/reports")


def ended(board: JobBoard, shelf: ReportShelf) -> str:
    job_id = board.submit(Ask())
    shelf.publish(f"{job_id}/1/a.csv", [b"x"])
    assert board.finish(claimed(board), key=f"{job_id}/1/a.csv", rows=1)
    return job_id


def test_expiry_removes_old_ended_jobs_and_their_reports_alone(
    own_board: JobBoard, own_shelf: ReportShelf
) -> None:
    old = ended(own_board, own_shelf)
    waiting = own_board.submit(Ask())
    assert expire(own_board, own_shelf, older_than=LONG) == 0
    assert own_shelf.size(f"{old}/1/a.csv") == 1
    assert expire(own_board, own_shelf, older_than=0) == 1
    assert own_board.get(old) is None
    assert own_shelf.size(f"{old}/1/a.csv") is None
    job = own_board.get(waiting)
    assert job
    assert job.state is State.QUEUED


def test_expiry_goes_on_after_a_batch(own_board: JobBoard, own_shelf: ReportShelf) -> None:
    for _ in range(BATCH + 1):
        own_board.cancel(own_board.submit(Ask()))
    assert expire(own_board, own_shelf, older_than=0) == BATCH + 1


def test_a_job_whose_report_cannot_be_removed_stays_to_be_met_again(
    own_board: JobBoard, own_shelf: ReportShelf, tmp_path: Path
) -> None:
    old = ended(own_board, own_shelf)
    (tmp_path / "reports").rename(tmp_path / "away")
    (tmp_path / "reports").touch()
    with pytest.raises(UnavailableError):
        expire(own_board, own_shelf, older_than=0)
    assert own_board.get(old) is not None
