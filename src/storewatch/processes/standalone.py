"""`storewatch worker`: workers without the calls; a small port of its own tells how they are."""

from __future__ import annotations

import signal
import socket
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from storewatch.bootstrap import open_board
from storewatch.errors import SettingsError
from storewatch.logs import configure_logs
from storewatch.metrics import MEDIA_TYPE, Metrics
from storewatch.processes.signals import Told
from storewatch.processes.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from storewatch.config import Settings

LOOK_SECONDS = 1.0  # between two looks whether the workers are still looked after

log = structlog.get_logger()


def work(settings: Settings, *, host: str, metrics_port: int | None) -> None:
    """Compute reports until SIGTERM or Ctrl-C; then finish or hand back what is in hand, and return.

    Args:
        settings: `workers` is how many worker processes there are.
        host: Where the port for /metrics and /healthz is opened.
        metrics_port: 0 takes a free one, which the log names; None opens none.

    Raises:
        SettingsError: Something is set wrong, a worker cannot open what it needs, or the port is taken.
        UnavailableError: Something does not answer.
    """
    configure_logs()
    metrics = Metrics()
    board = open_board(settings)
    metrics.watch(board)
    supervisor = Supervisor(settings, metrics, spare_a_core=False)
    told = Told(signal.SIGTERM, signal.SIGINT)
    with _watched(metrics, supervisor, host=host, port=metrics_port):
        supervisor.start()
        try:
            supervisor.check()
            log.info("working", workers=settings.workers)
            while supervisor.is_alive and not told.within(LOOK_SECONDS):
                pass
            log.info("ending", grace_seconds=settings.grace_seconds)
        finally:
            supervisor.stop()
            board.close()


@contextmanager
def _watched(metrics: Metrics, supervisor: Supervisor, *, host: str, port: int | None) -> Iterator[None]:
    """Answer /metrics and /healthz on a port."""
    if port is None:
        yield
        return
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise SettingsError(f"the port {port} of {host} cannot be opened: {error.strerror}") from error
    app = _pages(metrics, supervisor)
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    thread = Thread(target=server.run, args=([listener],), name="metrics", daemon=True)
    thread.start()
    log.info("metrics are served", host=host, port=listener.getsockname()[1])
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def _pages(metrics: Metrics, supervisor: Supervisor) -> Starlette:
    def figures(_: Request) -> Response:
        return Response(metrics.page(), media_type=MEDIA_TYPE)

    def health(_: Request) -> Response:
        if not supervisor.is_alive:
            raise HTTPException(503)
        return JSONResponse({"status": "ok"})

    return Starlette(routes=[Route("/metrics", figures), Route("/healthz", health)])
