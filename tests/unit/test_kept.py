"""Pages that are kept: made once, never with an old age, never more than there is room for."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor

import pytest

from storewatch.entrypoints.http.kept import MARK, KeptPages, Made


def made(text: str, calls: list[str]) -> Made:
    calls.append(text)
    return Made(text=f"{text} {MARK}", as_of=7)


def test_a_page_is_made_once_and_its_age_goes_on() -> None:
    pages, calls, now = KeptPages(), list[str](), 10
    first = pages.get("a", lambda: made("one", calls), lambda as_of: f"{now - as_of} s")
    assert (first.plain, gzip.decompress(first.gzipped)) == (b"one 3 s", b"one 3 s")
    now = 11
    later = pages.get("a", lambda: made("one", calls), lambda as_of: f"{now - as_of} s")
    assert (later.plain, gzip.decompress(later.gzipped)) == (b"one 4 s", b"one 4 s")
    assert calls == ["one"]


def test_another_key_is_another_page() -> None:
    pages, calls = KeptPages(), list[str]()
    for key in ("a", "b", "a"):
        assert pages.get(key, lambda key=key: made(key, calls), str).plain == f"{key} 7".encode()  # type: ignore[misc]
    assert calls == ["a", "b"]


def test_what_was_looked_at_longest_ago_makes_room() -> None:
    calls: list[str] = []
    one = KeptPages().get("a", lambda: made("a", calls), str)
    pages = KeptPages(most=2 * one.size)
    for key in ("a", "b", "a", "c", "a", "b"):
        pages.get(key, lambda key=key: made(key, calls), str)  # type: ignore[misc]
    assert calls == ["a", "a", "b", "c", "b"]


def test_what_fails_is_not_kept() -> None:
    pages = KeptPages()

    def fail() -> Made:
        raise ValueError("no store")

    with pytest.raises(ValueError, match="no store"):
        pages.get("a", fail, str)
    assert pages.get("a", lambda: made("a", []), str).plain == b"a 7"


def test_many_at_once_make_a_page_once() -> None:
    pages, calls = KeptPages(), list[str]()
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda _: pages.get("a", lambda: made("a", calls), str).plain, range(64))
    assert set(found) == {b"a 7"}
    assert len(calls) <= 2
