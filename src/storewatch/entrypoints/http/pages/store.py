"""The route of a store's page.

It runs in threads. What reads figures is imported by the first page that shows any: it is slow to import,
and a service that only hands out reports needs none of it.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from storewatch.entrypoints.http.pages.current import Pin, Pinned  # noqa: TC001 - FastAPI reads it
from storewatch.entrypoints.http.pages.rendering import (
    HEADERS,
    PageRoute,
    as_of_words,
    kept_page,
    page,
    store_url,
)
from storewatch.entrypoints.http.services import Opened, Services  # noqa: TC001 - FastAPI reads it
from storewatch.entrypoints.http.tokens import CALLER
from storewatch.errors import InputError, NoPollsError, UnknownStoreError

WEEK = "week"
STORES = "/stores"  # the part of the pages that these belong to
FIELDS = ("window", "counts_as", "from", "to", "clock", "reason", "author")  # of the form

router = APIRouter(route_class=PageRoute, include_in_schema=False)
shown = partial(router.api_route, methods=["GET", "HEAD"])


@shown("/stores/{store_id:path}")
def show_store(
    store_id: str,
    opened: Opened,
    pinned: Pin,
    dots: Annotated[str, Query(alias="id")] = "",
    window: str = WEEK,
) -> Response:
    """Show a store's figures and where they come from: of the newest report, or of another one.

    An id of `dots` alone, which no path can have, is in the query instead.
    """
    return _store(store_id or dots, opened, pinned, window=window)


def _store(store_id: str, opened: Services, pinned: Pinned, *, window: str) -> Response:
    from storewatch.entrypoints.http.pages import evidence, stating  # noqa: PLC0415  see above

    polls, as_of, job = opened.polls.open(), pinned.instant, pinned.job(opened)
    version = opened.polls.version()
    content: dict[str, object] = {"pinned": pinned.query, "contact": opened.contact, "here": STORES}

    def made() -> tuple[int, dict[str, object]]:
        shown = evidence.find(polls, store_id, job, as_of=as_of, window=window, present=version)
        view = evidence.store_view(shown, store_id)
        form = dict.fromkeys(FIELDS, "") | {"window": window}
        content.update(store=view, form=form, what=stating.WHAT, **as_of_words(view.found.as_of))
        return view.found.as_of, content

    key = (store_id, window, pinned, job and job.id, version)
    try:
        return kept_page(opened.pages, "store", key, made)
    except NoPollsError:
        return page("empty", {"has_polls": False, "reports": []})
    except UnknownStoreError as error:
        return page("unknown", {**content, "store_id": store_id, "nearest": error.nearest}, status=404)


async def _form(request: Request) -> dict[str, str]:
    """Return what a form on a store's page says."""
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    return {name: fields.get(name, [""])[0] for name in (*FIELDS, "step", "note")}


@router.post("/stores/{store_id:path}")
def state(
    store_id: str,
    opened: Opened,
    form: Annotated[dict[str, str], Depends(_form)],
    dots: Annotated[str, Query(alias="id")] = "",
) -> Response:
    """Show what an annotation of a store would change, keep it, or withdraw one; by the form's `step`."""
    from storewatch.answering.annotate import annotate, checked_annotation  # noqa: PLC0415  see above
    from storewatch.entrypoints.http.pages import evidence, stating  # noqa: PLC0415  see above
    from storewatch.entrypoints.http.pages.verdict import words_of  # noqa: PLC0415  see above

    store_id, polls, now = store_id or dots, opened.polls.open(), time.time()
    step, note = form.pop("step"), form.pop("note")
    window = form["window"] = form["window"] or WEEK
    if step == "withdraw":
        return _withdraw(note, store_id, opened, window, now=now)
    try:
        shown = evidence.find(polls, store_id, None, as_of=None, window=window)
    except UnknownStoreError as error:
        return page("unknown", {"store_id": store_id, "nearest": error.nearest}, status=404)
    zone = shown.zone(store_id)
    content = {"store_id": store_id, "zone": zone, "form": form, "what": stating.WHAT, "here": STORES}
    token = CALLER.get()
    try:
        author = token.name if token else form["author"]
        columns = stating.given_columns(form, store_id, zone, author=author)
        row = checked_annotation(columns, now=now)
    except InputError as error:
        return page("stating", {**content, "error": str(error)}, status=422)
    if step == "store":
        annotate(polls, columns, now=now)
        return _changed(store_id, opened, window)
    before, after = stating.foreseen(shown.facts, shown.ask, store_id, row)
    (stated,) = stating.notes(row, store_id, zone)
    words, _ = words_of(shown.ask.parsed_windows[0])
    return page(
        "stating",
        {**content, "error": None, "before": before, "after": after, "text": stated.text, "words": words},
    )


def _withdraw(note: str, store_id: str, opened: Services, window: str, *, now: float) -> Response:
    from storewatch.answering.annotate import all_annotations, withdraw  # noqa: PLC0415  see above

    polls = opened.polls.open()
    if (note, store_id) not in all_annotations(polls).select("id", "store_id").iter_rows():
        raise HTTPException(404, "There is no annotation of this id about this store.")
    withdraw(polls, note, now=now)
    return _changed(store_id, opened, window)


def _changed(store_id: str, opened: Services, window: str) -> Response:
    """Lead to a store's page, which has what was just stated."""
    opened.polls.look_again()
    query = {} if window == WEEK else {"window": window}
    return RedirectResponse(store_url(store_id, query), 303, HEADERS)
