"""How an attempt at a report goes, for whoever wants to hear of it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storewatch.ports.jobs import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from storewatch.domain.facts import Facts


@dataclass(kw_only=True)
class Course:
    """How an attempt goes: `tell` hears each stage begin; the rest is there as far as it has come."""

    tell: Callable[[Progress], object] = lambda _progress: None
    seconds: dict[str, float] = field(default_factory=dict)  # of each stage that has ended
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

    def read(self, facts: Facts) -> None:
        """Note what was read for a part of the report."""
        self.polls = (self.polls or 0) + facts.polls.height
        if facts.rejects is not None:
            for reason, rows in facts.rejects["reason"].value_counts().iter_rows():
                self.rejected[reason] = self.rejected.get(reason, 0) + rows
