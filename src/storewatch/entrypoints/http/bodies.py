"""Bodies of requests, in bounds: each as it comes in, not when all of it is there."""

from __future__ import annotations

from asyncio import Semaphore
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException

from storewatch.entrypoints.http.problems import problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from storewatch.entrypoints.http.services import Services

SMALL = 65_536  # bytes, up to which a body waits for no other
LARGE_AT_ONCE = 8  # bodies beyond it that are held at a time


class BoundedBodies:
    """Refuses a body that is too large, and has large ones wait for one another: each is held in memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._large = Semaphore(LARGE_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on, but for what a body has too much."""
        services: Services | None = scope["app"].state.services if scope["type"] == "http" else None
        if services is None:
            await self._app(scope, receive, send)
            return
        most, taken, is_large = services.body_limit, 0, False

        async def bounded() -> Message:
            nonlocal taken, is_large
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise HTTPException(413, _too_large(most))
            if taken > SMALL and not is_large:
                await self._large.acquire()
                is_large = True
            return message

        if _announced(scope) > most:
            await problem(413, _too_large(most))(scope, receive, send)
            return
        try:
            await self._app(scope, bounded, send)
        finally:
            if is_large:
                self._large.release()


def _announced(scope: Scope) -> int:
    """Return the length that a request says its body has; 0 if it does not."""
    given = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(given)  # the server has checked it


def _too_large(most: int) -> str:
    return f"the body is larger than {most} bytes: ask for fewer stores at once, or for all"
