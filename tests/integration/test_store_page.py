"""A store's page over HTTP: its figures are the report's, and what it leads to."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import httpx
import polars as pl
import pytest

from service import AS_OF, Service, eventually, small_facts
from storewatch.bootstrap import open_polls
from storewatch.config import load_settings
from storewatch.domain.instant import iso
from web import page, sums

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("store")
    running = Service(home=folder / "home", folder=folder)
    running.load(small_facts())
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


@pytest.mark.parametrize("store_id", ["000", "001", "004"])
def test_a_stores_page_has_its_row_of_the_csv(
    service: Service, printed: dict[str, dict[str, str]], store_id: str
) -> None:
    columns = sums(service.get(f"/stores/{store_id}").text)
    row = printed[store_id]
    for window, unit in (("hour", 60), ("day", 3_600), ("week", 3_600)):
        column = columns[f"Last {window}"]
        share = row[f"uptime_percent_last_{window}"]
        assert column["Uptime"] == (f"{share} %" if share else "–")
        for name, kind in (("Up", "uptime"), ("Down", "downtime"), ("Unknown", "unknown"), ("Open", "open")):
            hundredths = (100 * int(column[name]) + unit // 2) // unit  # R7
            assert f"{hundredths / 100:.2f}" == row[f"{kind}_last_{window}"]


def test_a_stores_page_says_why_each_hour_counts_as_it_does(service: Service) -> None:
    calls = service.get("/v1/stores/001/hours", params={"as_of": iso(AS_OF)}).json()
    html = service.get("/stores/001").text
    shown = re.findall(r"<tr(?: class=\"is-down\")?><th scope=\"row\">\d\d:\d\d.*?<td>(\w+)", html)
    assert sorted(shown) == sorted(hour["status"] for hour in calls["hours"])
    assert len(re.findall(r"said (?:in)?active", html)) >= len(calls["hours"])
    assert not re.search(r"\bR\d+\b", html.partition("How we count")[0])


def test_the_headline_is_what_the_table_says(service: Service, printed: dict[str, dict[str, str]]) -> None:
    assert printed
    html = service.get("/stores/001").text
    week = sums(html)["Last week"]
    found = re.search(r"You were down (\d+) h(?: (\d+) min)?(?: (\d+) s)? of", html)
    assert found
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    assert 3_600 * hours + 60 * minutes + seconds == int(week["Down"])


@pytest.mark.parametrize(
    ("window", "heading"), [("day", "Last day"), ("28d", "Last 28 days"), ("previous_week", "Previous week")]
)
def test_any_window_is_shown_beside_the_one_before(service: Service, window: str, heading: str) -> None:
    columns = sums(service.get(f"/stores/001?window={window}").text)
    assert list(columns)[:3] == [heading, "Period before", "Change"]
    answer = service.get("/v1/stores/001/hours", params={"as_of": iso(AS_OF), "window": window})
    assert int(columns[heading]["Down"]) == answer.json()["downtime_seconds"]


def test_a_wrong_window_is_a_page_that_says_what_can_be_written(service: Service) -> None:
    for window in (
        "fortnight",
        "0d",
        "2023-01-25T00:00:00Z/2023-01-24T00:00:00Z",
        f"2023-01-25T00:00:00Z/2030-01-01T00:00:00Z&as_of={iso(AS_OF)}",
    ):
        texts = " ".join(page(service, f"/stores/001?window={window}", status=422).texts)
        assert "indow" in texts
    assert "previous_month" in " ".join(page(service, "/stores/001?window=fortnight", status=422).texts)


def test_pages_and_their_files_are_compressed_for_who_can_read_that(service: Service) -> None:
    for path in ("/stores/001", "/stores/001"):
        plain = service.get(path, headers={"Accept-Encoding": "identity"})
        packed = service.get(path, headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "Accept-Encoding"
        assert int(packed.headers["content-length"]) * 4 < len(plain.content)
        assert packed.text == plain.text
    sheet = re.findall(r'href="(/assets/style.css[^"]*)"', service.get("/").text)[0]
    assert service.get(sheet, headers={"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"


def test_a_page_that_is_kept_is_another_one_after_a_load(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("loaded")
    running = Service(home=folder / "home", folder=folder)
    facts = small_facts(2)
    running.load(facts)
    try:
        running.start()
        before = running.get("/stores/001").text
        assert running.get("/stores/001").text == before
        only = facts.polls.filter(pl.col("store_id") == "001").with_columns(active=pl.lit(value=False))
        running.load(replace(facts, polls=only, others={}))
        after = eventually("the load is seen", lambda: _other(running.get("/stores/001").text, before))
        assert sums(after)["Last week"]["Up"] == "0"
        open_polls(load_settings(home=running.home)).retention(date(2023, 1, 20))
        gone = page(running, "/stores/001?window=28d", status=422)
        assert "were dropped" in " ".join(gone.texts)
    finally:
        running.close()


def _other(text: str, before: str) -> str | None:
    return None if text == before else text
