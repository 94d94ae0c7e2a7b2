"""Errors over HTTP, all in one shape: problem details (RFC 9457)."""

from __future__ import annotations

import json
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from storewatch.entrypoints.http.services import note_unanswered
from storewatch.errors import InputError, RefusedError, SettingsError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fastapi import FastAPI, Request
    from starlette.routing import BaseRoute

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = "5"  # what we ask of clients while a store does not answer
_WORDS = {
    "Not Found": "there is nothing at this address",
    "Method Not Allowed": "this address is for programs; people begin at “Overview”",
}
IS_PAGE = "storewatch.is_page"  # in the scope of what asks for a page
MOST_NAMED = 5  # wrong fields that are named in one answer

Told: TypeAlias = "tuple[int, str, Mapping[str, str]]"  # status, what was wrong, headers
MakePage: TypeAlias = "Callable[[int, str], Response]"

log = structlog.get_logger()


class Problem(BaseModel):
    """What went wrong."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    detail: str = Field(description="What was wrong, in a sentence.", examples=["there is no such report"])


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer for an error."""
    title = HTTPStatus(status).phrase
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return Response(
        json.dumps(content),  # ASCII: what a client sent may hold halves of characters
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        MEDIA_TYPE,
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return OpenAPI's description of these error answers."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {s: {"description": HTTPStatus(s).phrase, "content": {MEDIA_TYPE: schema}} for s in statuses}


def add_problems(app: FastAPI, routes: Sequence[BaseRoute], page: MakePage) -> None:
    """Make every error of an app with these routes a problem, and for people a `page`."""
    told: dict[type[Exception], Callable[..., Told]] = {
        HTTPException: partial(_http, routes),
        RequestValidationError: _invalid,
        InputError: lambda _, error: (422, str(error), {}),
        UnavailableError: _unavailable,
        RefusedError: lambda _, error: (409, str(error), {}),
        SettingsError: lambda _, error: unset(error),
        Exception: lambda *_: (500, "something went wrong on our side; the log has the details", {}),
    }
    for kind, tell in told.items():
        app.add_exception_handler(kind, partial(_answer, tell, page))


async def _answer(
    tell: Callable[[Request, Exception], Told], page: MakePage, request: Request, error: Exception
) -> Response:
    status, detail, headers = tell(request, error)
    if not wants_page(request):
        return problem(status, detail, headers)
    answer = page(status, detail)
    answer.headers.update(headers)
    return answer


def wants_page(request: Request) -> bool:
    """Say whether a person's browser asks, and not a program; or for a page, whoever asks."""
    return IS_PAGE in request.scope or "text/html" in request.headers.get("accept", "")


def _http(routes: Sequence[BaseRoute], request: Request, error: HTTPException) -> Told:
    status, detail, headers = error.status_code, error.detail, dict(error.headers or {})
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(routes, request))
    if status == HTTPStatus.BAD_REQUEST:  # FastAPI's, of a body; others say 422
        return 422, "body: it cannot be read: write JSON in UTF-8", {}
    return status, _WORDS.get(detail, detail) if wants_page(request) else detail, headers


def _allowed(routes: Sequence[BaseRoute], request: Request) -> list[str]:
    """Return the methods of all routes of a path; Starlette names those of the first."""
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in matching for method in getattr(route, "methods", None) or ()})


def _invalid(request: Request, error: RequestValidationError) -> Told:
    wrong = error.errors()
    if wants_page(request):
        if any(each["loc"][0] == "path" for each in wrong):
            return 404, _WORDS["Not Found"], {}
        return 422, f"“{wrong[0].get('input')}” cannot be used as {wrong[0]['loc'][-1]}", {}
    return 422, "; ".join(_describe(each) for each in wrong[:MOST_NAMED]), {}


def _describe(error: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"][1:] if error["type"] != "json_invalid")
    what = str(error["msg"]).removeprefix("Value error, ")
    return f"{where or error['loc'][0]}: {what}"


def _unavailable(request: Request, error: UnavailableError) -> Told:
    note_unanswered(request, error)
    detail = error.told or "a part of the service does not answer, try again later"
    return 503, detail, {"Retry-After": RETRY_SECONDS}


def unset(error: Exception) -> Told:
    """Return what to answer where something is set wrong, and log what."""
    log.error("set wrong", error=str(error))
    return 503, "a part of the service is not set up as it should be; the log says what is missing", {}
