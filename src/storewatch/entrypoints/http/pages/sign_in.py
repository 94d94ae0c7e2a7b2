"""The routes by which people sign in and out."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from storewatch.entrypoints.http.pages.rendering import HEADERS, PageRoute, page
from storewatch.entrypoints.http.services import Opened  # noqa: TC001 - FastAPI reads it

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_OURS = re.compile(r"/([^/\\].*)?")  # //name and /\name lead to another site


@router.api_route("/sign-in", methods=["GET", "HEAD"])
def sign_in_form(opened: Opened) -> Response:
    """Ask for a token; where none is needed, lead on."""
    if opened.sessions is None:
        return RedirectResponse("/", 303, HEADERS)
    return page("sign_in", {"following": "/", "is_wrong": False})


@router.post("/sign-in")
async def sign_in(request: Request, opened: Opened) -> Response:
    """Begin a session and lead to the page that was asked for."""
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    following = form.get("following", ["/"])[0]
    if not _OURS.fullmatch(following):
        following = "/"
    answer = RedirectResponse(following, 303, HEADERS)
    if opened.sessions is not None:
        token = opened.sessions.tokens.of(form.get("token", [""])[0].strip())
        if token is None:
            return page("sign_in", {"following": following, "is_wrong": True}, status=401)
        opened.sessions.begin(answer, token)
    return answer


@router.post("/sign-out")
def sign_out(opened: Opened) -> Response:
    """End the session."""
    answer = RedirectResponse("/", 303, HEADERS)
    if opened.sessions is not None:
        opened.sessions.end(answer)
    return answer
