"""Two APIs and two workers on PostgreSQL, Redis and S3: work is spread, and no fall loses a report.

What is done to the service, what it promises and what was seen is written to docs/explanation/reliability.md
by these tests themselves.
"""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import obstore
import pytest
from obstore.store import S3Store

from service import eventually
from sources import newest_of
from storewatch import sample
from storewatch.adapters.polls.given import GivenFacts
from storewatch.adapters.polls.postgres_schema import upgrade
from storewatch.answering.answer import answer
from storewatch.domain.ask import Ask
from storewatch.domain.facts import Facts
from storewatch.domain.kinds import POLLS
from storewatch.ingest import from_frames
from storewatch.ports.jobs import State
from storewatch.ports.polls import Load
from topology import LEASE, STATEMENT, Topology, settings_for, wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from processes import Process
    from servers import S3Server, Server

pytestmark = pytest.mark.timeout(600)

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "reliability.md"
STORES = 14_092  # so that there is something to hit
TRIGGERS = 50
OUTAGE = LEASE + 2  # seconds that a process of ours is paused: longer than a lease
HANG = STATEMENT + 5  # seconds that a server is paused: longer than it may take to answer
AWAY = 60.0  # seconds that a server is gone

HEAD = """\
# What happens when something falls

The service runs as two APIs and two workers on real servers, and makes reports of a fleet of 14,092 stores.
In the middle of a report one thing is killed (`kill -9`; servers are started again), taken away or paused: a
process of ours for longer than a worker's lease, a server for longer than the 15 seconds that it may take
there to answer a statement. This table is written by the tests that do it
(`tests/acceptance/test_topology.py`); they fail if anything else is seen. `make chaos` does the like for as
long as is asked for: outages of ten minutes, and pairs of faults that a seed chooses.

| what was done in mid-report | what is promised | what was seen |
| --- | --- | --- |
"""
PROMISE = "the report completes, once, with the same figures; the next one too"
TAKEN_OVER = "another worker takes the report over, and it completes, once, with the same figures"
UNCOUNTED = f"{PROMISE}; no attempt is counted for it"
WAKES_UP = f"{TAKEN_OVER}; the first one, waking up, changes nothing"


@pytest.fixture(scope="module", name="facts")
def _facts() -> Facts:
    return from_frames(*sample.fleet(stores=STORES, days=7.8, seed=3)).facts


@pytest.fixture(scope="module", name="expected")
def _expected(facts: Facts) -> str:
    """The digest of the report's CSV."""
    return digest(answer(GivenFacts(facts=facts), Ask()).csv_bytes())


@pytest.fixture(scope="module", name="servers")
def _servers(postgres: Server, valkey: Server, s3: S3Server) -> dict[str, Process]:
    found = {"redis": valkey.process, "postgres": postgres.process, "s3": s3.process}
    own = {name: process for name, process in found.items() if process is not None}
    if len(own) < len(found):
        pytest.skip("these tests kill servers, so they need servers of their own")
    return own


@pytest.fixture(scope="module", name="topology")
def _topology(
    postgres: Server, valkey: Server, s3: S3Server, facts: Facts, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Topology]:
    folder = tmp_path_factory.mktemp("topology")
    upgrade(postgres.url)
    topology = Topology(folder=folder, settings=settings_for(postgres.url, valkey, s3, folder))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3.environment().items():
            patch.setenv(name, value)
        polls = topology.polls()
        polls.load(Load(name="fleet", facts=facts))
        polls.close()
        with topology.running():
            yield topology


@pytest.fixture(scope="module", name="seen")
def _seen() -> Iterator[list[str]]:
    """Collect rows of the table, and write the page if all of them are there."""
    rows: list[str] = []
    yield rows
    if len(rows) == len(FAULTS) + 2:
        PAGE.write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def download(url: str) -> bytes:
    answer = httpx.get(url, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.content


def test_fifty_triggers_at_once_all_complete_and_the_work_is_spread(
    topology: Topology, expected: str, seen: list[str]
) -> None:
    with ThreadPoolExecutor(TRIGGERS) as pool:
        ids = list(pool.map(lambda _: topology.trigger(), range(TRIGGERS)))
    answers = [topology.result(report_id, seconds=300) for report_id in ids]
    workers = {topology.job(report_id).worker for report_id in ids}

    assert len(set(ids)) == TRIGGERS
    assert {answer["status"] for answer in answers} == {"Complete"}
    assert {digest(download(answer["url"])) for answer in answers} == {expected}
    assert len(workers) == 2
    promise = "all complete, equal, by both workers"
    seen.append(f"| nothing: {TRIGGERS} triggers at once | {promise} | so it was |")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that is done in mid-report; `mend` undoes it."""

    what: str
    hit: Callable[[], None]
    mend: Callable[[], None]
    lasts: float  # seconds
    promise: str = PROMISE


def kill_server(name: str, server: Process) -> Fault:
    return Fault(
        what=f"{name} killed and started again",
        hit=server.kill,
        mend=server.start,
        lasts=1,
        promise=UNCOUNTED,
    )


TITLES = {"redis": "Redis", "postgres": "PostgreSQL", "s3": "the S3 server"}


def without(names: list[str], servers: dict[str, Process]) -> Fault:
    """Kill servers, and start them when three attempts would long be over."""

    def kill() -> None:
        for name in names:
            servers[name].kill()

    def start() -> None:
        for name in names:
            servers[name].start()

    return Fault(
        what=f"{' and '.join(TITLES[name] for name in names)} away for {AWAY:.0f} s",
        hit=kill,
        mend=start,
        lasts=AWAY,
        promise=UNCOUNTED,
    )


def pause_server(name: str, server: Process) -> Fault:
    return Fault(
        what=f"{name} hangs for {HANG:.0f} s",
        hit=server.pause,
        mend=server.resume,
        lasts=HANG,
        promise=UNCOUNTED,
    )


FAULTS = [
    *(
        f"{verb} {what}"
        for what in ("worker", "api", "redis", "postgres", "s3")
        for verb in ("kill", "pause")
    ),
    *(f"away {what}" for what in TITLES),
    "away postgres+s3",
    "away redis+postgres",
]


def make_fault(name: str, topology: Topology, job_id: str, servers: dict[str, Process]) -> Fault:
    verb, what = name.split()
    if verb == "away":
        return without([what for what in what.split("+") if what in servers], servers)
    if what in servers:
        make = kill_server if verb == "kill" else pause_server
        return make(TITLES[what], servers[what])
    member = topology.apis[0] if what == "api" else topology.worker_of(topology.job(job_id))
    title = "an API" if what == "api" else "the worker that makes it"
    if verb == "kill":
        promise = PROMISE if what == "api" else TAKEN_OVER
        return Fault(
            what=f"{title} killed", hit=member.kill, mend=member.start, lasts=OUTAGE, promise=promise
        )
    if what == "api":
        return Fault(what=f"{title} paused", hit=member.pause, mend=member.resume, lasts=OUTAGE)
    title += " paused, more polls loaded meanwhile"
    return Fault(what=title, hit=member.pause, mend=member.resume, lasts=OUTAGE, promise=WAKES_UP)


@pytest.mark.parametrize("name", FAULTS)
def test_a_report_survives_whatever_falls_in_its_middle(
    name: str, topology: Topology, servers: dict[str, Process], s3: S3Server, seen: list[str]
) -> None:
    before = current_digest(topology)
    report_id = topology.trigger()
    eventually("it runs", lambda: topology.job(report_id).state is State.RUNNING, pause=0.002)
    fault = make_fault(name, topology, report_id, servers)
    fault.hit()
    try:
        if name == "pause worker":
            eventually("another attempt began", lambda: topology.job(report_id).epoch > 1, pause=0.05)
            load_more(topology)
        else:
            wait(fault.lasts)
    finally:
        fault.mend()
    answer = topology.result(report_id, seconds=300)
    job = topology.job(report_id)

    assert answer["status"] == "Complete", (answer, [member.log[-2_000:] for member in topology.workers])
    assert digest(download(answer["url"])) == before
    assert job.state is State.COMPLETE
    assert job.attempts == (2 if name in {"kill worker", "pause worker"} else 1)
    # What tries in vain had left is swept when the report is visible already.
    eventually("no other try's report is left", lambda: reports_of(topology, s3, report_id) == 1)
    eventually("two workers are live", lambda: topology.live_workers() >= 2)
    assert topology.result(topology.trigger())["status"] == "Complete"
    seen.append(f"| {fault.what} | {fault.promise} | so it was, and the next report completed too |")


def test_while_redis_is_away_calls_say_so_and_a_running_report_finishes_afterwards(
    topology: Topology, servers: dict[str, Process], seen: list[str]
) -> None:
    before = current_digest(topology)
    report_id = topology.trigger()
    eventually("it runs", lambda: topology.job(report_id).state is State.RUNNING, pause=0.002)
    servers["redis"].pause()
    try:
        away_since = time.monotonic()
        answers = [
            httpx.request(method, f"{topology.apis[0].url}{path}", timeout=60)
            for method, path in (("POST", "/trigger_report"), ("GET", f"/get_report/{report_id}"))
        ]
        ready = httpx.get(f"{topology.apis[0].url}/readyz", timeout=60)
        wait(AWAY - (time.monotonic() - away_since))
    finally:
        servers["redis"].resume()
    answer = topology.result(report_id, seconds=300)

    assert [given.status_code for given in answers] == [503, 503]
    assert all(int(given.headers["Retry-After"]) > 0 for given in answers)
    assert ready.status_code == 200
    assert digest(download(answer["url"])) == before
    promise = "trigger and get_report answer 503 with Retry-After, /readyz stays, the report completes later"
    seen.append(f"| Redis hangs for {AWAY:.0f} s | {promise} | so it was |")


def current_digest(topology: Topology) -> str:
    """The digest of a report of what is loaded now."""
    answer = topology.result(topology.trigger())
    assert answer["status"] == "Complete", answer
    return digest(download(answer["url"]))


def load_more(topology: Topology) -> None:
    """Load a poll that changes every later report: it moves the as-of by an hour."""
    polls = topology.polls()
    newest = newest_of(polls)
    assert newest is not None
    at = datetime.fromtimestamp(newest // 1_000_000 + 3_600, UTC)
    more = Facts(polls=POLLS.frame([("a new store", at, False)]))
    polls.load(Load(name="more", facts=more))
    polls.close()


def reports_of(topology: Topology, s3: S3Server, report_id: str) -> int:
    """Return how many CSV files of a job are on the shelf, seen past our own adapter."""
    store = S3Store(
        s3.bucket,
        prefix=topology.settings["STOREWATCH_REPORTS_URL"].rpartition("/")[2],
        endpoint=s3.endpoint,
        access_key_id=s3.key,
        secret_access_key=s3.secret,
        region="us-east-1",
        client_options={"allow_http": True},
    )
    found = [entry["path"] for page in obstore.list(store, report_id) for entry in page]
    return sum(path.endswith(".csv") for path in found)
