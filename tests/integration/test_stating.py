"""Annotations from a store's page: what they change is seen before they are kept, and who may do so."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import polars as pl
import pytest

from service import Service, small_facts
from storewatch.domain.facts import Facts
from storewatch.domain.kinds import ZONES
from storewatch.entrypoints.http.tokens import Scope, Tokens
from web import Text, page, sums

if TYPE_CHECKING:
    from collections.abc import Iterator

STATED = {
    "counts_as": "up",
    "from": "2023-01-24T09:00",
    "to": "2023-01-24T16:00:00",
    "clock": "store",
    "reason": 'a <b>broken</b> "probe"',
    "author": "Ann",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("stating")
    running = Service(home=folder / "home", folder=folder, settings={"contact": "uptime@example.org"})
    facts = small_facts(4)
    zones = ZONES.frame([("001", "America/New_York"), ("002", "Asia/Kathmandu")])
    running.load(Facts(polls=facts.polls, others={**facts.others, "zones": zones}))
    try:
        running.start()
        running.result(running.trigger())
        yield running
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


def post(service: Service, store_id: str, step: str, **fields: str) -> httpx.Response:
    return httpx.post(
        f"{service.url}/stores/{quote(store_id, safe='')}", data={**fields, "step": step}, timeout=60
    )


def withdraw_all(service: Service) -> None:
    for held in service.get("/v1/annotations").json()["annotations"]:
        httpx.delete(f"{service.url}/v1/annotations/{held['id']}", timeout=60)


def test_a_statement_is_previewed_kept_shown_and_withdrawn(service: Service) -> None:
    before = sums(service.get("/stores/001").text)["Last week"]

    preview = post(service, "001", "preview", **STATED)
    columns = sums(preview.text)
    assert preview.status_code == 200
    assert columns["Now"] == {name: before[name] for name in columns["Now"]}
    assert int(columns["With this"]["Down"]) < int(before["Down"])
    assert sum(int(columns["With this"][name]) for name in ("Up", "Down", "Unknown")) == int(before["Open"])
    assert service.get("/v1/annotations").json() == {"annotations": []}

    stored = post(service, "001", "store", **STATED)
    assert (stored.status_code, stored.headers["location"]) == (303, "/stores/001")
    shown = page(service, "/stores/001")
    after = sums(shown.html)["Last week"]
    assert after == {name: columns["With this"].get(name, after[name]) for name in after}
    assert "Newer than the last report" in " ".join(shown.texts)
    (kept,) = service.get("/v1/annotations").json()["annotations"]
    assert (kept["store_id"], kept["author"], kept["reason"]) == ("001", "Ann", STATED["reason"])
    assert kept["start_utc"] == "2023-01-24T14:00:00.000000Z"  # New York is 5 hours behind
    assert any(STATED["reason"] in text for text in shown.texts)
    assert "<b>broken" not in shown.html

    assert post(service, "002", "withdraw", note=kept["id"]).status_code == 404
    assert post(service, "001", "withdraw", note=kept["id"]).status_code == 303
    gone = service.get("/stores/001").text
    assert sums(gone)["Last week"] == before
    assert "withdrawn" in gone


def test_the_page_is_the_reports_again_once_there_is_a_newer_one(service: Service) -> None:
    post(service, "002", "store", **STATED)
    assert "Newer than the last report" in service.get("/stores/002").text
    assert "Newer than the last report" not in service.get("/stores/003").text
    service.result(service.trigger())
    text = service.get("/stores/002").text
    assert "Newer than the last report" not in text
    assert "7 h are up because somebody has stated so." in text
    withdraw_all(service)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"counts_as": "closed"}, "say what it was"),
        ({"reason": " "}, "give a reason"),
        ({"from": ""}, "say from when"),
        ({"from": "yesterday"}, "is no time"),
        ({"to": "2023-01-24T08:00"}, "no annotation"),
        ({"from": "2022-03-13T02:30"}, "clocks went forward over it"),
        ({"from": "2022-11-06T01:30"}, "twice on the store&#39;s clock"),
        ({"window": "fortnight"}, "there is no window"),
        ({"from": "1066-10-14T09:00"}, "outside the years"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(
    service: Service, change: dict[str, str], said: str
) -> None:
    for step in ("preview", "store"):
        answer = post(service, "001", step, **STATED | change)
        assert answer.status_code == 422
        assert said.lower() in answer.text.lower()
    held = service.get("/v1/annotations").json()["annotations"]
    assert all(note["withdrawn_at"] for note in held)


def test_a_time_that_comes_twice_can_be_given_in_utc(service: Service) -> None:
    for given in ({"from": "2022-11-06T05:30", "clock": "utc"}, {"from": "2022-11-06T01:30-05:00"}):
        assert post(service, "001", "preview", **STATED | given).status_code == 200


def test_an_unknown_store_is_a_page_that_names_the_nearest(service: Service) -> None:
    answer = post(service, "0001", "preview", **STATED)
    assert answer.status_code == 404
    assert "/stores/001" in answer.text


def test_a_statement_of_a_hostile_size_is_refused_as_a_page(service: Service) -> None:
    answer = post(service, "001", "preview", **STATED | {"reason": "x" * 5_000})
    assert answer.status_code == 422
    assert "of up to 4,096 characters" in answer.text


def test_who_may_not_annotate_is_told_whom_to_ask(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("asked")
    running = Service(
        home=folder / "home", folder=folder, settings={"auth": "tokens", "contact": "uptime@example.org"}
    )
    running.load(small_facts(2))
    try:
        tokens = Tokens(running.home / "tokens")
        secrets = {scope: tokens.new(str(scope), scope) for scope in (Scope.READ, Scope.ANNOTATE)}
        running.start()
        sessions = {}
        for scope, secret in secrets.items():
            answer = httpx.post(f"{running.url}/sign-in", data={"token": secret}, timeout=60)
            sessions[scope] = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        looked = running.get("/stores/001", headers=sessions[Scope.READ]).text
        assert 'href="mailto:uptime@example.org"' in looked
        assert "Preview" not in looked
        assert "Preview" in running.get("/stores/001", headers=sessions[Scope.ANNOTATE]).text

        def state(**headers: str) -> int:
            url, fields = f"{running.url}/stores/001", {**STATED, "step": "store"}
            return httpx.post(url, data=fields, headers=headers, timeout=60).status_code

        assert state() == 401
        assert state(**sessions[Scope.READ]) == 403
        assert state(**sessions[Scope.ANNOTATE], **{"Sec-Fetch-Site": "cross-site"}) == 403
        bearer = {"Authorization": f"Bearer {secrets[Scope.ANNOTATE]}"}
        assert running.get("/v1/annotations", headers=bearer).json() == {"annotations": []}
        assert state(**sessions[Scope.ANNOTATE]) == 303
        (kept,) = running.get("/v1/annotations", headers=bearer).json()["annotations"]
        assert kept["author"] == "annotate"  # whatever the form says
    finally:
        running.close()


def test_an_id_of_dots_can_be_stated_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("dots")
    running = Service(home=folder / "home", folder=folder)
    facts = small_facts(1)
    polls = facts.polls.with_columns(store_id=pl.lit("..").cast(pl.Categorical))
    running.load(Facts(polls=polls, others={}))
    try:
        running.start()
        shown = page(running, "/stores/?id=..")
        (action,) = {a["action"] for tag, a in shown.tags if tag == "form" and a.get("class") == "stating"}
        answer = httpx.post(f"{running.url}{action}", data={**STATED, "step": "store"}, timeout=60)
        assert answer.headers["location"] == "/stores/?id=.."
        found = Text(running.get("/stores/?id=..&window=previous_week").text)
        hidden = {a.get("name"): a.get("value") for tag, a in found.tags if tag == "input"}
        assert hidden["id"] == ".."
    finally:
        running.close()
