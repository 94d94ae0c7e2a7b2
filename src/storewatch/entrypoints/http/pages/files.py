"""The routes of the pages' own files, and of the page that shows the API."""

from __future__ import annotations

from pathlib import PurePosixPath

from fastapi import APIRouter, Response
from starlette.exceptions import HTTPException

from storewatch.entrypoints.http.pages.rendering import (
    HEADERS,
    MEDIA_TYPES,
    POLICY,
    PageRoute,
    asset_bytes,
    page,
)

ASSET_SECONDS = 365 * 86_400  # another content is another address

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.api_route("/docs", methods=["GET", "HEAD"])
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
