"""The embedded job board: one table in an SQLite file."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING
from uuid import uuid4

from storewatch.adapters.jobs.asks import OWN, job_of, plain_values, same_job, to_brief, to_text
from storewatch.adapters.jobs.sqlite_file import Connection
from storewatch.ports.jobs import Claim, Job, Overview, Progress, State

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

    from storewatch.adapters.jobs.sqlite_file import Value
    from storewatch.domain.ask import Ask
    from storewatch.ports.risks import Risk

_UNIX_EPOCH = 2_440_587.5  # as a Julian day

_FIRST_WRITTEN = ("carry", "store_ids")  # parts of a request that every version has written


def _is_plain() -> str:
    """Return the condition on a complete job that asked for all stores by the default rules."""
    plain = plain_values()
    texts = (plain, {name: plain[name] for name in _FIRST_WRITTEN})
    known = ", ".join(f"'{json.dumps(text, separators=(',', ':'))}'" for text in texts)
    own = ", ".join(f"'$.{name}'" for name in OWN)
    return f"state = 'Complete' AND as_of IS NOT NULL AND json_remove(request, {own}) IN ({known})"


# An index stays as it was made: whoever changes the condition gives it another name.
_IS_PLAIN = _is_plain()
_HAS_OVERVIEW = "json_extract(request, '$.overview')"

# Instants are Julian days by SQLite's own clock, so every process reads one clock and datetime(created)
# shows them. A job holds a lease exactly while it is Running. `ended IS NULL` is that of the index.
_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS jobs (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        request TEXT NOT NULL,
        created REAL NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        epoch INTEGER NOT NULL DEFAULT 0,
        worker TEXT,
        started REAL,
        lease_ends REAL,
        stage TEXT,
        done INTEGER,
        total INTEGER,
        as_of INTEGER,
        version TEXT,
        ended REAL,
        error TEXT,
        key TEXT,
        rows INTEGER
    )
    """,
    "ALTER TABLE jobs ADD COLUMN submit_key TEXT",  # passed over where it is there
    "ALTER TABLE jobs ADD COLUMN not_before REAL",  # of a queued job that was handed back for a while
    "ALTER TABLE jobs ADD COLUMN held_up_since REAL",
    "ALTER TABLE jobs ADD COLUMN brief TEXT",  # the request without ids of stores, if it names any
    "ALTER TABLE jobs ADD COLUMN few INTEGER NOT NULL DEFAULT 0",  # whether it is in the lane of few stores
    "ALTER TABLE jobs ADD COLUMN turn INTEGER",  # of its last claim, among all claims
    "CREATE INDEX IF NOT EXISTS jobs_by_lane ON jobs (few, seq) WHERE ended IS NULL",
    "CREATE INDEX IF NOT EXISTS jobs_by_turn ON jobs (turn) WHERE turn IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS jobs_not_ended ON jobs (seq) WHERE ended IS NULL",
    """
    CREATE UNIQUE INDEX IF NOT EXISTS jobs_by_submit_key ON jobs (submit_key) WHERE submit_key IS NOT NULL
    """,
    "DROP INDEX IF EXISTS jobs_plain_by_as_of",  # of a narrower condition
    f"""
    CREATE INDEX IF NOT EXISTS jobs_by_default_rules ON jobs (as_of, {_HAS_OVERVIEW}, seq) WHERE {_IS_PLAIN}
    """,
    "CREATE TABLE IF NOT EXISTS workers (name TEXT PRIMARY KEY, live_until REAL NOT NULL)",
)

_SUBMIT = """
    INSERT INTO jobs (id, state, request, brief, created, submit_key, few)
    VALUES (:id, 'Queued', :request, :brief, julianday('now'), :submit_key, :few)
    ON CONFLICT (submit_key) WHERE submit_key IS NOT NULL DO NOTHING
    RETURNING id, request
"""

_BY_SUBMIT_KEY = "SELECT id, request FROM jobs WHERE submit_key = :submit_key"

_GET = """
    SELECT *, ended IS NULL AND lease_ends <= julianday('now') AND attempts >= :max_attempts AS is_given_up
    FROM jobs WHERE id = :id
"""

_IS_WAITING = "state = 'Queued' AND ifnull(not_before, 0) <= julianday('now')"

_IS_CLAIMABLE = f"""
    SELECT 1 FROM jobs
    WHERE ended IS NULL AND ({_IS_WAITING} OR lease_ends <= julianday('now'))
    LIMIT 1
"""  # noqa: S608 - our own words

_GIVE_UP = """
    UPDATE jobs
    SET state = 'Failed', ended = julianday('now'), lease_ends = NULL,
        error = printf('the worker was lost in attempt %d of %d: its lease ran out', attempts, :max_attempts)
    WHERE ended IS NULL AND lease_ends <= julianday('now') AND attempts >= :max_attempts
"""

_TO_CLAIM = f"""
    SELECT seq FROM jobs
    WHERE ended IS NULL AND ({_IS_WAITING} OR (lease_ends <= julianday('now') AND attempts < :max_attempts))
"""  # noqa: S608 - the same

_LAST_LANE = "SELECT last.few FROM jobs AS last WHERE last.turn IS NOT NULL ORDER BY last.turn DESC LIMIT 1"

_CLAIM = f"""
    UPDATE jobs
    SET state = 'Running', epoch = epoch + 1, attempts = attempts + 1, worker = :worker,
        started = julianday('now'), lease_ends = julianday('now') + :lease / 86400.0,
        turn = 1 + ifnull((SELECT max(turn) FROM jobs WHERE turn IS NOT NULL), 0),
        not_before = NULL, stage = NULL, done = NULL, total = NULL,
        error = CASE state
            WHEN 'Queued' THEN error
            ELSE printf('the worker was lost in attempt %d of %d: its lease ran out', attempts, :max_attempts)
        END
    WHERE seq = coalesce(
        (
            {_TO_CLAIM} AND few = NOT ifnull(({_LAST_LANE}), 0)
            ORDER BY seq LIMIT 1
        ),
        ({_TO_CLAIM} ORDER BY seq LIMIT 1)
    )
    RETURNING *
"""  # noqa: S608 - the same

_CANCEL = """
    UPDATE jobs SET state = 'Cancelled', ended = julianday('now'), lease_ends = NULL, error = NULL
    WHERE id = :id AND ended IS NULL
    RETURNING seq
"""

_PIN = """
    UPDATE jobs SET as_of = coalesce(as_of, :as_of), version = coalesce(version, :version)
    WHERE id = :id AND epoch = :epoch AND state = 'Running'
    RETURNING *
"""

_BEAT = """
    UPDATE jobs
    SET lease_ends = julianday('now') + :lease / 86400.0,
        stage = coalesce(:stage, stage), done = coalesce(:done, done), total = coalesce(:total, total)
    WHERE id = :id AND epoch = :epoch AND state = 'Running'
    RETURNING seq
"""

_FINISH = """
    UPDATE jobs
    SET state = 'Complete', ended = julianday('now'), lease_ends = NULL, error = NULL,
        key = :key, rows = :rows
    WHERE id = :id AND epoch = :epoch AND state = 'Running'
    RETURNING seq
"""

_IS_FINISHED = """
    SELECT 1 FROM jobs WHERE id = :id AND epoch = :epoch AND state = 'Complete' AND key = :key
"""

_FAIL = """
    UPDATE jobs
    SET state = iif(:final OR attempts >= :max_attempts, 'Failed', 'Queued'),
        ended = iif(:final OR attempts >= :max_attempts, julianday('now'), NULL),
        lease_ends = NULL, error = :error
    WHERE id = :id AND epoch = :epoch AND state = 'Running'
    RETURNING seq
"""

_HAND_BACK = """
    UPDATE jobs
    SET state = 'Queued', attempts = attempts - 1, lease_ends = NULL, error = coalesce(:reason, error),
        not_before = julianday('now') + :pause / 86400.0,
        held_up_since = coalesce(held_up_since, iif(:reason IS NULL, NULL, julianday('now')))
    WHERE id = :id AND epoch = :epoch AND state = 'Running'
    RETURNING seq
"""

_ANNOUNCE = """
    INSERT INTO workers (name, live_until) VALUES (:worker, julianday('now') + :ttl / 86400.0)
    ON CONFLICT DO UPDATE SET live_until = excluded.live_until
"""

_QUEUE_LENGTH = "SELECT count(*) FROM jobs WHERE ended IS NULL AND state = 'Queued'"

_COUNT = "SELECT state, count(*) FROM jobs GROUP BY state"

_LOOK_OVER = """
    SELECT
        (
            SELECT julianday('now') - created FROM jobs
            WHERE ended IS NULL AND state = 'Queued' ORDER BY seq LIMIT 1
        ) AS oldest_queued,
        (SELECT count(*) FROM workers WHERE live_until > julianday('now')) AS live_workers
"""

_RECENT = """
    SELECT
        seq, id, state, coalesce(brief, request) AS request, created, attempts, epoch, worker, started,
        held_up_since, stage, done, total, as_of, version, ended, error, key, rows
    FROM jobs WHERE seq < ifnull(:before, 9223372036854775807) ORDER BY seq DESC LIMIT :limit
"""

_NEWEST_COMPLETE = f"""
    SELECT * FROM jobs WHERE {_IS_PLAIN} AND as_of <= :until
    ORDER BY as_of DESC, {_HAS_OVERVIEW} DESC, seq DESC LIMIT 1
"""  # noqa: S608 - of constants

_EXPIRED = """
    SELECT id FROM jobs WHERE ended <= julianday('now') - :older_than / 86400.0 ORDER BY ended LIMIT :limit
"""

_FORGET = """
    DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(:ids)) AND ended IS NOT NULL RETURNING id
"""


_NO_END = 1 << 62  # later than any as-of


class SqliteJobBoard:
    """A job board in the SQLite file at `path` (and its `-wal` and `-shm`), on a local disk.

    For the threads of a process and for many processes; reads never wait for a writer. What a call has
    answered is on disk. Every call raises UnavailableError if the file cannot be used.
    """

    def __init__(self, path: Path, *, max_attempts: int = 3) -> None:
        self._max_attempts = max_attempts
        self._writer = Connection(path, _SCHEMA)
        self._reader = Connection(path, _SCHEMA)

    def submit(self, ask: Ask, *, key: str | None = None, request_id: str | None = None) -> str:
        """Put a job on the board and return its id; with a key that is in use, that of the job there is."""
        new: dict[str, Value] = {
            "id": uuid4().hex,
            "request": to_text(ask, request_id),
            "brief": to_brief(ask, request_id),
            "submit_key": key,
            "few": ask.is_of_few,
        }
        while True:
            rows = self._writer.rows(_SUBMIT, **new) or self._writer.rows(_BY_SUBMIT_KEY, submit_key=key)
            if rows:  # else the job that held the key has been forgotten just now
                return same_job(rows[0]["id"], rows[0]["request"], ask)

    def get(self, job_id: str) -> Job | None:
        """Return the job, None if there is none; one whose last attempt has run out is made Failed first."""
        rows = self._reader.rows(_GET, id=job_id, max_attempts=self._max_attempts)
        if rows and rows[0]["is_given_up"]:
            # Written, not only shown: else the late worker could still complete what was called Failed.
            self._writer.rows(_GIVE_UP, max_attempts=self._max_attempts)
            rows = self._reader.rows(_GET, id=job_id, max_attempts=self._max_attempts)
        return _to_job(rows[0]) if rows else None

    def cancel(self, job_id: str) -> bool:
        """End a job that has not ended; False if there was nothing to cancel."""
        return bool(self._writer.rows(_CANCEL, id=job_id))

    def claim(self, worker: str, *, lease: float) -> Claim | None:
        """Take a job that is queued or whose lease (seconds) has run out; None if there is none."""
        if not self._reader.rows(_IS_CLAIMABLE):
            return None
        self._writer.rows(_GIVE_UP, max_attempts=self._max_attempts)
        rows = self._writer.rows(_CLAIM, worker=worker, lease=lease, max_attempts=self._max_attempts)
        return Claim(job=_to_job(rows[0]), epoch=rows[0]["epoch"]) if rows else None

    def pin(self, claim: Claim, *, as_of: int, version: str) -> Job | None:
        """Fix as-of and input version unless an earlier attempt did; None if the claim is lost."""
        rows = self._for(claim, _PIN, as_of=as_of, version=version)
        return _to_job(rows[0]) if rows else None

    def beat(self, claim: Claim, *, lease: float, progress: Progress | None = None) -> bool:
        """Renew the lease to `lease` seconds from now, note the progress; False if the claim is lost."""
        told: dict[str, Value] = dict.fromkeys(("stage", "done", "total"))
        if progress:
            told = asdict(progress)
        return bool(self._for(claim, _BEAT, lease=lease, **told))

    def finish(self, claim: Claim, *, key: str, rows: int) -> bool:
        """Make the job Complete with the report at `key`; False if the claim is lost."""
        return bool(self._for(claim, _FINISH, key=key, rows=rows) or self._for(claim, _IS_FINISHED, key=key))

    def fail(self, claim: Claim, error: str, *, final: bool) -> bool:
        """End this attempt: Failed if `final` or the last, else queued again; False if the claim is lost."""
        return bool(self._for(claim, _FAIL, error=error, final=final, max_attempts=self._max_attempts))

    def hand_back(self, claim: Claim, *, pause: float = 0.0, reason: str | None = None) -> bool:
        """Queue the job again, for in `pause` seconds, without counting; False if the claim is lost."""
        return bool(self._for(claim, _HAND_BACK, pause=pause, reason=reason))

    def announce(self, worker: str, *, ttl: float) -> None:
        """Count a worker as live for `ttl` seconds from now; 0: no longer."""
        self._writer.rows(_ANNOUNCE, worker=worker, ttl=ttl)

    def queue_length(self) -> int:
        """Return how many jobs are queued."""
        return int(self._reader.rows(_QUEUE_LENGTH)[0][0])

    def overview(self) -> Overview:
        """Return the figures for status and metrics."""
        counts = {row["state"]: row[1] for row in self._reader.rows(_COUNT)}
        (row,) = self._reader.rows(_LOOK_OVER)
        return Overview(
            jobs={state: counts.get(state, 0) for state in State},
            oldest_queued_seconds=None if row["oldest_queued"] is None else row["oldest_queued"] * 86_400.0,
            live_workers=row["live_workers"],
        )

    def recent(self, limit: int, *, before: int | None = None) -> list[Job]:
        """Return the jobs that were submitted last (with a number below `before`), newest first."""
        return [_to_job(row) for row in self._reader.rows(_RECENT, limit=limit, before=before)]

    def newest_complete(self, *, until: int | None = None) -> Job | None:
        """Return the complete job of all stores, by the default rules, with the greatest as-of."""
        rows = self._reader.rows(_NEWEST_COMPLETE, until=_NO_END if until is None else until)
        return _to_job(rows[0]) if rows else None

    def expired(self, *, older_than: float, limit: int) -> list[str]:
        """Return the ids of jobs that ended `older_than` seconds ago or earlier, at most `limit`."""
        return [row["id"] for row in self._reader.rows(_EXPIRED, older_than=older_than, limit=limit)]

    def forget(self, job_ids: Sequence[str]) -> int:
        """Remove jobs that have ended, and leave others; return how many there were."""
        return len(self._writer.rows(_FORGET, ids=json.dumps(list(job_ids))))

    def warnings(self) -> dict[Risk, str]:
        """Return nothing: what is acknowledged is on disk."""
        return {}

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
        self._writer.close()

    def _for(self, claim: Claim, statement: str, **given: Value) -> list[sqlite3.Row]:
        return self._writer.rows(statement, id=claim.job.id, epoch=claim.epoch, **given)


def _to_job(row: sqlite3.Row) -> Job:
    return job_of({**dict(row), "number": row["seq"]}, _to_seconds)


def _to_seconds(julian_day: float) -> float:
    return (julian_day - _UNIX_EPOCH) * 86_400.0
