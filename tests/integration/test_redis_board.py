"""The job board on a Redis that is killed, paused, cut off, full, set badly, or asks for a password."""

from __future__ import annotations

import contextlib
import select
import socket
import socketserver
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest
from redis import Redis

from boards import LONG, claimed, job_of, wait_for
from processes import free_ports
from storewatch.adapters.jobs import open_jobs, redis
from storewatch.adapters.jobs.redis import RedisJobBoard
from storewatch.domain.ask import Ask
from storewatch.errors import SettingsError, UnavailableError
from storewatch.ports.jobs import JobBoard, Progress, State
from storewatch.ports.risks import Risk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from processes import Process
    from servers import Server

PATIENCE = 60.0  # seconds until a call that has not failed hangs, however busy the machine is


@pytest.fixture
def process(valkey: Server) -> Process:
    """Return the server's process, to do harm to."""
    if valkey.process is None:
        pytest.skip("the server is not ours to harm")
    return valkey.process


@pytest.fixture
def redis_board(redis_board_url: str) -> Iterator[JobBoard]:
    board = open_jobs(redis_board_url)
    yield board
    board.close()


@pytest.fixture
def admin(valkey: Server, process: Process) -> Iterator[Redis]:
    """Yield a client to change the server's settings, which are put back afterwards."""
    assert process.is_alive()
    with Redis.from_url(valkey.url, decode_responses=True) as driver:
        before = {name: driver.config_get(name)[name] for name in ("maxmemory", "maxmemory-policy")}
        yield driver
        for name, value in before.items():
            driver.config_set(name, value)
        driver.config_set("appendonly", "yes")
        for user in set(driver.acl_users()) - {"default"}:
            driver.acl_deluser(user)


def fails(call: Callable[[], object]) -> str:
    """Return the text of the error with which a call fails, instead of hanging."""
    with ThreadPoolExecutor(1) as thread, pytest.raises(UnavailableError) as caught:
        thread.submit(call).result(timeout=PATIENCE)
    return str(caught.value)


def answers(call: Callable[[], object]) -> bool:
    with contextlib.suppress(UnavailableError):
        call()
        return True
    return False


# --- outages --------------------------------------------------------------------------------------------


def test_nothing_acknowledged_is_lost_when_the_server_is_killed(
    redis_board: JobBoard, process: Process
) -> None:
    ids = [redis_board.submit(Ask(store_ids=(str(n),))) for n in range(50)]
    claims = [claimed(redis_board) for _ in range(3)]
    redis_board.finish(claims[0], key="k", rows=1)
    redis_board.pin(claims[1], as_of=1, version="7")
    redis_board.beat(claims[2], lease=LONG, progress=Progress(stage="compute", done=1, total=2))
    redis_board.cancel(ids[-1])
    before = redis_board.recent(100)
    process.kill()
    process.start()
    wait_for(lambda: answers(lambda: redis_board.get(ids[0])))
    assert redis_board.recent(100) == before
    assert redis_board.finish(claims[1], key="k2", rows=2)
    assert claimed(redis_board).job.id == ids[3]


def test_every_call_fails_while_the_server_is_down_and_works_again_after(
    redis_board: JobBoard, redis_board_url: str, process: Process
) -> None:
    job_id = redis_board.submit(Ask())
    claim = claimed(redis_board)
    process.kill()
    try:
        for call in calls(redis_board, job_id):
            assert "cannot be used" in fails(call)
        fails(lambda: redis_board.beat(claim, lease=LONG))
        fails(lambda: redis_board.finish(claim, key="k", rows=1))
        fails(open_jobs(redis_board_url).queue_length)
    finally:
        process.start()
    wait_for(lambda: answers(lambda: redis_board.get(job_id)))
    assert redis_board.beat(claim, lease=LONG)
    assert redis_board.finish(claim, key="k", rows=1)


def calls(board: JobBoard, job_id: str) -> list[Callable[[], object]]:
    return [
        lambda: board.submit(Ask()),
        lambda: board.get(job_id),
        lambda: board.claim("b", lease=LONG),
        lambda: board.cancel(job_id),
        board.overview,
    ]


def test_every_call_fails_while_the_server_is_paused_and_works_again_after(
    redis_board: JobBoard, redis_board_url: str, process: Process
) -> None:
    job_id = redis_board.submit(Ask())
    claim = claimed(redis_board)
    process.pause()
    try:
        for call in calls(redis_board, job_id):
            fails(call)
        fails(lambda: redis_board.beat(claim, lease=LONG))
        fails(open_jobs(redis_board_url).queue_length)
    finally:
        process.resume()
    wait_for(lambda: answers(lambda: redis_board.get(job_id)))
    assert redis_board.queue_length() <= 1  # a submit without an answer may have been taken in
    assert job_of(redis_board, job_id).state in {State.RUNNING, State.CANCELLED}


@pytest.mark.parametrize("first", ["beat", "claim", "announce", "get"])
def test_leases_stand_still_while_the_server_is_away(
    redis_board: JobBoard, process: Process, first: str
) -> None:
    """Whoever calls first when it is back, the worker that holds a job keeps it, in its last attempt too."""
    lease = 2.0
    job_id = redis_board.submit(Ask())
    for _ in range(2):
        claimed(redis_board, lease=0)
    claim = claimed(redis_board, lease=lease)
    process.pause()
    try:
        time.sleep(lease + 1)  # no renewal comes through meanwhile
    finally:
        process.resume()
    wait_for(lambda: answers(redis_board.queue_length))
    ways: dict[str, Callable[[], object]] = {
        "beat": lambda: redis_board.beat(claim, lease=lease),
        "claim": lambda: redis_board.claim("b", lease=lease),
        "announce": lambda: redis_board.announce("b", ttl=lease),
        "get": lambda: redis_board.get(job_id),
    }
    ways[first]()
    assert redis_board.claim("b", lease=lease) is None
    assert redis_board.beat(claim, lease=lease)
    assert job_of(redis_board, job_id).epoch == claim.epoch


def test_workers_that_only_ask_for_work_write_next_to_nothing(redis_board: JobBoard, admin: Redis) -> None:
    """They do so many times a second, and what is written is kept."""
    assert redis_board.claim("a", lease=LONG) is None
    before = admin.info("persistence")["aof_current_size"]
    for _ in range(50):
        assert redis_board.claim("a", lease=LONG) is None
    assert admin.info("persistence")["aof_current_size"] - before < 10 * len(
        "storewatch:heard 1674670402000000"
    )


def test_of_calls_that_come_together_only_the_first_wait_for_a_paused_server(
    redis_board: JobBoard, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "REST_SECONDS", LONG)  # the rest, which is short, outlasts the test
    job_id = redis_board.submit(Ask())
    process.pause()
    try:
        with ThreadPoolExecutor(8) as threads:
            errors = list(threads.map(lambda _: fails(lambda: redis_board.get(job_id)), range(200)))
    finally:
        process.resume()
    at_once = [error for error in errors if "did not answer a moment ago" in error]
    assert len(errors) - len(at_once) <= 8


def test_no_call_waits_longer_than_its_time_outs(redis_board: JobBoard) -> None:
    """The sum of what is promised: a connection, an answer, and half a second of grace."""
    assert isinstance(redis_board, RedisJobBoard)
    options = redis_board._server._driver.connection_pool.connection_kwargs
    assert options["socket_connect_timeout"] + options["socket_timeout"] <= 2
    assert options["retry"].get_retries() == 0


class Proxy(socketserver.ThreadingTCPServer):
    """Lines to the server; as many answers as there are `cuts` get lost, each with its line."""

    cuts = 0

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        super().__init__(("127.0.0.1", 0), Line)


class Line(socketserver.BaseRequestHandler):
    """One client's line to the server."""

    server: Proxy

    def handle(self) -> None:
        """Carry all that comes, until one end closes or the line is cut."""
        with socket.create_connection(self.server.target) as target, contextlib.suppress(ConnectionError):
            other = {self.request: target, target: self.request}
            while True:
                for source in select.select(list(other), [], [])[0]:
                    data = source.recv(65_536)
                    if not data or (source is target and self._is_cut()):
                        return
                    other[source].sendall(data)

    def _is_cut(self) -> bool:
        is_cut = self.server.cuts > 0
        self.server.cuts -= is_cut
        return is_cut


@pytest.fixture
def proxy(valkey: Server) -> Iterator[Proxy]:
    parts = urlsplit(valkey.url)
    with Proxy((parts.hostname or "", parts.port or 6379)) as proxy:
        thread = Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


@pytest.fixture
def cut_board(proxy: Proxy, redis_board_url: str) -> Iterator[JobBoard]:
    """Yield a board behind the proxy."""
    board = open_jobs(at(redis_board_url, netloc=f"127.0.0.1:{proxy.server_address[1]}"))
    yield board
    board.close()


def at(url: str, **parts: str) -> str:
    """Return the URL with other parts."""
    return urlunsplit(urlsplit(url)._replace(**parts))


def test_a_submit_whose_answer_was_lost_is_one_job(cut_board: JobBoard, proxy: Proxy) -> None:
    proxy.cuts = 1
    job_id = cut_board.submit(Ask())
    assert [job.id for job in cut_board.recent(9)] == [job_id]


def test_a_submit_said_again_does_not_undo_what_came_of_the_job(redis_board_url: str) -> None:
    board = RedisJobBoard(redis_board_url)
    job_id = board.submit(Ask())
    claimed(board)
    before = job_of(board, job_id)
    board._server.call("submit", id=job_id, request="{}")
    assert job_of(board, job_id) == before
    board.close()


def test_a_finish_whose_answer_was_lost_is_no_lost_claim(cut_board: JobBoard, proxy: Proxy) -> None:
    cut_board.submit(Ask())
    claim = claimed(cut_board)
    proxy.cuts = 1
    assert cut_board.beat(claim, lease=LONG)
    proxy.cuts = 1
    assert cut_board.finish(claim, key="k", rows=1)


def test_a_claim_whose_answer_was_lost_is_not_made_twice(cut_board: JobBoard, proxy: Proxy) -> None:
    for _ in range(2):
        cut_board.submit(Ask())
    proxy.cuts = 1
    fails(lambda: cut_board.claim("a", lease=LONG))
    assert cut_board.queue_length() == 1


def test_a_line_that_stays_cut_is_an_error(cut_board: JobBoard, proxy: Proxy) -> None:
    proxy.cuts = 99
    fails(lambda: cut_board.submit(Ask()))
    proxy.cuts = 0
    assert cut_board.submit(Ask())


def test_a_report_that_the_first_version_finished_since_the_last_look_is_the_newest(
    redis_board: JobBoard, redis_board_url: str, valkey: Server
) -> None:
    """Its script knows nothing of the set of such reports, neither when it finishes nor when it forgets."""
    tag = f"{{{redis_board_url.rpartition('=')[2]}}}"
    ids = [redis_board.submit(Ask()) for _ in range(3)]
    with Redis.from_url(valkey.url, decode_responses=True) as driver:
        for as_of in (1, 2, 3):
            claim = claimed(redis_board)
            redis_board.pin(claim, as_of=as_of, version="7")
            redis_board.finish(claim, key="k", rows=1)
            driver.zremrangebyrank(f"{tag}:plain", -1, -1)
            found = redis_board.newest_complete()
            assert found is not None
            assert found.id == claim.job.id
        driver.delete(f"{tag}:job:{ids[2]}")
        driver.zrem(f"{tag}:complete", ids[2])
    assert redis_board.newest_complete() == job_of(redis_board, ids[1])


def test_the_newest_of_more_reports_than_are_looked_at_in_one_step_is_found(
    redis_board: JobBoard, redis_board_url: str, valkey: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "BATCH", 2)
    for as_of in (1, 2, 5, 3, 4, 5):
        redis_board.submit(Ask())
        claim = claimed(redis_board)
        redis_board.pin(claim, as_of=as_of, version="7")
        redis_board.finish(claim, key="k", rows=1)
    with Redis.from_url(valkey.url) as driver:
        driver.delete(f"{{{redis_board_url.rpartition('=')[2]}}}:plain")
    found = redis_board.newest_complete()
    assert found is not None
    assert found.number == 6


# --- a server that is full or set badly -----------------------------------------------------------------


def test_a_call_that_finds_the_memory_full_changes_nothing(redis_board: JobBoard, admin: Redis) -> None:
    ids = [redis_board.submit(Ask()) for _ in range(5)]
    held = claimed(redis_board)
    for _ in range(3):
        late = claimed(redis_board, lease=0)  # the third attempt runs out
    before = redis_board.recent(9)
    admin.config_set("maxmemory", 1)
    for call in (
        lambda: redis_board.submit(Ask()),
        lambda: redis_board.claim("b", lease=LONG),
        lambda: redis_board.cancel(ids[-1]),
        lambda: redis_board.finish(held, key="k", rows=1),
        lambda: redis_board.fail(held, "no", final=False),
        lambda: redis_board.hand_back(held),
        lambda: redis_board.beat(held, lease=LONG, progress=Progress(stage="s", done=1, total=1)),
        lambda: redis_board.pin(held, as_of=1, version="v"),
    ):
        assert "memory" in fails(call)
    admin.config_set("maxmemory", 0)
    assert redis_board.recent(9) == before
    assert redis_board.finish(held, key="k", rows=1)
    assert redis_board.finish(late, key="k", rows=1)  # late, but nobody took over
    assert [claimed(redis_board).job.id for _ in range(3)] == ids[2:]


def test_a_server_that_may_evict_or_forget_is_warned_of(redis_board: JobBoard, admin: Redis) -> None:
    admin.config_set("maxmemory-policy", "allkeys-lru")
    assert redis_board.warnings() == {}  # without a limit nothing is evicted
    admin.config_set("maxmemory", 100_000_000)
    admin.config_set("appendonly", "no")
    warnings = redis_board.warnings()
    assert set(warnings) == {"evicts", "unlogged"}
    assert "allkeys-lru" in warnings[Risk.EVICTS]
    assert "noeviction" in warnings[Risk.EVICTS]
    assert "appendonly" in warnings[Risk.UNLOGGED]


def test_a_server_that_lost_the_script_is_given_it_again(redis_board: JobBoard, admin: Redis) -> None:
    admin.script_flush()
    assert redis_board.submit(Ask())


# --- passwords and addresses ----------------------------------------------------------------------------

PASSWORD = "s3cr3t/päss"  # noqa: S105 - of a server that lives as long as the tests
QUOTED = "s3cr3t%2Fp%C3%A4ss"


def add_user(admin: Redis, *rules: str) -> None:
    admin.acl_setuser(
        "clerk", enabled=True, passwords=[f"+{PASSWORD}"], keys=["{test-*"], commands=list(rules)
    )


def as_clerk(url: str, password: str = QUOTED) -> str:
    return at(url, netloc=f"clerk:{password}@{urlsplit(url).netloc.rpartition('@')[2]}")


def test_a_user_with_few_rights_is_enough(redis_board_url: str, admin: Redis) -> None:
    add_user(admin, "+evalsha", "+script|load", "+@read", "+@write", "+time")
    board = open_jobs(as_clerk(redis_board_url))
    job_id = board.submit(Ask())
    assert board.finish(claimed(board), key="k", rows=1)
    assert job_of(board, job_id).state == State.COMPLETE
    assert set(board.warnings()) == {"unchecked"}
    board.close()


@pytest.mark.parametrize("scheme", ["redis", "valkey", "rediss", "valkeys"])
@pytest.mark.parametrize("password", [QUOTED, "wr0ng%2Fp%C3%A4ss"])
def test_no_password_is_shown_when_a_server_refuses(
    redis_board_url: str, admin: Redis, scheme: str, password: str
) -> None:
    add_user(admin)  # it may do nothing
    text = fails(open_jobs(as_clerk(at(redis_board_url, scheme=scheme), password)).queue_length)
    assert all(word not in text for word in ("clerk:", "s3cr3t", "wr0ng", "ss@"))
    assert f"{scheme}://127.0.0.1:" in text


def test_no_password_is_shown_when_nobody_listens() -> None:
    (port,) = free_ports(1)
    text = fails(open_jobs(f"redis://clerk:{QUOTED}@127.0.0.1:{port}/0").queue_length)
    assert f"redis://127.0.0.1:{port}/0" in text
    assert "s3cr3t" not in text


@pytest.mark.parametrize(
    "url",
    [
        "redis://clerk:s3cr3t/x@localhost/0",  # what follows the first slash is a path
        "redis://clerk:s3cr3t#x@localhost/0",
        "redis://clerk:s3cr3t@localhost/jobs",
        "redis://clerk:s3cr3t@localhost:port/0",
        "redis://clerk:s3cr3t@localhost:99999/0",
        "redis://clerk:s3cr3t@[::1/0",
        "redis://clerk:s3cr3t@/0",
        "redis:s3cr3t",
        "redis://clerk:s3cr3t@localhost/0?prefix=",
        "redis://clerk:s3cr3t@localhost/0?prefix={a}",
        "redis://clerk:s3cr3t@localhost/0?socket_timeout=9",
        "redis://clerk:s3cr3t@localhost/0?ssl_cert_reqs=none",
    ],
)
def test_an_address_of_another_form_is_an_error_that_shows_the_form_and_nothing_of_it(url: str) -> None:
    with pytest.raises(SettingsError, match="redis://user:password@host:6379/0") as caught:
        open_jobs(url)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_boards_of_two_prefixes_share_a_database_and_nothing_else(redis_board_url: str) -> None:
    first, second = open_jobs(redis_board_url), open_jobs(f"{redis_board_url}-2")
    first.submit(Ask())
    assert second.claim("a", lease=LONG) is None
    assert first.queue_length() == 1
    first.close()
    second.close()


def test_every_key_begins_with_the_hash_tag(
    redis_board: JobBoard, redis_board_url: str, valkey: Server
) -> None:
    tag = f"{{{redis_board_url.rpartition('=')[2]}}}"
    with Redis.from_url(valkey.url, decode_responses=True) as driver:
        before = set(driver.scan_iter())
        for _ in range(4):
            redis_board.submit(Ask())
        redis_board.finish(claimed(redis_board), key="k", rows=1)
        redis_board.fail(claimed(redis_board), "no", final=True)
        redis_board.cancel(claimed(redis_board).job.id)
        redis_board.announce("a", ttl=LONG)
        made = set(driver.scan_iter()) - before
    assert made
    assert all(key.startswith(f"{tag}:") for key in made)


def test_a_scaler_can_read_how_many_jobs_wait_and_run(
    redis_board: JobBoard, redis_board_url: str, valkey: Server
) -> None:
    tag = f"{{{redis_board_url.rpartition('=')[2]}}}"
    for _ in range(3):
        redis_board.submit(Ask())
    claimed(redis_board)
    with Redis.from_url(valkey.url) as driver:
        assert (driver.zcard(f"{tag}:queued"), driver.zcard(f"{tag}:running")) == (2, 1)
