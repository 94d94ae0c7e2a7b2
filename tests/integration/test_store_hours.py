"""The explanation of a store over HTTP, from a real service process."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import polars as pl
import pytest

from calls import check_problem, served
from service import AS_OF, Service, small_facts
from storewatch.adapters.polls.given import GivenFacts
from storewatch.adapters.polls.postgres_schema import upgrade
from storewatch.answering.findings import find
from storewatch.config import load_settings
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.domain.facts import Facts
from storewatch.domain.findings import Thresholds
from storewatch.domain.instant import WEEK, iso
from storewatch.domain.kinds import HOURS
from storewatch.entrypoints.http.app import create_app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

ODD = ["a/b", "a,b", "店", " padded ", "..%2F", "hours", "x?y#z"]
KINDS = {"up": "uptime", "down": "downtime", "unknown": "unknown"}


@pytest.fixture(scope="module")
def facts() -> Facts:
    made = small_facts()
    return replace(made, stores=pl.Series("store_id", ODD))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, facts: Facts) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("explain")
    running = Service(home=folder / "home", folder=folder)
    running.load(facts)
    try:
        yield running.start()
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


def ask(service: Service, store_id: str, **query: str) -> httpx.Response:
    return service.get(f"/v1/stores/{quote(store_id, safe='')}/hours", params=query)


def explained(service: Service, store_id: str, **query: str) -> dict[str, Any]:
    answer = ask(service, store_id, **query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("window", ["hour", "day", "week"])
@pytest.mark.parametrize("carry", [None, "1h", "none"])
def test_the_hours_add_up_to_the_reports_row(
    service: Service, facts: Facts, window: str, carry: str | None
) -> None:
    seconds = {None: WEEK, "1h": 3_600, "none": None}[carry]
    for row in account(facts, Ask(as_of=AS_OF, carry=seconds, store_ids=("000", "004"))).rows.to_dicts():
        found = explained(service, row["store_id"], window=window, **({"carry": carry} if carry else {}))
        for status, kind in KINDS.items():
            of_status = [hour["open_seconds"] for hour in found["hours"] if hour["status"] == status]
            assert sum(of_status) == found[f"{kind}_seconds"] == row[f"{kind}_seconds_last_{window}"]
        assert found["open_seconds"] == row[f"open_seconds_last_{window}"]
        assert sum(outage["open_seconds"] for outage in found["outages"]) == found["downtime_seconds"]


def test_without_wishes_it_is_the_week_up_to_the_newest_poll(service: Service) -> None:
    found = explained(service, "004")
    assert (found["as_of"], found["window"], found["carry_seconds"]) == (iso(AS_OF), "week", WEEK)
    assert (found["zone"], found["has_zone"]) == ("America/Chicago", False)
    assert found["begin"] == iso(AS_OF - WEEK)


def test_an_hour_has_its_wall_clock_rows_polls_and_reason(service: Service) -> None:
    hour = explained(service, "004", window="hour")["hours"][0]
    assert (hour["begin"], hour["local"]) == ("2023-01-25T17:00:00Z", "2023-01-25T11:00:00-06:00")
    assert hour["open"] == [{"begin": "2023-01-25T17:12:00Z", "end": "2023-01-25T18:00:00Z"}]
    assert hour["rows"] == [3]
    assert hour["polls"] == [
        {
            "at": "2023-01-25T17:43:59.500000Z",
            "local": "2023-01-25T11:43:59-06:00",
            "status": "active",
            "counted": True,
            "given": 1,
            "disagreed": False,
        }
    ]
    assert hour["reason"] == "up: its one poll, of 11:43, is active, R4"
    assert (hour["rule"], hour["decided_by"]) == ("R4", "2023-01-25T17:43:59.500000Z")


@pytest.mark.parametrize("store_id", ODD)
def test_ids_of_all_kinds_are_found_to_the_letter(service: Service, store_id: str) -> None:
    assert explained(service, store_id, window="day")["store_id"] == store_id


def test_a_store_that_no_input_names_is_a_404_with_the_nearest_ids(service: Service) -> None:
    answer = ask(service, "0004")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("no input names the store 0004: the nearest ids are 0")


@pytest.mark.parametrize(
    "query",
    [
        {"window": "month"},
        {"as_of": "2023-01-25T18:12:00"},
        {"carry": "7"},
        {"windows": "day"},
        {"as_of": ""},
    ],
)
def test_a_wrong_wish_is_a_422(service: Service, query: dict[str, str]) -> None:
    answer = ask(service, "004", **query)
    assert answer.status_code == 422
    assert next(iter(query)) in answer.json()["detail"]


def test_hours_that_are_loaded_count_in_the_next_answer(service: Service, facts: Facts) -> None:
    assert explained(service, "005", window="day")["rows"]
    closed = HOURS.frame([("005", 0, 0, 0)])
    service.load(Facts(polls=facts.polls.clear(), others={"hours": closed}))
    found = explained(service, "005", window="day")
    assert found["opening"] == "row 1: Monday 00:00–00:00 (closed: it ends where it starts, R2)"
    assert (found["hours"], found["open_seconds"]) == ([], 0)
    assert len(found["discarded"]) == 24


@pytest.mark.parametrize("path", ["/v1/stores/7/hours", "/stores/7"])
def test_while_the_schema_is_missing_a_call_says_so_and_not_where(
    tmp_path: Path, postgres_url: str, path: str
) -> None:
    with served(create_app(load_settings(home=tmp_path, polls_url=postgres_url, workers=0))) as client:
        answer = client.get(path)
        upgrade(postgres_url)
        after = client.get(path)
    assert answer.status_code == 503
    assert "he database" in answer.text  # a page begins a sentence with it
    assert "run `storewatch db upgrade`" in answer.text
    assert urlsplit(postgres_url).path.strip("/") not in answer.text
    assert after.status_code in {200, 404, 422}  # there are no polls yet


def test_findings_are_those_of_the_fleet_and_named_as_many_as_asked_for(
    service: Service, facts: Facts
) -> None:
    found = find(GivenFacts(facts=facts), Ask(as_of=AS_OF), Thresholds(together_stores=3))
    for named in (0, 2):
        answer = service.get(
            "/v1/findings", params={"as_of": iso(AS_OF), "together_stores": 3, "named": named}
        )
        assert answer.status_code == 200, answer.text
        assert answer.json() == found.values(named)
    assert found.findings
    for wrong in ({"named": 1001}, {"polled_share": 0}, {"window": "week"}, {"as_of": "today"}):
        check_problem(service.get("/v1/findings", params=wrong), 422)
