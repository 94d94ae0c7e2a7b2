"""Reports by a label and of some stores, asked for and handed out over HTTP (R10)."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Any

import httpx
import openpyxl
import polars as pl
import pytest

from boards import claimed
from calls import REPORTS, Opened, check_problem, served
from service import AS_OF, small_facts
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.answering.attempt import work
from storewatch.bootstrap import open_polls
from storewatch.config import load_settings
from storewatch.domain.ask import Ask
from storewatch.domain.kinds import LABELS
from storewatch.entrypoints.http.app import create_app
from storewatch.errors import NoStoreError
from storewatch.ports.polls import Load
from storewatch.processes.worker import describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.config import Settings
    from storewatch.domain.facts import Facts
    from storewatch.formats.report import Report
    from storewatch.ports.polls import PollStore

ASKED = {"by": "Brand", "where": {"region": ["north", ""]}, "windows": ["day"]}


def facts() -> Facts:
    given = small_facts()
    labels = [(f"{n:03}", "brand", "xy"[n % 2]) for n in range(5)] + [("001", "region", "south")]
    others = {**given.others, "labels": LABELS.frame([*labels, ("000", "targetpercent", "99.5")])}
    return type(given)(polls=given.polls, others=others)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(home=tmp_path_factory.mktemp("home"), workers=0)


@pytest.fixture(scope="module")
def polls(settings: Settings) -> PollStore:
    opened = open_polls(settings)
    opened.load(Load(name="a", facts=facts()))
    return opened


@pytest.fixture(scope="module")
def opened(settings: Settings) -> Iterator[Opened]:
    """Yield an app without workers."""
    app = create_app(settings)
    with served(app) as client:
        services = app.state.services
        yield Opened(client=client, board=services.board, shelf=services.shelf)


@pytest.fixture(scope="module")
def expected() -> Report:
    where = (("region", ("north", "")),)
    return answer(GivenFacts(facts=facts()), Ask(as_of=AS_OF, windows=("day",), by="Brand", where=where))


@pytest.fixture(scope="module")
def seen(opened: Opened, polls: PollStore) -> dict[str, Any]:
    """A complete report, as /v1 shows it."""
    answer = opened.client.post(REPORTS, json=ASKED)
    assert answer.status_code == 202, answer.text
    assert work(claimed(opened.board), polls=polls, board=opened.board, shelf=opened.shelf)
    found: dict[str, Any] = opened.client.get(answer.headers["location"]).json()
    assert found["state"] == "Complete"
    return found


def test_the_old_call_links_the_table_too(opened: Opened, seen: dict[str, Any], expected: Report) -> None:
    told = opened.client.get("/get_report", params={"report_id": seen["id"]}).json()
    assert list(told) == ["url", "status", "groups_url"]
    table = expected.by_label
    assert table is not None
    for url, report, name in ((told["url"], expected, ""), (told["groups_url"], table, "-by-Brand")):
        file = httpx.get(url)
        assert file.content == report.csv_bytes()
        assert f'filename="storewatch-20230125T181200Z{name}.csv"' in file.headers["content-disposition"]
    unsigned = told["groups_url"].partition("?")[0]
    check_problem(httpx.get(unsigned), 403)


def test_each_format_of_the_table_is_linked(seen: dict[str, Any], expected: Report) -> None:
    assert seen["asked"]["by"] == "Brand"
    assert seen["asked"]["where"] == {"region": ["", "north"]}
    files = {name: httpx.get(url) for name, url in seen["links"]["groups"].items()}
    table = expected.by_label
    assert table is not None
    assert files["csv"].content == table.csv_bytes()
    assert pl.read_parquet(io.BytesIO(files["parquet"].content)).equals(table.rows)
    assert files["json"].json() == table.rows.to_dicts()
    assert files["xlsx"].content == httpx.get(seen["links"]["download"]["xlsx"]).content
    assert openpyxl.load_workbook(io.BytesIO(files["xlsx"].content)).sheetnames == [
        "About",
        "Stores",
        "By Brand",
    ]
    for ending, file in files.items():
        assert f"-by-Brand.{ending}" in file.headers["content-disposition"]


def test_the_manifest_says_what_was_asked_and_the_tables_digest(seen: dict[str, Any]) -> None:
    table = httpx.get(seen["links"]["groups"]["csv"]).content
    manifest = seen["manifest"]
    assert manifest["parameters"]["by"] == "Brand"
    assert manifest["groups"] == {"rows": 3, "bytes": len(table), "sha256": hashlib.sha256(table).hexdigest()}
    assert manifest["report"]["rows"] == 6


def test_the_page_says_of_which_stores_it_is_and_links_the_table(
    opened: Opened, seen: dict[str, Any]
) -> None:
    page = opened.client.get(f"/reports/{seen['id']}").text
    assert "with region (none) or north" in page
    assert f'href="/v1/reports/{seen["id"]}/download?format=csv&amp;table=groups">By Brand</a>' in page


def test_a_report_without_a_label_is_told_of_as_ever(opened: Opened, polls: PollStore) -> None:
    where = opened.client.post(REPORTS).headers["location"]
    assert work(claimed(opened.board), polls=polls, board=opened.board, shelf=opened.shelf)
    found = opened.client.get(where).json()
    assert (found["links"]["groups"], "groups" in found["manifest"]) == (None, False)
    assert list(opened.client.get("/get_report", params={"report_id": found["id"]}).json()) == [
        "url",
        "status",
    ]
    answer = opened.client.get(f"{REPORTS}/{found['id']}/download?table=groups")
    assert "has no groups" in check_problem(answer, 404)


def test_removing_a_report_removes_its_table(opened: Opened, polls: PollStore) -> None:
    where = opened.client.post(REPORTS, json={"by": "brand"}).headers["location"]
    assert work(claimed(opened.board), polls=polls, board=opened.board, shelf=opened.shelf)
    report_id = where.rpartition("/")[2]
    mine = [key for key, _ in opened.shelf.entries() if key.startswith(report_id)]
    assert len(mine) == 5
    assert opened.client.delete(where).status_code == 204
    assert not [key for key, _ in opened.shelf.entries() if key.startswith(report_id)]


def test_a_label_may_stand_in_the_query_and_where_in_the_body_alone(opened: Opened) -> None:
    report_id = opened.client.get("/trigger_report", params={"by": "brand"}).json()["report_id"]
    claim = claimed(opened.board)
    assert (claim.job.id, claim.job.ask.by) == (report_id, "brand")
    opened.board.fail(claim, "no", final=True)
    report_id = opened.client.post("/trigger_report", json=ASKED).json()["report_id"]
    claim = claimed(opened.board)
    assert (claim.job.id, claim.job.ask.where) == (report_id, (("region", ("", "north")),))
    opened.board.fail(claim, "no", final=True)
    check_problem(opened.client.get("/trigger_report", params={"where": "brand=x"}), 422)
    check_problem(opened.client.post("/trigger_report", params={"by": "x"}, json={"by": "x"}), 422)


@pytest.mark.parametrize(
    "wanted",
    [
        {"by": ""},
        {"by": 1},
        {"where": {}},
        {"where": {"brand": []}},
        {"where": {"": ["x"]}},
        {"where": ["x"]},
    ],
)
def test_what_is_no_label_is_refused(opened: Opened, wanted: dict[str, Any]) -> None:
    check_problem(opened.client.post(REPORTS, json=wanted), 422)


def test_a_report_of_no_store_fails_with_the_sentence(opened: Opened, polls: PollStore) -> None:
    opened.client.post(REPORTS, json={"where": {"brand": ["z"]}})
    claim = claimed(opened.board)
    with pytest.raises(NoStoreError) as caught:
        work(claim, polls=polls, board=opened.board, shelf=opened.shelf)
    assert "no store has brand z" in describe(caught.value, claim.job)
    opened.board.fail(claim, "no", final=True)
