"""A job board against a model: any order of workers, lost leases, late finishes, cancels and restarts."""

# ruff: noqa: D102 - the name of a rule says what it does

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    multiple,
    rule,
    run_state_machine_as_test,
)

from storewatch.adapters.jobs import open_jobs
from storewatch.domain.ask import Ask
from storewatch.ports.jobs import ENDED, Claim, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from storewatch.ports.jobs import Job, JobBoard

MAX_ATTEMPTS = 3
LEASES = st.sampled_from([0.0, 3_600.0])  # run out already, and never in this test
WORKERS = st.sampled_from(["a", "b", "c"])
SETTINGS = settings(
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@dataclass(kw_only=True)
class Expected:
    """What the model knows of one job."""

    id: str
    is_plain: bool  # of all stores by the default rules
    is_of_few: bool  # in the lane of few stores
    state: State = State.QUEUED
    attempts: int = 0
    epoch: int = 0
    is_late: bool = False  # it runs, and its lease is over
    is_paused: bool = False  # it is queued, and nobody may claim it in this test
    pinned: tuple[int, str] | None = None
    key: str | None = None
    error: str | None = None
    is_held_up: bool = False  # it was handed back with a reason
    ends: list[State] = field(default_factory=list)  # ends that the board acknowledged

    def is_held_by(self, claim: Claim) -> bool:
        return self.state is State.RUNNING and self.epoch == claim.epoch

    def is_claimable(self) -> bool:
        return (self.state is State.QUEUED and not self.is_paused) or self.is_late

    def is_given_up(self) -> bool:
        return self.is_late and self.attempts >= MAX_ATTEMPTS

    def to(self, state: State) -> None:
        self.state, self.is_late, self.is_paused = state, False, False
        if state in ENDED:
            self.ends.append(state)

    def check(self, job: Job | None) -> None:
        assert job is not None
        assert (job.state, job.attempts, job.epoch) == (self.state, self.attempts, self.epoch)
        assert (job.as_of, job.version) == (self.pinned or (None, None))
        assert job.key == self.key
        assert (job.held_up_since is not None) == self.is_held_up
        assert (job.ended is not None) == (job.state in ENDED)
        assert self.error is None or job.error == self.error


class JobBoardMachine(RuleBasedStateMachine):
    """Every answer of the board is the model's."""

    ids = Bundle("ids")
    claims = Bundle("claims")

    new_url: ClassVar[Callable[[], str]]  # of a new board

    def __init__(self) -> None:
        super().__init__()
        self.url = type(self).new_url()
        self.board: JobBoard = self.opened()
        self.jobs: dict[str, Expected] = {}
        self.was_of_few = False  # the last claim

    def opened(self) -> JobBoard:
        return open_jobs(self.url, max_attempts=MAX_ATTEMPTS)

    def teardown(self) -> None:
        for job_id in self.jobs:
            self.look(job_id)
        for job in self.jobs.values():
            assert len(job.ends) == (job.state in ENDED), "a job ends once"
        self.board.close()

    def give_up(self) -> None:
        for job in self.jobs.values():
            if job.is_given_up():
                job.error = None  # the board's words
                job.to(State.FAILED)

    @rule(target=ids, carry=st.sampled_from([Ask().carry, None]), stores=st.sampled_from([None, 100, 101]))
    def submit(self, carry: int | None, stores: int | None) -> str:
        store_ids = None if stores is None else tuple(map(str, range(stores)))
        job_id = self.board.submit(Ask(carry=carry, store_ids=store_ids))
        assert job_id not in self.jobs
        self.jobs[job_id] = Expected(
            id=job_id, is_plain=carry is not None and stores is None, is_of_few=stores == 100
        )
        return job_id

    @rule(job_id=ids)
    def look(self, job_id: str) -> None:
        if self.jobs[job_id].is_given_up():
            self.give_up()
        self.jobs[job_id].check(self.board.get(job_id))

    @rule(job_id=ids)
    def cancel(self, job_id: str) -> None:
        job = self.jobs[job_id]
        has_ended = job.state in ENDED
        assert self.board.cancel(job_id) == (not has_ended)
        if not has_ended:
            job.error = None
            job.to(State.CANCELLED)

    @rule(target=claims, worker=WORKERS, lease=LEASES)
    def claim(self, worker: str, lease: float) -> MultipleResults[Claim]:
        return multiple(*self.claimed(worker, lease))

    @rule(target=claims)
    def lose_and_take_over(self) -> MultipleResults[Claim]:
        return multiple(*self.claimed("a", 0.0), *self.claimed("b", 3_600.0))

    def claimed(self, worker: str, lease: float) -> list[Claim]:
        self.give_up()
        waiting = [job for job in self.jobs.values() if job.is_claimable()]
        lane = [job for job in waiting if job.is_of_few is not self.was_of_few]
        oldest = next(iter(lane or waiting), None)
        claim = self.board.claim(worker, lease=lease)
        assert (claim.job.id if claim else None) == (oldest.id if oldest else None)
        if not oldest or not claim:
            return []
        assert claim.epoch > oldest.epoch, "epochs only grow"
        self.was_of_few = oldest.is_of_few
        oldest.error = None if oldest.is_late else oldest.error
        oldest.to(State.RUNNING)
        oldest.attempts, oldest.epoch, oldest.is_late = oldest.attempts + 1, claim.epoch, lease == 0
        oldest.check(claim.job)
        return [claim]

    @rule(claim=claims, lease=LEASES)
    def beat(self, claim: Claim, lease: float) -> None:
        job = self.jobs[claim.job.id]
        is_held = job.is_held_by(claim)
        assert self.board.beat(claim, lease=lease) == is_held
        if is_held:
            job.is_late = lease == 0

    @rule(claim=claims, as_of=st.integers(0, 9))
    def pin(self, claim: Claim, as_of: int) -> None:
        job = self.jobs[claim.job.id]
        pinned = self.board.pin(claim, as_of=as_of, version=f"v{as_of}")
        assert (pinned is not None) == job.is_held_by(claim)
        if pinned:
            job.pinned = job.pinned or (as_of, f"v{as_of}")
            job.check(pinned)

    @rule(claim=claims)
    def finish(self, claim: Claim) -> None:
        job, key = self.jobs[claim.job.id], f"{claim.job.id}/{claim.epoch}.csv"
        is_held = job.is_held_by(claim)
        assert self.board.finish(claim, key=key, rows=1) == (is_held or job.key == key)
        if is_held:
            job.key, job.error = key, None
            job.to(State.COMPLETE)

    @rule(claim=claims, is_final=st.booleans())
    def fail(self, claim: Claim, *, is_final: bool) -> None:
        job, error = self.jobs[claim.job.id], f"error of {claim.epoch}"
        is_held = job.is_held_by(claim)
        assert self.board.fail(claim, error, final=is_final) == is_held
        if is_held:
            job.error = error
            job.to(State.FAILED if is_final or job.attempts >= MAX_ATTEMPTS else State.QUEUED)

    @rule(claim=claims, pause=LEASES, reason=st.sampled_from([None, "away"]))
    def hand_back(self, claim: Claim, pause: float, reason: str | None) -> None:
        job = self.jobs[claim.job.id]
        is_held = job.is_held_by(claim)
        assert self.board.hand_back(claim, pause=pause, reason=reason) == is_held
        if is_held:
            job.attempts -= 1
            job.error = reason or job.error
            job.is_held_up |= reason is not None
            job.to(State.QUEUED)
            job.is_paused = pause > 0

    @rule()
    def look_over(self) -> None:
        states = [job.state for job in self.jobs.values()]
        assert self.board.overview().jobs == {state: states.count(state) for state in State}
        assert self.board.queue_length() == states.count(State.QUEUED)
        assert [job.id for job in self.board.recent(3)] == list(self.jobs)[:-4:-1]

    @rule()
    def look_for_the_newest_report(self) -> None:
        complete = [job for job in self.jobs.values() if job.key and job.is_plain and job.pinned]
        newest = max(reversed(complete), key=lambda job: job.pinned or (0, ""), default=None)
        found = self.board.newest_complete()
        assert (found.id if found else None) == (newest.id if newest else None)

    @rule()
    def restart(self) -> None:
        self.board.close()
        self.board = self.opened()


@pytest.fixture(params=["sqlite", "redis"])
def new_url(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Return what makes URLs of new boards."""
    url: str = request.getfixturevalue(f"{request.param}_board_url")
    number = itertools.count()
    return lambda: f"{url}{next(number)}"


def test_every_answer_of_a_board_is_the_models(new_url: Callable[[], str]) -> None:
    machine = type("Machine", (JobBoardMachine,), {"new_url": staticmethod(new_url)})
    run_state_machine_as_test(machine, settings=SETTINGS)
