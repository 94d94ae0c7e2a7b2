"""Opening a bucket, and signing links to it, without any network: which credentials, which endpoint."""

from __future__ import annotations

import os
import socket
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from storewatch.adapters.shelf import open_shelf
from storewatch.errors import InputError, SettingsError, UnavailableError
from storewatch.ports.risks import Risk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.ports.shelf import ReportShelf

URL = "s3://reports/some/prefix"
KEYS = {"AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": "hush-hush"}
ROLE = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/none/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/reports"}


@pytest.fixture(autouse=True)
def _no_clouds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Yield what listens where the cloud should be, and its metadata service; it answers nobody."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        lead_to(listener, monkeypatch)
        yield listener


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield an endpoint at a port that is taken but not listened on; the metadata service is there too."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield lead_to(holder, monkeypatch)


def lead_to(one: socket.socket, monkeypatch: pytest.MonkeyPatch) -> str:
    endpoint = f"http://127.0.0.1:{one.getsockname()[1]}"
    for name in ("AWS_ENDPOINT_URL", "AWS_METADATA_ENDPOINT", "AWS_STS_ENDPOINT"):
        monkeypatch.setenv(name, endpoint)
    return endpoint


def opened(monkeypatch: pytest.MonkeyPatch, **environment: str) -> ReportShelf:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return open_shelf(URL)


def link_to(shelf: ReportShelf, *, seconds: int = 60) -> tuple[str, dict[str, str]]:
    """Return a link without its query, and its query."""
    link = shelf.link("j1/1/a.csv", seconds=seconds)
    assert link
    parts = urlsplit(link)
    query = {name: value for name, (value,) in parse_qs(parts.query).items()}
    return parts._replace(query="").geturl(), query


def test_opening_and_signing_ask_nobody(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    place, query = link_to(opened(monkeypatch, **KEYS))
    assert urlsplit(place).port == listener.getsockname()[1]
    assert urlsplit(place).path == "/reports/some/prefix/j1/1/a.csv"
    assert query["X-Amz-Credential"].startswith("a-key/")
    assert query["X-Amz-Expires"] == "60"
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_server_that_is_not_there_is_unavailable_and_its_error_shows_no_secret(
    deaf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnavailableError, match=r"j1/1/a\.csv") as caught:
        opened(monkeypatch, **KEYS).publish("j1/1/a.csv", [b"x"])
    assert deaf in str(caught.value)
    assert "hush" not in str(caught.value)


def test_without_an_endpoint_it_is_the_one_of_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    place, query = link_to(opened(monkeypatch, **KEYS, AWS_REGION="eu-west-1"))
    assert place.startswith("https://s3.eu-west-1.amazonaws.com/reports/")
    assert "/eu-west-1/" in query["X-Amz-Credential"]


def test_an_empty_variable_is_as_if_it_were_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = dict.fromkeys(("AWS_SESSION_TOKEN", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"), "")
    place, query = link_to(opened(monkeypatch, **KEYS, **empty))
    assert place.startswith("https://s3.us-east-1.amazonaws.com/reports/")
    assert "X-Amz-Security-Token" not in query


def test_the_public_endpoint_is_in_links_whatever_the_service_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "http://inside:8333")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    shelf = open_shelf(URL, public_endpoint="https://files.example.org")
    assert link_to(shelf)[0] == "https://files.example.org/reports/some/prefix/j1/1/a.csv"


def test_a_key_that_could_lead_elsewhere_is_not_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no key"):
        opened(monkeypatch, **KEYS).link("../secrets", seconds=60)


# --- credentials ----------------------------------------------------------------------------------------


def test_without_credentials_nothing_is_looked_up_and_the_error_names_the_variables() -> None:
    with pytest.raises(SettingsError) as caught:
        open_shelf(URL)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "STOREWATCH_REPORTS_AMBIENT_CREDENTIALS"):
        assert name in str(caught.value)


@pytest.mark.parametrize("missing", KEYS)
def test_half_of_the_credentials_is_an_error_that_names_the_other_half(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match=f"{missing} is not set"):
        opened(monkeypatch, **{name: value for name, value in KEYS.items() if name != missing})


def test_a_role_is_taken_where_the_pod_or_the_operator_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_shelf(URL, ambient=True).warnings().keys() == {"temporary"}
    assert opened(monkeypatch, **ROLE).warnings().keys() == {"temporary"}
    assert opened(monkeypatch, **ROLE).links_end() is None


def test_half_of_a_role_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="AWS_ROLE_ARN"):
        opened(monkeypatch, **{**ROLE, "AWS_ROLE_ARN": ""})


@pytest.mark.parametrize("name", KEYS)
def test_an_empty_key_beside_a_role_is_an_error_for_links_would_be_signed_with_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match="unset"):
        opened(monkeypatch, **ROLE, **{name: ""})


def test_a_role_whose_credentials_can_not_be_fetched_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(UnavailableError, match="token"):
        link_to(opened(monkeypatch, **ROLE))


def test_keys_go_before_a_role(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = opened(monkeypatch, **KEYS, **ROLE)
    assert link_to(shelf)[1]["X-Amz-Credential"].startswith("a-key/")
    assert shelf.warnings() == {}


# --- temporary credentials ------------------------------------------------------------------------------

TOKEN = {**KEYS, "AWS_SESSION_TOKEN": "a-token"}


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def test_a_link_ends_no_later_than_its_temporary_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    end = time.time() + 50_000
    shelf = opened(monkeypatch, **TOKEN, AWS_CREDENTIAL_EXPIRATION=iso(end))
    assert shelf.links_end() == pytest.approx(end)
    _, query = link_to(shelf, seconds=86_400)
    assert query["X-Amz-Security-Token"] == "a-token"
    assert end - time.time() - 1 <= int(query["X-Amz-Expires"]) <= 50_000
    assert link_to(shelf, seconds=60)[1]["X-Amz-Expires"] == "60"


def test_that_links_end_early_is_a_warning_that_says_when_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unknown = opened(monkeypatch, **TOKEN).warnings()[Risk.TEMPORARY]
    known = opened(monkeypatch, AWS_CREDENTIAL_EXPIRATION="2030-01-01T00:00:00Z").warnings()[Risk.TEMPORARY]
    assert "STOREWATCH_REPORTS_LINKS=app" in unknown
    assert "2030-01-01T00:00:00Z" in known


def test_no_link_is_made_with_credentials_that_have_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = opened(monkeypatch, **TOKEN, AWS_CREDENTIAL_EXPIRATION=iso(time.time() - 1))
    with pytest.raises(UnavailableError, match="expired"):
        link_to(shelf)


@pytest.mark.parametrize("end", ["soon", "2030-01-01T00:00:00"])
def test_an_end_of_credentials_that_is_no_instant_is_refused(
    end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match="AWS_CREDENTIAL_EXPIRATION"):
        opened(monkeypatch, **TOKEN, AWS_CREDENTIAL_EXPIRATION=end)


# --- addresses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "s3:",
        "s3://",
        "s3:///prefix",
        "s3:bucket",
        "s3://user:hunter2@bucket/prefix",
        "s3://bucket:9000/prefix",
        "s3://bucket/a/../b",
        "s3://bucket/a b",
        "s3://bucket/a?region=x",
        "s3://bucket/a#b",
    ],
)
def test_an_address_that_is_no_bucket_and_prefix_is_refused_and_not_shown(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="s3://bucket/prefix") as caught:
        open_shelf(url)
    assert "hunter2" not in str(caught.value)


ENDPOINTS = ["inside:8333", "ftp://inside", "http://", "http://user:hunter2@inside", "http://inside/path"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_endpoint_that_is_none_is_refused_and_not_shown(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match="AWS_ENDPOINT_URL must be") as caught:
        opened(monkeypatch, **KEYS, AWS_ENDPOINT_URL=endpoint)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["gs", "az"])
def test_other_clouds_are_not_asked_for_credentials_unless_that_is_wanted(scheme: str) -> None:
    with pytest.raises(SettingsError, match="STOREWATCH_REPORTS_AMBIENT_CREDENTIALS"):
        open_shelf(f"{scheme}://reports/prefix")


def test_other_clouds_sign_links_with_the_keys_of_their_own_variables(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")
    place, query = link_to(open_shelf("az://reports/some/prefix"))
    assert place == "https://account.blob.core.windows.net/reports/some/prefix/j1/1/a.csv"
    assert query["sp"] == "r"


@pytest.mark.parametrize("url", ["gs://reports", "az://reports", "file:reports"])
def test_a_public_endpoint_is_for_s3_alone(url: str) -> None:
    with pytest.raises(SettingsError, match="s3:// alone"):
        open_shelf(url, public_endpoint="https://files.example.org")
