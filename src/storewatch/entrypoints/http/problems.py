"""Errors over HTTP, all in one shape: problem details (RFC 9457)."""

from __future__ import annotations

import json
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

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
    "Method Not Allowed": "this address is for programs; the pages begin at “Fleet”",
}
MOST_NAMED = 5  # wrong fields that are named in one answer

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


def add_problems(app: FastAPI, routes: Sequence[BaseRoute], page: Callable[[int, str], Response]) -> None:
    """Make every error of an app with these routes a problem; people get a `page` for what is not there."""
    app.add_exception_handler(HTTPException, partial(_http, routes, page))
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(InputError, _input)
    app.add_exception_handler(UnavailableError, _unavailable)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(SettingsError, _unset)
    app.add_exception_handler(Exception, _unexpected)


def wants_page(request: Request) -> bool:
    """Say whether a person's browser asks, and not a program."""
    return "text/html" in request.headers.get("accept", "")


async def _http(
    routes: Sequence[BaseRoute],
    page: Callable[[int, str], Response],
    request: Request,
    error: Exception,
) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for it
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(routes, request))
    if error.status_code == HTTPStatus.BAD_REQUEST:  # FastAPI's, of a body; others say 422
        return problem(422, "body: it cannot be read: write JSON in UTF-8")
    if error.status_code in {404, 405} and wants_page(request):
        text = _WORDS.get(error.detail, error.detail)
        answer = page(error.status_code, f"{text[:1].upper()}{text[1:]}.")
        answer.headers.update(headers)
        return answer
    return problem(error.status_code, error.detail, headers)


def _allowed(routes: Sequence[BaseRoute], request: Request) -> list[str]:
    """Return the methods of all routes of a path; Starlette names those of the first."""
    matching = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in matching for method in getattr(route, "methods", None) or ()})


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  registered for it
    named = [_describe(e) for e in error.errors()[:MOST_NAMED]]
    return problem(422, "; ".join(named))


def _describe(error: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in error["loc"][1:] if error["type"] != "json_invalid")
    what = str(error["msg"]).removeprefix("Value error, ")
    return f"{where or error['loc'][0]}: {what}"


async def _input(_: Request, error: Exception) -> Response:
    return problem(422, str(error))


async def _unavailable(request: Request, error: Exception) -> Response:
    assert isinstance(error, UnavailableError)  # noqa: S101  registered for it
    note_unanswered(request, error)
    detail = error.told or "a part of the service does not answer, try again later"
    return problem(503, detail, {"Retry-After": RETRY_SECONDS})


async def _refused(_: Request, error: Exception) -> Response:
    return problem(409, str(error))


async def _unset(_: Request, error: Exception) -> Response:
    return unset(error)


def unset(error: Exception) -> Response:
    """Return the answer where something is set wrong, and log what."""
    log.error("set wrong", error=str(error))
    return problem(503, "a part of the service is not set up as it should be; the log says what is missing")


async def _unexpected(_: Request, __: Exception) -> Response:
    return problem(500, "something went wrong on our side; the log has the details")
