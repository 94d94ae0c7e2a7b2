"""The route of a store's page.

It runs in threads. What reads figures is imported by the first page that shows any: it is slow to import,
and a service that only hands out reports needs none of it.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from storewatch.entrypoints.http.pages.current import Pin, Pinned  # noqa: TC001 - FastAPI reads it
from storewatch.entrypoints.http.pages.rendering import PageRoute, as_of_words, kept_page, page
from storewatch.entrypoints.http.services import Opened, Services  # noqa: TC001 - FastAPI reads it
from storewatch.errors import NoPollsError, UnknownStoreError

router = APIRouter(route_class=PageRoute, include_in_schema=False)
shown = partial(router.api_route, methods=["GET", "HEAD"])


@shown("/stores/{store_id:path}")
def show_store(
    store_id: str,
    opened: Opened,
    pinned: Pin,
    dots: Annotated[str, Query(alias="id")] = "",
    window: str = "week",
) -> Response:
    """Show a store's figures and where they come from: of the newest report, or of another one.

    An id of `dots` alone, which no path can have, is in the query instead.
    """
    return _store(store_id or dots, opened, pinned, window=window)


def _store(store_id: str, opened: Services, pinned: Pinned, *, window: str) -> Response:
    from storewatch.entrypoints.http.pages import evidence  # noqa: PLC0415  see above

    polls, as_of, job = opened.polls.open(), pinned.instant, pinned.job(opened)
    version = opened.polls.version()
    content: dict[str, object] = {"pinned": pinned.query}

    def made() -> tuple[int, dict[str, object]]:
        shown = evidence.find(polls, store_id, job, as_of=as_of, window=window, present=version)
        view = evidence.store_view(shown, store_id)
        return view.found.as_of, {**content, "store": view, **as_of_words(view.found.as_of)}

    key = (store_id, window, pinned, job and job.id, version)
    try:
        return kept_page(opened.pages, "store", key, made)
    except NoPollsError:
        return page("empty", {"has_polls": False, "reports": []})
    except UnknownStoreError as error:
        return page("unknown", {**content, "store_id": store_id, "nearest": error.nearest}, status=404)
