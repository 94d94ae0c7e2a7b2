"""The routes below /v1: reports as things that are made, listed, looked at, downloaded and removed.

They run in threads, for they write, or read the shelf.
"""

from __future__ import annotations

import json
import time
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from storewatch.domain.instant import iso
from storewatch.entrypoints.http.few_at_once import FewAtOnce
from storewatch.entrypoints.http.problems import documented
from storewatch.entrypoints.http.services import POLL_SECONDS, Opened
from storewatch.entrypoints.http.shapes import ReportId, Wanted
from storewatch.entrypoints.http.v1.shapes import (
    AskedFor,
    Counts,
    Download,
    Files,
    IdempotencyKey,
    NoQuery,
    Page,
    ReportDetails,
    ReportJob,
    ReportLinks,
    Reports,
    Stage,
    Timings,
    cursor_before,
    rfc3339,
)
from storewatch.formats.names import beside
from storewatch.formats.published import content, published_report
from storewatch.ports.jobs import ENDED, State
from storewatch.ports.risks import Risk

if TYPE_CHECKING:
    from storewatch.entrypoints.http.services import Services
    from storewatch.ports.jobs import Job

ROOT = "/v1/reports"
CONVERSIONS = 2  # at once: a workbook of a large fleet takes a second and a hundred megabytes
PUBLISHED = frozenset({"csv", "parquet"})  # what lies on the shelf; the rest is made of the Parquet
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_BINARY = {"type": "string", "format": "binary"}
_FILE_SCHEMAS = {"csv": {"type": "string"}, "json": {"type": "array", "items": {"type": "object"}}}

router = APIRouter()
_conversions = FewAtOnce("conversions", CONVERSIONS)


def _answer(status: int, description: str, **headers: str) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's description of an answer and its headers."""
    named = {
        name.replace("_", "-"): {"description": text, "schema": {"type": "string"}}
        for name, text in headers.items()
    }
    return {status: {"description": description, "headers": named}}


# ---------------------------------------------------------------- making, listing, looking


@router.post(
    ROOT,
    operation_id="make_report",
    status_code=202,
    responses={
        **_answer(
            202,
            "The report is on its way, or was already by the same key.",
            Location="Where to look at it.",
            Retry_After="In how many seconds to look.",
        ),
        **documented(413, 422, 429, 503),
    },
)
def make_report(
    request: Request,
    response: Response,
    opened: Opened,
    _: Annotated[NoQuery, Query()],
    body: Wanted | None = None,
    idempotency_key: Annotated[
        IdempotencyKey | None,
        Header(
            alias="Idempotency-Key",
            description="With the same key and body, the answer is the same report for as long as that is "
            "kept; with another body, it is a 422.",
            examples=["morning-2023-01-25"],
        ),
    ] = None,
) -> ReportDetails:
    """Make a report; without an Idempotency-Key, every call is a report of its own."""
    ask = (body or Wanted()).ask()
    report_id = opened.intake.submit(ask, key=idempotency_key, request_id=request.state.request_id)
    details = _details(_found(report_id, opened), opened, base=_base(request, opened))
    response.headers.update({"Location": details.links.here, "Retry-After": POLL_SECONDS})
    return details


@router.get(
    ROOT,
    operation_id="list_reports",
    responses={
        **_answer(200, "A page of reports.", Link="The next page, with rel=next."),
        **documented(422, 503),
    },
)
def list_reports(
    request: Request, response: Response, opened: Opened, page: Annotated[Page, Query()]
) -> Reports:
    """List the reports, the newest first; what comes meanwhile shifts no page."""
    base = _base(request, opened)
    jobs = opened.board.recent(page.limit + 1, before=page.before)
    shown, following = jobs[: page.limit], None
    if len(jobs) > page.limit:
        query = urlencode({"limit": page.limit, "cursor": cursor_before(shown[-1].number)})
        following = f"{base}{ROOT}?{query}"
        response.headers["Link"] = f'<{following}>; rel="next"'
    return Reports(reports=[ReportJob(**_standing(job, base)) for job in shown], next=following)


@router.get(
    f"{ROOT}/{{report_id}}",
    operation_id="look_at_report",
    responses={
        **_answer(
            200, "The report.", Retry_After="In how many seconds to look again, while it has not ended."
        ),
        **documented(404, 422, 503),
    },
)
def look_at_report(
    report_id: ReportId, request: Request, response: Response, opened: Opened
) -> ReportDetails:
    """Say how a report stands, and what there is of it."""
    job = _found(report_id, opened)
    if job.state not in ENDED:
        response.headers["Retry-After"] = POLL_SECONDS
    return _details(job, opened, base=_base(request, opened))


@router.delete(
    f"{ROOT}/{{report_id}}",
    operation_id="remove_report",
    status_code=204,
    responses={204: {"description": "It is cancelled, or gone."}, **documented(404, 422, 503)},
)
def remove_report(report_id: ReportId, opened: Opened) -> Response:
    """Cancel a report that has not ended; remove one that has, with its files and its Idempotency-Key."""
    _found(report_id, opened)
    if not opened.board.cancel(report_id):
        # The shelf first: if this ends half-way, the report is still known and can be removed again.
        opened.shelf.sweep(report_id, keep=None)
        opened.keeper.forget([report_id])
    return Response(status_code=204)


def _found(report_id: str, opened: Services) -> Job:
    job = opened.board.get(report_id)
    if job is None:
        raise HTTPException(404, f"there is no report {report_id}")
    return job


def _base(request: Request, opened: Services) -> str:
    return (opened.public_url or str(request.base_url)).rstrip("/")


# ---------------------------------------------------------------- how a report stands


def _details(job: Job, opened: Services, *, base: str) -> ReportDetails:
    asked = AskedFor(
        as_of=None if job.ask.as_of is None else iso(job.ask.as_of),
        carry_seconds=job.ask.carry,
        store_ids=None if job.ask.store_ids is None else list(job.ask.store_ids),
        policy=job.ask.policy,
        windows=list(job.ask.windows),
        compare=job.ask.compare,
        by=job.ask.by,
        where={label: list(values) for label, values in job.ask.where},
    )
    ends = link_ends(opened) if job.state is State.COMPLETE else None
    return ReportDetails(
        **_standing(job, base),
        asked=asked,
        link_ends=None if ends is None else rfc3339(ends),
        manifest=_manifest(job, opened),
    )


def link_ends(opened: Services) -> float | None:
    """Return when a link made now ends (seconds since 1970); None where its credentials do not tell."""
    end = time.time() + opened.links.lifetime
    if not opened.is_direct:
        return end
    known = opened.shelf.links_end()
    if known is None:
        return None if Risk.TEMPORARY in opened.shelf.warnings() else end
    return min(end, known)


def _standing(job: Job, base: str) -> dict[str, Any]:
    """Return the fields of a report that the board knows."""
    as_of = job.ask.as_of if job.as_of is None else job.as_of
    progress = job.progress if job.state is State.RUNNING else None
    return {
        "id": job.id,
        "state": job.state,
        "as_of": None if as_of is None else iso(as_of),
        "progress": progress and Stage(stage=progress.stage, done=progress.done, total=progress.total),
        "counts": Counts(rows=job.rows, attempts=job.attempts),
        "timings": _timings(job),
        "error": job.error,
        "links": _links(job, f"{base}{ROOT}/{job.id}"),
    }


def _timings(job: Job) -> Timings:
    return Timings(
        created=rfc3339(job.created),
        started=None if job.started is None else rfc3339(job.started),
        ended=None if job.ended is None else rfc3339(job.ended),
        waited_seconds=_between(job.created, job.started),
        attempt_seconds=_between(job.started, job.ended),
    )


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(max(end - start, 0), 3)


def _links(job: Job, here: str) -> ReportLinks:
    files, groups = None, None
    if job.state is State.COMPLETE:
        urls = {name: f"{here}/download?format={name}" for name in MEDIA_TYPES}
        files = Files(**urls)
        if job.ask.by is not None:
            groups = Files(**{name: f"{url}&table=groups" for name, url in urls.items()})
    return ReportLinks(here=here, download=files, groups=groups)


def _manifest(job: Job, opened: Services) -> dict[str, Any] | None:
    if job.state is not State.COMPLETE or job.key is None:
        return None
    text = content(opened.shelf, beside(job.key, "json"))
    found: dict[str, Any] | None = None if text is None else json.loads(text)
    return found


# ---------------------------------------------------------------- downloading


@router.get(
    f"{ROOT}/{{report_id}}/download",
    operation_id="download_report",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {
                media_type.partition(";")[0]: {"schema": _FILE_SCHEMAS.get(name, _BINARY)}
                for name, media_type in MEDIA_TYPES.items()
            },
        },
        **documented(404, 409, 422, 503),
    },
)
async def download_report(
    report_id: ReportId, wanted: Annotated[Download, Query()], opened: Opened
) -> Response:
    """Download a complete report: its CSV, or its whole seconds as Parquet or JSON, or a workbook."""
    job = await run_in_threadpool(_found, report_id, opened)
    if job.state is not State.COMPLETE or job.key is None:
        raise _not_complete(job)
    key = job.key if wanted.table == "stores" else _groups_key(job, job.key)
    if wanted.format in PUBLISHED:
        return await run_in_threadpool(_published, key, wanted.format, opened)
    converted = await to_thread.run_sync(_converted, job.key, wanted, opened, limiter=_conversions.limiter())
    return Response(
        converted, headers=_file_headers(key, wanted.format), media_type=MEDIA_TYPES[wanted.format]
    )


def _groups_key(job: Job, key: str) -> str:
    if job.ask.by is None:
        raise HTTPException(404, "this report has no groups: make one that is asked `by` a label")
    return beside(key, "csv", by=job.ask.by)


def _not_complete(job: Job) -> HTTPException:
    if job.state in ENDED:
        return HTTPException(
            409, f"report {job.id} is {job.state}: there is nothing to download, make a new one"
        )
    return HTTPException(
        409,
        f"report {job.id} is {job.state}: look at it until it is Complete",
        headers={"Retry-After": POLL_SECONDS},
    )


def _published(key: str, ending: str, opened: Services) -> Response:
    """Return the answer that streams what lies on the shelf."""
    key = beside(key, ending)
    size = opened.shelf.size(key)
    if size is None:
        raise _gone(key, ending, opened)
    return StreamingResponse(
        opened.shelf.read(key),
        headers={"Content-Length": str(size), **_file_headers(key, ending)},
        media_type=MEDIA_TYPES[ending],
    )


def _converted(key: str, wanted: Download, opened: Services) -> bytes:
    report = published_report(opened.shelf, key)
    table = report if report is None or wanted.table == "stores" else report.by_label
    if report is None or table is None:
        raise _gone(key, wanted.format, opened)
    return table.json_bytes() if wanted.format == "json" else report.xlsx_bytes()


def _gone(key: str, ending: str, opened: Services) -> HTTPException:
    if opened.shelf.size(beside(key, "csv")) is None:
        return HTTPException(404, "this report is gone: make a new one")
    return HTTPException(
        404,
        f"this report was made when only the CSV was kept: take format=csv, or make a new one "
        f"with the same as_of for format={ending}",
    )


def _file_headers(key: str, ending: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{PurePosixPath(beside(key, ending)).name}"',
        "Cache-Control": "private",
    }
