"""The app: opens everything when it starts, not before, and starts its workers."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from storewatch import __version__
from storewatch.bootstrap import open_board, open_shelf
from storewatch.config import load_settings, signing_secret
from storewatch.entrypoints.api.links import Links
from storewatch.entrypoints.api.problems import Problem, add_problems
from storewatch.entrypoints.api.routes import Services, router
from storewatch.entrypoints.logs import configure_logs
from storewatch.entrypoints.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from storewatch.config import Settings

GRACE_SECONDS = 10  # for running downloads, when the service ends


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the app; without settings, it takes those of the environment when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        configure_logs()
        with opened(settings or load_settings()) as services:
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
    )
    app.state.services = None
    app.include_router(router)
    add_problems(app, router.routes)
    return app


class _App(FastAPI):
    """FastAPI, with our shape of errors in its OpenAPI document instead of its own."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        document = super().openapi()
        schemas = document["components"]["schemas"]
        schemas["Problem"] = Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        return document


@contextmanager
def opened(settings: Settings) -> Iterator[Services]:
    """Open what the routes use and start the workers; the caller stops them."""
    with ExitStack() as stack:
        board = open_board(settings)
        stack.callback(board.close)
        links = Links(signing_secret(settings), lifetime=settings.link_seconds)
        shelf = open_shelf(settings)
        supervisor = Supervisor(settings)
        supervisor.start()
        yield Services(
            board=board,
            shelf=shelf,
            links=links,
            is_direct=settings.reports_links == "direct",
            supervisor=supervisor,
            public_url=settings.public_url,
        )


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Serve until SIGTERM or Ctrl-C; port 0 takes a free one, which the log names."""
    # No access log: it would hold every link's signature, and a line for each look at a running report.
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        access_log=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
