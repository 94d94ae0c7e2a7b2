"""Commands that run the service."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from storewatch.entrypoints.cli.ending import FAILED
from storewatch.errors import StorewatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

F = TypeVar("F", bound="Callable[..., Any]")


@contextmanager
def logged() -> Iterator[None]:
    """Let what ends the process be the last line of its log, in the log's form; on a terminal it is told."""
    import structlog

    from storewatch.logs import configure_logs

    try:
        yield
    except StorewatchError as error:
        if sys.stderr.isatty():
            raise
        configure_logs()
        structlog.get_logger().critical("ended", error=str(error))
        sys.exit(FAILED)


def metrics_options(command: F) -> F:
    """Add the options for a port that has the figures and nothing else."""
    for option in (
        click.option("--metrics-host", default="0.0.0.0", show_default=True),  # noqa: S104  Prometheus is elsewhere
        click.option(
            "--metrics-port",
            type=click.IntRange(0, 65_535),
            help="Serve /metrics and probes on this port; 0 takes a free one. Default: no port.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8_000, show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(0),
    help="Worker processes; 0: others compute the reports. Default: STOREWATCH_WORKERS, or 1.",
)
@metrics_options
def serve(*, host: str, port: int, workers: int | None, metrics_port: int | None, metrics_host: str) -> None:
    """Serve calls and pages; docs at /docs, figures at /metrics."""
    from storewatch.config import load_settings
    from storewatch.entrypoints.http.app import serve as run

    with logged():
        settings = load_settings() if workers is None else load_settings(workers=workers)
        run(settings, host=host, port=port, metrics_host=metrics_host, metrics_port=metrics_port)


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    help="Reports computed at once, a process each. Default: STOREWATCH_WORKERS, or 1.",
)
@metrics_options
def worker(*, concurrency: int | None, metrics_port: int | None, metrics_host: str) -> None:
    """Compute the reports that are triggered elsewhere.

    At SIGTERM or Ctrl-C it finishes what is in hand, or hands it back.
    """
    from storewatch.config import load_settings
    from storewatch.processes.standalone import work

    with logged():
        settings = load_settings() if concurrency is None else load_settings(workers=concurrency)
        work(
            settings if settings.workers else load_settings(workers=1),
            host=metrics_host,
            metrics_port=metrics_port,
        )
