"""The page that shows the calls and tries them out: Swagger UI, whose files come from a package."""

from __future__ import annotations

from fastapi import APIRouter, Response

from storewatch.entrypoints.http.pages.rendering import POLICY, PageRoute, page

router = APIRouter(route_class=PageRoute, include_in_schema=False)

# Swagger UI's style sheet has pictures in it.
_POLICY = POLICY.replace("img-src 'self'", "img-src 'self' data:")


@router.api_route("/docs", methods=["GET", "HEAD"])
def docs() -> Response:
    """Show the calls."""
    answer = page("docs", {})
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer
