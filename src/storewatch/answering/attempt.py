"""A report job: claimed, pinned, answered, published, finished.

The first claim pins the as-of and the input's version, for every later attempt; each attempt writes under its
own epoch, a manifest beside the report, and again in a folder within if an answer was lost; finishing on the
board is the only step that makes a report visible; what else was left on the shelf is swept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewatch import __version__
from storewatch.answering.answer import answer, settle
from storewatch.answering.course import Course
from storewatch.answering.overview import STAGE, overview
from storewatch.errors import ConflictError, Port, UnavailableError
from storewatch.formats.manifest import Digest, Manifest
from storewatch.formats.names import beside
from storewatch.formats.overview import publish_overview

if TYPE_CHECKING:
    from storewatch.engines.part import Engine
    from storewatch.formats.overview import Overview
    from storewatch.formats.report import Report
    from storewatch.ports.jobs import Claim, Holding, Job
    from storewatch.ports.polls import PollStore
    from storewatch.ports.shelf import ReportShelf


def work(
    claim: Claim,
    *,
    polls: PollStore,
    board: Holding,
    shelf: ReportShelf,
    engine: Engine | None = None,
    course: Course | None = None,
) -> bool:
    """Make the report of a claimed job and finish it; False, leaving nothing, if the claim was lost."""
    job = _pin(claim, polls=polls, board=board)
    if job is None:
        return False
    attempt = f"{job.id}/{claim.epoch}"
    key, rows = make(job, attempt, polls=polls, shelf=shelf, engine=engine, course=course or Course())
    if not board.finish(claim, key=key, rows=rows):
        shelf.sweep(attempt, keep=None)
        return False
    folder = key.rpartition("/")[0]
    if claim.epoch > 1 or folder != attempt:
        shelf.sweep(job.id, keep=folder)
    return True


FOLDERS = 3  # tries of an attempt


def make(
    job: Job, attempt: str, *, polls: PollStore, shelf: ReportShelf, engine: Engine | None, course: Course
) -> tuple[str, int]:
    """Put a pinned job's report, as CSV and Parquet, and manifest into a folder; return key and rows.

    So is what the pages show beside a report of all stores, where that is asked for.

    Whatever became of a write whose answer was lost, it is left behind: all is written again, in a folder
    within the attempt's.

    Raises:
        UnavailableError: The poll store or the shelf does not answer.
        OverError: Nobody needs the report any more, as the course says.
    """
    report = answer(polls, job.pinned, version=job.version, engine=engine, course=course, folder=attempt)
    course.stores = report.parts.height
    shown = None
    if job.ask.overview and job.ask.store_ids is None and not job.ask.where:
        with course.stage(STAGE, total=course.stores):
            shown = overview(polls, job.pinned, version=job.version, course=course)
    lost: Exception | None = None
    for folder in (attempt, *(f"{attempt}/{nth}" for nth in range(2, FOLDERS + 1))):
        try:
            return _publish(job, report, shown, folder, shelf=shelf, course=course)
        except (ConflictError, UnavailableError) as error:
            lost = error
    raise UnavailableError(
        f"nothing could be published in {FOLDERS} tries: {lost}", port=Port.SHELF
    ) from lost


def _publish(
    job: Job, report: Report, shown: Overview | None, folder: str, *, shelf: ReportShelf, course: Course
) -> tuple[str, int]:
    key, rows = f"{folder}/{report.file_name('csv')}", report.parts.height
    with course.stage("publish", done=rows, total=rows):
        csv = _publish_rows(report, key, shelf=shelf)
        table = report.by_label
        groups = (
            None if table is None else _publish_rows(table, beside(key, "csv", by=table.ask.by), shelf=shelf)
        )
        if shown is not None:
            publish_overview(shelf, key, shown)
    manifest = Manifest(
        asked=job.ask, report=report, csv=csv, groups=groups, software=__version__, seconds=course.seconds
    )
    shelf.publish(beside(key, "json"), [manifest.json_bytes()])
    return key, rows


def _publish_rows(report: Report, key: str, *, shelf: ReportShelf) -> Digest:
    """Put rows on the shelf as CSV and Parquet; return the digest of the CSV."""
    csv = Digest()
    shelf.publish(key, csv.of(report.csv_pieces()))
    shelf.publish(beside(key, "parquet"), report.parquet_pieces())
    return csv


def _pin(claim: Claim, *, polls: PollStore, board: Holding) -> Job | None:
    if claim.job.version is not None:
        return claim.job
    with polls.at() as snapshot:
        settled = settle(snapshot, claim.job.ask)
    return board.pin(claim, as_of=settled.ask.instant, version=settled.version)
