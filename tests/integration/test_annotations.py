"""Annotations over HTTP, where whoever reaches the service may make them: added, listed, withdrawn."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from calls import check_problem, served
from service import AS_OF, Service, small_facts
from storewatch.config import load_settings
from storewatch.domain.instant import iso
from storewatch.entrypoints.http.app import create_app
from storewatch.entrypoints.wording import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

ROOT = "/v1/annotations"
SAID = {
    "store_id": "001",
    "start_utc": "2023-01-25T04:00:00+02:00",
    "counts_as": "excluded",
    "reason": "moving house",
    "author": "ann",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("annotations") / "home"
    Service(home=home, folder=home).load(small_facts())
    with served(create_app(load_settings(home=home, workers=0))) as client:
        client.timeout = 60
        yield client


def listed(client: httpx.Client) -> dict[str, dict[str, Any]]:
    return {each["id"]: each for each in client.get(ROOT).json()["annotations"]}


def explained(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/v1/stores/001/hours", params={"as_of": iso(AS_OF)}).json()
    return found


def test_one_is_kept_as_it_was_said_with_who_and_when_and_the_explanation_names_it(
    client: httpx.Client,
) -> None:
    answer = client.post(ROOT, json=SAID | {"id": "move/1"})
    assert answer.status_code == 201
    made = answer.json()
    assert made == SAID | {
        "id": "move/1", "label": "", "value": "", "start_utc": "2023-01-25T02:00:00.000000Z", "end_utc": None,
        "made_at": made["made_at"], "withdrawn_at": None,
    }  # fmt: skip
    assert listed(client)["move/1"] == made
    (note,) = explained(client)["annotations"]
    assert (note["id"], note["author"], note["reason"]) == ("move/1", "ann", "moving house")
    assert note["seconds"] == explained(client)["excluded_seconds"] > 0


def test_a_stores_page_shows_what_is_excluded_beside_the_rest_and_who_said_so(client: httpx.Client) -> None:
    client.post(ROOT, json=SAID | {"id": "shown"})
    text = client.get("/stores/001", params={"as_of": iso(AS_OF)}).text
    assert "moving house (ann)" in text
    excluded = explained(client)["excluded_seconds"]
    assert (
        f'<data value="{excluded}">{duration(excluded)}</data>' in text.partition("Planned downtime</th>")[2]
    )
    assert "url(#p-excluded)" in text


def test_one_that_is_withdrawn_stays_on_record_and_has_no_effect(client: httpx.Client) -> None:
    client.post(ROOT, json=SAID | {"id": "short"})
    gone = client.delete(f"{ROOT}/short").json()
    assert gone["withdrawn_at"] > gone["made_at"]
    assert client.delete(f"{ROOT}/short").json() == gone == listed(client)["short"]
    assert "short" not in {note["id"] for note in explained(client)["annotations"]}
    assert "there is no annotation nobody" in check_problem(client.delete(f"{ROOT}/nobody"), 404)


def test_nothing_is_edited_in_place(client: httpx.Client) -> None:
    client.post(ROOT, json=SAID | {"id": "kept"})
    before = listed(client)["kept"]
    again = client.post(ROOT, json=SAID | {"id": "kept", "reason": "another"})
    assert "there is an annotation kept already" in check_problem(again, 422)
    assert listed(client)["kept"] == before


def test_of_many_with_one_id_at_once_one_is_kept(client: httpx.Client) -> None:
    def post(author: str) -> tuple[int, str]:
        return client.post(ROOT, json=SAID | {"id": "once", "author": author}).status_code, author

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(post, "abcd"))
    (kept,) = [author for status, author in told if status == 201]
    assert listed(client)["once"]["author"] == kept
    assert {status for status, author in told if author != kept} == {422}


@pytest.mark.parametrize("field", ["id", "store_id", "label", "value", "reason", "author"])
def test_half_a_character_is_refused(client: httpx.Client, field: str) -> None:
    content = json.dumps(SAID | {field: "\ud800"})
    answer = client.post(ROOT, content=content, headers={"content-type": "application/json"})
    assert field in check_problem(answer, 422)


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"store_id": None}, "about"),
        ({"label": "brand"}, "about"),
        ({"start_utc": "2023-01-25T02:00:00"}, "has no time zone"),
        ({"start_utc": "2023-01-25T02:00:00.5Z"}, "fraction of a second"),
        ({"end_utc": "2023-01-25T02:00:00Z"}, "end"),
        ({"counts_as": "closed"}, "counts_as"),
        ({"reason": ""}, "reason"),
        ({"id": ".."}, "no address can name it"),
        ({"made_at": "2023-01-25T02:00:00Z"}, "made_at"),
    ],
)
def test_what_is_no_annotation_is_refused_with_what_is_wrong(
    client: httpx.Client, wrong: dict[str, Any], text: str
) -> None:
    before = listed(client)
    assert text in check_problem(client.post(ROOT, json=SAID | wrong), 422)
    assert listed(client) == before
