"""`storewatch worker`: workers without the calls; a small port of its own tells how they are."""

from __future__ import annotations

import signal
import socket
from contextlib import contextmanager
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from storewatch.bootstrap import migrations, open_board, open_shelf
from storewatch.errors import SettingsError, UnavailableError
from storewatch.logs import configure_logs
from storewatch.metrics import MEDIA_TYPE, Metrics
from storewatch.processes.signals import Told
from storewatch.processes.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request

    from storewatch.config import Settings
    from storewatch.ports.jobs import JobBoard
    from storewatch.ports.shelf import ReportShelf

PROBE = "probe/0"  # a key that no report has
LOOK_SECONDS = 1.0  # between two looks whether the workers are still looked after

log = structlog.get_logger()


def work(settings: Settings, *, host: str, metrics_port: int | None) -> None:
    """Compute reports until SIGTERM or Ctrl-C; then finish or hand back what is in hand, and return.

    Args:
        settings: `workers` is how many worker processes there are.
        host: Where the port for /metrics, /healthz and /readyz is opened.
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
    app = pages(metrics, supervisor, partial(_ask_stores, settings, board, open_shelf(settings)))
    with watched(app, host=host, port=metrics_port):
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
def watched(app: Starlette, *, host: str, port: int | None) -> Iterator[None]:
    """Answer on a port of its own; None: on none.

    Raises:
        SettingsError: The port is taken.
    """
    if port is None:
        yield
        return
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise SettingsError(f"the port {port} of {host} cannot be opened: {error.strerror}") from error
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    thread = Thread(target=server.run, args=([listener],), name="metrics", daemon=True)
    thread.start()
    log.info("metrics are served", host=host, port=listener.getsockname()[1])
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def _ask_stores(settings: Settings, board: JobBoard, shelf: ReportShelf) -> None:
    """Ask each store something small.

    Raises:
        UnavailableError: One does not answer. Whether a schema is there a worker found out when it opened it.
    """
    board.queue_length()
    shelf.size(PROBE)
    migrations(settings)


def pages(
    metrics: Metrics, supervisor: Supervisor, ask_stores: Callable[[], None] | None = None
) -> Starlette:
    """Return the app of /metrics and /healthz; where it can ask the stores, of /readyz too."""

    def figures(_: Request) -> Response:
        return Response(metrics.page(), media_type=MEDIA_TYPE)

    def health(_: Request) -> Response:
        if not supervisor.is_alive:
            raise HTTPException(503)
        return JSONResponse({"status": "ok"})

    def ready(request: Request) -> Response:
        assert ask_stores is not None  # noqa: S101  else there is no such route
        if not supervisor.has_opened:
            raise HTTPException(503, "no worker has opened what it needs yet")
        try:
            ask_stores()
        except UnavailableError as error:
            log.warning("not ready", error=str(error))
            raise HTTPException(503, f"the {error.port} does not answer") from error
        return health(request)

    routes = {"/metrics": figures, "/healthz": health} | ({"/readyz": ready} if ask_stores else {})
    return Starlette(routes=[Route(path, page) for path, page in routes.items()])
