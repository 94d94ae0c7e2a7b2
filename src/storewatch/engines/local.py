"""Slices on the cores of this machine, in threads."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from storewatch.engines.part import make_part

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from concurrent.futures import Future

    from storewatch.domain.ask import Ask
    from storewatch.domain.slices import Within
    from storewatch.engines.part import Part, Rules, Tell
    from storewatch.ports.polls import Snapshot

T = TypeVar("T")


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class LocalEngine:
    """Computes slices side by side, as many at once as there are cores; an `Engine`."""

    threads: int = field(default_factory=cores)

    def parts(
        self,
        snapshot: Snapshot,
        ask: Ask,
        slices: Sequence[Within],
        *,
        rules: Rules,
        tell: Tell,
        folder: str | None = None,  # noqa: ARG002  parts stay in memory
    ) -> Generator[Part]:
        """Yield the part of each slice, in their order; one slice is computed where it is asked for."""
        if len(slices) == 1:
            yield make_part(snapshot, ask, slices[0], rules=rules, tell=tell)
        else:
            yield from self.each(partial(make_part, snapshot, ask, rules=rules), slices)

    def each(self, make: Callable[[Within], T], slices: Sequence[Within]) -> Generator[T]:
        """Yield what `make` returns for each slice, in their order, a few ahead of whoever takes them."""
        waiting: deque[Future[T]] = deque()
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="slice")
        try:
            for within in slices:
                waiting.append(pool.submit(make, within))
                if (
                    len(waiting) > self.threads
                ):  # the oldest is done or nearly so, the others keep the cores busy
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
