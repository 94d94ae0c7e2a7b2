"""The routes of the pages.

They run in threads. What reads figures is imported by the first page that shows any: it is slow to import,
and a service that only hands out reports needs none of it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from storewatch.domain.ask import Ask
from storewatch.domain.instant import iso, parse_as_of
from storewatch.entrypoints.http.pages import fleet
from storewatch.entrypoints.http.pages.history import job_view
from storewatch.entrypoints.http.pages.rendering import (
    HEADERS,
    MEDIA_TYPES,
    POLICY,
    PageRoute,
    asset_bytes,
    page,
    report_url,
    store_url,
)
from storewatch.entrypoints.http.services import Opened, Services  # noqa: TC001 - FastAPI reads it
from storewatch.entrypoints.http.shapes import ReportId  # noqa: TC001 - the same
from storewatch.entrypoints.wording import age, window_words
from storewatch.errors import InputError, NoPollsError, UnknownStoreError
from storewatch.ports.jobs import State

if TYPE_CHECKING:
    from storewatch.formats.report import Report
    from storewatch.ports.jobs import Job

WORST = 10  # stores on the front page
SHOWN_REPORTS = 10
STALE_SECONDS = 2 * 3_600  # polls come about once an hour: older figures miss some
ASSET_SECONDS = 365 * 86_400  # another content is another address

router = APIRouter(route_class=PageRoute, include_in_schema=False)
shown = partial(router.api_route, methods=["GET", "HEAD"])


@shown("/")
def front(opened: Opened) -> Response:
    """Show the fleet's figures, the worst stores and the last reports; or what to do next."""
    found = fleet.newest_report(opened.board, opened.shelf)
    reports = [job_view(job, now=time.time()) for job in opened.board.recent(SHOWN_REPORTS)]
    if found is None:
        return page("empty", {"has_polls": _has_polls(opened), "reports": reports})
    return page("front", {"reports": reports, **_figures(found[1])})


def _figures(report: Report) -> dict[str, object]:
    """Return what a page shows of a report."""
    return {
        **_as_of(report.as_of),
        "stores": report.parts.height,
        "fleet": fleet.fleet_figures(report),
        "worst": fleet.worst_stores(report, WORST),
        "words": window_words(report.ask.parsed_windows[-1]),
        "notes": report.notes,
        "is_mostly_unknown": report.is_mostly_unknown,
    }


def _as_of(as_of: int) -> dict[str, object]:
    """Return what a page shows of an as-of: how old it is, and whether that is too old to be of much use."""
    old = time.time() - as_of
    return {"as_of": iso(as_of), "age": age(old), "is_stale": old > STALE_SECONDS}


def _has_polls(opened: Services) -> bool:
    with opened.polls.open().at() as snapshot:
        return snapshot.newest is not None


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


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """Which report a store's page is about: by its as-of, and by its id, for there may be several of one."""

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


@shown("/stores")
def find_store(opened: Opened, pinned: Pin, q: str = "") -> Response:
    """Go to the store of this id; for another text, name the ids that are most like it; for none, back."""
    if not q.strip():
        return RedirectResponse("/", 303, HEADERS)
    for store_id in (q, q.strip()):
        if store_url(store_id).startswith("/stores/") and _is_store(store_id, opened):
            return RedirectResponse(store_url(store_id, pinned.query), 303, HEADERS)
    return _store(q, opened, pinned, unknown=200)


def _is_store(store_id: str, opened: Services) -> bool:
    with opened.polls.open().at() as snapshot:
        return snapshot.has(store_id)


@shown("/stores/{store_id:path}")
def show_store(store_id: str, opened: Opened, pinned: Pin) -> Response:
    """Show a store's figures and where they come from: of the newest report, or of another one."""
    return _store(store_id, opened, pinned)


def _store(store_id: str, opened: Services, pinned: Pinned, *, unknown: int = 404) -> Response:
    from storewatch.entrypoints.http.pages import evidence  # noqa: PLC0415  see above

    polls, as_of = opened.polls.open(), pinned.instant
    content: dict[str, object] = {"pinned": pinned.query}
    try:
        facts, settled, is_report = evidence.find(polls, store_id, pinned.job(opened), as_of=as_of)
    except NoPollsError:
        return page("empty", {"has_polls": False, "reports": []})
    except UnknownStoreError as error:
        return page("unknown", {**content, "store_id": store_id, "nearest": error.nearest}, status=unknown)
    view = evidence.store_view(facts, store_id, settled, is_report=is_report)
    return page("store", {**content, "store": view, **_as_of(view.found.as_of)})


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
