"""Lines and progress on the terminal."""

from __future__ import annotations

import functools
import re
import shutil
import sys
import textwrap
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.progress import Progress

WIDTH = 80  # columns that what we lay out has room in
_GAP = re.compile(r" {2,}")
_LEAST = 12  # columns that a last column is left with
SLOW = 1.0  # seconds; what takes longer shows its progress
_STEERING = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_ESCAPED = {code: repr(chr(code))[1:-1] for code in _STEERING}  # ids and paths may hold anything


def say(lines: Iterable[str], *, err: bool = False) -> None:
    """Print lines: on a terminal between words where they are too long, and what would steer it escaped."""
    stream = sys.stderr if err else sys.stdout
    width = shutil.get_terminal_size().columns if stream.isatty() else None
    for line in lines:
        text = line.translate(_ESCAPED)
        for part in [text] if width is None else folded(text, width):
            click.echo(part, err=err)


def folded(line: str, width: int) -> list[str]:
    """Return a line in parts of at most `width` characters, as far as it has spaces; words stay whole.

    Later parts begin where the last of its columns does, which two spaces set apart.
    """
    if len(line) <= width:
        return [line]
    column = max((gap.end() for gap in _GAP.finditer(line[: width - _LEAST])), default=2)
    return textwrap.wrap(
        line, width, subsequent_indent=" " * column, break_long_words=False, break_on_hyphens=False
    )


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
