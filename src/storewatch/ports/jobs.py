"""The job board: who has to do what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storewatch.domain.ask import Ask
    from storewatch.ports.risks import Risk


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "Queued"  # waits for a worker
    RUNNING = "Running"  # a worker holds its lease, or lost it and nobody has taken it over yet
    COMPLETE = "Complete"  # its report is on the shelf
    FAILED = "Failed"  # it will not be tried again; `error` says why
    CANCELLED = "Cancelled"  # somebody asked for it to end


ENDED = frozenset({State.COMPLETE, State.FAILED, State.CANCELLED})


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
    ask: Ask
    created: float
    stores: int | None = None  # how many were asked for; None: all
    request_id: str | None = None  # of the call that asked, for the logs
    number: int = 0  # grows in the order of submits
    attempts: int = 0  # claims that counted
    epoch: int = 0  # fencing epoch: grows with every claim
    as_of: int | None = None  # pinned by the first claim
    version: str | None = None  # of the input, pinned by the first claim
    worker: str | None = None  # who claimed it last
    started: float | None = None  # the last claim
    held_up_since: float | None = None  # the first hand-back with a reason
    progress: Progress | None = None  # the last that the last claim told
    ended: float | None = None
    error: str | None = None
    key: str | None = None  # where the finished report lies on the shelf
    rows: int | None = None

    @property
    def pinned(self) -> Ask:
        """What is to be answered, of a job that is pinned: no later attempt can mean something else."""
        assert self.as_of is not None  # noqa: S101 - pinned
        return self.ask.at(self.as_of)


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


class Jobs(Protocol):
    """Jobs for who asks for reports, and looks at what became of them."""

    def submit(self, ask: Ask, *, key: str | None = None, request_id: str | None = None) -> str:
        """Put a job on the board, durably, and return its id (32 hex digits).

        If there is a job that was submitted with the same `key`, return its id instead, however it stands; a
        key is forgotten with its job. KeyReusedError if that job's ask is another. `request_id` names the
        call that asks, for the logs.
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

    def recent(self, limit: int, *, before: int | None = None) -> list[Job]:
        """Return the jobs that were submitted last, newest first, at most `limit`.

        Where some stores were asked for, `ask.store_ids` is empty, and `stores` says how many they are; what
        the version before has written is given whole.
        With `before`, only of those with a lower number.
        """
        ...

    def newest_complete(self, *, until: int | None = None) -> Job | None:
        """Return the complete job whose report is of all stores and has the greatest as-of; None without one.

        With `until` (seconds since 1970), the greatest that is no later. Of equal as-ofs one with an
        overview, and of these that which was submitted last. Who asked for some stores, or for another carry,
        windows or policy than the defaults, is passed over; that an as-of was asked for does not matter.
        """
        ...

    def queue_length(self) -> int:
        """Return how many jobs are queued."""
        ...

    def overview(self) -> Overview:
        """Return the figures for status and metrics."""
        ...

    def warnings(self) -> Mapping[Risk, str]:
        """Return what may lose jobs in the way the board is kept, a sentence each."""
        ...


class Holding(Protocol):
    """What the holder of a claim does with its job.

    The fence is the epoch, not the time: who lost the job to another can change nothing any more, who merely
    was late may go on.
    """

    def pin(self, claim: Claim, *, as_of: int, version: str) -> Job | None:
        """Fix as-of and input version unless an earlier attempt did: with the ask, they are all that decides.

        Returns the job as pinned, None if the claim is lost.
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

    def hand_back(self, claim: Claim, *, pause: float = 0.0, reason: str | None = None) -> bool:
        """Queue the job again without counting the attempt; False if the claim is lost.

        Nobody can claim it before `pause` seconds have passed. A `reason` is its error until it ends; the
        first one begins the time for which it is held up.
        """
        ...


class Leases(Holding, Protocol):
    """Jobs for who works on them. A claim is a lease by the board's clock."""

    def claim(self, worker: str, *, lease: float) -> Claim | None:
        """Take a job that is queued or whose lease (seconds) has run out; None if there is none.

        Asks of few stores and all others wait in a lane each: the lanes take turns while both have some, and
        the oldest of a lane comes first. A job whose third counted attempt has run out becomes Failed here
        and is not handed out.
        """
        ...

    def beat(self, claim: Claim, *, lease: float, progress: Progress | None = None) -> bool:
        """Renew the lease, and note the progress if given.

        False, changing nothing, if the claim is lost (another epoch, cancelled, ended).
        """
        ...

    def announce(self, worker: str, *, ttl: float) -> None:
        """Count a worker as live for `ttl` seconds from now; 0: no longer."""
        ...


class Keeper(Protocol):
    """Jobs for who removes old ones."""

    def expired(self, *, older_than: float, limit: int) -> list[str]:
        """Return the ids of jobs that ended `older_than` seconds ago or earlier, at most `limit`.

        They stay on the board until they are forgotten, so that the shelf can be swept before.
        """
        ...

    def forget(self, job_ids: Sequence[str]) -> int:
        """Remove jobs that have ended, and leave others; return how many there were."""
        ...


class JobBoard(Jobs, Leases, Keeper, Protocol):
    """Who has to do what, and what came of it. Every state change is a compare-and-set."""

    def close(self) -> None:
        """Let go of connections and files."""
        ...
