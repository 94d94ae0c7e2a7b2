"""What each call needs, as its OpenAPI document says it."""

from __future__ import annotations

from typing import Any

from storewatch.entrypoints.http.gate import need, takes_session
from storewatch.entrypoints.http.problems import documented
from storewatch.entrypoints.http.sessions import COOKIE

SCHEMES: dict[str, Any] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "Where the service runs with STOREWATCH_AUTH=tokens; by default it asks for none. "
        "The scope is the least that a call needs; of read, trigger, annotate and admin each may all that "
        "those before it may.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "Of a person who signed in by a token.",
    },
}


def say_need(operation: dict[str, Any], method: str, path: str) -> None:
    """Add to an operation which token it needs, and the answers without."""
    scope = need(method, path)
    ways = [] if scope is None else ["token", "session"] if takes_session(method, path) else ["token"]
    operation["security"] = [{way: [scope]} for way in ways]
    if scope is not None:
        operation["responses"] |= {str(status): answer for status, answer in documented(401, 403).items()}
    operation["responses"] |= {str(status): answer for status, answer in documented(421).items()}
    operation["responses"] = dict(sorted(operation["responses"].items()))
