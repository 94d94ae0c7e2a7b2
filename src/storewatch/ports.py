"""What the outside must offer: a poll store, a job board, a report shelf.

Each port is opened by URL in `storewatch.adapters`; nothing above them knows which technology answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    import polars as pl

    from storewatch.domain.facts import Facts


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "Queued"  # waits for a worker
    RUNNING = "Running"  # a worker holds its lease, or lost it and nobody has taken it over yet
    COMPLETE = "Complete"  # its report is on the shelf
    FAILED = "Failed"  # it will not be tried again; `error` says why
    CANCELLED = "Cancelled"  # somebody asked for it to end


ENDED = frozenset({State.COMPLETE, State.FAILED, State.CANCELLED})


@dataclass(frozen=True, kw_only=True)
class Request:
    """What was asked for."""

    as_of: int | None = None  # seconds since 1970 UTC; None: the newest poll
    carry: int | None = 604_800  # seconds; None: a poll carries for ever
    store_ids: tuple[str, ...] | None = None  # None: every store
    request_id: str | None = field(default=None, compare=False)  # of the call that asked, for the logs


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an attempt has come."""

    stage: str
    done: int  # stores
    total: int  # stores


@dataclass(frozen=True, kw_only=True)
class Job:
    """One report job as the board knows it. Instants are seconds since 1970 by the board's clock."""

    id: str  # 32 hex digits
    state: State
    request: Request
    created: float
    number: int = 0  # grows in the order of submits
    attempts: int = 0  # claims that counted
    epoch: int = 0  # fencing epoch: grows with every claim
    as_of: int | None = None  # pinned by the first claim
    version: str | None = None  # of the input, pinned by the first claim
    worker: str | None = None  # who claimed it last
    started: float | None = None  # the last claim
    progress: Progress | None = None  # the last that the last claim told
    ended: float | None = None
    error: str | None = None
    key: str | None = None  # where the finished report lies on the shelf
    rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A lease on a job: proof of who may finish it."""

    job: Job
    epoch: int


@dataclass(frozen=True, kw_only=True)
class Overview:
    """How a job board stands."""

    jobs: Mapping[State, int]  # how many are in each state; every state is there
    oldest_queued_seconds: float | None  # since the oldest queued job was submitted; None without one
    live_workers: int  # that announced themselves, and for whom that still holds


class JobBoard(Protocol):
    """Who has to do what, and what came of it. Every state change is a compare-and-set.

    A claim is a lease by the board's clock. The fence is the epoch, not the time: who lost the job to
    another can change nothing any more, who merely was late may go on.
    """

    def submit(self, request: Request, *, key: str | None = None) -> str:
        """Put a job on the board, durably, and return its id (32 hex digits).

        If there is a job that was submitted with the same `key`, return its id instead, however it stands; a
        key is forgotten with its job. KeyReusedError if that job's request is another.
        """
        ...

    def get(self, job_id: str) -> Job | None:
        """Return the job, or None where the board has none of that id.

        A job whose third counted attempt has run out becomes Failed here too: it may be that nobody claims.
        """
        ...

    def cancel(self, job_id: str) -> bool:
        """End a job that has not ended; False if there was nothing to cancel."""
        ...

    def claim(self, worker: str, *, lease: float) -> Claim | None:
        """Take the oldest job that is queued or whose lease (seconds) has run out; None if there is none.

        A job whose third counted attempt has run out becomes Failed here and is not handed out.
        """
        ...

    def pin(self, claim: Claim, *, as_of: int, version: str) -> Job | None:
        """Fix as-of and input version unless an earlier attempt did.

        Returns the job as pinned, None if the claim is lost.
        """
        ...

    def beat(self, claim: Claim, *, lease: float, progress: Progress | None = None) -> bool:
        """Renew the lease, and note the progress if given.

        False, changing nothing, if the claim is lost (another epoch, cancelled, ended).
        """
        ...

    def finish(self, claim: Claim, *, key: str, rows: int) -> bool:
        """Make the job Complete with the report at `key`; False if the claim is lost.

        Said again for the same key it answers True again: who did not hear the answer may ask twice.
        """
        ...

    def fail(self, claim: Claim, error: str, *, final: bool) -> bool:
        """End this attempt: Failed if `final` or the third counted one, else queued again.

        False if the claim is lost.
        """
        ...

    def hand_back(self, claim: Claim) -> bool:
        """Queue the job again without counting the attempt; False if the claim is lost."""
        ...

    def announce(self, worker: str, *, ttl: float) -> None:
        """Count a worker as live for `ttl` seconds from now; 0: no longer."""
        ...

    def queue_length(self) -> int:
        """Return how many jobs are queued."""
        ...

    def overview(self) -> Overview:
        """Return the figures for status and metrics."""
        ...

    def recent(self, limit: int, *, before: int | None = None) -> list[Job]:
        """Return the jobs that were submitted last, newest first, at most `limit`.

        With `before`, only of those with a lower number.
        """
        ...

    def expired(self, *, older_than: float, limit: int) -> list[str]:
        """Return the ids of jobs that ended `older_than` seconds ago or earlier, at most `limit`.

        They stay on the board until they are forgotten, so that the shelf can be swept before.
        """
        ...

    def forget(self, job_ids: Sequence[str]) -> int:
        """Remove jobs that have ended, and leave others; return how many there were."""
        ...

    def warnings(self) -> dict[str, str]:
        """Return what may lose jobs in the way the board is kept: a sentence by a short name.

        `evicts`: jobs may be thrown out when memory is short; `unlogged`: they may be lost when it restarts;
        `unchecked`: it does not tell.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


class ReportShelf(Protocol):
    """Where finished reports lie, by key: `part/part/part` of ASCII letters, digits, `.`, `_` and `-`.

    A key with `..`, or whose part begins with a dot, is an InputError.
    """

    def publish(self, key: str, data: bytes) -> None:
        """Write `data` at `key`, whole or not at all; ConflictError if something is there."""
        ...

    def size(self, key: str) -> int | None:
        """Return the bytes at `key`, None if nothing is there."""
        ...

    def read(self, key: str) -> Iterator[bytes]:
        """Return the bytes at `key` in pieces; UnavailableError at once if nothing is there."""
        ...

    def sweep(self, prefix: str, *, keep: str | None) -> int:
        """Remove all below the folder `prefix` but the folder or key `keep`, half-written pieces too.

        Returns how many were removed.
        """
        ...

    def link(self, key: str, *, seconds: int) -> str | None:
        """Return a link by which anyone may download `key` under its name for `seconds` (at most 7 days).

        None: this shelf has no links, the app serves its reports. Whether something is there is not asked.
        """
        ...

    def links_end(self) -> float | None:
        """Return when all links end, however long they were to live (seconds since 1970); None: not known."""
        ...

    def warnings(self) -> dict[str, str]:
        """Return what whoever runs the service should know: a sentence by a short name.

        `temporary`: links end with the shelf's credentials.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class LoadSummary:
    """What a load changed, in counts and in meaning."""

    load: str  # its name, also that of its rejects file
    version: str  # of the poll store after it
    polls: int = 0  # polls given and good
    new_polls: int = 0  # of these, not known before
    stores: int = 0  # stores named by the load
    new_stores: int = 0
    hours_new: int = 0  # stores that had no hours and got some
    hours_replaced: tuple[str, ...] = ()  # stores whose hours differ now
    fewer_days: tuple[str, ...] = ()  # of these, open on fewer days of the week now
    kept_hours: tuple[str, ...] = ()  # had a rejected hours row, keep what they had
    part_hours: tuple[str, ...] = ()  # had a rejected hours row and no hours before: the good rows were taken
    zones_changed: int = 0
    always_open: int = 0  # stores of the poll store without hours: counted as open all the time
    empty_rows: int = 0  # hours rows with end = start: closed (R2)


@dataclass(frozen=True, kw_only=True)
class Load:
    """One load: the facts of all its files, and the stores whose hours it must not half replace (R1)."""

    name: str
    facts: Facts
    tainted: frozenset[str] = field(default_factory=frozenset)  # stores with a rejected hours row


class PollStore(Protocol):
    """Polls, business hours and zones: loaded in one commit, read as of one version."""

    def load(self, load: Load) -> LoadSummary:
        """Commit all of a load or nothing; loads at once end as if one had run after the other."""
        ...

    def version(self) -> str:
        """Name the present state; under this name the same is read later, whatever is loaded since."""
        ...

    def newest(self, version: str) -> int | None:
        """Return the newest poll's instant in microseconds since 1970 UTC, None without polls."""
        ...

    def scan(
        self, version: str, *, since: int | None, until: int, store_ids: Sequence[str] | None = None
    ) -> Facts:
        """Read all hours, zones and store names, and the polls of `since` ≤ at ≤ `until`.

        Both in microseconds since 1970 UTC; `since` None: from the first poll on. With `store_ids`: only what
        is about these stores, which is far cheaper for a few; `stores` has those of them that are known.
        """
        ...

    def stores(self, version: str) -> pl.Series:
        """Return the ids of all stores that any load named, String, sorted."""
        ...

    def retention(self, before: date) -> list[str]:
        """Drop the parts of the polls that are over before a day (UTC) and return their names, oldest first.

        Stores, hours and zones stay. A version from before is refused where it needs what was dropped.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...
