"""Around every request: its id, its line in the figures, and the log of what went wrong."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from storewatch.entrypoints.http.services import Services

HEADER = b"x-request-id"
UNKNOWN_ROUTE = "none"  # of a request that no route is there for
_GUARDS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_SANE = re.compile(rb"[A-Za-z0-9._~:-]{1,128}")

log = structlog.get_logger()


class Observed:
    """The outermost part of the app.

    A request has the id that it came with in X-Request-ID, if that is sane, else a new one; the answer has it
    too, and so do all log lines.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, _in_one_line(send))
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = next((value for name, value in scope["headers"] if name == HEADER), b"")
        request_id = given if _SANE.fullmatch(given) else uuid4().hex.encode()
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        began, status, is_answered = time.perf_counter(), 500, False

        async def observe(message: Message) -> None:
            nonlocal status, is_answered
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*_guarded(message.get("headers", ())), (HEADER, request_id)]
            elif message["type"] == "http.response.body" and not message.get("more_body", False):
                is_answered = True
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
            try:
                await self._app(scope, receive, observe)
            except Exception:
                log.exception("request failed", method=scope["method"], route=route_of(scope))
                if not is_answered:
                    raise
            finally:
                _count(scope, status=status, seconds=time.perf_counter() - began)


def _guarded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers, and for what they leave out: keep nothing, guess no type."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    return given + [header for header in _GUARDS if header[0] not in names]


def route_of(scope: Scope) -> str:
    """Return the template of the route that took a request, like `/get_report/{report_id}`."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else UNKNOWN_ROUTE


def _count(scope: Scope, *, status: int, seconds: float) -> None:
    services: Services | None = scope["app"].state.services
    if services is not None:
        services.metrics.request(
            route=route_of(scope), method=scope["method"], status=status, seconds=seconds
        )


def _in_one_line(send: Send) -> Send:
    """Have an error of ours that keeps the app from starting told by its message, not by a trace."""

    async def short(message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            last = message["message"].strip().rpartition("\n")[2]
            if last.startswith("storewatch.errors."):
                message["message"] = last.removeprefix("storewatch.errors.")
        await send(message)

    return short
