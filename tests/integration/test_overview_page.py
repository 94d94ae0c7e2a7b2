"""The overview over HTTP: every figure of it is that of the report's files, whatever stores are called."""

from __future__ import annotations

import io
import re
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from html import unescape
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import polars as pl
import pytest

from beyond import note
from boards import claimed
from calls import served
from service import AS_OF, NEWEST, Service, eventually, small_facts
from storewatch.answering.attempt import work
from storewatch.bootstrap import open_polls
from storewatch.config import load_settings
from storewatch.domain.instant import iso
from storewatch.domain.kinds import ANNOTATIONS, HOURS, LABELS, NAME, POLLS, TARGET
from storewatch.entrypoints.http.app import create_app
from storewatch.entrypoints.http.pages import current
from storewatch.entrypoints.wording import duration, percent
from storewatch.ports.polls import Load
from web import Text, page, page_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.domain.facts import Facts

HOSTILE = "<b>\"'&{{7*7}} ../\u202eevil" + "x" * 480
BRANDS = (HOSTILE, "A:1")
PROMISED, USUAL = 99.9, 95  # percent
FEW = [f"{n:02}" for n in range(24)]
CELL = re.compile(r'<a href="([^"]*)" tabindex="-1">.*?<title>(.*?)</title>', re.DOTALL)


def fleet() -> Facts:
    """Return fifteen days of 24 stores of two brands, one of which is down for most of the last week.

    The first store is silent for two and a half days, the last one was never polled, the poller was down
    once, and somebody planned a downtime, of one store all week.
    """
    polls = [
        (store, NEWEST - timedelta(hours=hour, minutes=n % 5), _is_up(n, hour))
        for n, store in enumerate(FEW[:-1])
        for hour in range(15 * 24)
        if not (n == 0 and hour < 60) and hour not in range(20, 24)
    ]
    labels = [
        *((store, "brand", BRANDS[n % 2]) for n, store in enumerate(FEW)),
        *((store, TARGET, str(PROMISED)) for store in FEW[:5]),
        (FEW[3], NAME, HOSTILE),
    ]
    hours = [(store, day, 32_400, 64_800) for store in (FEW[7], FEW[-1]) for day in range(6)]
    others = {
        "hours": HOURS.frame(hours),
        "labels": LABELS.frame(labels),
        "annotations": ANNOTATIONS.frame(
            [
                note("excluded", "2023-01-23 00:00", "2023-01-23 05:00", about=FEW[2]),
                note("excluded", "2023-01-01 00:00", "2023-02-01 00:00", about=FEW[20], name="all"),
            ]
        ),
    }
    return replace(small_facts(1), polls=POLLS.frame(polls), others=others)


def _is_up(store: int, hour: int) -> bool:
    is_of_the_second_brand = store % 2 == 1
    is_down_now = store in {5, 6} and hour < 3
    return (hour + store) % 40 > 0 and not is_down_now and not (is_of_the_second_brand and 30 < hour < 130)


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A service whose overview has been looked at, and the report's files."""

    service: Service
    report_id: str
    html: str
    rows: pl.DataFrame

    @property
    def query(self) -> dict[str, str]:
        """What links carry on."""
        return {"as_of": iso(AS_OF), "report": self.report_id}

    @property
    def found(self) -> Text:
        """The page."""
        return page(self.service, "/")

    def sum(self, figure: str, window: str = "week") -> int:
        """Return the fleet's seconds."""
        return int(self.rows[f"{figure}_seconds_last_{window}"].sum())

    def count(self, name: str) -> int:
        """Return one of the four counts."""
        found = re.search(rf'data-count="{name}"><b>([\d,]+)</b>', self.html)
        assert found, name
        return int(found[1].replace(",", ""))


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Looked]:
    folder = tmp_path_factory.mktemp("overview")
    running = Service(home=folder / "home", folder=folder)
    running.load(fleet())
    try:
        running.start()
        html = eventually("the first report is there", lambda: _with_figures(running))
        [report_id] = set(re.findall(r'href="/reports/([0-9a-f]{32})"', html))
        parquet = running.get(f"/v1/reports/{report_id}/download?format=parquet").content
        yield Looked(
            service=running, report_id=report_id, html=html, rows=pl.read_parquet(io.BytesIO(parquet))
        )
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


def _with_figures(running: Service) -> str | None:
    html = running.get("/").text
    return html if 'class="counts"' in html else None


def test_looking_makes_one_report_and_no_button_is_needed(looked: Looked) -> None:
    looked.service.get("/")
    assert len(looked.service.get("/v1/reports").json()["reports"]) == 1


def test_the_four_counts_are_those_of_the_reports_rows(looked: Looked) -> None:
    up, down, unknown = (pl.col(f"{name}_seconds_last_week") for name in ("uptime", "downtime", "unknown"))
    target = pl.col("target_percent").fill_null(USUAL)
    wanted = {
        "down": (pl.col("state") == "down") & ~pl.col("is_closed"),
        "below": (up + down > 0) & (100_000 * up < (target * 1_000).round().cast(pl.Int64) * (up + down)),
        "no-data": (unknown > 0) & (up + down == 0),
    }
    counts = looked.rows.select(**{name: which.sum() for name, which in wanted.items()}).row(0, named=True)
    assert {name: looked.count(name) for name in wanted} == counts
    assert all(counts.values())
    found = looked.service.get("/v1/findings").json()["findings"]
    assert [looked.count("silent")] == [each["count"] for each in found if each["kind"] == "silent"]


def test_each_count_leads_to_the_list_of_its_stores_in_the_same_report(looked: Looked) -> None:
    query = urlencode(looked.query)
    links = {a["data-count"]: a["href"] for _, a in looked.found.tags if "data-count" in a}
    assert links == {
        "down": f"/stores?state=down&{query}",
        "below": f"/stores?below=target&{query}",
        "no-data": f"/stores?only=no-data&{query}",
        "silent": f"/stores?only=silent&{query}",
    }


@pytest.mark.parametrize("name", ["down", "below", "no-data", "silent"])
def test_each_count_is_the_number_of_stores_that_it_leads_to(looked: Looked, name: str) -> None:
    [link] = [a["href"] or "" for _, a in looked.found.tags if a.get("data-count") == name]
    headline = page(looked.service, link).texts
    assert f"{looked.count(name)} of {len(FEW)} stores" in headline


def test_every_other_figure_that_leads_to_a_list_is_its_length_too(looked: Looked) -> None:
    told = re.findall(r'href="(/stores\?[^"]*)">(?:The )?([\d,]+) (?:below|stores? )', looked.html)
    assert len(told) >= len(("100", "99", "95", "90", "50", "silent", "brand", "zone"))
    for url, count in told:
        assert f"{count} of {len(FEW)} stores" in page(looked.service, unescape(url)).texts


def test_the_uptime_of_each_window_is_that_of_the_sums(looked: Looked) -> None:
    texts = looked.found.texts
    for window in ("hour", "day", "week"):
        up, down = looked.sum("uptime", window), looked.sum("downtime", window)
        assert texts[texts.index(f"Last {window}") + 1] == percent(up, down)


def test_the_worst_stores_have_their_rows_figures(looked: Looked) -> None:
    texts, down = looked.found.texts, "downtime_seconds_last_week"
    worst = looked.rows.sort(down, "store_id", descending=[True, False]).head(10)
    place = texts.index("Most open time lost")
    for row in worst.to_dicts():
        lost, opened = row[down], row["open_seconds_last_week"]
        name = HOSTILE if row["store_id"] == FEW[3] else row["store_id"]
        place = texts.index(name, place)
        figures = [percent(row["uptime_seconds_last_week"], lost), duration(lost), duration(opened)]
        assert texts[place + 1 : place + 4] == figures


def test_the_bands_hold_every_store_once(looked: Looked) -> None:
    bands = re.findall(
        r'class="band">.*?</td>\s*<td class="number">(?:<a[^>]*>)?([\d,]+)', looked.html, re.DOTALL
    )
    pinned = urlencode(looked.query).replace("&", "&amp;")
    assert sum(int(count.replace(",", "")) for count in bands) == looked.rows.height
    texts = looked.found.texts
    assert texts[texts.index("Planned downtime") + 1] == "1"
    assert "Closed all week" not in texts
    share = (
        10_000
        * pl.col("uptime_seconds_last_week")
        // (pl.col("uptime_seconds_last_week") + pl.col("downtime_seconds_last_week"))
    )
    for edge in (100, 99, 95, 90, 50):
        below = looked.rows.select((share < 100 * edge).sum()).item()
        assert f'below={edge}&amp;{pinned}">{below} below {edge} %</a>' in looked.html


def seconds(words: str) -> int:
    """Return what a duration comes to."""
    units = {"h": 3_600, "min": 60, "s": 1}
    return sum(
        int(count.replace(",", "")) * units[unit]
        for count, unit in re.findall(r"([\d,]+) (h|min|s)\b", words)
    )


def cells(looked: Looked, **query: str) -> list[tuple[str, int, int]]:
    """Return the cells of a heat map: address, seconds that are shown, and of how many."""
    html = looked.service.get("/", params=query).text
    found = [
        (unescape(url), *unescape(words).rpartition(" % of open time ")[2].split(" of "))
        for url, words in CELL.findall(html)
    ]
    return [(url, seconds(part), seconds(whole)) for url, part, whole in found]


@pytest.mark.parametrize("clock", ["utc", "local"])
def test_the_heat_map_adds_up_to_the_report(looked: Looked, clock: str) -> None:
    down = cells(looked, clock=clock)
    assert len({url for url, *_ in down}) == len(down) == 7 * 24
    assert sum(part for _, part, _ in down) == looked.sum("downtime") > 0
    assert sum(whole for *_, whole in down) == looked.sum("open")
    unmeasured = cells(looked, clock=clock, show="unmeasured")
    promised = looked.sum("open") - looked.sum("excluded")
    assert looked.sum("excluded") > 0
    assert sum(whole for *_, whole in unmeasured) == promised
    assert sum(part for _, part, _ in unmeasured) == promised - looked.sum("measured")


def test_the_brands_heat_maps_add_up_to_that_of_all(looked: Looked) -> None:
    brands = [cells(looked, of=f"brand:{brand}") for brand in BRANDS]
    assert sum(part for brand in brands for _, part, _ in brand) == looked.sum("downtime")
    for brand, found in zip(BRANDS, brands, strict=True):
        assert all(urlencode({"where": f"brand:{brand}"}) in url for url, *_ in found)


def test_the_table_has_the_figures_of_the_picture_and_leads_to_the_same_lists(looked: Looked) -> None:
    table = looked.html[looked.html.index('class="heat-table"') :].partition("</table>")[0]
    rows = re.findall(r'<td class="number"><a href="([^"]*)">([\d.]+)</a>', table)
    pictured = [(url, words.split(": ")[1].split(" ")[0]) for url, words in CELL.findall(looked.html)]
    assert sorted(rows) == sorted(pictured)


def test_what_changed_is_said_of_the_brand_that_fell_and_of_the_silent_store(looked: Looked) -> None:
    text = " ".join(looked.found.texts)
    assert "The poller seems to have been down" in text
    assert "1 store has fallen silent" in text
    rows = looked.rows.filter(pl.col("store_id").is_in(FEW[1::2]))
    share = percent(*(int(rows[f"{kind}_seconds_last_week"].sum()) for kind in ("uptime", "downtime")))
    assert f"The 12 stores of brand A:1 had {share} uptime in the last week," in text


def test_each_finding_that_is_told_leads_to_its_place(looked: Looked) -> None:
    links = [
        address for address in looked.found.addresses if address.startswith("/findings?") and "#" in address
    ]
    assert links
    for path, _, anchor in (link.partition("#") for link in links):
        assert anchor in [a.get("id") for _, a in page(looked.service, path).tags]


def test_hostile_labels_and_names_are_shown_to_the_letter(looked: Looked) -> None:
    found = page(looked.service, f"/?{urlencode({'of': f'brand:{HOSTILE}'})}")
    assert HOSTILE in found.texts
    assert any(HOSTILE in (a.get("value") or "") for _, a in found.tags)
    assert not [tag for tag, _ in found.tags if tag == "b" and "evil" in tag]
    assert "49" not in found.texts


@pytest.mark.parametrize("query", ["show=up", "clock=wall", "as_of=yesterday"])
def test_what_an_address_cannot_mean_is_a_page_that_says_so(looked: Looked, query: str) -> None:
    page(looked.service, f"/?{query}", status=422)


def test_a_plain_report_shows_what_its_rows_give(looked: Looked) -> None:
    """As reports of an earlier version: no week before, no silence, no hours."""
    as_of = iso(AS_OF - 86_400)
    looked.service.result(looked.service.trigger(as_of=as_of))
    found = page(looked.service, f"/?as_of={as_of}")
    text = " ".join(found.texts)
    assert "– silent not known of this report" in text
    assert "Not known: this report was made without findings" in text
    assert "This report has no figures by the hour." in text
    assert {a["data-count"] for _, a in found.tags if "data-count" in a} == {"down", "below", "no-data"}


def test_that_no_polls_come_in_is_said_once_and_not_of_a_pinned_report(looked: Looked) -> None:
    said = "No polls have come in since 2023-01-25 18:11 UTC."
    assert looked.html.count(said) == 1
    assert said not in looked.service.get("/", params={"as_of": iso(AS_OF)}).text


def test_a_report_that_failed_is_asked_for_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(home=tmp_path, workers=0)
    with closing(open_polls(settings)) as polls:
        polls.load(Load(name="a-load", facts=small_facts(1)))
    app = create_app(settings)
    with served(app) as client:
        board = app.state.services.board
        for _ in range(2):
            client.get("/")
            assert board.fail(claimed(board), "out of luck", final=True)
            assert "There is no report yet" in page_of(client.get("/")).texts
            assert board.queue_length() == 0
            monkeypatch.setattr(current, "AGAIN_SECONDS", 0)
            assert "The first report is being made" in page_of(client.get("/")).texts
            assert board.queue_length() == 1
            monkeypatch.undo()


def test_the_first_report_is_waited_for_and_what_to_do_is_said_until_there_is_one(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, workers=0)
    with closing(open_polls(settings)) as polls:
        polls.load(Load(name="a-load", facts=small_facts(1)))
    app = create_app(settings)
    with served(app) as client:
        services = app.state.services
        board, html = services.board, client.get("/").text
        assert "The first report is being made" in page_of(client.get("/stores?state=down")).texts
        assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in html
        assert len(board.recent(9)) == 1

        assert board.fail(claimed(board), "out of luck", final=True)
        failed = page_of(client.get("/"))
        assert "There is no report yet" in failed.texts
        assert "Try again" in failed.texts

        assert client.post("/reports").status_code == HTTPStatus.SEE_OTHER
        assert work(claimed(board), polls=services.polls.open(), board=board, shelf=services.shelf)
        made = page_of(client.get("/"))
        assert "Overview" in made.texts
        assert "could not be made" not in " ".join(made.texts)
        assert "No polls have come in since" in " ".join(made.texts)

        services.polls.open().load(Load(name="b-load", facts=small_facts(2)))
        services.polls.look_again()
        newer = " ".join(page_of(client.get("/")).texts)
        assert "Newer data have come in" in newer
        assert "No polls have come in since" not in newer
