"""Connections, in bounds: how many there may be, and how long a client may take.

Uvicorn waits for ever for the rest of a request, and for a client to take its answer. Here who owes one of
these for too long loses its connection; and if there is no room for another, who has owed it longest does,
so that a crowd of half-sent requests shuts out nobody else.
"""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from storewatch.entrypoints.http.problems import problem

if TYPE_CHECKING:
    import asyncio
    from asyncio import TimerHandle

BACKLOG = 128  # connections that are accepted at once, before any of them is looked at
HEAD_BYTES = 16_384
OTHER_FILES = 256  # that the process may have open beside its connections


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 patient, but not for ever."""

    most: ClassVar[int]
    seconds: ClassVar[float]
    owing: ClassVar[dict[BoundedProtocol, TimerHandle]]  # from whom we wait for a request, longest first

    _stalled: TimerHandle | None = None  # ends a connection that does not take its answer

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn
        """Make room for a connection, or refuse it where all are at work."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            next(iter(self.owing), self).drop()
        if not transport.is_closing():
            self._look()

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        """Wait for the client to take what was written."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on writing."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._forget()
        self.resume_writing()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, or has too long a head, as all errors are."""
        said = problem(400, f"{msg.rstrip('.')}: a request's head has at most {HEAD_BYTES} bytes")
        headers = [*said.raw_headers, (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(said.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def drop(self) -> None:
        """End the connection at once."""
        self._forget()
        self.transport.abort()

    def _look(self) -> None:
        """Begin to wait, unless we do already or it is for us to act."""
        is_ours = self.cycle is not None and not (self.cycle.more_body or self.cycle.response_complete)
        if is_ours:
            self._forget()
        elif self not in self.owing:
            self.owing[self] = self.loop.call_later(self.seconds, self.drop)

    def _forget(self) -> None:
        timer = self.owing.pop(self, None)
        if timer is not None:
            timer.cancel()


def bounded(*, connections: int, seconds: float) -> type[BoundedProtocol]:
    """Return the protocol for a server of at most so many connections, if the system allows as many."""
    room = _files(connections + OTHER_FILES) - OTHER_FILES
    return type(
        "Bounded",
        (BoundedProtocol,),
        {"most": max(1, min(connections, room)), "seconds": seconds, "owing": {}},
    )


def _files(wanted: int) -> int:
    """Return how many files this process may have open, having asked for as many as are wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return wanted if soft == resource.RLIM_INFINITY else soft
