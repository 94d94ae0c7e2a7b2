"""The routes about single stores. They read the poll store, so they run in threads."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from storewatch.entrypoints.http.problems import documented
from storewatch.entrypoints.http.services import Opened  # noqa: TC001 - FastAPI reads it
from storewatch.entrypoints.http.shapes import Asked  # noqa: TC001 - FastAPI reads it
from storewatch.entrypoints.http.v1.explanation import StoreHours
from storewatch.errors import UnknownStoreError

router = APIRouter(prefix="/v1/stores")


@router.get("/{store_id:path}/hours", response_model=StoreHours, responses=documented(404, 422, 503))
def store_hours(
    store_id: Annotated[str, Path(description="To the letter.", examples=["8139926242460185114"])],
    asked: Annotated[Asked, Query()],
    opened: Opened,
) -> Response:
    """Say hour by hour where a store's figures come from, and by which rule; then its outages."""
    # Slow to import, and only this needs it: a service that hands out reports stays small.
    from storewatch.answering.explain import explain_store  # noqa: PLC0415

    try:
        found = explain_store(opened.polls.open(), store_id, asked.ask())
    except UnknownStoreError as error:
        raise HTTPException(404, str(error)) from error
    return Response(StoreHours.of(found).model_dump_json(), media_type="application/json")
