"""How a worker keeps a claim: a heartbeat beside the computation, patience with a board that is away."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

import structlog

from storewatch.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from storewatch.ports.jobs import Claim, Holding, Job, Leases, Progress

    Missed = Callable[[UnavailableError], None]  # hears of each call that was not answered

R = TypeVar("R")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two tries

log = structlog.get_logger()


@contextmanager
def heartbeat(
    board: Leases, claim: Claim, *, lease: float, missed: Missed, lost: Callable[[], None]
) -> Iterator[Callable[[Progress], None]]:
    """Renew a claim's lease (seconds) beside the computation; yield what the computation tells progress to.

    A board that does not answer says nothing about the claim: it is asked again. `lost` hears, once, that
    the claim is.
    """
    told: SimpleQueue[Progress | None] = SimpleQueue()

    def beat() -> None:
        progress = None
        while True:
            try:
                progress = told.get(timeout=lease / 3)
                if progress is None:
                    return
            except Empty:
                pass
            try:
                if not board.beat(claim, lease=lease, progress=progress):
                    lost()
                    return
            except UnavailableError as error:
                missed(error)
                log.warning("heartbeat failed", report_id=claim.job.id, error=str(error))

    thread = Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield told.put
    finally:
        told.put(None)
        thread.join()


@dataclass(frozen=True, kw_only=True)
class Patient:
    """Says again to `board`, until it is answered, what must not be lost with the computation.

    After `seconds` the UnavailableError is passed on; `missed` hears of those before.
    """

    board: Holding
    seconds: float
    missed: Missed

    def pin(self, claim: Claim, *, as_of: int, version: str) -> Job | None:
        """Fix as-of and input version unless an earlier attempt did; None if the claim is lost."""
        return self._answer(lambda: self.board.pin(claim, as_of=as_of, version=version))

    def finish(self, claim: Claim, *, key: str, rows: int) -> bool:
        """Make the job Complete with the report at `key`; False if the claim is lost."""
        return self._answer(lambda: self.board.finish(claim, key=key, rows=rows))

    def fail(self, claim: Claim, error: str, *, final: bool) -> bool:
        """End this attempt: Failed if `final` or the last, else queued again; False if the claim is lost."""
        return self._answer(lambda: self.board.fail(claim, error, final=final))

    def hand_back(self, claim: Claim, *, pause: float = 0.0, reason: str | None = None) -> bool:
        """Queue the job again, for in `pause` seconds, without counting; False if the claim is lost."""
        return self._answer(lambda: self.board.hand_back(claim, pause=pause, reason=reason))

    def _answer(self, call: Callable[[], R]) -> R:
        deadline, pause = time.monotonic() + self.seconds, FIRST_PAUSE
        while True:
            try:
                return call()
            except UnavailableError as error:
                if time.monotonic() + pause > deadline:
                    raise
                self.missed(error)
                log.warning("not answered, asked again", seconds=pause, error=str(error))
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
