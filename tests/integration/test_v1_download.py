"""The files of a report, downloaded below /v1."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import polars as pl
import pytest

from boards import claimed
from calls import REPORTS, Opened, check_problem, made, served
from service import AS_OF, FILE_NAME, SRC, Service, small_facts
from storewatch.config import load_settings
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.domain.instant import WEEK
from storewatch.entrypoints.http.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMATS = ("csv", "parquet", "json", "xlsx")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("v1-download")
    running = Service(home=folder / "home", folder=folder)
    running.load(small_facts())
    try:
        yield running.start()
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Yield an app without workers."""
    app = create_app(load_settings(home=tmp_path, workers=0))
    with served(app) as client:
        services = app.state.services
        yield Opened(client=client, board=services.board, shelf=services.shelf)


@pytest.fixture(scope="module")
def complete(service: Service) -> dict[str, Any]:
    seen = made(service)
    assert seen["state"] == "Complete"
    return seen


def downloaded(seen: dict[str, Any], ending: str) -> httpx.Response:
    answer = httpx.get(seen["links"]["download"][ending])
    assert answer.status_code == 200, answer.text
    name = FILE_NAME.replace("csv", ending)
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert int(answer.headers["content-length"]) == len(answer.content)
    return answer


def test_the_csv_is_that_of_the_link_to_the_byte_and_the_default(
    service: Service, complete: dict[str, Any]
) -> None:
    answer = downloaded(complete, "csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content == httpx.get(service.result(complete["id"])["url"]).content
    assert service.get(f"{REPORTS}/{complete['id']}/download").content == answer.content


def test_parquet_and_json_have_the_whole_seconds(complete: dict[str, Any]) -> None:
    rows = account(small_facts(), Ask(as_of=AS_OF, carry=WEEK)).rows
    parquet = downloaded(complete, "parquet")
    assert parquet.headers["content-type"] == "application/vnd.apache.parquet"
    assert pl.read_parquet(io.BytesIO(parquet.content)).equals(rows)
    answer = downloaded(complete, "json")
    assert answer.headers["content-type"] == "application/json"
    since = rows["since"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert answer.json() == rows.with_columns(since).to_dicts()


def test_the_workbook_has_a_row_a_store(complete: dict[str, Any]) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    answer = downloaded(complete, "xlsx")
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert [row[0].value for row in book["Stores"].iter_rows(min_row=2)] == [f"{n:03}" for n in range(7)]


def test_the_workbook_is_that_of_the_command_line_to_the_byte(
    service: Service, complete: dict[str, Any], tmp_path: Path
) -> None:
    """Newest poll, carry and the stores that its assumptions touch are in both."""
    out = tmp_path / "report.xlsx"
    command = [sys.executable, "-m", "storewatch.entrypoints.cli", "report", "--out", str(out)]
    environment = {**os.environ, "STOREWATCH_HOME": str(service.home), "PYTHONPATH": str(SRC)}
    subprocess.run(command, check=True, env=environment, capture_output=True)
    assert downloaded(complete, "xlsx").content == out.read_bytes()


def test_workbooks_may_be_asked_for_at_once(complete: dict[str, Any]) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: downloaded(complete, "xlsx"), range(8)))
    assert len({answer.content for answer in answers}) == 1


def test_a_format_that_there_is_not_is_refused(service: Service, complete: dict[str, Any]) -> None:
    for query in ("format=html", "format=", "form=csv"):
        check_problem(service.get(f"{REPORTS}/{complete['id']}/download?{query}"), 422)


@pytest.mark.parametrize("ending", FORMATS)
def test_there_is_no_download_before_a_report_is_complete_nor_of_one_that_failed(
    opened: Opened, ending: str
) -> None:
    where = f"{REPORTS}/{opened.client.post(REPORTS).json()['id']}/download?format={ending}"
    answer = opened.client.get(where)
    assert "is Queued: look at it until it is Complete" in check_problem(answer, 409)
    assert int(answer.headers["retry-after"]) > 0
    opened.board.fail(claimed(opened.board), "no", final=True)
    answer = opened.client.get(where)
    assert "is Failed: there is nothing to download, make a new one" in check_problem(answer, 409)
    assert "retry-after" not in answer.headers


def test_of_a_report_with_a_csv_alone_the_other_formats_are_a_404_that_says_what_to_do(
    opened: Opened,
) -> None:
    report_id = opened.board.submit(Ask())
    key = f"{report_id}/1/{FILE_NAME}"
    claim = claimed(opened.board)
    opened.board.pin(claim, as_of=AS_OF, version="1")
    opened.shelf.publish(key, [b"store_id\n"])
    opened.board.finish(claim, key=key, rows=0)
    where = f"{REPORTS}/{report_id}/download"
    assert opened.client.get(where).content == b"store_id\n"
    for ending in ("parquet", "json", "xlsx"):
        detail = check_problem(opened.client.get(f"{where}?format={ending}"), 404)
        assert "take format=csv, or make a new one with the same as_of" in detail
    assert opened.client.get(f"{REPORTS}/{report_id}").json()["manifest"] is None
    opened.shelf.sweep(report_id, keep=None)
    for ending in FORMATS:
        assert "is gone" in check_problem(opened.client.get(f"{where}?format={ending}"), 404)
