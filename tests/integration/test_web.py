"""The pages over HTTP: their figures are the report's, their policy is strict, and no id breaks them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import polars as pl
import pytest

from service import NEWEST, Service, small_facts
from web import hours_in_csv, page, sums

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.domain.facts import Facts

HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x>",
    "=1+1",
    "a/b?c#d",
    "..",
    "ü 🙂",
    "%41",
    " 7 ",
    "{{7*7}}",
]


def hostile_facts() -> Facts:
    """Return the small facts and a store of each hostile id that is down all the time."""
    facts = small_facts()
    polls = [(store, NEWEST - timedelta(hours=n), False) for store in HOSTILE for n in range(8 * 24)]
    return replace(
        facts, polls=pl.concat([facts.polls, pl.DataFrame(polls, facts.polls.schema, orient="row")])
    )


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("web")
    running = Service(home=folder / "home", folder=folder)
    running.load(hostile_facts())
    try:
        yield running.start()
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


@pytest.fixture(scope="module")
def printed(service: Service) -> dict[str, dict[str, str]]:
    """The rows of a complete report's CSV."""
    url = service.result(service.trigger())["url"]
    return {row["store_id"]: row for row in csv.DictReader(io.StringIO(httpx.get(url).text))}


@pytest.mark.parametrize("store_id", HOSTILE)
def test_a_hostile_id_is_shown_to_the_letter_and_found(
    service: Service, printed: dict[str, dict[str, str]], store_id: str
) -> None:
    assert printed
    direct = (
        page(service, "/stores/?id=..")
        if store_id == ".."
        else page(service, f"/stores/{quote(store_id, safe='')}")
    )
    searched = page(service, f"/stores?q={quote(store_id, safe='')}&go=1")
    for found in (direct, searched):
        assert store_id.strip() in found.texts
        assert not [tag for tag, attributes in found.tags if tag == "img" or attributes.get("src") == "x"]


def test_the_front_page_links_to_every_worst_store(
    service: Service, printed: dict[str, dict[str, str]]
) -> None:
    assert printed
    links = [a for a in page(service, "/").addresses if a.startswith("/stores/")]
    assert len(links) == 10
    for link in links:
        page(service, link)


def test_an_unknown_id_names_the_nearest(service: Service) -> None:
    assert "/stores/001" in page(service, "/stores/0001", status=404).addresses
    assert "/stores/001" in page(service, "/stores?q=0001").addresses


def test_an_id_with_spaces_around_it_is_found_all_the_same(service: Service) -> None:
    assert "Store" in page(service, "/stores?q=%20001%20&go=1").texts


def test_an_empty_store_says_what_to_do_next(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("empty")
    running = Service(home=folder / "home", folder=folder)
    try:
        running.start()
        texts = page(running, "/").texts
        assert "storewatch load FOLDER" in texts
        assert "Make the first report" not in texts
        assert "storewatch load FOLDER" in page(running, "/stores?q=7").texts
        report_id = running.trigger()
        assert running.result(report_id)["status"] == "Failed"
        assert "there were no polls to report on" in " ".join(page(running, f"/reports/{report_id}").texts)
    finally:
        running.close()


def test_a_report_of_some_stores_does_not_become_the_front_page(
    service: Service, printed: dict[str, dict[str, str]]
) -> None:
    service.result(service.trigger(store_ids=["001"]))
    assert any(f"{len(printed)} stores" in text for text in page(service, "/").texts)


def test_a_store_that_is_newer_than_the_report_is_shown_all_the_same(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("newer")
    running = Service(home=folder / "home", folder=folder)
    running.load(small_facts(2))
    try:
        running.start()
        running.result(running.trigger())
        running.load(small_facts(3))
        before, after = (" ".join(page(running, f"/stores/{name}").texts) for name in ("001", "002"))
        assert "No report that is kept has this store" not in before
        assert "No report that is kept has this store" in after
    finally:
        running.close()


LATER, EARLIER = "2023-01-25 18:12:00 UTC", "2023-01-24 00:00:00 UTC"


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, dict[str, str]]]:
    """A service, and the ids of its complete reports: newest, brief carry, earlier, in order of asking."""
    folder = tmp_path_factory.mktemp("several")
    running = Service(home=folder / "home", folder=folder)
    running.load(small_facts())
    asked: dict[str, dict[str, str]] = {"newest": {}, "brief": {"carry": "1h"}}
    asked["earlier"] = {"as_of": "2023-01-24T00:00:00Z"}
    try:
        running.start()
        ids = {name: running.trigger(**wanted) for name, wanted in asked.items()}
        assert {running.result(report_id)["status"] for report_id in ids.values()} == {"Complete"}
        yield running, ids
    finally:
        running.close()


def test_front_and_store_pages_are_of_the_greatest_as_of_not_of_the_last_asked(
    several: tuple[Service, dict[str, str]],
) -> None:
    service, _ = several
    for path in ("/", "/stores/001"):
        texts = page(service, path).texts
        assert LATER in texts
        assert EARLIER not in texts


@pytest.mark.parametrize("name", ["newest", "brief", "earlier"])
def test_a_reports_page_leads_to_store_pages_with_its_own_figures(
    several: tuple[Service, dict[str, str]], name: str
) -> None:
    """Two of the reports have one as-of, and differ in their carry."""
    service, ids = several
    found = page(service, f"/reports/{ids[name]}")
    links = [a for a in found.addresses if a.startswith("/stores/")]
    assert links
    for link in links[:3]:
        assert "as_of=2023-01-2" in link
        shown = page(service, link)
        url = f"/v1/reports/{ids[name]}/download?format=csv"
        rows = {row["store_id"]: row for row in csv.DictReader(io.StringIO(service.get(url).text))}
        row = rows[link.partition("?")[0].rpartition("/")[2]]
        week = sums(shown.html)["Last week"]
        assert hours_in_csv(week["Down"]) == row["downtime_last_week"]
        assert hours_in_csv(week["Unknown"]) == row["unknown_last_week"]
        assert (EARLIER if name == "earlier" else LATER) in shown.texts
        assert f"/reports/{ids[name]}" in shown.addresses
        assert ("input", "as_of") in [(tag, attributes.get("name")) for tag, attributes in shown.tags]


def test_a_stores_page_takes_any_as_of_and_links_keep_it(several: tuple[Service, dict[str, str]]) -> None:
    service, _ = several
    texts = " ".join(page(service, "/stores/001?as_of=2023-01-24T00:00:00Z").texts)
    assert EARLIER in texts
    assert "No report that is kept" not in texts
    texts = " ".join(page(service, "/stores/001?as_of=2023-01-23T09:00:00Z").texts)
    assert "2023-01-23 09:00:00 UTC" in texts
    assert "No report that is kept has this store as of this instant" in texts
    near = page(service, "/stores/0001?as_of=2023-01-24T00:00:00Z", status=404).addresses
    assert "/stores/001?as_of=2023-01-24T00%3A00%3A00Z" in near
    answer = service.get("/stores?q=001&go=1&as_of=2023-01-24T00:00:00Z")
    assert answer.headers["location"] == "/stores/001?as_of=2023-01-24T00%3A00%3A00Z"


@pytest.mark.parametrize("as_of", ["", "yesterday", "2023-01-24", "2023-01-24T00:00:00.5Z", "9999-01-01Z"])
@pytest.mark.parametrize("path", ["/stores/001?as_of=", "/stores?q=001&as_of="])
def test_a_bad_as_of_is_a_page_that_says_what_is_wrong(
    several: tuple[Service, dict[str, str]], path: str, as_of: str
) -> None:
    texts = page(several[0], path + quote(as_of), status=422).texts
    assert any(text.startswith("As-of ") for text in texts)


def test_a_report_whose_seconds_are_gone_is_passed_over(tmp_path: Path) -> None:
    """Of the newest report; no page has shown it before, and none of the others fails for it."""
    running = Service(home=tmp_path / "home", folder=tmp_path)
    running.load(small_facts())
    try:
        running.start()
        gone, kept = running.trigger(), running.trigger(as_of="2023-01-24T00:00:00Z")
        assert [running.result(report_id)["status"] for report_id in (gone, kept)] == ["Complete"] * 2
        (file,) = (running.home / "reports" / gone).rglob("*.parquet")
        file.unlink()
        assert EARLIER in page(running, "/stores/001").texts
        assert EARLIER in page(running, f"/?report={kept}").texts
        assert "kept" in " ".join(page(running, f"/?report={gone}", 404).texts)
        assert "can only be downloaded" in " ".join(page(running, f"/reports/{gone}").texts)
    finally:
        running.close()


@pytest.mark.parametrize("path", ["/", "/stores/001", "/stores?q=nothing"])
def test_head_answers_as_get_without_a_body(service: Service, path: str) -> None:
    answer = httpx.head(service.url + path)
    assert (answer.status_code, answer.content) == (200, b"")
