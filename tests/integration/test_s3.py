"""Reports on a real S3 server: links that anyone may use, and a server that is away."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from service import FILE_NAME, Service, eventually, small_facts
from storewatch.adapters.shelf import open_shelf
from storewatch.errors import ConflictError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from servers import S3Server
    from storewatch.ports.shelf import ReportShelf

KEY = f"j1/1/{FILE_NAME}"
CSV = b"store_id\n007\n"
PATIENCE = 60.0  # seconds until a call that has not failed hangs, however busy the machine is


@pytest.fixture
def shelf(s3_url: str) -> ReportShelf:
    shelf = open_shelf(s3_url)
    shelf.publish(KEY, [CSV])
    return shelf


def link_to(shelf: ReportShelf, key: str = KEY, *, seconds: int = 600) -> str:
    link = shelf.link(key, seconds=seconds)
    assert link
    return link


# --- links ----------------------------------------------------------------------------------------------


def test_a_link_works_without_credentials_and_downloads_under_its_name_and_type(shelf: ReportShelf) -> None:
    answer = httpx.get(link_to(shelf))
    assert answer.status_code == 200
    assert answer.content == CSV
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{FILE_NAME}"'


def test_what_ends_in_json_is_served_as_json(shelf: ReportShelf) -> None:
    shelf.publish("j1/1/a.json", [b"{}"])
    assert httpx.get(link_to(shelf, "j1/1/a.json")).headers["content-type"] == "application/json"


def test_a_link_lives_as_long_as_was_asked(shelf: ReportShelf) -> None:
    assert parse_qs(urlsplit(link_to(shelf, seconds=604_800)).query)["X-Amz-Expires"] == ["604800"]


def flip_signature(link: str) -> str:
    return link[:-1] + ("0" if link[-1] != "0" else "1")


EDITS: dict[str, Callable[[str], str]] = {
    "forged": flip_signature,
    "unsigned": lambda link: link.split("&X-Amz-Signature")[0],
    "bare": lambda link: link.split("?")[0],
    "another key": lambda link: link.replace("j1/1/", "j1/2/"),
    "a longer life": lambda link: link.replace("X-Amz-Expires=600", "X-Amz-Expires=6000"),
    "another name": lambda link: link + "&response-content-disposition=inline",
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_link_that_was_edited_is_refused(shelf: ReportShelf, edit: str) -> None:
    shelf.publish(f"j1/2/{FILE_NAME}", [b"somebody else's"])
    edited = EDITS[edit](link_to(shelf))
    assert edited != link_to(shelf)
    assert httpx.get(edited).status_code in {400, 403}  # 400: a part of the signature is missing


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD"])
def test_a_link_is_for_reading_only(shelf: ReportShelf, method: str) -> None:
    assert httpx.request(method, link_to(shelf)).status_code == 403
    assert b"".join(shelf.read(KEY)) == CSV


def test_a_link_is_refused_once_it_has_expired(shelf: ReportShelf) -> None:
    link = link_to(shelf, seconds=1)
    eventually("it has expired", lambda: httpx.get(link).status_code == 403, seconds=30, pause=0.1)


def test_a_link_is_signed_for_the_host_that_clients_reach(s3: S3Server, s3_url: str) -> None:
    if "127.0.0.1" not in s3.endpoint:
        pytest.skip("the server is not known to have a second name")
    shelf = open_shelf(s3_url, public_endpoint=s3.endpoint.replace("127.0.0.1", "localhost"))
    shelf.publish(KEY, [CSV])
    link = link_to(shelf)
    assert urlsplit(link).hostname == "localhost"
    assert httpx.get(link).content == CSV
    assert httpx.get(link.replace("localhost", "127.0.0.1")).status_code == 403


# --- the shelf ------------------------------------------------------------------------------------------


def test_a_report_of_many_megabytes_is_written_once_and_whole(shelf: ReportShelf) -> None:
    data = bytes(range(256)) * 100_000
    shelf.publish("j2/1.csv", [data])
    with pytest.raises(ConflictError, match=r"j2/1\.csv"):
        shelf.publish("j2/1.csv", [data])
    assert b"".join(shelf.read("j2/1.csv")) == data


def uses(shelf: ReportShelf) -> list[Callable[[], object]]:
    return [
        lambda: shelf.publish("j3/1.csv", [CSV]),
        lambda: shelf.size(KEY),
        lambda: b"".join(shelf.read(KEY)),
        lambda: shelf.sweep("j3", keep=None),
    ]


def check_away(shelf: ReportShelf, s3: S3Server) -> None:
    for use in uses(shelf):
        with ThreadPoolExecutor(1) as thread, pytest.raises(UnavailableError) as caught:
            thread.submit(use).result(timeout=PATIENCE)
        assert s3.secret not in str(caught.value)
        assert "\n" not in str(caught.value)


@contextmanager
def paused(s3: S3Server) -> Iterator[None]:
    assert s3.process
    s3.process.pause()
    try:
        yield
    finally:
        s3.process.resume()


@contextmanager
def killed(s3: S3Server) -> Iterator[None]:
    assert s3.process
    s3.process.kill()
    try:
        yield
    finally:
        s3.process.start()


@pytest.mark.parametrize("away", [paused, killed])
def test_a_server_that_is_away_is_unavailable_and_of_use_again_when_it_is_back(
    s3: S3Server, shelf: ReportShelf, away: Callable[[S3Server], Iterator[None]]
) -> None:
    if s3.process is None:
        pytest.skip("the server is not ours to stop")
    with away(s3):  # type: ignore[attr-defined]  # made a context manager
        check_away(shelf, s3)
        assert link_to(shelf)
    names = (f"j4/{number}.csv" for number in count())  # whose answer was lost may be there already

    def publish() -> str | None:
        key = next(names)
        with suppress(UnavailableError):
            shelf.publish(key, [CSV])
            return key
        return None

    key = eventually("the server takes a report again", publish)
    assert b"".join(shelf.read(key)) == CSV
    assert b"".join(shelf.read(KEY)) == CSV


def test_wrong_credentials_are_an_error_that_does_not_show_them(
    s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2-hunter2")
    shelf = open_shelf(s3_url)
    for use in uses(shelf):
        with pytest.raises(UnavailableError, match="403 Forbidden") as caught:
            use()
        assert "hunter2" not in str(caught.value)


# --- the service ----------------------------------------------------------------------------------------


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Service]:
    service = Service(home=folder / "home", folder=folder, settings=settings)
    service.load(small_facts())
    try:
        yield service.start()
    finally:
        service.close()
        print(service.output)  # noqa: T201  pytest shows it if a test fails


def test_the_answer_links_to_the_server_and_a_manifest_lies_beside_the_report(
    tmp_path: Path, s3: S3Server, s3_url: str
) -> None:
    with serving(tmp_path, reports_url=s3_url, link_seconds="3600") as service:
        report_id = service.trigger()
        url = service.result(report_id)["url"]
        key = service.job(report_id).key
    assert url.startswith(f"{s3.endpoint}/{s3.bucket}/")
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["3600"]
    answer = httpx.get(url)
    assert answer.headers["content-disposition"] == f'attachment; filename="{FILE_NAME}"'
    assert answer.text.startswith("store_id,")
    assert key
    shelf = open_shelf(s3_url)
    assert b"".join(shelf.read(key)) == answer.content
    assert shelf.size(key.removesuffix(".csv") + ".json")


def test_where_links_are_to_the_app_it_serves_what_lies_on_the_server(tmp_path: Path, s3_url: str) -> None:
    with serving(tmp_path, reports_url=s3_url, reports_links="app") as service:
        url = service.result(service.trigger())["url"]
        assert url.startswith(f"{service.url}/reports/")
        answer = httpx.get(url)
    assert answer.headers["content-disposition"] == f'attachment; filename="{FILE_NAME}"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(answer.text.splitlines()) == 8
