"""How many threads at once do what takes a core for long."""

from __future__ import annotations

from anyio import CapacityLimiter
from anyio.lowlevel import RunVar


class FewAtOnce:
    """A limit of threads, one in each event loop: its limiters cannot be shared."""

    def __init__(self, name: str, most: int) -> None:
        self._most = most
        self._limiter: RunVar[CapacityLimiter] = RunVar(name)

    def limiter(self) -> CapacityLimiter:
        """Return the limiter of the event loop that runs."""
        try:
            return self._limiter.get()
        except LookupError:
            limiter = CapacityLimiter(self._most)
            self._limiter.set(limiter)
            return limiter
