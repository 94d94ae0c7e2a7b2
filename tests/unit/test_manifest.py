"""The manifest beside a report: what it says, and that the report can be told by it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from beyond import note
from service import AS_OF, small_facts
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.domain.input import Input
from storewatch.domain.kinds import ANNOTATIONS
from storewatch.domain.zone import tzdata_version
from storewatch.formats.manifest import RULES, Digest, Manifest, read_manifest
from storewatch.formats.report import Report
from storewatch.formats.rows import Rows

if TYPE_CHECKING:
    from storewatch.domain.facts import Facts

ROOT = Path(__file__).parents[2]
ASK = Ask(carry=None, store_ids=("000", "ü"))


def report_of(facts: Facts, ask: Ask) -> Report:
    """Return a report of the version called 7, whose newest poll is just before the as-of."""
    rows = account(facts, ask.at(AS_OF)).rows
    made_of = Input.of(facts, rows["store_id"], version="7", as_of=AS_OF)
    newest = AS_OF * 1_000_000 - 1
    return Report(parts=Rows(rows), ask=ask.at(AS_OF), made_of=replace(made_of, newest=newest))


def manifest_of(facts: Facts, ask: Ask = ASK) -> tuple[dict[str, Any], bytes]:
    """Return a report's manifest and its CSV."""
    report = report_of(facts, ask)
    digest = Digest()
    csv = b"".join(digest.of(report.csv_pieces()))
    manifest = Manifest(
        asked=ask, report=report, csv=digest, software="1.2.3", seconds={"gather": 0.25, "compute": 1 / 3}
    )
    content: dict[str, Any] = json.loads(manifest.json_bytes())
    return content, csv


def test_it_says_what_was_asked_and_by_what_it_was_made() -> None:
    manifest, _ = manifest_of(small_facts())
    assert manifest["as_of"] == "2023-01-25T18:12:00Z"
    assert manifest["parameters"] == {
        "as_of": None,
        "carry_seconds": None,
        "store_ids": ["000", "ü"],
        "policy": "hourly-majority",
        "windows": ["hour", "day", "week"],
    }
    assert manifest["software"] == {"storewatch": "1.2.3", "tzdata": tzdata_version()}
    assert manifest["rules"] == {"numbers": "R1–R12, R15, R16", "version": RULES}
    assert manifest["seconds"] == {"gather": 0.25, "compute": 0.3333}


def test_an_as_of_that_was_asked_for_is_an_instant_in_utc() -> None:
    manifest, _ = manifest_of(small_facts(), Ask(as_of=AS_OF))
    assert manifest["parameters"] == {
        "as_of": "2023-01-25T18:12:00Z",
        "carry_seconds": 604_800,
        "store_ids": None,
        "policy": "hourly-majority",
        "windows": ["hour", "day", "week"],
    }


def test_it_counts_what_was_read_and_says_from_when_to_when() -> None:
    manifest, _ = manifest_of(small_facts(stores=2))
    assert manifest["input"] == {
        "version": "7",
        "newest_poll": "2023-01-25T18:11:59.999999Z",
        "polls": 2 * 8 * 24,
        "first_poll": "2023-01-17T19:04:59.500000Z",  # the second store's first: 191 h and 7 min before
        "last_poll": "2023-01-25T18:11:59.500000Z",
        "hours": 6,
        "zones": 1,
        "stores_without_hours": 1,  # 000, the one that there is of those asked for
        "stores_without_zone": 0,
        "assumptions": [],
        "doubts": [],
        "rejects": [],
    }


def test_without_polls_there_is_no_range() -> None:
    facts = small_facts()
    none = replace(facts, polls=facts.polls.clear())
    manifest, _ = manifest_of(none)
    assert manifest["input"]["polls"] == 0
    assert manifest["input"]["first_poll"] is manifest["input"]["last_poll"] is None


def test_it_lists_the_annotations_that_touched_the_report_with_their_seconds_in_all_stores() -> None:
    ask = Ask(as_of=AS_OF, windows=("2h", "hour"))
    notes = [
        note("excluded", "2023-01-25 16:42", "2023-01-25 17:42", name="n1", about="*"),
        note("up", "2023-01-20 00:00", "2023-01-21 00:00", name="n2", about="001"),
        note("unknown", "2023-01-25 18:00", None, name="n3", about="000"),
    ]
    facts = replace(small_facts(), others={"annotations": ANNOTATIONS.frame(notes)})
    for slices in (1, 3):
        report = answer(GivenFacts(facts=facts), ask, slices=slices)
        manifest = Manifest(asked=ask, report=report, csv=Digest(), software="1", seconds={})
        found = json.loads(manifest.json_bytes())["annotations"]
        assert [(each["id"], each["seconds"]) for each in found] == [
            ("n1", {"2h": 7 * 3_600, "last_hour": 7 * 1_800}),
            ("n3", {"2h": 720, "last_hour": 720}),
        ]
        assert found[0] | {"seconds": {}} == {
            "id": "n1",
            "store_id": "",
            "label": "*",
            "value": "",
            "start_utc": "2023-01-25T16:42:00Z",
            "end_utc": "2023-01-25T17:42:00Z",
            "counts_as": "excluded",
            "reason": "why",
            "author": "who",
            "made_at": "2023-01-01T00:00:00Z",
            "seconds": {},
        }
        assert found[1]["end_utc"] is None


def test_the_report_can_be_told_by_it() -> None:
    manifest, csv = manifest_of(small_facts(), Ask())
    assert manifest["report"] == {
        "rows": 7,
        "bytes": len(csv),
        "sha256": hashlib.sha256(csv).hexdigest(),
    }


def test_rows_that_could_not_be_used_are_counted_by_reason_with_some_examples() -> None:
    facts = small_facts()
    rows = [("polls", "no status", f"{n},up") for n in range(5)] + [("hours", "no day", "7" * 1_000)]
    rejects = pl.DataFrame(rows, schema=["kind", "reason", "row"], orient="row")
    manifest, _ = manifest_of(replace(facts, rejects=rejects))
    assert manifest["input"]["rejects"] == [
        {"kind": "polls", "reason": "no status", "rows": 5, "examples": ["0,up", "1,up", "2,up"]},
        {"kind": "hours", "reason": "no day", "rows": 1, "examples": ["7" * 300]},
    ]


def test_a_report_can_be_made_of_it_again_all_but_its_rejects() -> None:
    ask = replace(ASK, windows=("28d", "yesterday"), compare=True)
    report = report_of(small_facts(), ask)
    manifest = Manifest(asked=ask, report=report, csv=Digest(), software="1", seconds={})
    assert read_manifest(manifest.json_bytes()) == (report.ask, report.made_of)


def test_what_was_assumed_and_what_looks_odd_is_in_it() -> None:
    report = answer(GivenFacts(facts=small_facts(stores=2)), Ask(as_of=AS_OF + 30 * 86_400))
    manifest = json.loads(
        Manifest(asked=ASK, report=report, csv=Digest(), software="1", seconds={}).json_bytes()
    )
    assert manifest["input"]["assumptions"] == [
        "1 of 2 stores has no hours: counted as open all the time",
        "1 of 2 stores has no zone: America/Chicago",
    ]
    assert manifest["input"]["doubts"] == ["0 of 2 stores were polled in the last week"]


def test_the_manifest_of_the_first_version_is_read_and_lacks_what_it_did_not_say() -> None:
    text = b"""{"as_of": "2023-01-25T18:12:00Z",
        "parameters": {"as_of": null, "carry_seconds": null, "store_ids": ["7"]},
        "input": {"version": "delta:3", "polls": 0, "first_poll": null, "last_poll": null, "hours": 2,
        "zones": 1, "rejects": []}}"""
    ask, made_of = read_manifest(text)
    assert ask == Ask(as_of=AS_OF, carry=None, store_ids=("7",))
    assert (made_of.newest, made_of.without_hours, made_of.without_zone) == (None, None, None)


def test_the_version_of_the_rules_is_that_of_their_page() -> None:
    assert f"Version {RULES}" in (ROOT / "docs/reference/rules.md").read_text(encoding="utf-8")
