"""Lines and progress on the terminal."""

from __future__ import annotations

import functools
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.progress import Progress

SLOW = 1.0  # seconds; what takes longer shows its progress


def say(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines."""
    for line in lines:
        click.echo(line, err=err)


@contextmanager
def progress_bar() -> Iterator[Callable[[str, float], None]]:
    """Yield a progress callback (name, fraction) that draws a bar on a terminal once it takes a second."""
    if not sys.stderr.isatty():
        yield lambda _name, _fraction: None
        return
    began, bar = time.monotonic(), functools.cache(_bar)
    started = False

    def update(name: str, fraction: float) -> None:
        nonlocal started
        if started or time.monotonic() - began > SLOW:
            started = True
            bar().update(bar().task_ids[0], completed=fraction, description=name)

    yield update
    if started:
        bar().stop()


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    bar.add_task("reading", total=1.0)
    bar.start()
    return bar
