"""The routes of the pages.

They run in threads. What reads figures is imported by the first page that shows any: it is slow to import,
and a service that only hands out reports needs none of it.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from storewatch.domain.ask import Ask
from storewatch.domain.instant import iso
from storewatch.entrypoints.http.pages import fleet
from storewatch.entrypoints.http.pages.history import job_view
from storewatch.entrypoints.http.pages.rendering import (
    HEADERS,
    MEDIA_TYPES,
    POLICY,
    PageRoute,
    as_of_words,
    asset_bytes,
    page,
    report_url,
)
from storewatch.entrypoints.http.services import Opened  # noqa: TC001 - FastAPI reads it
from storewatch.entrypoints.http.shapes import ReportId  # noqa: TC001 - the same
from storewatch.entrypoints.wording import window_words
from storewatch.ports.jobs import State

if TYPE_CHECKING:
    from storewatch.formats.report import Report

WORST = 10  # stores on a report's page
ASSET_SECONDS = 365 * 86_400  # another content is another address

router = APIRouter(route_class=PageRoute, include_in_schema=False)
shown = partial(router.api_route, methods=["GET", "HEAD"])


def _figures(report: Report) -> dict[str, object]:
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
    figures = _figures(report) if report else None
    pinned = {"as_of": iso(report.as_of), "report": job.id} if report else {}
    return page("report", {"job": job_view(job, now=time.time()), "figures": figures, "pinned": pinned})


@shown("/docs")
def docs() -> Response:
    """Show the calls and try them out: Swagger UI, whose files come from a package."""
    answer = page("docs", {})
    # Swagger UI's style sheet has pictures in it.
    answer.headers["Content-Security-Policy"] = POLICY.replace("img-src 'self'", "img-src 'self' data:")
    return answer


@router.get("/assets/{name}")
def asset(name: str) -> Response:
    """Return one of the pages' own files."""
    try:
        found = asset_bytes(name)
    except FileNotFoundError as error:
        raise HTTPException(404, "There is nothing at this address.") from error
    headers = HEADERS | {"Cache-Control": f"public, max-age={ASSET_SECONDS}, immutable"}
    return Response(found, 200, headers, MEDIA_TYPES[PurePosixPath(name).suffix])
