"""The routes of the list of stores, of the same as files, and of the search.

They run in threads. What reads figures is imported by the first page that shows any, as elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.exceptions import HTTPException

from storewatch.domain.instant import compact
from storewatch.entrypoints.http.few_at_once import FewAtOnce
from storewatch.entrypoints.http.pages.current import Pin, Pinned, before_the_first, current
from storewatch.entrypoints.http.pages.rendering import HEADERS, PageRoute, page, store_url
from storewatch.entrypoints.http.services import Opened, Services  # noqa: TC001 - FastAPI reads it

if TYPE_CHECKING:
    from storewatch.entrypoints.http.pages.current import Current

FILES = 2  # at once: a workbook of a large fleet takes seconds
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
SORTS = {  # what the form offers
    "uptime": "Lowest uptime",
    "change": "Largest fall",
    "-downtime": "Most downtime",
    "-longest": "Longest outage",
    "-outages": "Most outages",
    "measured": "Least measured",
    "since": "Longest in this state",
    "-since": "Latest to change",
    "id": "Id",
    "name": "Name",
}

router = APIRouter(route_class=PageRoute, include_in_schema=False)
shown = partial(router.api_route, methods=["GET", "HEAD"])
_files = FewAtOnce("lists", FILES)


@shown("/stores")
def list_stores(request: Request, opened: Opened, pinned: Pin, q: str = "", go: str = "") -> Response:
    """List stores; or go to the one of an id, if that is asked for and there is one."""
    if go:
        for store_id in (q, q.strip()):
            if _is_store(store_id, opened):
                return RedirectResponse(store_url(store_id, pinned.query), 303, HEADERS)
    now = current(opened, pinned)
    if now is None:
        return before_the_first(opened)
    from storewatch.entrypoints.http.pages.listing import listing  # noqa: PLC0415 - see above
    from storewatch.entrypoints.http.pages.view import View  # noqa: PLC0415 - the same

    view = View.read(request.query_params.multi_items())
    content: dict[str, object] = {
        **now.content(),
        "view": view,
        **listing(now, view),
        "sorts": list(({view.sort: view.sort} | SORTS).items()),
        "kept": now.query,
    }
    if now.is_pinned:
        content["now"] = replace(now, is_pinned=_is_old(now, opened))
    return page("stores", content)


def _is_store(store_id: str, opened: Services) -> bool:
    with opened.polls.open().at() as snapshot:
        return snapshot.has(store_id)


def _is_old(now: Current, opened: Services) -> bool:
    """Say whether a newer report is complete."""
    newest = opened.board.newest_complete()
    return newest is not None and newest.id != now.job.id


@shown("/stores.{ending}")
async def list_as_file(
    request: Request, ending: Literal["csv", "xlsx"], opened: Opened, pinned: Pin
) -> Response:
    """Return a list as CSV or as a workbook."""
    return await to_thread.run_sync(_file, request, ending, opened, pinned, limiter=_files.limiter())


def _file(request: Request, ending: str, opened: Services, pinned: Pinned) -> Response:
    from storewatch.entrypoints.http.pages.listing import csv_pieces, filed  # noqa: PLC0415 - see above
    from storewatch.entrypoints.http.pages.view import View  # noqa: PLC0415 - the same
    from storewatch.formats.workbook import sheet_bytes  # noqa: PLC0415 - the same

    now = current(opened, pinned)
    if now is None:
        raise HTTPException(404, "No report is complete yet, so there is nothing to list.")
    rows, as_of = filed(now, View.read(request.query_params.multi_items())), now.report.as_of
    pieces = csv_pieces(rows) if ending == "csv" else iter([sheet_bytes(rows, "Stores", as_of)])
    name = f'attachment; filename="stores-{compact(as_of)}.{ending}"'
    headers = HEADERS | {"Content-Disposition": name, "Cache-Control": "private"}
    return StreamingResponse(pieces, 200, headers, MEDIA_TYPES[ending])


@shown("/suggest")
def suggest(opened: Opened, pinned: Pin, q: str = "") -> Response:
    """Return a few stores in whose id or name a text is, for the search to complete."""
    from storewatch.entrypoints.http.pages.listing import suggestions  # noqa: PLC0415 - see above

    now = current(opened, pinned) if q.strip() else None
    found = suggestions(now, q) if now else []
    return Response(json.dumps(found), 200, HEADERS, "application/json")
