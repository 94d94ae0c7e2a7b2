"""The shared job board: on Redis, or Valkey, one Lua script a call."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as BrokenConnection
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as NoAnswer
from redis.retry import Retry

from storewatch.adapters.jobs.asks import OWN, job_of, plain_values, same_job, to_brief, to_text
from storewatch.adapters.jobs.redis_address import RedisAddress
from storewatch.errors import Port, UnavailableError
from storewatch.ports.jobs import ENDED, Claim, Job, Overview, Progress, State
from storewatch.ports.risks import Risk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storewatch.domain.ask import Ask

Value: TypeAlias = str | float | bool | list[State] | list[str] | dict[str, Any] | None

CONNECT_SECONDS = 0.75
ANSWER_SECONDS = 1.25
REST_SECONDS = 0.5  # after a call that had no answer, others fail at once: they would only wait in line
BATCH = 500  # jobs that are forgotten, or looked at, in one step: others wait meanwhile

# Said again after the connection broke, these would not mean the same: the first may have been done.
_ONCE = frozenset({"claim", "cancel", "fail", "hand_back"})


class RedisJobBoard:
    """A job board on the Redis or Valkey server at `url`; processes and machines share it.

    What a call has answered is in the server's memory, and survives a restart as far as the server keeps it:
    set `appendonly yes` (with `appendfsync always` a power cut loses nothing either, with `everysec` it may
    lose a second) and `maxmemory-policy noeviction`. Jobs have no time to live; `forget` removes them. All
    keys begin with one hash tag, `{storewatch}` unless the URL names another. A scaler may read the length of
    `{storewatch}:queued` and `{storewatch}:running` (sorted sets).

    Nothing is sent when it is opened. Every call raises UnavailableError within about two seconds if the
    server does not answer or refuses; the same board works again when the server does. For the threads of a
    process.
    """

    def __init__(self, url: str, *, max_attempts: int = 3) -> None:
        self._max_attempts = max_attempts
        self._server = _Server(RedisAddress.from_url(url))

    def submit(self, ask: Ask, *, key: str | None = None, request_id: str | None = None) -> str:
        """Put a job on the board and return its id; with a key that is in use, that of the job there is."""
        job_id = uuid4().hex  # made here, so that a submit whose answer was lost can be said again
        texts = {"request": to_text(ask, request_id), "brief": to_brief(ask, request_id)}
        held_by, held_for = self._server.call("submit", id=job_id, submit_key=key, few=ask.is_of_few, **texts)
        return same_job(held_by, held_for, ask)

    def get(self, job_id: str) -> Job | None:
        """Return the job, None if there is none; one whose last attempt has run out is made Failed first."""
        return _to_job(self._server.call("get", id=job_id, max_attempts=self._max_attempts))

    def cancel(self, job_id: str) -> bool:
        """End a job that has not ended; False if there was nothing to cancel."""
        return bool(self._server.call("cancel", id=job_id))

    def claim(self, worker: str, *, lease: float) -> Claim | None:
        """Take a job that is queued or whose lease (seconds) has run out; None if there is none."""
        answer = self._server.call("claim", worker=worker, lease=lease, max_attempts=self._max_attempts)
        job = _to_job(answer)
        return Claim(job=job, epoch=job.epoch) if job else None

    def pin(self, claim: Claim, *, as_of: int, version: str) -> Job | None:
        """Fix as-of and input version unless an earlier attempt did; None if the claim is lost."""
        return _to_job(self._for(claim, "pin", as_of=as_of, version=version))

    def beat(self, claim: Claim, *, lease: float, progress: Progress | None = None) -> bool:
        """Renew the lease to `lease` seconds from now, note the progress; False if the claim is lost."""
        return bool(self._for(claim, "beat", lease=lease, **(asdict(progress) if progress else {})))

    def finish(self, claim: Claim, *, key: str, rows: int) -> bool:
        """Make the job Complete with the report at `key`; False if the claim is lost."""
        return bool(self._for(claim, "finish", key=key, rows=rows, plain=plain_values(), own=list(OWN)))

    def fail(self, claim: Claim, error: str, *, final: bool) -> bool:
        """End this attempt: Failed if `final` or the last, else queued again; False if the claim is lost."""
        return bool(self._for(claim, "fail", error=error, final=final, max_attempts=self._max_attempts))

    def hand_back(self, claim: Claim, *, pause: float = 0.0, reason: str | None = None) -> bool:
        """Queue the job again, for in `pause` seconds, without counting; False if the claim is lost."""
        return bool(self._for(claim, "hand_back", pause=pause, reason=reason))

    def announce(self, worker: str, *, ttl: float) -> None:
        """Count a worker as live for `ttl` seconds from now; 0: no longer."""
        self._server.call("announce", worker=worker, ttl=ttl)

    def queue_length(self) -> int:
        """Return how many jobs are queued."""
        return int(self._server.call("queue_length"))

    def overview(self) -> Overview:
        """Return the figures for status and metrics."""
        states = list(State)
        age, workers, *counts = self._server.call("overview", states=states)
        return Overview(
            jobs=dict(zip(states, counts, strict=True)),
            oldest_queued_seconds=None if age is None else _to_seconds(age),
            live_workers=workers,
        )

    def recent(self, limit: int, *, before: int | None = None) -> list[Job]:
        """Return the jobs that were submitted last (with a number below `before`), newest first."""
        found = self._server.call("recent", limit=limit, before=before)
        return [job for pairs in found if (job := _to_job(pairs))]

    def newest_complete(self, *, until: int | None = None) -> Job | None:
        """Return the complete job of all stores, by the default rules, with the greatest as-of."""
        more, found = True, list[str]()
        while more:
            more, found = self._server.call(
                "newest_complete", plain=plain_values(), own=list(OWN), limit=BATCH, until=until
            )
        return _to_job(found)

    def expired(self, *, older_than: float, limit: int) -> list[str]:
        """Return the ids of jobs that ended `older_than` seconds ago or earlier, at most `limit`."""
        ids: list[str] = self._server.call(
            "expired", older_than=older_than, states=sorted(ENDED), limit=limit
        )
        return ids

    def forget(self, job_ids: Sequence[str]) -> int:
        """Remove jobs that have ended, and leave others; return how many there were."""
        batches = [list(job_ids[start : start + BATCH]) for start in range(0, len(job_ids), BATCH)]
        return sum(self._server.call("forget", ids=ids, states=sorted(ENDED)) for ids in batches)

    def warnings(self) -> dict[Risk, str]:
        """Return what may lose jobs in the way the server is set."""
        where = f"the job board {self._server.address}"
        try:
            memory, log = self._server.info("memory"), self._server.info("persistence")
        except UnavailableError as error:
            return {Risk.UNCHECKED: f"{where} does not tell whether it may lose jobs ({error})"}
        found = {}
        policy = str(memory.get("maxmemory_policy", "noeviction"))
        if policy != "noeviction" and int(memory.get("maxmemory", 0)) > 0:
            found[Risk.EVICTS] = (
                f"{where} may throw out jobs when its memory is full: "
                f"its maxmemory-policy is {policy}, set it to noeviction"
            )
        if not int(log.get("aof_enabled", 0)):
            found[Risk.UNLOGGED] = f"{where} may lose jobs when it restarts: set appendonly to yes"
        return found

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def _for(self, claim: Claim, verb: str, **given: Value) -> Any:  # noqa: ANN401 - each verb has its answer
        return self._server.call(verb, id=claim.job.id, epoch=claim.epoch, **given)


class _Server:
    """Connections to the server, and the script that does the work there."""

    def __init__(self, address: RedisAddress) -> None:
        self.address = address
        # No retries by the driver: they would outlast the callers' patience, and say twice what must not be.
        self._driver = Redis.from_url(
            address.url,
            decode_responses=True,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
        )
        self._script = self._driver.register_script(_script())
        self._closed = False
        self._rests_until = 0.0  # by the monotonic clock

    def call(self, verb: str, **given: Value) -> Any:  # noqa: ANN401 - each verb has its answer
        """Run a verb of the script and return its answer."""
        arguments = json.dumps({name: value for name, value in given.items() if value is not None})
        with self._answering():
            began = time.monotonic()
            try:
                return self._run(verb, arguments)
            except BrokenConnection:
                if verb in _ONCE or time.monotonic() - began > CONNECT_SECONDS:
                    raise
            return self._run(verb, arguments)

    def info(self, section: str) -> dict[str, Any]:
        """Return what the server tells of itself."""
        with self._answering():
            answer: dict[str, Any] = self._driver.info(section)
            return answer

    def close(self) -> None:
        self._closed = True
        self._driver.close()

    def _run(self, verb: str, arguments: str) -> Any:  # noqa: ANN401 - each verb has its answer
        return self._script(keys=[self.address.tag], args=[verb, arguments])

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Turn what goes wrong meanwhile into our error; raise it at once where none is to be had."""
        if self._closed:
            raise UnavailableError(f"the job board {self.address} is closed", port=Port.BOARD)
        if time.monotonic() < self._rests_until:
            raise UnavailableError(
                f"the job board {self.address} did not answer a moment ago", port=Port.BOARD
            )
        try:
            yield
        except (RedisError, OSError) as error:
            if isinstance(error, NoAnswer):
                self._rests_until = time.monotonic() + REST_SECONDS
            reason = self.address.without_secrets(str(error))
            text = f"the job board {self.address} cannot be used: {reason}"
            raise UnavailableError(text, port=Port.BOARD) from error


@cache
def _script() -> str:
    return Path(__file__).with_suffix(".lua").read_text("utf-8")


def _to_job(pairs: list[str]) -> Job | None:
    return job_of(dict(zip(pairs[::2], pairs[1::2], strict=True)), _to_seconds) if pairs else None


def _to_seconds(microseconds: str | int) -> float:
    return int(microseconds) / 1_000_000
