"""The one use case: gather → compute → publish.

A report job's way: somebody claims it; the first claim pins the as-of and the input's version, for every
later attempt; each attempt writes under its own epoch; finishing on the board is the only step that makes a
report visible; what other attempts left on the shelf is swept.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from storewatch.domain.instant import MICROSECONDS, reach, resolve_as_of
from storewatch.domain.report import Report
from storewatch.domain.uptime import uptime

if TYPE_CHECKING:
    from storewatch.ports import Claim, Job, JobBoard, PollStore, ReportShelf, Request


def make_report(polls: PollStore, request: Request) -> Report:
    """Return the report that is asked for, on the poll store as it is now.

    Raises:
        NoPollsError: No as-of is asked for, and there are no polls to take it from (R3).
    """
    version = polls.version()
    newest = polls.newest(version)
    as_of = resolve_as_of(request.as_of, newest)
    return replace(compute(polls, request, version=version, as_of=as_of), newest=newest)


def compute(polls: PollStore, request: Request, *, version: str, as_of: int) -> Report:
    """Return the report as of an instant (seconds since 1970) on one version of the input."""
    facts = polls.scan(version, since=reach(as_of, request.carry), until=as_of * MICROSECONDS)
    rows = uptime(facts, as_of=as_of, carry=request.carry, store_ids=request.store_ids)
    return Report(rows=rows, as_of=as_of)


def work(claim: Claim, *, polls: PollStore, board: JobBoard, shelf: ReportShelf) -> bool:
    """Make the report of a claimed job and finish it; False, leaving nothing, if the claim was lost."""
    job = _pin(claim, polls=polls, board=board)
    if job is None or job.version is None or job.as_of is None:
        return False
    report = compute(polls, job.request, version=job.version, as_of=job.as_of)
    attempt = f"{job.id}/{claim.epoch}"
    key = f"{attempt}/{report.file_name('csv')}"
    shelf.publish(key, report.csv_bytes())
    if not board.finish(claim, key=key, rows=report.rows.height):
        shelf.sweep(attempt, keep=None)
        return False
    if claim.epoch > 1:
        shelf.sweep(job.id, keep=key)
    return True


def _pin(claim: Claim, *, polls: PollStore, board: JobBoard) -> Job | None:
    if claim.job.version is not None:
        return claim.job
    version = polls.version()
    as_of = resolve_as_of(claim.job.request.as_of, polls.newest(version))
    return board.pin(claim, as_of=as_of, version=version)
