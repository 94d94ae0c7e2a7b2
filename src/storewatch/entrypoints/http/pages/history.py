"""What the pages show of report jobs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewatch.domain.instant import iso
from storewatch.domain.label import words_of
from storewatch.entrypoints.wording import age, duration
from storewatch.ports.jobs import ENDED, State

if TYPE_CHECKING:
    from storewatch.ports.jobs import Job

STAGES = {
    "gather": "Reading polls and hours",
    "compute": "Counting every store's week",
    "overview": "Finding out what stands out",
    "publish": "Writing the report",
}
MINUTE = 60  # seconds
FORMATS = {"CSV": "csv", "Excel": "xlsx", "Parquet": "parquet", "JSON": "json"}
WAITING = {State.QUEUED: "Waiting for a worker", State.RUNNING: "Starting"}
_AWAY = {
    "poll store": ("the polls", "they do"),
    "report shelf": ("the storage for reports", "it does"),
    "job board": ("the job board", "it does"),
}
# What a board says of a job that failed or is held up, and what people read instead: no text of elsewhere.
_CAUSES = {
    "NoPollsError": "there were no polls to report on. Load some, then ask for it again.",
    "NoStoreError": "no store has these labels. Spell them exactly as the stores file does.",
    "DroppedError": "it needs polls that are no longer kept. Ask for shorter windows or a later as-of.",
    "schema is": "the database is not ready for this version. Whoever runs the service has to upgrade it.",
    "not know what is asked": "only a newer version can make it. Upgrade the workers as well.",
    "outlived its limit": "it took longer than a report may. Ask for fewer stores, or have the limit raised.",
    "worker was lost|process died": "its worker stopped three times. It may be short of memory.",
    "EngineError": "the cluster that computes reports could not be used. Ask for it again when it can.",
}
_UNUSUAL = "something unexpected happened. The log of the service says what."
_WAITED = re.compile(r", for (\S+) s: ")


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A report job in words."""

    id: str
    state: State
    is_ended: bool
    is_complete: bool
    as_of: str | None
    scope: str  # which stores it is about
    rows: str | None
    took: str | None
    is_for_pages: bool  # nobody asked for it: the pages did
    made: str  # when it was asked for: how long ago
    created: str
    stage: str  # what it does now
    done: int
    total: int  # stores; 0: not known
    trouble: str | None  # why it failed or is held up, and what to do
    downloads: list[tuple[str, str]]  # name of the format, address


def job_view(job: Job, *, now: float) -> JobView:
    """Return a job as the pages show it; `now` in seconds since 1970."""
    progress = job.progress
    return JobView(
        id=job.id,
        state=job.state,
        is_ended=job.state in ENDED,
        is_complete=job.state is State.COMPLETE,
        as_of=None if job.as_of is None else iso(job.as_of),
        scope=_scope(job),
        rows=None if job.rows is None else f"{job.rows:,}",
        took=_took(job),
        is_for_pages=job.ask.overview,
        made=age(now - job.created),
        created=iso(int(job.created)),
        stage=STAGES.get(progress.stage, progress.stage) if progress else WAITING.get(job.state, ""),
        done=progress.done if progress else 0,
        total=progress.total if progress else 0,
        trouble=job.error and _trouble(job.error, has_failed=job.state is State.FAILED),
        downloads=_downloads(job) if job.state is State.COMPLETE else [],
    )


def _trouble(error: str, *, has_failed: bool) -> str:
    """Return a fixed sentence for what a board says of a job, by its cause."""
    away, back = next(
        (words for port, words in _AWAY.items() if f"{port} does not answer" in error), ("", "")
    )
    if away and not has_failed:
        return f"On hold: {away} did not answer. It will be tried again automatically."
    waited = _WAITED.search(error)
    long = f" for {_words(float(waited[1]))}" if waited else ""
    cause = next((words for text, words in _CAUSES.items() if re.search(text, error)), _UNUSUAL)
    if away:
        cause = f"{away} did not answer{long}. Ask for it again when {back}."
    return f"This report could not be made{'' if has_failed else ' yet'}: {cause}"


def _words(seconds: float) -> str:
    """Return how long something took, in its largest unit: `20 minutes`."""
    return age(seconds).removesuffix(" ago") if seconds >= MINUTE else "less than a minute"


def _downloads(job: Job) -> list[tuple[str, str]]:
    files = f"/v1/reports/{job.id}/download"
    found = [(name, f"{files}?format={ending}") for name, ending in FORMATS.items()]
    return found if job.ask.by is None else [*found, (f"By {job.ask.by}", f"{files}?format=csv&table=groups")]


def _scope(job: Job) -> str:
    stores = "all stores" if job.stores is None else f"{job.stores:,} stores"
    stores = "1 store" if job.stores == 1 else stores
    return f"those of {stores} with {words_of(job.ask.where)}" if job.ask.where else stores


def _took(job: Job) -> str | None:
    """Return how long the attempt took that ended the job."""
    if job.ended is None or job.started is None:
        return None
    seconds = max(0.0, job.ended - job.started)
    return f"{seconds:.2f} s" if seconds < MINUTE else duration(int(seconds))
