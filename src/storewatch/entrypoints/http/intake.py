"""How reports are asked for over HTTP: onto the job board, within bounds."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

import structlog
from starlette.exceptions import HTTPException

from storewatch.entrypoints.http.tokens import CALLER
from storewatch.errors import InputError
from storewatch.ports.jobs import State

if TYPE_CHECKING:
    from storewatch.config import Settings
    from storewatch.domain.ask import Ask
    from storewatch.ports.jobs import JobBoard
    from storewatch.processes.supervisor import Supervisor

RETRY_SECONDS = "10"  # what we ask of clients while too much is queued

log = structlog.get_logger()


class Intake:
    """Takes what is asked, unless it is too much, or too much waits already."""

    def __init__(self, board: JobBoard, supervisor: Supervisor, settings: Settings) -> None:
        self._board = board
        self._supervisor = supervisor
        self._settings = settings
        self._lock = Lock()
        self._coming = 0  # calls that may be about to add a job
        self._once: tuple[str, str] | None = None  # the last key of `submit_once`, and its report
        self._of_tokens: dict[str, set[str]] = {}  # the reports that each token asked for and that may wait

    def submit(self, ask: Ask, *, key: str | None = None, request_id: str | None = None) -> str:
        """Put a report job on the board, in whose words the arguments are, and return its id.

        Raises:
            InputError: It names too many stores, or one by too long an id.
            HTTPException: 429, too many jobs wait; of this token, or in all.
        """
        _check(ask, self._settings)
        with self._lock:
            self._coming += 1
            coming = self._coming
        try:
            self._leave_room(coming)
            report_id = self._board.submit(ask, key=key, request_id=request_id)
        finally:
            with self._lock:
                self._coming -= 1
        self._note(report_id)
        log.info("report triggered", report_id=report_id)
        self._supervisor.wake()
        return report_id

    def submit_once(self, ask: Ask, *, key: str) -> str:
        """Submit what the service itself asks for, unless that was the last; raises what `submit` does."""
        if self._once is None or self._once[0] != key or self._board.get(self._once[1]) is None:
            self._once = key, self.submit(ask, key=key)
        return self._once[1]

    def _note(self, report_id: str) -> None:
        if (token := CALLER.get()) is not None:
            with self._lock:
                self._of_tokens.setdefault(token.name, set()).add(report_id)

    def _leave_room(self, coming: int) -> None:
        """Refuse if as many more as are `coming` would be too many; that may be a few more than will come."""
        if self._board.queue_length() + coming > self._settings.queue_limit:
            raise _busy(f"{self._settings.queue_limit} reports wait already")
        token = CALLER.get()
        if token is None or len(self._waiting(token.name)) + coming <= self._settings.token_queue_limit:
            return
        raise _busy(f"{self._settings.token_queue_limit} reports of {token.name} wait already")

    def _waiting(self, name: str) -> set[str]:
        """Return the reports of a token that may still wait; asks the board only if they seem too many."""
        with self._lock:
            asked = set(self._of_tokens.get(name, ()))
        if len(asked) < self._settings.token_queue_limit:
            return asked
        jobs = [self._board.get(report_id) for report_id in asked]
        ended = asked - {job.id for job in jobs if job is not None and job.state is State.QUEUED}
        with self._lock:
            self._of_tokens[name] -= ended
            return set(self._of_tokens[name])


def _check(ask: Ask, settings: Settings) -> None:
    ids = ask.store_ids or ()
    if len(ids) > settings.store_ids_limit:
        raise InputError(
            f"store_ids: {len(ids)} are more than {settings.store_ids_limit}: ask in parts, or for all"
        )
    if any(len(store_id.encode()) > settings.store_id_limit for store_id in ids):
        raise InputError(f"store_ids: an id has more than {settings.store_id_limit} bytes")


def _busy(what: str) -> HTTPException:
    return HTTPException(429, f"{what}: ask again when some are done", {"Retry-After": RETRY_SECONDS})
