"""When a report's link ends: after its lifetime, or with the credentials that signed it."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from storewatch.adapters.shelf import open_shelf
from storewatch.entrypoints.http.v1.reports import link_ends

if TYPE_CHECKING:
    import pytest

    from storewatch.entrypoints.http.services import Services

DAY = 86_400
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
TOKEN = KEYS | {"AWS_SESSION_TOKEN": "token"}


def services(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], *, is_direct: bool = True
) -> Services:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shelf = open_shelf("s3://bucket/prefix")
    return cast(
        "Services", SimpleNamespace(shelf=shelf, is_direct=is_direct, links=SimpleNamespace(lifetime=DAY))
    )


def test_a_link_by_lasting_keys_ends_after_its_lifetime(monkeypatch: pytest.MonkeyPatch) -> None:
    before = time.time()
    end = link_ends(services(monkeypatch, KEYS))
    assert end is not None
    assert before <= end - DAY <= time.time()


def test_a_link_by_temporary_credentials_ends_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    end = int(time.time()) + 600
    given = TOKEN | {"AWS_CREDENTIAL_EXPIRATION": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))}

    assert link_ends(services(monkeypatch, given)) == end


def test_where_credentials_tell_no_end_a_link_has_none_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert link_ends(services(monkeypatch, TOKEN)) is None


def test_a_link_through_the_app_ends_after_its_lifetime_always(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = services(monkeypatch, TOKEN, is_direct=False)
    before = time.time()
    end = link_ends(opened)
    assert end is not None
    assert before <= end - DAY <= time.time()
