"""How an attempt at a report goes, for whoever wants to hear of it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storewatch.errors import OverError
from storewatch.ports.jobs import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from storewatch.engines.part import Part


@dataclass(kw_only=True)
class Course:
    """How an attempt goes: `tell` hears each stage begin; the rest is there as far as it has come."""

    tell: Callable[[Progress], object] = lambda _progress: None
    is_over: Callable[[], bool] = lambda: (
        False
    )  # whether nobody needs the report any more; asked after each slice
    seconds: dict[str, float] = field(default_factory=dict)  # of each stage, of slices side by side added up
    polls: int | None = None  # read
    stores: int | None = None  # that have a row
    rejected: dict[str, int] = field(default_factory=dict)  # input rows that cannot be used, by reason

    @contextmanager
    def stage(self, name: str, *, done: int = 0, total: int = 0) -> Iterator[None]:
        """Tell that a stage begins, with so many stores done, and note how long it takes."""
        self.tell(Progress(stage=name, done=done, total=total))
        began = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - began

    def add(self, part: Part) -> None:
        """Note what was read and how long each stage took for a part of the report.

        Raises:
            OverError: Nobody needs the report any more.
        """
        self.polls = (self.polls or 0) + part.made_of.polls
        for name, seconds in part.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0) + seconds
        rejects = part.made_of.rejects
        if rejects is not None:
            for reason, rows in rejects["reason"].value_counts().iter_rows():
                self.rejected[reason] = self.rejected.get(reason, 0) + rows
        self.go_on()

    def go_on(self) -> None:
        """Raise OverError if nobody needs the report any more."""
        if self.is_over():
            raise OverError
