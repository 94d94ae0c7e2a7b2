"""How our processes log: readable lines on a terminal, a JSON object a line elsewhere; on stderr."""

from __future__ import annotations

import sys

import structlog


def configure_logs() -> None:
    """Set up structlog for this process."""
    readable = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if readable else [structlog.processors.dict_tracebacks]),
            structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
