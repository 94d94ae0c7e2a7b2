"""The routes of a store's page, and of the search that leads to it.

They run in threads. What reads figures is imported by the first page that shows any: it is slow to import,
and a service that only hands out reports needs none of it.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse

from storewatch.entrypoints.http.pages.current import Pin, Pinned  # noqa: TC001 - FastAPI reads it
from storewatch.entrypoints.http.pages.rendering import HEADERS, PageRoute, as_of_words, page, store_url
from storewatch.entrypoints.http.services import Opened, Services  # noqa: TC001 - FastAPI reads it
from storewatch.errors import NoPollsError, UnknownStoreError

router = APIRouter(route_class=PageRoute, include_in_schema=False)
shown = partial(router.api_route, methods=["GET", "HEAD"])


@shown("/stores")
def find_store(opened: Opened, pinned: Pin, q: str = "") -> Response:
    """Go to the store of this id; for another text, name the ids that are most like it; for none, back."""
    if not q.strip():
        return RedirectResponse("/", 303, HEADERS)
    for store_id in (q, q.strip()):
        if _is_store(store_id, opened):
            return RedirectResponse(store_url(store_id, pinned.query), 303, HEADERS)
    return _store(q, opened, pinned, unknown=200)


def _is_store(store_id: str, opened: Services) -> bool:
    with opened.polls.open().at() as snapshot:
        return snapshot.has(store_id)


@shown("/stores/{store_id:path}")
def show_store(
    store_id: str, opened: Opened, pinned: Pin, dots: Annotated[str, Query(alias="id")] = ""
) -> Response:
    """Show a store's figures and where they come from: of the newest report, or of another one.

    An id of `dots` alone, which no path can have, is in the query instead.
    """
    return _store(store_id or dots, opened, pinned)


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
    return page("store", {**content, "store": view, **as_of_words(view.found.as_of)})
