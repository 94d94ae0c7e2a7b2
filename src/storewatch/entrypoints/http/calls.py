"""The routes.

They are coroutines that ask an embedded board right on the event loop: reading a job takes a tenth of a
millisecond and never waits for a writer, a thread would cost more. A board on a server is asked in a
thread: it may be away. What writes, or reads a report, goes to a thread too.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from storewatch.entrypoints.http.problems import documented
from storewatch.entrypoints.http.services import POLL_SECONDS, Opened, Services
from storewatch.entrypoints.http.shapes import (
    Complete,
    Failed,
    Health,
    ReportId,
    Running,
    Signed,
    Triggered,
    Wanted,
    WantedByQuery,
)
from storewatch.formats.names import beside
from storewatch.metrics import MEDIA_TYPE
from storewatch.ports.jobs import State

if TYPE_CHECKING:
    from storewatch.ports.jobs import Job

router = APIRouter()


@router.get("/echo/{message}", responses=documented(422))
async def echo(message: str) -> str:
    """Return the message."""
    return message


async def trigger_report(
    wanted: Annotated[WantedByQuery, Query()], request: Request, opened: Opened, body: Wanted | None = None
) -> JSONResponse:
    """Put a report job on the board; every trigger is a report of its own."""
    ask = Wanted.of(wanted, body).ask()
    report_id = await run_in_threadpool(opened.intake.submit, ask, request_id=request.state.request_id)
    return JSONResponse({"report_id": report_id})


for _method in ("POST", "GET"):
    router.add_api_route(
        "/trigger_report",
        trigger_report,
        methods=[_method],
        operation_id=f"{_method.lower()}_trigger_report",
        response_model=Triggered,
        responses=documented(413, 422, 429, 503),
    )


@router.get("/get_report", response_model=Running | Complete | Failed, responses=documented(404, 422, 503))
async def get_report(report_id: Annotated[ReportId, Query()], request: Request, opened: Opened) -> Response:
    """Say how a report stands; its link, made anew at each call, once it is complete."""
    job = await _job(report_id, opened)
    if job is None:
        raise HTTPException(404, f"there is no report {report_id}")
    urls = await _urls(job, opened, base=opened.public_url or str(request.base_url))
    content, headers = _standing(job, urls)
    return JSONResponse(content, headers=headers)


@router.get(
    "/get_report/{report_id}",
    response_model=Running | Complete | Failed,
    responses=documented(404, 422, 503),
)
async def get_report_by_path(report_id: ReportId, request: Request, opened: Opened) -> Response:
    """Say how a report stands; its link, made anew at each call, once it is complete."""
    return await get_report(report_id, request, opened)


async def _job(report_id: str, opened: Services) -> Job | None:
    if opened.is_board_embedded:
        return opened.board.get(report_id)
    return await run_in_threadpool(opened.board.get, report_id)


async def _urls(job: Job, opened: Services, *, base: str) -> list[str]:
    """Return new links to a complete report, to its shelf or to the app; none if it is not complete."""
    return [await _url(job, key, opened, base=base) for key in _keys(job)]


def _keys(job: Job) -> list[str]:
    """Return where a complete report's CSV lies, and that of its rows by a label, if it has these."""
    if job.state is not State.COMPLETE or job.key is None:
        return []
    return [job.key, *([] if job.ask.by is None else [beside(job.key, "csv", by=job.ask.by)])]


async def _url(job: Job, key: str, opened: Services, *, base: str) -> str:
    if opened.is_direct:
        # In a thread, for credentials of a role may have to be fetched first.
        link = await run_in_threadpool(opened.shelf.link, key, seconds=opened.links.lifetime)
        if link is not None:
            return link
    return opened.links.make(base, job.id, _file_name(key))


def _standing(job: Job, urls: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the answer's content and headers; clients know the order of the keys."""
    if urls:
        url, *groups = urls
        return {"url": url, "status": "Complete", **({"groups_url": groups[0]} if groups else {})}, {}
    if job.state is State.CANCELLED:
        return {"status": "Failed", "error": job.error or "the report was cancelled"}, {}
    if job.state is State.FAILED:
        return {"status": "Failed", "error": job.error or "the report could not be made"}, {}
    return {"status": "Running"}, {"Retry-After": POLL_SECONDS}


def _file_name(key: str) -> str:
    return PurePosixPath(key).name


@router.head("/reports/{report_id}/{file_name}", include_in_schema=False)
@router.get(
    "/reports/{report_id}/{file_name}",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/csv": {}}, "description": "The report."},
        **documented(403, 404, 422, 503),
    },
)
def download(
    report_id: str, file_name: str, signed: Annotated[Signed, Query()], request: Request, opened: Opened
) -> Response:
    """Download a report by a link that get_report gave."""
    if not opened.links.is_valid(report_id, file_name, expires=signed.expires, signature=signed.signature):
        raise HTTPException(403, "this link was not made here or has expired: ask get_report for a new one")
    job = opened.board.get(report_id)
    key = next((key for key in _keys(job) if _file_name(key) == file_name), None) if job else None
    size = None if key is None else opened.shelf.size(key)
    if key is None or size is None:
        raise HTTPException(404, "this report is gone: trigger a new one")
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="{file_name}"',
        "Cache-Control": "private",
    }
    pieces = opened.shelf.read(key) if request.method == "GET" else iter(())
    return StreamingResponse(pieces, headers=headers, media_type="text/csv; charset=utf-8")


@router.get("/healthz", response_model=Health)
async def healthz() -> dict[str, str]:
    """Say that this process runs."""
    return {"status": "ok"}


@router.get("/readyz", response_model=Health, responses=documented(503))
async def readyz(request: Request, opened: Opened) -> dict[str, str]:
    """Say whether this process can serve: not ending, its workers are looked after, its own files answer.

    A job board on a server is left out: were it away, no instance at all would be ready.
    """
    if request.app.state.is_ending:
        raise HTTPException(503, "the service is ending")
    if opened.is_board_embedded:
        opened.board.get("0" * 32)
    if not opened.supervisor.is_alive:
        raise HTTPException(503, "nothing looks after the workers any more: restart this process")
    if not opened.supervisor.has_opened:
        raise HTTPException(503, "no worker has opened what it needs yet")
    return {"status": "ok"}


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "The figures."}, **documented(503)},
)
def metrics(opened: Opened) -> Response:
    """Tell Prometheus the figures of this process, of its workers and of the board."""
    return Response(opened.metrics.page(), headers={"Content-Type": MEDIA_TYPE})
