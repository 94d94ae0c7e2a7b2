"""The one use case: gather → compute → publish.

A report job's way: somebody claims it; the first claim pins the as-of and the input's version, for every
later attempt; each attempt writes under its own epoch, a manifest beside the report; finishing on the board
is the only step that makes a report visible; what other attempts left on the shelf is swept.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from storewatch import __version__
from storewatch.domain.instant import MICROSECONDS, iso, reach, resolve_as_of
from storewatch.domain.uptime import uptime
from storewatch.formats.manifest import Manifest
from storewatch.formats.report import Report
from storewatch.ports.jobs import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from storewatch.domain.facts import Facts
    from storewatch.ports.jobs import Claim, Job, JobBoard, Request
    from storewatch.ports.polls import PollStore
    from storewatch.ports.shelf import ReportShelf


@dataclass(kw_only=True)
class Course:
    """How an attempt goes: `tell` hears each stage begin; the rest is there as far as it has come."""

    tell: Callable[[Progress], object] = lambda _progress: None
    seconds: dict[str, float] = field(default_factory=dict)  # of each stage that has ended
    polls: int | None = None  # read
    stores: int | None = None  # that have a row
    rejected: dict[str, int] = field(default_factory=dict)  # input rows that cannot be used, by reason

    @contextmanager
    def stage(self, name: str, *, done: int = 0, total: int = 0) -> Iterator[None]:
        """Tell that a stage begins, with so many stores done, and note how long it takes."""
        self.tell(Progress(stage=name, done=done, total=total))
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began

    def read(self, facts: Facts) -> None:
        """Note what was read."""
        self.polls = facts.polls.height
        if facts.rejects is not None:
            self.rejected = dict(facts.rejects["reason"].value_counts().iter_rows())


def make_report(polls: PollStore, request: Request) -> Report:
    """Return the report that is asked for, on the poll store as it is now.

    Raises:
        NoPollsError: No as-of is asked for, and there are no polls to take it from (R3).
    """
    version = polls.version()
    newest = polls.newest(version)
    as_of = resolve_as_of(request.as_of, newest)
    facts = gather(polls, request, version=version, as_of=as_of)
    return replace(compute(facts, request, as_of=as_of), newest=newest)


def gather(polls: PollStore, request: Request, *, version: str, as_of: int) -> Facts:
    """Return what a report as of an instant (seconds since 1970) needs, from one version of the input."""
    return polls.scan(version, since=reach(as_of, request.carry), until=as_of * MICROSECONDS)


def compute(facts: Facts, request: Request, *, as_of: int) -> Report:
    """Return the report as of an instant (seconds since 1970)."""
    rows = uptime(facts, as_of=as_of, carry=request.carry, store_ids=request.store_ids)
    return Report(rows=rows, as_of=as_of)


def work(
    claim: Claim, *, polls: PollStore, board: JobBoard, shelf: ReportShelf, course: Course | None = None
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
    assert job.version is not None  # noqa: S101 - pinned
    assert job.as_of is not None  # noqa: S101 - the same
    with course.stage("gather"):
        facts = gather(polls, job.request, version=job.version, as_of=job.as_of)
    course.read(facts)
    with course.stage("compute", total=_total(facts, job.request)):
        report = compute(facts, job.request, as_of=job.as_of)
        csv = report.csv_bytes()
    course.stores = report.rows.height
    key = f"{attempt}/{report.file_name('csv')}"
    with course.stage("publish", done=course.stores, total=course.stores):
        shelf.publish(key, csv)
        shelf.publish(f"{attempt}/{report.file_name('parquet')}", report.parquet_bytes())
    manifest = Manifest(
        parameters=parameters(job.request),
        version=job.version,
        facts=facts,
        report=report,
        csv=csv,
        software=__version__,
        seconds=course.seconds,
    )
    shelf.publish(f"{attempt}/{report.file_name('json')}", manifest.json_bytes())
    return key, report.rows.height


def parameters(request: Request) -> dict[str, str | int | list[str] | None]:
    """Return what was asked for, as the manifest has it."""
    return {
        "as_of": None if request.as_of is None else iso(request.as_of),
        "carry_seconds": request.carry,
        "store_ids": None if request.store_ids is None else list(request.store_ids),
    }


def _total(facts: Facts, request: Request) -> int:
    """Return about how many stores there are to be done."""
    if request.store_ids is not None:
        return len(set(request.store_ids))
    return 0 if facts.stores is None else len(facts.stores)


def _pin(claim: Claim, *, polls: PollStore, board: JobBoard) -> Job | None:
    if claim.job.version is not None:
        return claim.job
    version = polls.version()
    as_of = resolve_as_of(claim.job.request.as_of, polls.newest(version))
    return board.pin(claim, as_of=as_of, version=version)
