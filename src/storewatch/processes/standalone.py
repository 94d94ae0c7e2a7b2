"""`storewatch worker`: workers without the calls; a small port of its own tells how they are."""

from __future__ import annotations

import os
import select
import signal
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import structlog

from storewatch.bootstrap import open_board
from storewatch.errors import SettingsError
from storewatch.logs import configure_logs
from storewatch.metrics import BOARD, MEDIA_TYPE, Metrics, counted
from storewatch.processes.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
    board = counted(open_board(settings), BOARD, metrics.error)
    metrics.watch(board)
    supervisor = Supervisor(settings, metrics, spare_a_core=False)
    with _signals() as is_told_to_end, _watched(metrics, supervisor, host=host, port=metrics_port):
        supervisor.start()
        try:
            supervisor.check()
            log.info("working", workers=settings.workers)
            while supervisor.is_alive and not is_told_to_end(LOOK_SECONDS):
                pass
            log.info("ending", grace_seconds=settings.grace_seconds)
        finally:
            supervisor.stop()
            board.close()


@contextmanager
def _signals() -> Iterator[Callable[[float], bool]]:
    """Yield what waits so many seconds for SIGTERM or SIGINT, and says whether one came."""
    bell, cord = os.pipe()
    os.set_blocking(cord, False)
    before = signal.set_wakeup_fd(cord)
    handlers = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda seconds: bool(select.select([bell], [], [], seconds)[0])
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(bell)
        os.close(cord)


@contextmanager
def _watched(metrics: Metrics, supervisor: Supervisor, *, host: str, port: int | None) -> Iterator[None]:
    """Answer /metrics and /healthz on a port."""
    if port is None:
        yield
        return

    class Handler(_Handler):
        pages = {"/metrics": metrics.page, "/healthz": lambda: _health(supervisor)}  # noqa: RUF012 - read only

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise SettingsError(f"the port {port} of {host} cannot be opened: {error.strerror}") from error
    server.daemon_threads = True
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    log.info("metrics are served", host=host, port=server.server_port)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _health(supervisor: Supervisor) -> bytes | None:
    return b'{"status":"ok"}' if supervisor.is_alive else None


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD on some pages; one that gives None is not available."""

    pages: dict[str, Callable[[], bytes | None]]
    timeout = 10  # seconds

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        page = self.pages.get(path)
        if page is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        content = page()
        if content is None:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", MEDIA_TYPE if path == "/metrics" else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET  # noqa: N815 - the library's name

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the library's names
        """Log nothing."""
