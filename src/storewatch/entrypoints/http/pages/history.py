"""What the pages show of report jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewatch.domain.instant import iso
from storewatch.domain.label import words_of
from storewatch.entrypoints.wording import age, hours
from storewatch.ports.jobs import ENDED, State

if TYPE_CHECKING:
    from storewatch.ports.jobs import Job

STAGES = {
    "gather": "Reading polls and hours",
    "compute": "Counting every store's week",
    "overview": "Finding out what stands out",
    "publish": "Writing the report",
}
FORMATS = {"CSV": "csv", "Excel": "xlsx", "Parquet": "parquet", "JSON": "json"}
WAITING = {State.QUEUED: "Waiting for a worker", State.RUNNING: "Beginning"}


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
    made: str  # when it was asked for: how long ago
    created: str
    stage: str  # what it does now
    done: int
    total: int  # stores; 0: not known
    error: str | None
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
        made=age(now - job.created),
        created=iso(int(job.created)),
        stage=STAGES.get(progress.stage, progress.stage) if progress else WAITING.get(job.state, ""),
        done=progress.done if progress else 0,
        total=progress.total if progress else 0,
        error=job.error,
        downloads=_downloads(job) if job.state is State.COMPLETE else [],
    )


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
    return f"{seconds:.2f} s" if seconds < 60 else hours(int(seconds))  # noqa: PLR2004  a minute
