"""Commands that run the service."""

from __future__ import annotations

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8_000, show_default=True)
@click.option(
    "--workers", type=click.IntRange(0), help="Worker processes. Default: STOREWATCH_WORKERS, or 1."
)
def serve(*, host: str, port: int, workers: int | None) -> None:
    """Serve /trigger_report and /get_report; API docs at /docs."""
    from storewatch.config import load_settings
    from storewatch.entrypoints.api.app import serve as run

    settings = load_settings() if workers is None else load_settings(workers=workers)
    run(settings, host=host, port=port)
