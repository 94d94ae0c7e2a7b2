"""The gate: what a call needs, and whether who makes it may.

It stands before all routes, so that a route which nobody thought of is closed, not open.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request

from storewatch.entrypoints.http.pages.rendering import error_page, page
from storewatch.entrypoints.http.problems import problem, unset, wants_page
from storewatch.entrypoints.http.sessions import COOKIE
from storewatch.entrypoints.http.tokens import CALLER, Scope
from storewatch.errors import SettingsError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Send
    from starlette.types import Scope as Call

    from storewatch.entrypoints.http.services import Services
    from storewatch.entrypoints.http.sessions import Sessions
    from storewatch.entrypoints.http.tokens import Token

READING = frozenset({"GET", "HEAD", "OPTIONS"})
TRIGGER_BY_GET = "/trigger_report"  # it changes something by GET
ANNOTATIONS = "/v1/annotations"
STORES = "/stores/"  # a form on the page of a store states something of it
_OPEN = re.compile(r"/healthz|/readyz|/sign-in|/assets/[^/]+|/reports/[^/]+/[^/]+")  # the last: signed links
_SIGNING = frozenset({"/sign-in", "/sign-out"})
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})  # asked for by address, not by name
_PAGES = re.compile(r"/|/docs|/groups|/findings|/stores(/.*)?|/reports(/[^/]+)?")


def need(method: str, path: str) -> Scope | None:
    """Return the scope that a call needs; None: everybody may make it."""
    if path == TRIGGER_BY_GET:
        return Scope.TRIGGER
    if method in READING:
        return None if _OPEN.fullmatch(path) else Scope.READ
    if path.startswith(ANNOTATIONS) or (method == "POST" and path.startswith(STORES)):
        return Scope.ANNOTATE
    if method == "POST":
        return None if path in _SIGNING else Scope.TRIGGER
    return Scope.ADMIN


def takes_session(method: str, path: str) -> bool:
    """Say whether a call may come from a signed-in browser: it reads, or is one of the pages' own forms."""
    if method in READING:
        return path != TRIGGER_BY_GET
    return method == "POST" and (path == "/reports" or path.startswith(STORES))


class Gate:
    """Lets a call through to the app, or answers it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Call, receive: Receive, send: Send) -> None:
        """Pass on what is no request, and what may pass."""
        services: Services | None = scope["app"].state.services if scope["type"] == "http" else None
        answer = None if services is None else _refusal(Request(scope), services)
        await (answer or self._app)(scope, receive, send)


def _refusal(request: Request, services: Services) -> Response | None:
    """Return the answer to a call that may not pass."""
    path, local = request.url.path, request.scope.get("server")
    host = request.headers.get("host", "")
    if path not in _PROBES and not services.hosts.take(host, local=local and local[0]):
        return _said(
            request,
            421,
            f"this service is not called {host!r}: call it by a name of its own, or have its operator add "
            "the name to STOREWATCH_HOSTS",
        )
    changes = request.method not in READING or path == TRIGGER_BY_GET
    if changes and _is_foreign(request, services.public_url):
        return _said(request, 403, "another site may not change anything here: open this service itself")
    if services.sessions is None:
        return None
    try:
        return _unless_allowed(request, services.sessions)
    except SettingsError as error:
        return _said(request, *unset(error)[:2])


def _is_foreign(request: Request, public_url: str | None) -> bool:
    """Say whether the page of another site makes a call; without TLS, browsers only tell its origin."""
    site, origin = (request.headers.get(name) for name in ("sec-fetch-site", "origin"))
    if site is not None:
        return site == "cross-site"
    own = {request.headers.get("host", "").lower(), urlsplit(public_url or "").netloc.lower()}
    return origin is not None and urlsplit(origin).netloc.lower() not in own - {""}


def _unless_allowed(request: Request, sessions: Sessions) -> Response | None:
    """Return the answer to a call that needs another token than it has; note whose it is."""
    needed, token = need(request.method, request.url.path), _token(request, sessions)
    CALLER.set(token)
    if needed is None:
        return None
    if token is None:
        return _who(request)
    if not token.scope.covers(needed):
        return _said(
            request, 403, f"this needs a token of the scope {needed}, and {token.name} is of {token.scope}"
        )
    structlog.contextvars.bind_contextvars(token=token.name)
    return None


def _token(request: Request, sessions: Sessions) -> Token | None:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return sessions.tokens.of(secret.strip())
    if takes_session(request.method, request.url.path) and (cookie := request.cookies.get(COOKIE)):
        return sessions.token(cookie)
    return None


def _who(request: Request) -> Response:
    """Return the answer to a call without a token that is known: a form for people, else a problem."""
    challenge = {"WWW-Authenticate": "Bearer"}
    is_reading = request.method in READING
    if wants_page(request) or (is_reading and _PAGES.fullmatch(request.url.path)):
        following = str(request.url).removeprefix(str(request.base_url).rstrip("/")) if is_reading else "/"
        answer = page("sign_in", {"following": following, "is_wrong": False}, status=401)
        answer.headers.update(challenge)
        return answer
    given = "this token is not known, or not any more" if "authorization" in request.headers else "no token"
    return problem(401, f"{given}: send Authorization: Bearer and a token of this service", challenge)


def _said(request: Request, status: int, text: str) -> Response:
    return error_page(status, text) if wants_page(request) else problem(status, text)
