"""A shelf on S3 that refuses for a moment, and one whose answers are lost on the way."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx
import pytest

from boards import LONG, claimed, job_of
from service import AS_OF, FILE_NAME, small_facts
from storewatch.adapters.jobs import open_jobs
from storewatch.adapters.polls import open_polls
from storewatch.adapters.shelf import open_shelf
from storewatch.answering.attempt import work
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.errors import UnavailableError
from storewatch.formats.csv import csv_bytes
from storewatch.ports.jobs import State
from storewatch.ports.polls import Load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from servers import S3Server
    from storewatch.ports.jobs import Job


class Between(ThreadingHTTPServer):
    """Stands before the S3 server; what is written meets the next of `faults`: `refuse`, `lose`, or ``."""

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.target = target
        self.faults: list[str] = []


class Passing(BaseHTTPRequestHandler):
    """One request on its way."""

    server: Between

    def handle_one_request(self) -> None:
        """Pass a request on, whatever its verb."""
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        is_write = self.command == "PUT"
        fault = self.server.faults.pop(0) if is_write and self.server.faults else ""
        if fault == "refuse":
            self._answer(httpx.Response(503, content=b"<Error><Code>SlowDown</Code></Error>"))
            return
        url = self.server.target + self.path
        answer = httpx.request(
            self.command, url, content=body or None, headers=dict(self.headers), timeout=60
        )
        if fault == "lose":
            self.close_connection = True
            return
        self._answer(answer)

    def _answer(self, answer: httpx.Response) -> None:
        self.send_response(answer.status_code)
        for name in {"etag", "last-modified", "content-type"} & answer.headers.keys():
            self.send_header(name, answer.headers[name])
        length = answer.headers["content-length"] if self.command == "HEAD" else str(len(answer.content))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def between(s3: S3Server, s3_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Between]:
    """Yield what stands before the S3 server, to which the cloud's own variables lead."""
    assert s3_url
    with Between(s3.endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
        yield server
        server.shutdown()
        thread.join()


def report(tmp_path: Path, s3_url: str) -> tuple[Job, list[str]]:
    """Make an attempt at a report; return the job and the keys on the shelf."""
    polls, board = open_polls(f"delta:{tmp_path}/polls"), open_jobs(f"sqlite:{tmp_path}/jobs.sqlite")
    polls.load(Load(name="a-load", facts=small_facts()))
    shelf = open_shelf(s3_url)
    job_id = board.submit(Ask())
    assert work(claimed(board, lease=LONG), polls=polls, board=board, shelf=shelf)
    job = job_of(board, job_id)
    board.close()
    assert job.state is State.COMPLETE
    assert job.key is not None
    assert b"".join(shelf.read(job.key)) == csv_bytes(account(small_facts(), Ask(as_of=AS_OF)).rows)
    return job, sorted(key for key, _ in shelf.entries() if key.startswith(job_id))


def test_a_write_that_is_refused_with_503_is_said_again_under_its_key(
    between: Between, tmp_path: Path, s3_url: str
) -> None:
    between.faults = ["refuse", "", "refuse", "refuse", "", "refuse", ""]
    job, keys = report(tmp_path, s3_url)
    assert job.key == f"{job.id}/1/{FILE_NAME}"
    assert len(keys) == 3


@pytest.mark.parametrize("before", [0, 1, 2])
def test_a_write_whose_answer_was_lost_is_settled_elsewhere_and_the_rest_is_swept(
    between: Between, tmp_path: Path, s3_url: str, before: int
) -> None:
    between.faults = [*[""] * before, "lose"]
    job, keys = report(tmp_path, s3_url)
    assert job.key == f"{job.id}/1/2/{FILE_NAME}"
    assert len(keys) == 3
    assert all(key.startswith(f"{job.id}/1/2/") for key in keys)


def test_an_attempt_writes_so_often_and_no_more(between: Between, tmp_path: Path, s3_url: str) -> None:
    between.faults = ["lose"] * 100
    with pytest.raises(UnavailableError):
        report(tmp_path, s3_url)
