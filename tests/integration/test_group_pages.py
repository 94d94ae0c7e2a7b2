"""The pages of groups and findings: their figures are the report's, and what they name can be acted on."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest

from calls import served
from service import NEWEST, Service, eventually, small_facts
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.answering.overview import overview
from storewatch.config import load_settings
from storewatch.domain.ask import Ask
from storewatch.domain.instant import iso
from storewatch.domain.kinds import HOURS, LABELS, POLLS, TARGET, ZONES
from storewatch.entrypoints.cli.annotations import annotate
from storewatch.entrypoints.http.app import create_app
from storewatch.entrypoints.http.tokens import Scope, Tokens
from storewatch.entrypoints.wording import duration, percent
from web import Text, page, page_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.domain.facts import Facts
    from storewatch.formats.overview import Overview
    from storewatch.formats.report import Report

HOSTILE = "<b>\"'&{{7*7}} ..\u202e" + "x" * 480
BRANDS = (HOSTILE, "A:1", "")
STORES = [f"s{n:02}" for n in range(60)]


def fleet() -> Facts:
    """Return fifteen days of 60 stores of two brands and none, one of which went down together.

    The first store is silent since forty hours, the last but two was never polled, and the poller was down
    for three hours.
    """
    polls = [
        (store, NEWEST - timedelta(hours=hour, minutes=n % 5), _is_up(n, hour))
        for n, store in enumerate(STORES)
        for hour in range(15 * 24)
        if n != 57 and not (n == 0 and hour < 40) and hour not in range(60, 63)
    ]
    labels = [
        *((store, "brand", BRANDS[n % 3]) for n, store in enumerate(STORES) if n % 3 < 2),
        *((store, "district", f"d{n:02}") for n, store in enumerate(STORES[:58])),
        *(
            (store, TARGET, "99.5" if n % 3 else str(90 + n % 2))
            for n, store in enumerate(STORES)
            if n % 3 < 2
        ),
    ]
    others = {
        "hours": HOURS.frame([(store, day, 32_400, 64_800) for store in STORES[57:59] for day in range(6)]),
        "zones": ZONES.frame([(STORES[0], "America/New_York"), (STORES[1], "Asia/Kolkata")]),
        "labels": LABELS.frame(labels),
    }
    return replace(small_facts(1), polls=POLLS.frame(polls), others=others)


def _is_up(store: int, hour: int) -> bool:
    return (hour + store) % 50 > 0 and not (store % 3 == 1 and 24 <= hour < 28)


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A service whose pages show a report, and the same from the rules themselves."""

    service: Service
    facts: Facts
    ask: Ask

    def report(self, **asked: object) -> Report:
        """Return a report of the same as-of."""
        return answer(GivenFacts(facts=self.facts), replace(self.ask, **asked))  # type: ignore[arg-type]

    def overview(self) -> Overview:
        """Return what lies beside it."""
        return overview(GivenFacts(facts=self.facts), self.ask)


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looked]:
    folder, facts = tmp_path_factory.mktemp("groups"), fleet()
    running = Service(home=folder / "home", folder=folder)
    running.load(facts)
    try:
        running.start()
        shown = eventually("there are groups", lambda: re.search(AS_OF, running.get("/groups").text))
        ask = Ask(as_of=int((NEWEST + timedelta(milliseconds=500)).timestamp()))
        assert iso(ask.instant) == shown[1]
        yield Looked(service=running, facts=facts, ask=ask)
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


AS_OF = r'As of <time datetime="([^"]+)"'


# ---------------------------------------------------------------- groups


def rows_of(html: str) -> dict[str, tuple[str, list[str]]]:
    """Return the rows of the table by the value that they name: the address of its stores, and its cells."""
    found = {}
    for row in re.findall(r"<tr role=\"row\">(.*?)</tr>", html, re.DOTALL)[1:]:
        text = Text(row)
        name, *_ = text.texts
        cells = [
            " ".join(Text(cell).texts)
            for cell in re.findall(r'<td role="cell"[^>]*>(.*?)</td>', row, re.DOTALL)
        ]
        found[name] = (text.addresses[0], cells)
    return found


@pytest.mark.parametrize("window", ["hour", "day", "week"])
def test_the_figures_are_those_of_a_report_by_the_label(looked: Looked, window: str) -> None:
    found = rows_of(looked.service.get(f"/groups?label=brand&window={window}").text)
    groups = looked.report(by="brand", windows=(window,), compare=True).groups
    assert groups is not None
    shares = [float(cells[1].removesuffix(" %")) for _, cells in found.values()]
    assert shares == sorted(shares), "the lowest uptime first"
    for row in groups.to_dicts():
        now, before = (
            {
                figure: row[f"{figure}_seconds_last_{window}{end}"]
                for figure in ("uptime", "downtime", "unknown", "measured", "open", "excluded")
            }
            for end in ("", "_before")
        )
        share, earlier = (percent(sums["uptime"], sums["downtime"]) for sums in (now, before))
        change = round(100 * (float(share[:-2]) - float(earlier[:-2])))
        verdict = {True: "met", False: "missed", None: "no verdict"}[row[f"met_last_{window}"]]
        target = row["target_percent"]
        _, cells = found[row["brand"] or "No brand"]
        assert cells == [
            f"{row['stores']:,}",
            share,
            f"{change / 100:+.2f}".replace("-", "−") if change else "0.00",
            duration(now["downtime"]),
            duration(now["unknown"]),
            percent(now["measured"], now["open"] - now["excluded"] - now["measured"]),
            str(row["met"]),
            str(row["missed"]),
            str(row["no_verdict"]),
            "–" if target is None else f"{target:g} % {verdict}",
        ]
    assert [row[1][-1].split(" ")[0] for row in found.values()].count("–") == 2, "targets differ"


@pytest.mark.parametrize("label", ["brand", "timezone_str"])
def test_each_row_opens_as_many_stores_as_it_counts(looked: Looked, label: str) -> None:
    found = rows_of(looked.service.get(f"/groups?label={label}").text)
    assert len(found) == 3
    for address, cells in found.values():
        assert f"{cells[0]} of 60 stores" in " ".join(page(looked.service, address).texts)


def test_a_label_of_many_values_has_fifty_a_page_and_any_column_sorts(looked: Looked) -> None:
    sorts = ("uptime", "change", "downtime", "unknown", "measured", "met", "missed", "no_verdict", "stores")
    for sort in (*sorts, "value"):
        pages = [
            list(rows_of(looked.service.get(f"/groups?label=district&sort={sign}{sort}&page={number}").text))
            for sign in ("", "-")
            for number in (1, 2)
        ]
        assert [len(each) for each in pages] == [50, 9, 50, 9]
        assert set(pages[0]) | set(pages[1]) == {*(f"d{n:02}" for n in range(58)), "No district"}
    assert pages[0][:3] == ["No district", "d00", "d01"]
    assert pages[2][:2] == ["d57", "d56"]
    beyond = page(looked.service, "/groups?label=district&sort=-value&page=9", 404)
    assert "There is no page 9: the last one is page 2." in " ".join(beyond.texts)


def test_labels_are_matched_as_columns_are_and_the_first_one_is_shown_unasked(looked: Looked) -> None:
    for query in ("", "?label=B_rand"):
        assert "Stores by brand" in page(looked.service, f"/groups{query}").texts


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("label=nothing", "“nothing”: choose one of brand, district, timezone_str."),
        ("label=%3Cb%3E", "There is no label “<b>”"),
        ("window=month", "“month” cannot be used as window."),
        ("sort=colour", "“colour” cannot be used as sort."),
        ("page=0", "“0” cannot be used as page."),
        ("as_of=yesterday", "yesterday"),
    ],
)
def test_a_wrong_value_is_a_page_that_says_so(looked: Looked, query: str, text: str) -> None:
    assert text in " ".join(page(looked.service, f"/groups?{query}", 422).texts)


def test_hostile_values_are_shown_to_the_letter(looked: Looked) -> None:
    found = page(looked.service, "/groups")
    assert HOSTILE in found.texts
    assert not [tag for tag, _ in found.tags if tag == "b"]


def test_a_fleet_without_labels_says_how_to_load_some_and_is_grouped_by_zone(tmp_path: Path) -> None:
    running = Service(home=tmp_path / "home", folder=tmp_path)
    running.load(small_facts(2))
    try:
        running.start()
        assert "The first report" in running.get("/groups").text
        eventually("there are groups", lambda: re.search(AS_OF, running.get("/groups").text))
        texts = page(running, "/groups").texts
        assert {"No labels yet", "storewatch load stores.csv", "America/Chicago", "Asia/Beirut"} <= set(texts)
        plain = running.trigger(as_of="2023-01-24T00:00:00Z")
        running.result(plain)
        for path in ("/groups", "/findings"):
            kept = page(running, f"{path}?{urlencode({'as_of': '2023-01-24T00:00:00Z'})}")
            assert "The next one will." in " ".join(kept.texts), "a plain report has no overview"
    finally:
        running.close()


# ---------------------------------------------------------------- findings


def sections(html: str) -> dict[str, Text]:
    """Return the findings of a page by their anchors."""
    found = re.findall(r'<section class="card finding" id="(f\d+)".*?</section>', html, re.DOTALL)
    parts = re.findall(r'(<section class="card finding".*?</section>)', html, re.DOTALL)
    return {anchor: Text(part) for anchor, part in zip(found, parts, strict=True)}


def test_every_finding_is_there_in_the_order_of_harm_with_its_count_and_at_most_twenty_stores(
    looked: Looked,
) -> None:
    shown = sections(looked.service.get("/findings").text)
    found = looked.overview().findings
    assert {"poller_down", "together", "silent", "without_polls", "without_hours", "without_zone"} <= {
        finding["kind"] for finding in found
    }
    assert list(shown) == [f"f{place}" for place in range(1, len(found) + 1)]
    for finding, text in zip(found, shown.values(), strict=True):
        named = [a for a in text.addresses if a.startswith("/stores/")]
        assert len(named) == min(len(finding["stores"]), 20)
        assert [store["store_id"] for store in finding["stores"][:20]] == [
            each for each in text.texts if each in STORES
        ]
        words = " ".join(text.texts)
        assert finding["kind"] == "poller_down" or str(finding["count"]) in words
        assert not re.search(r"[{}\[\]]|null|None", words), words


def test_the_poller_that_was_down_has_a_command_that_can_be_run(looked: Looked) -> None:
    (poller,) = [each for each in looked.overview().findings if each["kind"] == "poller_down"]
    text = sections(looked.service.get("/findings").text)["f1"]
    (command,) = [each for each in text.texts if each.startswith("storewatch ")]
    _, name, *options = shlex.split(command)
    assert name == "annotate"
    given = annotate.make_context(name, options).params
    assert (given["every"], given["counts_as"], given["reason"]) == (True, "unknown", "the poller was down")
    assert (iso(given["start"]), iso(given["end"])) == (
        poller["evidence"]["begin"],
        poller["evidence"]["end"],
    )


@pytest.mark.parametrize("kind", ["together", "silent"])
def test_a_finding_of_stores_opens_the_list_of_them(looked: Looked, kind: str) -> None:
    for finding, text in zip(
        looked.overview().findings, sections(looked.service.get("/findings").text).values(), strict=True
    ):
        if finding["kind"] == kind:
            (address,) = [a for a in text.addresses if a.startswith("/stores?")]
            listed = page(looked.service, address)
            # Some may have been down before the others fell.
            (count,) = re.findall(r"(\d+) of 60 stores", " ".join(listed.texts))
            assert int(count) >= finding["count"]
            assert {store["store_id"] for store in finding["stores"]} <= set(listed.texts)
            return
    raise AssertionError(f"nothing of the kind {kind} was found")


def test_nothing_found_is_a_calm_page(tmp_path: Path) -> None:
    facts = small_facts(2)
    hours = HOURS.frame([(store, day, 0, 86_400) for store in ("000", "001") for day in range(7)])
    zones = ZONES.frame([("000", "UTC"), ("001", "UTC")])
    running = Service(home=tmp_path / "home", folder=tmp_path)
    running.load(replace(facts, others={"hours": hours, "zones": zones}))
    try:
        running.start()
        eventually("it is looked at", lambda: re.search(AS_OF, running.get("/findings").text))
        assert "Nothing needs a look" in page(running, "/findings").texts
    finally:
        running.close()


def test_who_may_not_annotate_sees_no_command_for_it(looked: Looked) -> None:
    home = looked.service.home
    app = create_app(load_settings(home=home, workers=0, auth="tokens"))
    with served(app) as client:
        for scope, may in ((Scope.READ, False), (Scope.TRIGGER, False), (Scope.ANNOTATE, True)):
            secret = Tokens(load_settings(home=home).tokens_file).new(f"a-{scope}", scope)
            found = page_of(client.get("/findings", headers={"Authorization": f"Bearer {secret}"}))
            text = " ".join(found.texts)
            assert ("storewatch annotate" in text) is may
            assert ("ask someone who may annotate" in text) is not may
