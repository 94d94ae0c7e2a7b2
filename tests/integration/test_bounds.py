"""Bounds on what comes from outside: at each limit it is taken, one beyond it is refused."""

from __future__ import annotations

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from boards import claimed
from calls import Opened, check_problem, served
from service import Service, eventually
from storewatch.config import load_settings
from storewatch.entrypoints.http.app import create_app
from storewatch.entrypoints.http.bodies import LARGE_AT_ONCE, SMALL
from storewatch.entrypoints.http.tokens import Scope, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMITS = {
    "body_limit": 200,
    "store_ids_limit": 3,
    "store_id_limit": 8,
    "queue_limit": 4,
    "token_queue_limit": 2,
}
TRIGGERS = [("POST", "/trigger_report"), ("POST", "/v1/reports")]
JSON = {"Content-Type": "application/json"}


@contextmanager
def app_of(home: Path, **settings: Any) -> Iterator[Opened]:
    """Serve an app without workers, with low limits."""
    app = create_app(load_settings(home=home, workers=0, **(LIMITS | settings)))
    with served(app) as client:
        services = app.state.services
        yield Opened(client=client, board=services.board, shelf=services.shelf)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    with app_of(tmp_path / "home") as found:
        yield found


def pieces(body: bytes) -> Iterator[bytes]:
    """Return a body whose length is not announced."""
    for at in range(0, len(body), 50):
        yield body[at : at + 50]


@pytest.mark.parametrize("is_announced", [True, False])
@pytest.mark.parametrize(("method", "path"), TRIGGERS)
def test_a_body_is_taken_up_to_its_limit(
    opened: Opened, method: str, path: str, *, is_announced: bool
) -> None:
    for length, is_taken in ((LIMITS["body_limit"], True), (LIMITS["body_limit"] + 1, False)):
        body = b'{"store_ids": ["1"]}'.ljust(length)
        content = body if is_announced else pieces(body)
        answer = opened.client.request(method, path, content=content, headers=JSON)
        if is_taken:
            assert answer.status_code in {200, 202}, answer.text
        else:
            assert "larger than 200 bytes" in check_problem(answer, 413)


def test_a_body_is_refused_before_it_has_all_come(opened: Opened) -> None:
    url = opened.client.base_url
    for head in (b"Content-Length: 1000000000000", b"Transfer-Encoding: chunked"):
        with socket.create_connection((url.host, url.port), timeout=30) as client:
            client.sendall(b"POST /v1/reports HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n")
            if head.startswith(b"T"):
                client.sendall(b"c9\r\n" + b"x" * 201 + b"\r\n")
            assert client.recv(12) == b"HTTP/1.1 413"


def test_large_bodies_wait_for_one_another_and_none_for_ever(tmp_path: Path) -> None:
    body = b'{"store_ids": ["1"]}'.ljust(SMALL + 1)
    many = 3 * LARGE_AT_ONCE
    with app_of(tmp_path / "home", body_limit=len(body), queue_limit=1_000) as opened:

        def trigger(_: int) -> int:
            return httpx.post(
                opened.client.base_url.join("/trigger_report"), content=pieces(body), headers=JSON, timeout=60
            ).status_code

        with ThreadPoolExecutor(many) as pool:
            assert set(pool.map(trigger, range(many))) == {200}
        assert opened.client.post("/v1/reports", content=body, headers=JSON).status_code == 202


@pytest.mark.parametrize(("method", "path"), TRIGGERS)
def test_a_report_is_asked_of_so_many_stores_and_of_ids_so_long(
    opened: Opened, method: str, path: str
) -> None:
    for store_ids, detail in (
        (["1", "2", "3"], None),
        (["1", "2", "3", "4"], "4 are more than 3"),
        (["12345678"], None),
        (["1234ü67"], None),
        (["1234ü678"], "more than 8 bytes"),
    ):
        answer = opened.client.request(method, path, json={"store_ids": store_ids})
        if detail is None:
            assert answer.status_code in {200, 202}, answer.text
            opened.board.cancel(answer.json().get("report_id") or answer.json()["id"])
        else:
            assert detail in check_problem(answer, 422)


def test_the_bound_on_stores_holds_for_a_query_too(opened: Opened) -> None:
    answer = opened.client.get("/trigger_report", params={"store_ids": ["1", "2", "3", "4"]})
    assert "4 are more than 3" in check_problem(answer, 422)


def test_a_carry_ends_within_the_years_that_there_are(opened: Opened) -> None:
    assert opened.client.get("/trigger_report", params={"carry": "84371d"}).status_code == 200
    for carry in ("84372d", "999999999d", "999999999h"):
        detail = check_problem(opened.client.get("/trigger_report", params={"carry": carry}), 422)
        assert "write none" in detail
        check_problem(opened.client.get("/v1/stores/1/hours", params={"carry": carry}), 422)


def test_so_many_reports_wait_and_no_more(opened: Opened) -> None:
    for _ in range(LIMITS["queue_limit"]):
        assert opened.client.post("/trigger_report").status_code == 200
    for method, path in [*TRIGGERS, ("GET", "/trigger_report")]:
        answer = opened.client.request(method, path)
        assert "4 reports wait already" in check_problem(answer, 429)
        assert int(answer.headers["retry-after"]) > 0
    page = opened.client.post("/reports", headers={"Accept": "text/html"})
    assert page.status_code == 429
    assert "4 reports wait already" in page.text
    claimed(opened.board)
    assert opened.client.post("/trigger_report").status_code == 200
    check_problem(opened.client.post("/trigger_report"), 429)


def test_so_many_of_one_token_wait_and_others_go_on(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "home" / "tokens")
    one, other = ({"Authorization": f"Bearer {tokens.new(name, Scope.TRIGGER)}"} for name in ("one", "other"))
    with app_of(tmp_path / "home", auth="tokens") as opened:
        for _ in range(LIMITS["token_queue_limit"]):
            assert opened.client.post("/trigger_report", headers=one).status_code == 200
        answer = opened.client.post("/trigger_report", headers=one)
        assert "2 reports of one wait already" in check_problem(answer, 429)
        assert opened.client.post("/trigger_report", headers=other).status_code == 200
        claimed(opened.board)
        assert opened.client.post("/trigger_report", headers=one).status_code == 200
        check_problem(opened.client.post("/trigger_report", headers=one), 429)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 199,
        b'{"a":' * 39,
        b'{"store_ids": [' + b"9" * 180 + b"]}",
        b"\x00" * 200,
        b'{"by": "\\ud800"}',  # half a character
        b'{"where": {"\\ud800": ["x"]}}',
        b'{"where": {"brand": ["\\ud800"]}}',
    ],
)
def test_a_body_that_would_break_a_parser_is_refused(opened: Opened, content: bytes) -> None:
    answer = opened.client.post("/trigger_report", content=content, headers=JSON)
    check_problem(answer, answer.status_code)
    assert answer.status_code in {400, 422}


# ---------------------------------------------------------------- connections


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Service]:
    """Run `storewatch serve` as a process of its own."""
    service = Service(
        home=folder / "home",
        folder=folder,
        settings={"workers": "0"} | settings,
        command=("-m", "storewatch.entrypoints.cli", "serve"),
    )
    try:
        yield service.start()
    finally:
        service.close()


def half_sent(service: Service, rest: bytes = b"") -> socket.socket:
    """Begin a request and leave it there."""
    host, port = service.url.removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)), timeout=60)
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + rest)
    return client


def is_over(client: socket.socket) -> bool:
    """Say whether the service has ended a connection."""
    client.settimeout(0.01)
    try:
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_a_crowd_of_half_sent_requests_shuts_nobody_out_and_fills_no_log(tmp_path: Path) -> None:
    with serving(tmp_path) as service, ExitStack() as stack:
        before = len(service.output)
        for _ in range(900):
            with suppress(ConnectionError):
                stack.enter_context(half_sent(service))
        for _ in range(20):
            assert service.get("/healthz").json() == {"status": "ok"}
        assert len(service.output) - before < 10_000


def test_so_many_connections_are_held_and_for_one_more_the_oldest_ends(tmp_path: Path) -> None:
    with serving(tmp_path, connection_limit="5") as service, ExitStack() as stack:
        time.sleep(0.2)  # the connections that asked whether it is ready have ended
        clients = [stack.enter_context(half_sent(service)) for _ in range(5)]
        assert not any(is_over(client) for client in clients)
        clients.append(stack.enter_context(half_sent(service)))
        eventually("the oldest is over", lambda: is_over(clients[0]))
        assert not any(is_over(client) for client in clients[1:])
        clients[-1].settimeout(60)
        clients[-1].sendall(b"\r\n")
        assert clients[-1].recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"POST /v1/reports HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
        b"POST /v1/reports HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
)
def test_a_request_that_does_not_come_to_its_end_is_ended(tmp_path: Path, begun: bytes) -> None:
    with serving(tmp_path, client_seconds="1") as service:
        host, port = service.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=60) as client:
            began = time.monotonic()
            client.sendall(begun)
            while not is_over(client):
                with suppress(ConnectionError):
                    client.sendall(b" " if begun.endswith(b": ") else b"")  # a letter now and then is no help
            assert time.monotonic() - began >= 0.9
        assert service.get("/healthz").status_code == 200
        assert "Traceback" not in service.output
        assert '"error"' not in service.output


def test_a_client_that_does_not_take_its_answer_is_left(tmp_path: Path) -> None:
    with serving(tmp_path, client_seconds="1") as service:
        host, port = service.url.removeprefix("http://").split(":")
        asked = b"GET /assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.connect((host, int(port)))
            client.sendall(asked * 20)  # more than the system holds for us

            def is_gone() -> bool:
                try:
                    client.send(b" ", socket.MSG_DONTWAIT)
                except BlockingIOError:
                    return False
                except ConnectionError:
                    return True
                return False

            eventually("the connection is ended", is_gone, pause=0.1)


def test_what_is_no_http_is_a_problem_and_a_few_lines_of_log(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        host, port = service.url.removeprefix("http://").split(":")
        for sent in [b"GET /echo/" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", *[b"\x16\x03\x01\r\n\r\n"] * 50]:
            with socket.create_connection((host, int(port)), timeout=60) as client:
                client.sendall(sent)
                answer = client.makefile("rb").read()
            head, _, body = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 400 ")
            assert b"application/problem+json" in head
            assert json.loads(body)["status"] == 400
        assert 1 <= service.output.count("Invalid HTTP request") <= 20
        longest = "x" * (16_384 - len(f"GET /echo/ HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n") - 200)
        assert httpx.get(f"{service.url}/echo/{longest}").json() == longest
