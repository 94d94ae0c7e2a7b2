"""Pages as a test reads them: their texts, tags and addresses, under the strict policy."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

    from service import Service


class Text(HTMLParser):
    """Collects the texts of a page, its tags and its addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.texts: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        if data.strip():
            self.texts.append(data.strip())

    @property
    def addresses(self) -> list[str]:
        """What the page leads to, asks for or sends to."""
        return [a[name] or "" for _, a in self.tags for name in ("href", "src", "action") if name in a]


def page(service: Service, path: str, status: int = 200) -> Text:
    """Get a page, whose headers and tags obey the strict policy."""
    return page_of(service.get(path, follow_redirects=True), status)


def page_of(answer: httpx.Response, status: int = 200) -> Text:
    """Return the page that an answer is; its headers and tags obey the strict policy."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert not re.search(r"unsafe|\*|http|data:", answer.headers["content-security-policy"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    found = Text(answer.text)
    for tag, attributes in found.tags:
        assert tag != "style"
        assert tag != "script" or attributes["src"]
        assert not [name for name in attributes if name == "style" or name.startswith("on")], (
            tag,
            attributes,
        )
    assert all(address.startswith(("/", "#")) for address in found.addresses), found.addresses
    return found


def sums(html: str) -> dict[str, dict[str, str]]:
    """Return the cells of the table of sums by column and row; durations in seconds."""
    (table,) = re.findall(r'<table class="sums">(.*?)</table>', html, re.DOTALL)
    heads, *rows = [
        [
            re.sub(r'<data value="(\d+)">.*?</data>|<[^>]+>', r"\1", cell).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    ]
    return {head: {row[0]: row[place] for row in rows} for place, head in enumerate(heads) if head}


def hours_in_csv(seconds: str) -> str:
    """Return seconds as a report's CSV has them in hours (R7)."""
    hundredths = (100 * int(seconds) + 1_800) // 3_600
    return f"{hundredths // 100}.{hundredths % 100:02}"
