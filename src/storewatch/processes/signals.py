"""How a process hears that it is to end."""

from __future__ import annotations

import os
import select
import signal


class Told:
    """Whether one of some signals has come. For the main thread, once a process."""

    def __init__(self, *signals: signal.Signals) -> None:
        # Another thread may be the one that a signal interrupts: by a pipe, who waits hears of it at once.
        self._ear, mouth = os.pipe()
        os.set_blocking(mouth, False)
        signal.set_wakeup_fd(mouth)
        for number in signals:
            signal.signal(number, lambda *_: None)

    def within(self, seconds: float | None) -> bool:
        """Wait until one has come, for at most `seconds` (None: for ever); False if none has."""
        return bool(select.select([self._ear], [], [], seconds)[0])
