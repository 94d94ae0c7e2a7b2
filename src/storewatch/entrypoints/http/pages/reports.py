"""The pages of the reports: which there are, how one stands, and the button that makes one for its files."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from storewatch.domain.ask import Ask
from storewatch.domain.instant import iso
from storewatch.entrypoints.http.pages import fleet
from storewatch.entrypoints.http.pages.history import job_view
from storewatch.entrypoints.http.pages.rendering import HEADERS, PageRoute, as_of_words, page, report_url
from storewatch.entrypoints.http.services import Opened  # noqa: TC001 - FastAPI reads it
from storewatch.entrypoints.http.shapes import ReportId  # noqa: TC001 - the same
from storewatch.entrypoints.wording import window_words
from storewatch.ports.jobs import State

if TYPE_CHECKING:
    from storewatch.formats.report import Report

WORST = 10  # stores on a report's page
PAGE = 50  # reports of a list
MOST = 1 << 53  # that a number of a job can be

router = APIRouter(route_class=PageRoute, include_in_schema=False)
shown = partial(router.api_route, methods=["GET", "HEAD"])

Before = Annotated[int | None, Query(ge=1, le=MOST)]


@shown("/reports")
def list_reports(opened: Opened, before: Before = None) -> Response:
    """Show the reports that were asked for last, or last before the one of a number."""
    found = opened.board.recent(PAGE + 1, before=before)
    jobs = found[:PAGE]
    content = {
        "reports": [job_view(job, now=time.time()) for job in jobs],
        "before": before,
        # Numbers may be missing, of reports that are gone: then some are on both pages, and none is left out.
        "newer": before and (jobs[0].number if jobs else before) + PAGE + 1,
        "older": jobs[-1].number if len(found) > PAGE else None,
    }
    return page("reports", content)


@router.post("/reports")
def make_report(request: Request, opened: Opened) -> Response:
    """Put a report of all stores on the board and show how it goes."""
    report_id = opened.intake.submit(Ask(), request_id=getattr(request.state, "request_id", None))
    return RedirectResponse(report_url(report_id), 303, HEADERS)


@shown("/reports/{report_id}")
def show_report(report_id: ReportId, opened: Opened) -> Response:
    """Show how a report stands; once it is complete, its figures."""
    job = opened.board.get(report_id)
    if job is None:
        raise HTTPException(404, f"There is no report {report_id}. It may be too old to be kept.")
    report = fleet.read_report(opened.shelf, job) if job.state is State.COMPLETE else None
    content = {
        "job": job_view(job, now=time.time()),
        "figures": figures_of(report) if report else None,
        "pinned": {"as_of": iso(report.as_of), "report": job.id} if report else {},
        "is_whole": replace(job.ask, as_of=None, overview=False) == Ask(),
    }
    return page("report", content)


def figures_of(report: Report) -> dict[str, object]:
    """Return what a page shows of a report."""
    return {
        **as_of_words(report.as_of),
        "stores": report.parts.height,
        "fleet": fleet.fleet_figures(report),
        "worst": fleet.worst_stores(report, WORST),
        "words": window_words(report.ask.parsed_windows[-1]),
        "notes": report.notes,
        "is_mostly_unknown": report.is_mostly_unknown,
    }
