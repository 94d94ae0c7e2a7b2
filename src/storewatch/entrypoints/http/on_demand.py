"""The poll store as the service's own process has it: nothing waits for it but who needs it."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from storewatch.bootstrap import open_polls

if TYPE_CHECKING:
    from storewatch.config import Settings
    from storewatch.ports.polls import PollStore


LOOK_SECONDS = 1.0  # between two looks at what is loaded


class PollsOnDemand:
    """Opens the poll store once: while the service starts, or when a route needs it before."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._opened: PollStore | None = None
        self._version: str | None = None
        self._looked = -LOOK_SECONDS  # by the monotonic clock

    def open(self) -> PollStore:
        """Return the poll store, from any thread. The first call is slow: it imports what the store needs.

        Raises:
            SettingsError: It is set wrong.
            UnavailableError: It does not answer; the next call tries again.
        """
        with self._lock:
            if self._opened is None:
                self._opened = open_polls(self._settings)
            return self._opened

    def version(self) -> str | None:
        """Return the version of what is loaded, as of a second ago at most; None: there are no polls.

        Raises:
            UnavailableError: It does not answer.
        """
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            with self.open().at() as snapshot:
                self._version = None if snapshot.newest is None else snapshot.version
            self._looked = time.monotonic()
        return self._version

    def look_again(self) -> None:
        """Have the next look at the version be one at the store: something was just loaded."""
        self._looked = -LOOK_SECONDS

    def close(self) -> None:
        """Let go of what was opened."""
        if self._opened is not None:
            self._opened.close()
