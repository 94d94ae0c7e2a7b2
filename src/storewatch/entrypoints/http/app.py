"""The app: opens everything when it starts, not before, and starts its workers."""

from __future__ import annotations

import time
from contextlib import ExitStack, asynccontextmanager, contextmanager
from threading import Thread
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from storewatch import __version__
from storewatch.bootstrap import is_board_embedded, open_board, open_shelf
from storewatch.config import load_settings, signing_secrets
from storewatch.entrypoints.http.bodies import BoundedBodies
from storewatch.entrypoints.http.calls import router
from storewatch.entrypoints.http.connections import BACKLOG, HEAD_BYTES, bounded
from storewatch.entrypoints.http.gate import Gate
from storewatch.entrypoints.http.hosts import Hosts, is_loopback
from storewatch.entrypoints.http.intake import Intake
from storewatch.entrypoints.http.kept import KeptPages
from storewatch.entrypoints.http.links import Links
from storewatch.entrypoints.http.observed import Observed
from storewatch.entrypoints.http.on_demand import PollsOnDemand
from storewatch.entrypoints.http.pages.files import router as files
from storewatch.entrypoints.http.pages.findings import router as page_of_findings
from storewatch.entrypoints.http.pages.groups import router as groups
from storewatch.entrypoints.http.pages.overview import router as overview
from storewatch.entrypoints.http.pages.rendering import error_page
from storewatch.entrypoints.http.pages.reports import router as page_of_reports
from storewatch.entrypoints.http.pages.sign_in import router as sign_in
from storewatch.entrypoints.http.pages.store import router as store_page
from storewatch.entrypoints.http.pages.stores import router as list_of_stores
from storewatch.entrypoints.http.pages.warming import warm
from storewatch.entrypoints.http.problems import Problem, add_problems
from storewatch.entrypoints.http.security import SCHEMES, say_need
from storewatch.entrypoints.http.services import Services
from storewatch.entrypoints.http.sessions import Sessions
from storewatch.entrypoints.http.tokens import Tokens
from storewatch.entrypoints.http.v1.annotations import router as annotating
from storewatch.entrypoints.http.v1.findings import router as findings
from storewatch.entrypoints.http.v1.reports import router as v1
from storewatch.entrypoints.http.v1.stores import router as stores
from storewatch.errors import SettingsError
from storewatch.logs import configure_logs
from storewatch.metrics import Metrics
from storewatch.processes.standalone import pages as pages_of_figures
from storewatch.processes.standalone import watched
from storewatch.processes.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from types import FrameType

    from starlette.types import ASGIApp

    from storewatch.config import Settings

ROUTERS = (
    router,
    stores,
    annotating,
    v1,
    findings,
    overview,
    groups,
    page_of_findings,
    page_of_reports,
    list_of_stores,
    store_page,
    files,
    sign_in,
)
log = structlog.get_logger()

FINISHING = 0.75  # of the grace, for running requests


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the app; without settings, it takes those of the environment when it starts.

    What else keeps the service in bounds, `serve` adds: connections are not the app's.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if app.state.services is not None:  # who serves the app has opened them, and closes them
            yield
            return
        configure_logs()
        with opened(settings or load_settings(), bound=None) as services:
            app.state.services = services
            try:
                yield
            finally:
                app.state.services = None
                await run_in_threadpool(services.supervisor.stop)

    app = _App(
        title="storewatch",
        version=__version__,
        description="Uptime reports for places that keep opening hours.",
        lifespan=lifespan,
        docs_url=None,  # ours loads nothing from elsewhere
        redoc_url=None,
    )
    app.state.services = None
    app.state.is_ending = False
    for each in ROUTERS:
        app.include_router(each)
    add_problems(app, [route for each in ROUTERS for route in each.routes], error_page)
    return app


class _App(FastAPI):
    """FastAPI, observed, with our shape of errors in its OpenAPI document instead of its own."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return what requests go through: observed outside of all, so that no answer is missed."""
        return Observed(Gate(BoundedBodies(super().build_middleware_stack())))

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document = super().openapi()
        schemas = document["components"]["schemas"]
        schemas["Problem"] = Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        document["components"]["securitySchemes"] = SCHEMES
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                say_need(operation, method.upper(), path)
        return document


@contextmanager
def opened(settings: Settings, *, bound: str | None) -> Iterator[Services]:
    """Open what the routes use and start the workers; at the end, stop them.

    `bound` is the address that the service listens at, None if whoever serves the app knows it alone.

    Raises:
        SettingsError: Something is set wrong, or a worker cannot open what it needs.
        UnavailableError: Something does not answer.
    """
    with ExitStack() as stack:
        metrics = Metrics()
        board = open_board(settings)
        stack.callback(board.close)
        metrics.watch(board)
        polls = PollsOnDemand(settings)
        stack.callback(polls.close)
        secrets = signing_secrets(settings)
        links = Links(secrets, lifetime=settings.link_seconds)
        hosts = Hosts(settings, bound=bound)
        _say_who_may(settings, hosts, bound=bound)
        shelf = open_shelf(settings)
        supervisor = Supervisor(settings, metrics)
        supervisor.start()
        stack.callback(supervisor.stop)
        Thread(target=warm, args=(polls,), daemon=True, name="warming").start()
        supervisor.check()
        yield Services(
            board=board,
            keeper=board,
            is_board_embedded=is_board_embedded(settings),
            shelf=shelf,
            links=links,
            is_direct=settings.reports_links == "direct",
            supervisor=supervisor,
            metrics=metrics,
            polls=polls,
            public_url=settings.public_url,
            sessions=_sessions(settings, secrets),
            hosts=hosts,
            intake=Intake(board, supervisor, settings),
            pages=KeptPages(),
            contact=settings.contact,
            body_limit=settings.body_limit,
        )


def _sessions(settings: Settings, secrets: Sequence[str]) -> Sessions | None:
    """Return who may sign in; None if whoever reaches the service may do all."""
    if settings.auth == "none":
        return None
    tokens = Tokens(settings.tokens_file)
    if not tokens.all():
        log.warning("there are no tokens, so nobody is let in: make one by `storewatch token new`")
    return Sessions(secrets, tokens, is_https=(settings.public_url or "").startswith("https:"))


def _say_who_may(settings: Settings, hosts: Hosts, *, bound: str | None) -> None:
    """Say in the log what a service beyond loopback leaves open."""
    if bound is not None and is_loopback(bound):
        return
    left_open = ["whoever reaches it may do all (STOREWATCH_AUTH=none)"] if settings.auth == "none" else []
    if hosts.are_any:
        left_open.append("it answers to any name (STOREWATCH_HOSTS)")
    if left_open:
        log.warning("this service may be reached from beyond this machine", left_open=left_open, host=bound)


def serve(settings: Settings, *, host: str, port: int, metrics_host: str, metrics_port: int | None) -> None:
    """Serve until SIGTERM or Ctrl-C; port 0 takes a free one, which the log names.

    With a metrics port, /metrics and /healthz are there too, and ask for no token.

    Then it is not ready any more, serves on for the drain, finishes what runs, and returns within the grace.

    Raises:
        StorewatchError: It cannot start.
    """
    configure_logs()
    app = create_app(settings)
    with (
        opened(settings, bound=host) as services,
        watched(
            pages_of_figures(services.metrics, services.supervisor), host=metrics_host, port=metrics_port
        ),
    ):
        app.state.services = services
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_config=None,
            # No access log: it would hold every link's signature, and a line for each look at a report.
            access_log=False,
            http=bounded(connections=settings.connection_limit, seconds=settings.client_seconds),
            ws="none",
            backlog=BACKLOG,
            h11_max_incomplete_event_size=HEAD_BYTES,
            timeout_graceful_shutdown=max(
                1, int(FINISHING * settings.grace_seconds - settings.drain_seconds)
            ),
        )
        try:
            _Server(config, app, drain=settings.drain_seconds).run()
        except SystemExit as end:  # uvicorn's code for it is ours for rows that could not be used
            raise SettingsError(
                f"the port {port} of {host} cannot be opened: take another, or end what has it"
            ) from end


class _Server(uvicorn.Server):
    """A server that fails its readiness first, and ends when balancers have had the time to see that."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, *, drain: float) -> None:
        super().__init__(config)
        self._app = app
        self._drain = drain
        self._ends_at: float | None = None  # by the monotonic clock

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end at the first signal; at a second one, end at once."""
        if self._ends_at is not None:
            super().handle_exit(sig, frame)
            return
        self._ends_at = time.monotonic() + self._drain
        self._app.state.is_ending = True
        self._app.state.services.supervisor.end()

    async def on_tick(self, counter: int) -> bool:
        """Say whether to end."""
        if self._ends_at is not None and time.monotonic() >= self._ends_at:
            self.should_exit = True
        return await super().on_tick(counter)
