"""Which report the pages show: the one that is pinned, else that of the newest data, asked for by looking.

A page never computes a fleet. Whoever looks makes the service ask the board for the report of the data that
are loaded now, under a key of their version and the rules, so that any number of instances ask once; until it
is complete the newest one before it is shown.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.exceptions import HTTPException

from storewatch.domain.ask import Ask
from storewatch.domain.instant import MICROSECONDS, iso, parse_as_of
from storewatch.entrypoints.http.pages import fleet
from storewatch.entrypoints.http.pages.history import job_view
from storewatch.entrypoints.http.pages.rendering import STALE_SECONDS, as_of_words, page
from storewatch.errors import InputError
from storewatch.ports.jobs import ENDED, State

if TYPE_CHECKING:
    from fastapi import Response

    from storewatch.entrypoints.http.services import Services
    from storewatch.formats.overview import Overview
    from storewatch.formats.report import Report
    from storewatch.ports.jobs import Job

AGAIN_SECONDS = 600  # after a job of the pages failed, it is asked for again
NOT_MADE = ENDED - {State.COMPLETE}


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """Which report a page is about: by its as-of, and by its id, for there may be several of one."""

    as_of: str | None = None
    report: str | None = None

    @property
    def instant(self) -> int | None:
        """The as-of in seconds since 1970 UTC; 422 if it is none."""
        try:
            return None if self.as_of is None else parse_as_of(self.as_of)
        except InputError as error:
            raise HTTPException(422, f"{error}.") from error

    @property
    def query(self) -> dict[str, str]:
        """What links carry on."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def job(self, opened: Services) -> Job | None:
        """Return the report: the one that is named, else the newest one, or the last one, of the as-of."""
        named = opened.board.get(self.report) if self.report else None
        if named and named.state is State.COMPLETE and self.instant in (None, named.as_of):
            return named
        if self.instant is not None:
            return fleet.report_of(opened.board, self.instant)
        newest = fleet.newest_report(opened.board, opened.shelf)
        return newest[0] if newest else None


Pin = Annotated[Pinned, Depends()]


@dataclass(frozen=True, kw_only=True)
class Current:
    """What fleet pages show, and whether something newer is on its way."""

    job: Job
    report: Report
    overview: Overview | None  # None: only the report's rows are known
    is_pinned: bool
    coming: Job | None = None  # that of newer data, if it is not complete
    refused: str | None = None  # why newer data were not asked for

    @property
    def is_renewed(self) -> bool:
        """Whether the page will have newer figures soon."""
        return self.coming is not None and self.coming.state not in ENDED

    @property
    def query(self) -> dict[str, str]:
        """What links carry on: the very report, for there may be several of one as-of."""
        return {"as_of": iso(self.report.as_of), "report": self.job.id}

    def content(self) -> dict[str, object]:
        """Return what every fleet page shows of it."""
        newest = self.report.newest
        return {
            "now": self,
            **as_of_words(self.report.as_of),
            "newest": None if newest is None else iso(newest // MICROSECONDS),
            "is_stale": not (self.is_pinned or self.coming or self.refused)  # those are of newer data
            and (newest is None or time.time() - newest / MICROSECONDS > STALE_SECONDS),
            "stores": self.report.parts.height,
            "pinned": self.query if self.is_pinned else {},
        }


def current(opened: Services, pinned: Pinned) -> Current | None:
    """Return what a fleet page shows; None if no report is complete yet.

    Raises:
        HTTPException: 404, no report of the pinned as-of is kept; 422, it is none.
    """
    if pinned.query:
        return _kept(opened, pinned)
    coming, refused = _asked(opened)
    if coming is not None and coming.state is State.COMPLETE:
        found = _shown(opened, coming)
        if found is not None:
            return found
    newest = fleet.newest_report(opened.board, opened.shelf)
    if newest is None:
        return None
    if coming is not None and coming.state in ENDED and coming.created < newest[0].created:
        coming = None  # it failed, and somebody has made another one
    return _shown(opened, newest[0], coming=coming, refused=refused)


def before_the_first(opened: Services) -> Response:
    """Return what fleet pages show while no report is complete: how the first one does, or what to do."""
    coming, refused = _asked(opened)
    content = {
        "has_polls": coming is not None or refused is not None,
        "coming": coming and job_view(coming, now=time.time()),
        "refused": refused,
    }
    return page("empty", content)


def _kept(opened: Services, pinned: Pinned) -> Current:
    job = pinned.job(opened)
    found = job and _shown(opened, job, is_pinned=True)
    if not found:
        as_of = f" as of {pinned.as_of}" if pinned.as_of else ""
        raise HTTPException(404, f"No report of all stores{as_of} is kept. Look at the newest one instead.")
    return found


def _shown(
    opened: Services,
    job: Job,
    *,
    is_pinned: bool = False,
    coming: Job | None = None,
    refused: str | None = None,
) -> Current | None:
    report = fleet.read_report(opened.shelf, job)
    if report is None:
        return None
    return Current(
        job=job,
        report=report,
        overview=fleet.read_overview(opened.shelf, job),
        is_pinned=is_pinned,
        coming=coming,
        refused=refused,
    )


def _asked(opened: Services) -> tuple[Job | None, str | None]:
    """Return the job of the newest data, asked for if nobody has; or why it is not asked for."""
    from storewatch.formats.manifest import RULES  # noqa: PLC0415 - slow to import

    version = opened.polls.version()
    if version is None:
        return None, None
    key = f"overview-{version}-{RULES}"
    try:
        while True:
            job = opened.board.get(opened.intake.submit_once(Ask(overview=True), key=key))
            if job is None or job.state not in NOT_MADE or time.time() - (job.ended or 0) < AGAIN_SECONDS:
                return job, None
            key = f"{key}-{job.id}"  # the same for all instances
    except HTTPException as error:
        return None, str(error.detail)
