"""By which names a service may be called, bound here or there."""

from __future__ import annotations

import pytest

from storewatch.config import load_settings
from storewatch.entrypoints.http.hosts import Hosts
from storewatch.errors import SettingsError

PUBLIC = "https://reports.example.org:8443/base"
LOOPBACK = ["localhost", "localhost:8000", "LOCALHOST", "a.localhost", "127.0.0.1:8000", "[::1]:8000"]
FOREIGN = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]"]
NO_HOST = [
    "",
    "a b",
    "evil@localhost",
    "localhost@evil",
    "localhost:",
    "localhost/x",
    "localhost:8000:1",
    "[::1",
]


@pytest.mark.parametrize("bound", ["127.0.0.1", "localhost", "::1", "127.3.2.1"])
def test_bound_to_loopback_its_names_are_taken_and_the_public_one(bound: str) -> None:
    hosts = Hosts(load_settings(public_url=PUBLIC), bound=bound)
    assert [host for host in [*LOOPBACK, "reports.example.org"] if not hosts.take(host, local=None)] == []
    assert [host for host in [*FOREIGN, *NO_HOST] if hosts.take(host, local=None)] == []
    assert not hosts.are_any


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", "10.0.0.1", "name.example"])  # noqa: S104  a case
def test_bound_beyond_any_name_is_taken(bound: str) -> None:
    hosts = Hosts(load_settings(), bound=bound)
    assert hosts.are_any
    assert [host for host in [*LOOPBACK, *FOREIGN] if not hosts.take(host, local="127.0.0.1")] == []
    assert [host for host in NO_HOST if hosts.take(host, local="127.0.0.1")] == []


def test_bound_by_another_server_it_depends_on_where_a_call_came_in() -> None:
    hosts = Hosts(load_settings(), bound=None)
    assert hosts.take("localhost", local="127.0.0.1")
    assert not hosts.take("evil.example", local="127.0.0.1")
    assert hosts.take("evil.example", local="10.0.0.1")


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0", None])  # noqa: S104  a case
def test_names_that_are_set_are_the_only_ones_beside_the_public_one(bound: str | None) -> None:
    hosts = Hosts(load_settings(hosts="one.example, *.two.example,[::1]", public_url=PUBLIC), bound=bound)
    taken = [
        "one.example:80",
        "ONE.example",
        "a.two.example",
        "a.b.two.example",
        "[::1]",
        "reports.example.org",
    ]
    assert [host for host in taken if not hosts.take(host, local="127.0.0.1")] == []
    refused = ["localhost", "two.example", "atwo.example", "x.one.example", *NO_HOST]
    assert [host for host in refused if hosts.take(host, local="127.0.0.1")] == []
    assert not hosts.are_any


def test_a_star_is_any_name_even_on_loopback() -> None:
    hosts = Hosts(load_settings(hosts="*"), bound="127.0.0.1")
    assert hosts.are_any
    assert hosts.take("evil.example", local="127.0.0.1")


@pytest.mark.parametrize("names", ["a b", "a:80", "http://a", "a,,b", "a.*", "*a"])
def test_names_that_are_none_are_refused(names: str) -> None:
    with pytest.raises(SettingsError, match="STOREWATCH_HOSTS"):
        load_settings(hosts=names)
