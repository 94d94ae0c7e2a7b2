"""The status: what is configured, whether each part answers, and what should be looked at."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import TYPE_CHECKING, Any

from storewatch import __version__
from storewatch.adapters.location import shown
from storewatch.bootstrap import migrations, open_board, open_polls, open_shelf
from storewatch.domain.instant import MICROSECONDS, iso
from storewatch.domain.zone import tzdata_version
from storewatch.errors import StorewatchError
from storewatch.formats.manifest import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from storewatch.config import Settings
    from storewatch.ports.jobs import Job

PATIENCE = 10.0  # seconds for a part to answer
RECENT = 5  # jobs
PROBE = "status-probe"  # a folder of the shelf in which nothing ever lies


@dataclass(kw_only=True)
class Part:
    """One of the three things outside that the service stands on."""

    name: str
    url: str  # without what may be a secret
    answers: bool = False
    seconds: float | None = None  # that all of its answers took; None: it has not answered yet
    error: str | None = None
    warnings: dict[str, str] = field(default_factory=dict)  # a sentence by a short name
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Status:
    """All that there is to be said, in plain values."""

    versions: Mapping[str, str]
    settings: Mapping[str, Any]  # those that are no secret
    parts: Sequence[Part]

    @property
    def is_well(self) -> bool:
        """Say whether every part answers."""
        return all(part.answers for part in self.parts)


def look(settings: Settings, *, patience: float = PATIENCE) -> Status:
    """Ask all parts at once; of who does not answer within `patience` (seconds) no more than that is said."""
    parts = [
        Part(name="poll store", url=shown(settings.polls_url.get_secret_value())),
        Part(name="job board", url=shown(settings.jobs_url.get_secret_value())),
        Part(name="report shelf", url=shown(settings.reports_url.get_secret_value())),
    ]
    threads = [
        Thread(target=_ask, args=(part, ask, settings), daemon=True)
        for part, ask in zip(parts, (_ask_polls, _ask_board, _ask_shelf), strict=True)
    ]
    deadline = time.monotonic() + patience
    for thread in threads:
        thread.start()
    for place, thread in enumerate(threads):
        thread.join(max(0.0, deadline - time.monotonic()))
        if thread.is_alive():  # a part of its own, for the thread goes on
            late = f"it has not answered within {patience:g} s: it may be slow, or away"
            parts[place] = replace(parts[place], answers=False, seconds=None, error=late)
    secrets = {
        "secret",
        "secret_old",
        "polls_url",
        "jobs_url",
        "reports_url",
        "polls_query",
        "hours_query",
        "zones_query",
    }
    return Status(
        versions={
            "storewatch": __version__,
            "rules": RULES,
            "tzdata": tzdata_version(),
            "python": platform.python_version(),
        },
        settings={
            name: shown(value) if isinstance(value, str) else value
            for name, value in settings.model_dump(mode="json", exclude=secrets).items()
        },
        parts=parts,
    )


def _ask(part: Part, ask: Callable[[Part, Settings], None], settings: Settings) -> None:
    began = time.monotonic()
    try:
        ask(part, settings)
        part.answers = True
    except StorewatchError as error:
        part.error = str(error)
    except Exception as error:  # noqa: BLE001  the other parts are to be told of; its text may hold a password
        part.error = f"internal error: {type(error).__name__}"
    part.seconds = round(time.monotonic() - began, 3)


def _ask_polls(part: Part, settings: Settings) -> None:
    if (counts := migrations(settings)) is not None:
        part.details["migrations"] = f"{counts[0]} of {counts[1]}"
    polls = open_polls(settings)
    for probe in polls.probe():
        part.details[f"{probe.kind} query"] = [list(row) for row in probe.rows]
        if probe.warning:
            part.warnings[f"{probe.kind} query"] = probe.warning
    with polls.at() as snapshot:
        newest = snapshot.newest
        part.details["version"] = snapshot.version
    part.details["newest_poll"] = None if newest is None else iso(newest // MICROSECONDS)
    polls.close()


def _ask_board(part: Part, settings: Settings) -> None:
    board = open_board(settings)
    overview = board.overview()
    part.details["jobs"] = {str(state): count for state, count in overview.jobs.items()}
    part.details["queue_length"] = board.queue_length()
    part.details["oldest_queued_seconds"] = overview.oldest_queued_seconds
    part.details["live_workers"] = overview.live_workers
    part.details["recent"] = [_recent(job) for job in board.recent(RECENT)]
    part.warnings.update({str(risk): text for risk, text in board.warnings().items()})
    board.close()


def _recent(job: Job) -> dict[str, Any]:
    return {
        "report_id": job.id,
        "state": str(job.state),
        "created": iso(int(job.created)),
        "seconds": None if job.ended is None else round(job.ended - job.created, 3),
        "attempts": job.attempts,
        "as_of": None if job.as_of is None else iso(job.as_of),
        "stage": job.progress.stage if job.progress else None,
        "worker": job.worker,
        "error": job.error,
    }


def _ask_shelf(part: Part, settings: Settings) -> None:
    shelf = open_shelf(settings)
    shelf.sweep(PROBE, keep=None)  # lists what is there, and fails if bucket or rights are missing
    part.warnings.update({str(risk): text for risk, text in shelf.warnings().items()})
