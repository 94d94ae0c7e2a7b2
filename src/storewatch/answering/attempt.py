"""A report job: claimed, pinned, answered, published, finished.

The first claim pins the as-of and the input's version, for every later attempt; each attempt writes under its
own epoch, a manifest beside the report; finishing on the board is the only step that makes a report visible;
what other attempts left on the shelf is swept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewatch import __version__
from storewatch.answering.answer import answer, settle
from storewatch.answering.course import Course
from storewatch.formats.manifest import Manifest

if TYPE_CHECKING:
    from storewatch.ports.jobs import Claim, Holding, Job
    from storewatch.ports.polls import PollStore
    from storewatch.ports.shelf import ReportShelf


def work(
    claim: Claim, *, polls: PollStore, board: Holding, shelf: ReportShelf, course: Course | None = None
) -> bool:
    """Make the report of a claimed job and finish it; False, leaving nothing, if the claim was lost."""
    job = _pin(claim, polls=polls, board=board)
    if job is None:
        return False
    attempt = f"{job.id}/{claim.epoch}"
    key, rows = make(job, attempt, polls=polls, shelf=shelf, course=course or Course())
    if not board.finish(claim, key=key, rows=rows):
        shelf.sweep(attempt, keep=None)
        return False
    if claim.epoch > 1:
        shelf.sweep(job.id, keep=attempt)
    return True


def make(job: Job, attempt: str, *, polls: PollStore, shelf: ReportShelf, course: Course) -> tuple[str, int]:
    """Put a pinned job's report, as CSV and Parquet, and manifest into a folder; return key and rows."""
    report = answer(polls, job.pinned, version=job.version, course=course)
    course.stores = report.rows.height
    key = f"{attempt}/{report.file_name('csv')}"
    with course.stage("publish", done=course.stores, total=course.stores):
        csv = report.csv_bytes()
        shelf.publish(key, csv)
        shelf.publish(f"{attempt}/{report.file_name('parquet')}", report.parquet_bytes())
    manifest = Manifest(asked=job.ask, report=report, csv=csv, software=__version__, seconds=course.seconds)
    shelf.publish(f"{attempt}/{report.file_name('json')}", manifest.json_bytes())
    return key, report.rows.height


def _pin(claim: Claim, *, polls: PollStore, board: Holding) -> Job | None:
    if claim.job.version is not None:
        return claim.job
    with polls.at() as snapshot:
        settled = settle(snapshot, claim.job.ask)
    return board.pin(claim, as_of=settled.ask.instant, version=settled.version)
