"""How our processes log: readable lines on a terminal, a JSON object a line elsewhere; on stderr."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor

OTHERS = ("uvicorn", "asyncio", "py.warnings")  # loggers of the standard library that are written as ours are

SAME = 10  # lines of one message of theirs that are written a minute: a crowd of bad requests fills no disk


class Seldom(logging.Filter):
    """Lets each message through so many times a minute, and says when it stops."""

    def __init__(self) -> None:
        super().__init__()
        self._minute = 0
        self._seen: Counter[str] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether a record is written."""
        if (minute := int(record.created // 60)) != self._minute:
            self._minute, self._seen = minute, Counter()
        self._seen[record.msg] += 1
        if self._seen[record.msg] == SAME:
            record.msg = f"{record.msg} (not said again for the rest of this minute)"
            return True
        return self._seen[record.msg] < SAME


def configure_logs() -> None:
    """Set up structlog, and the server's own logger with it, for this process."""
    readable = sys.stderr.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Without local variables: one of them holds the password.
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if readable
        else [structlog.processors.ExceptionRenderer(frames), structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Seldom())
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove, *last])
    )
    for name in OTHERS:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
