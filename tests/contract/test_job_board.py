"""What any job board must do with a job, from its submit to its end."""

from __future__ import annotations

import pytest

from boards import LONG, SHORT, claimed, job_of, wait_for
from storewatch.domain.ask import Ask
from storewatch.ports.jobs import Claim, JobBoard, State

# --- submitting and looking -----------------------------------------------------------------------------


def test_a_submitted_job_is_queued_and_untried(board: JobBoard) -> None:
    job = job_of(board, board.submit(Ask()))
    assert (job.state, job.attempts, job.epoch) == (State.QUEUED, 0, 0)
    assert (job.as_of, job.version, job.ended, job.error, job.key, job.rows) == (None,) * 6


def test_an_id_is_32_hex_digits_and_each_submit_is_a_job_of_its_own(board: JobBoard) -> None:
    ids = [board.submit(Ask()) for _ in range(20)]
    assert len(set(ids)) == 20
    assert all(len(job_id) == 32 and set(job_id) <= set("0123456789abcdef") for job_id in ids)


@pytest.mark.parametrize(
    "ask",
    [
        Ask(),
        Ask(as_of=1_674_670_332, carry=None, store_ids=()),
        Ask(as_of=0, carry=129_600, store_ids=("007", "8139926242460185114", 'é"\\ 店')),
    ],
)
def test_a_askcomes_back_as_it_was_given(board: JobBoard, ask: Ask) -> None:
    assert job_of(board, board.submit(ask)).ask == ask
    assert claimed(board).job.ask == ask


@pytest.mark.parametrize("job_id", ["0" * 32, "", "'; DROP TABLE jobs; --"])
def test_an_unknown_id_is_no_job(board: JobBoard, job_id: str) -> None:
    board.submit(Ask())
    assert board.get(job_id) is None
    assert not board.cancel(job_id)


def test_instants_are_seconds_since_1970_and_in_order(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    board.cancel(job_id)
    job = job_of(board, job_id)
    assert job.ended is not None
    assert 1_700_000_000 < job.created <= job.ended < 5_000_000_000


# --- claiming -------------------------------------------------------------------------------------------


def test_an_empty_board_has_nothing_to_claim(board: JobBoard) -> None:
    assert board.claim("a", lease=LONG) is None


def test_jobs_are_claimed_oldest_first_and_each_once(board: JobBoard) -> None:
    ids = [board.submit(Ask()) for _ in range(5)]
    assert [claimed(board).job.id for _ in ids] == ids
    assert board.claim("a", lease=LONG) is None


@pytest.mark.parametrize("is_few_late", [True, False])
def test_of_four_claims_at_least_one_goes_to_each_lane_that_waits(
    board: JobBoard, *, is_few_late: bool
) -> None:
    asks = [Ask(store_ids=tuple(map(str, range(100)))), Ask(store_ids=tuple(map(str, range(101))))]
    early, late = reversed(asks) if is_few_late else asks
    for _ in range(12):
        board.submit(early)
    lone = [board.submit(late) for _ in range(2)]
    order = [claimed(board).job.id for _ in range(8)]
    places = [order.index(job_id) for job_id in lone]
    assert places[0] < 4
    assert places[1] - places[0] <= 4
    board.submit(late)
    assert any(len(claimed(board).job.ask.store_ids or ()) == len(late.store_ids or ()) for _ in range(4))


def test_a_claim_shows_the_job_as_it_is_now(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    claim = claimed(board)
    assert claim.job == job_of(board, job_id)
    assert (claim.job.state, claim.job.attempts, claim.job.epoch) == (State.RUNNING, 1, claim.epoch)


def test_a_job_handed_back_keeps_its_place_in_the_queue(board: JobBoard) -> None:
    first, _second = board.submit(Ask()), board.submit(Ask())
    board.hand_back(claimed(board))
    assert claimed(board).job.id == first


def taken_over(board: JobBoard) -> tuple[Claim, Claim]:
    """Return two claims on one new job: a lost one and the one that took it over."""
    board.submit(Ask())
    return claimed(board, "a", lease=0), claimed(board, "b")


# --- leases and epochs ----------------------------------------------------------------------------------


def test_a_job_is_not_taken_over_while_its_lease_lasts(board: JobBoard) -> None:
    board.submit(Ask())
    claimed(board)
    assert board.claim("b", lease=LONG) is None


def test_a_job_is_taken_over_when_its_lease_has_run_out(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    first = claimed(board, "a", lease=SHORT)
    second = wait_for(lambda: board.claim("b", lease=LONG))
    assert second.job.id == job_id
    assert second.job.attempts == 2
    assert second.epoch > first.epoch


def test_beats_keep_a_job_beyond_its_first_lease(board: JobBoard) -> None:
    board.submit(Ask())
    claim = claimed(board, lease=LONG)
    assert board.beat(claim, lease=0)
    assert board.beat(claim, lease=LONG)
    assert board.claim("b", lease=LONG) is None


def test_a_beat_may_shorten_the_lease(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    assert board.beat(claimed(board), lease=SHORT)
    assert wait_for(lambda: board.claim("b", lease=LONG)).job.id == job_id


def test_the_epoch_grows_with_every_claim_whatever_ended_the_one_before(board: JobBoard) -> None:
    board.submit(Ask())
    epochs = [claimed(board, lease=0).epoch]
    claim = claimed(board)
    board.hand_back(claim)
    epochs.append(claim.epoch)
    claim = claimed(board)
    board.fail(claim, "no", final=False)
    epochs.append(claim.epoch)
    epochs.append(claimed(board).epoch)
    assert epochs == sorted(set(epochs))


def test_who_lost_the_job_to_another_can_change_nothing(board: JobBoard) -> None:
    lost, holder = taken_over(board)
    before = job_of(board, holder.job.id)
    assert not board.beat(lost, lease=LONG)
    assert board.pin(lost, as_of=1, version="old") is None
    assert not board.finish(lost, key="lost", rows=1)
    assert not board.fail(lost, "lost", final=True)
    assert not board.hand_back(lost)
    assert job_of(board, holder.job.id) == before
    assert board.finish(holder, key="kept", rows=2)


def test_a_beat_of_the_loser_does_not_renew_the_lease_of_the_holder(board: JobBoard) -> None:
    lost, holder = taken_over(board)
    board.beat(holder, lease=0)
    assert not board.beat(lost, lease=LONG)
    assert claimed(board, "c").job.id == holder.job.id


def test_a_worker_that_is_late_may_finish_if_nobody_took_over(board: JobBoard) -> None:
    job_id = board.submit(Ask())
    late = claimed(board, lease=0)
    assert board.finish(late, key="k", rows=3)
    assert job_of(board, job_id).state == State.COMPLETE


def test_a_worker_that_is_late_may_pin_and_beat_and_go_on_if_nobody_took_over(board: JobBoard) -> None:
    board.submit(Ask())
    late = claimed(board, lease=0)
    assert board.pin(late, as_of=5, version="v")
    assert board.beat(late, lease=LONG)
    assert board.claim("b", lease=LONG) is None


@pytest.mark.parametrize("ending", ["fail", "hand_back"])
def test_a_worker_that_is_late_may_fail_or_hand_back_if_nobody_took_over(
    board: JobBoard, ending: str
) -> None:
    job_id = board.submit(Ask())
    late = claimed(board, lease=0)
    assert board.hand_back(late) if ending == "hand_back" else board.fail(late, "no", final=False)
    assert job_of(board, job_id).state == State.QUEUED


def test_a_claim_that_was_handed_back_or_failed_is_lost_at_once(board: JobBoard) -> None:
    board.submit(Ask())
    for end in (board.hand_back, lambda claim: board.fail(claim, "no", final=False)):
        claim = claimed(board)
        assert end(claim)
        assert not board.beat(claim, lease=LONG)
        assert not board.finish(claim, key="k", rows=1)
