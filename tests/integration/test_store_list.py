"""The list of stores over HTTP: its figures are the report's on all pages, and its files show the same."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import openpyxl
import polars as pl
import pytest

from service import Service, eventually
from storewatch.domain.facts import Facts
from storewatch.domain.kinds import HOURS, LABELS, POLLS, ZONES
from storewatch.entrypoints.wording import duration

if TYPE_CHECKING:
    from collections.abc import Iterator

NEWEST = datetime(2022, 11, 8, 10, 19, 30, tzinfo=UTC)  # clocks went back in Chicago on the 6th
FORWARD = datetime(2022, 10, 4, 3, tzinfo=UTC)  # and forward on Lord Howe on 2 October
ZONE_NAMES = ["Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Paris", "America/St_Johns"]
HOSTILE = [
    "<b>x</b>",
    "\"'><img src=x>",
    "=1+1",
    "a/b?c#d",
    "..",
    "ü 🙂",
    "%41",
    " 7 ",
    "{{7*7}}",
    "\u202eabc",
    "x" * 512,
]
NAMES = ["Café Größe", "<i>Bar</i>", "=cmd()", 'a"b', ""]
BRANDS = ["X", "a:b", "<b>", "50%", ""]


def fleet() -> Facts:
    """Return 66 stores with names, labels, odd zones and gaps, polled around two changes of clocks."""
    ids = [*HOSTILE, *(f"s{n:02}" for n in range(55))]
    polls = [
        (store, end - timedelta(hours=hour, minutes=7 * n % 60), (hour * (n % 7 + 3) + n) % 11 > n % 5)
        for n, store in enumerate(ids)
        for end in (NEWEST, FORWARD)
        for hour in range(n % 3, 15 * 24, 1 + n % 4)
        if n % 13 != 1
    ]
    hours = [
        (store, day, 32_400, 64_800 + 60 * n) for n, store in enumerate(ids) if n % 5 for day in range(6)
    ]
    labels = [(store, "storename", NAMES[n % 5]) for n, store in enumerate(ids)]
    labels += [(store, "brand", BRANDS[n % 5]) for n, store in enumerate(ids)]
    labels += [(store, "a:b", "c") for store in ids[::3]] + [
        (store, "targetpercent", "99.5") for store in ids[::2]
    ]
    zones = [(store, ZONE_NAMES[n % 4]) for n, store in enumerate(ids) if n % 6]
    return Facts(
        polls=POLLS.frame(polls),
        others={"hours": HOURS.frame(hours), "zones": ZONES.frame(zones), "labels": LABELS.frame(labels)},
    )


class Rows(HTMLParser):
    """The rows of a page's list, each by the first class of its cells; and all addresses of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[dict[str, str]] = []
        self.addresses: list[str] = []
        self.cell = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where the next text belongs."""
        of = dict(attrs)
        self.addresses += [of["href"] or ""] if tag == "a" else []
        if of.get("role") == "rowheader":
            self.rows.append({})
        if of.get("role") in {"rowheader", "cell"}:
            self.cell = (of["class"] or "").replace("number ", "").split()[0]
        elif tag == "svg" and self.cell == "bar-cell":
            self.rows[-1]["bar"] = of["aria-label"] or ""

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        self.cell = "" if tag in {"td", "th"} else self.cell

    def handle_data(self, data: str) -> None:
        """Add a text to its cell."""
        if self.cell:
            self.rows[-1][self.cell] = self.rows[-1].get(self.cell, "") + data


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("list")
    running = Service(home=folder / "home", folder=folder)
    running.load(fleet())
    try:
        running.start()
        eventually(
            "the report that looking asks for is there", lambda: "66 stores" in running.get("/stores").text
        )
        yield running
    finally:
        running.close()
        print(running.output)  # noqa: T201  pytest shows it if a test fails


def all_pages(service: Service, query: str) -> list[dict[str, str]]:
    """Return the rows of all pages, by the links from one to the next."""
    address: str | None = f"/stores?{query}"
    rows = []
    while address:
        answer = service.get(address)
        assert answer.status_code == 200, answer.text
        found = Rows(answer.text)
        rows += found.rows
        links = re.findall(r'<a href="([^"]*)">Next</a>', answer.text)
        address = links[0].replace("&amp;", "&") if links else None
    return rows


def report_rows(
    service: Service, report_id: str
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, Any]]]:
    """Return a report's rows by id: as its CSV prints them, and in whole seconds."""
    files = {
        name: service.get(f"/v1/reports/{report_id}/download?format={name}") for name in ("csv", "parquet")
    }
    whole = pl.read_parquet(io.BytesIO(files["parquet"].content)).to_dicts()
    printed = csv.DictReader(io.StringIO(files["csv"].text))
    return {row["store_id"].removeprefix("'"): row for row in printed}, {
        row["store_id"]: row for row in whole
    }


def report_of(service: Service, query: str = "") -> str:
    """Return the id of the report that a list shows, as its links have it."""
    link = next(a for a in Rows(service.get(f"/stores?{query}").text).addresses if "report=" in a)
    return parse_qs(urlsplit(link).query)["report"][0]


@pytest.fixture(scope="module")
def forward(service: Service) -> str:
    """The id of a report as of the week in which clocks went forward."""
    report_id = service.trigger(as_of="2022-10-04T03:00:00Z")
    assert service.result(report_id)["status"] == "Complete"
    return report_id


@pytest.mark.parametrize("window", ["hour", "day", "week"])
@pytest.mark.parametrize("is_forward", [False, True])
def test_figures_on_all_pages_are_those_of_the_reports_files(
    service: Service, forward: str, window: str, *, is_forward: bool
) -> None:
    """In both weeks with a change of clocks, and odd zones."""
    query = urlencode({"sort": "-measured", "window": window, **({"report": forward} if is_forward else {})})
    printed, whole = report_rows(service, report_of(service, query))
    rows = all_pages(service, query)

    assert sorted(row["id"] for row in rows) == sorted(printed)
    for row in rows:
        exact, of_csv = whole[row["id"]], printed[row["id"]]
        for name, figure in (("uptime", "uptime"), ("measured", "measured")):
            share = of_csv[f"{figure}_percent_last_{window}"]
            assert row[name] == (f"{share} %" if share else "–")
        assert row["longest"] == duration(exact["longest_outage_seconds_last_week"])
        assert row["outages"] == str(exact["outages_last_week"])
        state = f"{exact['state'] or '–'}{' closed' if exact['is_closed'] else ''}"
        assert row["state"] == state
        if exact["since"]:
            assert row["since"] == f"{exact['since']:%-d %b %H:%M}"
        if not is_forward:
            parts = [(duration(exact[f"{kind}time_seconds_last_week"]), kind) for kind in ("up", "down")]
            assert all(f"{length} {kind}" in row["bar"] for length, kind in parts if length != "0 min")


def test_names_labels_and_changes_are_those_of_the_stores(service: Service) -> None:
    query = "sort=id"
    report_id = report_of(service, query)
    compared = service.trigger(compare=True, as_of=service.get(f"/v1/reports/{report_id}").json()["as_of"])
    service.result(compared)
    printed, _ = report_rows(service, compared)
    given = fleet().of(LABELS)
    for row in all_pages(service, query):
        of = {label: value for _, label, value in given.filter(pl.col("store_id") == row["id"]).iter_rows()}
        assert row["name"] == (of["storename"] or row["id"])
        assert set(filter(None, row.get("labels", "").split(" · "))) == {
            v for k in ("brand", "a:b") if (v := of.get(k))
        }
        now, before = (printed[row["id"]][f"uptime_percent_last_week{end}"] for end in ("", "_before"))
        change = round(100 * float(now)) - round(100 * float(before)) if now and before else None
        assert row["change"].replace("−", "-") == (
            "–" if change is None else f"{change / 100:+.2f}" if change else "0.00"
        )


QUERIES = [
    "",
    "sort=-downtime&window=day",
    "state=down",
    "below=target&where=brand:a:b&where=brand:X",
    "where=brand:&low_evidence=70&sort=name",
    "where=a%253Ab:c&sort=-since",
    "q=S1&state=up",
    "zone=America/Chicago",
    "at=mon-14-local",
    "sort=-id&page=2",
]


@pytest.mark.parametrize("query", QUERIES)
def test_the_files_are_the_list_to_the_row(service: Service, query: str) -> None:
    rows = Rows(service.get(f"/stores?{query}").text).rows if "page=" in query else all_pages(service, query)
    answer = service.get(f"/stores.csv?{query}")
    printed = list(csv.DictReader(io.StringIO(answer.text)))
    window = "day" if "window=day" in query else "week"

    assert answer.headers["content-disposition"] == 'attachment; filename="stores-20221108T101930Z.csv"'
    assert [row["store_id"].removeprefix("'") for row in printed] == [row["id"] for row in rows]
    for of_csv, row in zip(printed, rows, strict=True):
        share = of_csv[f"uptime_percent_last_{window}"]
        assert row["uptime"] == (f"{share} %" if share else "–")
        assert row["longest"] == duration(int(of_csv["longest_outage_seconds_last_week"]))
    book = openpyxl.load_workbook(io.BytesIO(service.get(f"/stores.xlsx?{query}").content))
    head, *cells = [
        ["" if cell is None else cell for cell in line] for line in book["Stores"].iter_rows(values_only=True)
    ]
    assert [str(name) for name in head] == [
        name.removeprefix("'") for name in answer.text.partition("\n")[0].split(",")
    ]
    assert [str(line[0]) for line in cells] == [row["id"] for row in rows]
    for line, of_csv in zip(cells, printed, strict=True):
        for cell, text in zip(line, of_csv.values(), strict=True):
            assert (
                (float(text) == cell)
                if isinstance(cell, int | float)
                else (text.removeprefix("'") == str(cell))
            )


def test_an_unpinned_list_links_to_its_own_report_and_a_pinned_one_to_the_newest(
    service: Service, forward: str
) -> None:
    own = [
        a
        for a in Rows(service.get("/stores?state=down").text).addresses
        if a.startswith("/stores") and a != "/stores"
    ]
    assert len(own) > 15
    assert all("as_of=2022-11-08T10%3A19%3A30Z" in address for address in own)
    pinned = service.get(f"/stores?sort=id&as_of=2022-11-08T10:19:30Z&report={report_of(service)}").text
    assert "the figures of one report; they do not change" not in pinned
    old = service.get(f"/stores?state=down&report={forward}").text
    assert '<a href="/stores?state=down">Show the newest</a>' in old


@pytest.mark.parametrize("store_id", HOSTILE)
def test_a_hostile_id_is_listed_found_and_gone_to(service: Service, store_id: str) -> None:
    listed = Rows(service.get(f"/stores?q={quote(store_id)}&sort=id").text)
    assert store_id in [row["id"] for row in listed.rows]
    answer = service.get(f"/stores?go=1&q={quote(store_id)}")
    assert answer.status_code == 303
    assert store_id.strip() in service.get(answer.headers["location"]).text.replace("&lt;", "<").replace(
        "&gt;", ">"
    ).replace("&#34;", '"').replace("&#39;", "'")
    suggested = service.get(f"/suggest?q={quote(store_id)}").json()
    assert store_id in [each["store_id"] for each in suggested]


def test_no_label_or_name_is_markup(service: Service) -> None:
    html = service.get("/stores?sort=id").text
    assert "<i>Bar</i>" not in html
    assert '<option value="brand:&lt;b&gt;">&lt;b&gt;</option>' in html
    assert [row["id"] for row in Rows(service.get("/stores?where=brand:%3Cb%3E&sort=id").text).rows]


def test_pages_go_on_and_none_is_there_beyond_the_last(service: Service) -> None:
    texts = {page: service.get(f"/stores?sort=id&page={page}").text for page in (1, 2)}
    assert "1–50 of 66" in texts[1]
    assert "51–66 of 66" in texts[2]
    for path in ("/stores", "/stores.csv", "/stores.xlsx"):
        beyond = service.get(f"{path}?sort=id&page=3")
        assert beyond.status_code == 404
        assert "There is no page 3: the last one is page 2." in beyond.text


def test_what_nobody_has_says_which_filters_to_remove_and_the_nearest_ids(service: Service) -> None:
    html = service.get("/stores?q=ss01&state=down").text
    assert "0 of 66 stores" in html
    assert ">s01</a>" in html
    assert "Without: down now" in html


def test_a_wrong_value_is_a_page_that_says_what_can_be_written(service: Service) -> None:
    for path in ("/stores", "/stores.csv", "/stores.xlsx"):
        answer = service.get(f"{path}?state=open")
        assert answer.status_code == 422
        assert answer.headers["content-type"].startswith("text/html")
        assert "state=open cannot be understood: write down, up, unknown, excluded or closed." in answer.text


def test_a_plain_report_says_what_it_lacks(service: Service, forward: str) -> None:
    html = service.get(f"/stores?report={forward}").text
    assert "come with the next one" in html
    assert service.get(f"/stores?report={forward}&where=brand:X").status_code == 422


def test_a_search_for_nothing_is_the_whole_list(service: Service) -> None:
    for query in ("", "?q=", "?q=%20&go=1"):
        assert "<h1>66 stores</h1>" in service.get(f"/stores{query}").text
    assert service.get("/suggest?q=%20").json() == []
    assert httpx.head(f"{service.url}/stores.csv").status_code == 200
