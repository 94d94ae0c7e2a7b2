"""What tests of the calls share: the one shape of errors, and an app served from a thread."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

import httpx
import uvicorn

from service import Service, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from storewatch.ports.jobs import JobBoard
    from storewatch.ports.shelf import ReportShelf

REPORTS = "/v1/reports"


@dataclass(frozen=True, kw_only=True)
class Opened:
    """An app without workers, and what it has opened."""

    client: httpx.Client
    board: JobBoard
    shelf: ReportShelf


def check_problem(answer: httpx.Response, status: int) -> str:
    """Check the one shape of errors, and return the detail."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert list(body) == ["type", "title", "status", "detail"]
    assert body["type"] == "about:blank"
    assert body["status"] == status
    assert body["title"]
    assert "Traceback" not in body["detail"]
    return str(body["detail"])


@contextmanager
def served(app: FastAPI, *, lifespan: Literal["on", "off"] = "on", port: int = 0) -> Iterator[httpx.Client]:
    """Serve an app from a thread of this process, so that a test can look behind it; port 0: a free one."""
    config = uvicorn.Config(app, port=port, lifespan=lifespan, log_level="critical", ws="none")
    server = uvicorn.Server(config)
    thread = Thread(target=server.run)
    thread.start()
    try:
        eventually("the app is served", lambda: server.started)
        host, port = server.servers[0].sockets[0].getsockname()
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def post(url: str, *, key: str | None = None, **wanted: Any) -> httpx.Response:
    """Ask for a report below /v1."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return httpx.post(url + REPORTS, json=wanted or None, headers=headers, timeout=30)


def made(service: Service, **wanted: Any) -> dict[str, Any]:
    """Make a report and return it as it is seen once it has ended."""
    where = post(service.url, **wanted).headers["location"]

    def look() -> dict[str, Any] | None:
        seen: dict[str, Any] = httpx.get(where).json()
        return None if seen["state"] in {"Queued", "Running"} else seen

    return eventually("the report has ended", look)
