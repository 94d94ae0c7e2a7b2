"""Who may: every call of the OpenAPI document without a token, with a wrong one, and with each scope."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from calls import check_problem, served
from service import FILE_NAME, Service, eventually, free_port, small_facts
from storewatch.config import load_settings
from storewatch.entrypoints.http.app import create_app
from storewatch.entrypoints.http.tokens import Scope, Tokens
from storewatch.main import app

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DOCUMENT: dict[str, Any] = app.openapi()
CALLS = [(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods]
UNKNOWN = "06757268c878488d846aee30a8101cae"
PARAMETERS = {
    "report_id": UNKNOWN,
    "file_name": FILE_NAME,
    "message": "hello",
    "store_id": "001",
    "annotation_id": "n",
}
OPEN = {"/healthz", "/readyz", "/reports/{report_id}/{file_name}"}
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def needed(method: str, path: str) -> Scope | None:
    """Return what a call needs, by the sentence that the docs have for it."""
    if path in OPEN:
        return None
    if path.startswith("/v1/annotations") and method != "GET":
        return Scope.ANNOTATE
    if method == "DELETE":
        return Scope.ADMIN
    return Scope.TRIGGER if method == "POST" or path == "/trigger_report" else Scope.READ


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """A service that asks for tokens, and its tokens by scope."""

    client: httpx.Client
    tokens: Tokens
    secrets: dict[Scope, str]

    def call(self, method: str, path: str, secret: str | None = None, **options: Any) -> httpx.Response:
        """Make a call with a token, or without one."""
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        return self.client.request(
            method, path, headers={**headers, **options.pop("headers", {})}, timeout=60, **options
        )

    def sign_in(self, secret: str, following: str = "/") -> httpx.Response:
        """Send the form."""
        return self.call("POST", "/sign-in", data={"token": secret, "following": following})

    def session(self, scope: Scope) -> dict[str, str]:
        """Sign in and return the cookie as a header; the client itself keeps none."""
        answer = self.sign_in(self.secrets[scope])
        assert answer.status_code == 303, answer.text
        self.client.cookies.clear()
        return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    home = tmp_path_factory.mktemp("auth") / "home"
    Service(home=home, folder=home).load(small_facts())
    tokens = Tokens(home / "tokens")
    secrets = {scope: tokens.new(f"a-{scope}", scope) for scope in Scope}
    with served(create_app(load_settings(home=home, workers=0, auth="tokens"))) as client:
        yield Guarded(client=client, tokens=tokens, secrets=secrets)


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_a_call_is_refused_without_the_token_that_it_needs(guarded: Guarded, method: str, path: str) -> None:
    need, address = needed(method, path), path.format(**PARAMETERS)
    for secret in (None, "sw_wrong", "x"):
        answer = guarded.call(method, address, secret)
        if need is None:
            assert answer.status_code != 401
        else:
            assert "token" in check_problem(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"
    for scope, secret in guarded.secrets.items():
        answer = guarded.call(method, address, secret)
        if need is None:
            assert "scope" not in answer.text
        elif scope.covers(need):
            assert answer.status_code not in {401, 403}, answer.text
        else:
            assert f"of the scope {need}" in check_problem(answer, 403)


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_the_document_says_of_each_call_what_it_needs(method: str, path: str) -> None:
    operation = DOCUMENT["paths"][path][method.lower()]
    scopes = {scope for way in operation["security"] for found in way.values() for scope in found}
    need = needed(method, path)
    assert scopes == (set() if need is None else {need})
    assert {"401", "403"} <= operation["responses"].keys() or need is None
    assert all(
        way.keys() <= DOCUMENT["components"]["securitySchemes"].keys() for way in operation["security"]
    )


def test_scopes_nest() -> None:
    assert [[scope.covers(need) for need in Scope] for scope in Scope] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]


def test_the_author_of_an_annotation_is_the_name_of_the_token(guarded: Guarded) -> None:
    said = {
        "store_id": "001",
        "start_utc": "2023-01-25T00:00:00Z",
        "counts_as": "excluded",
        "reason": "moving",
    }
    secret = guarded.secrets[Scope.ANNOTATE]
    made = guarded.call("POST", "/v1/annotations", secret, json=said)
    assert (made.status_code, made.json()["author"]) == (201, "a-annotate")
    other = guarded.call("POST", "/v1/annotations", secret, json=said | {"author": "somebody else"})
    assert "the name of the token, a-annotate" in check_problem(other, 422)


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/metrics", "/nothing", "/v1", "/docs/", "//"])
def test_what_is_no_call_needs_read_too(guarded: Guarded, path: str) -> None:
    assert guarded.call("GET", path).status_code == 401
    assert guarded.call("GET", path, guarded.secrets[Scope.READ]).status_code not in {401, 403}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "CONNECT", "FROB"])
def test_a_method_that_nobody_thought_of_is_closed(guarded: Guarded, method: str) -> None:
    assert guarded.call(method, "/v1/reports").status_code in {400, 401}


def test_a_token_is_taken_from_the_header_alone(guarded: Guarded) -> None:
    secret = guarded.secrets[Scope.ADMIN]
    for headers in (
        {"Authorization": f"Basic {secret}"},
        {"Authorization": secret},
        {"Authorization": f"Bearer{secret}"},
        {"Authorization": f"Bearer {secret}x"},
        {"Cookie": f"storewatch_session={secret}"},
    ):
        check_problem(guarded.call("GET", "/v1/reports", headers=headers), 401)
    assert guarded.call("GET", f"/v1/reports?token={secret}").status_code == 401
    assert (
        guarded.call("GET", "/v1/reports", headers={"Authorization": f"bearer {secret}"}).status_code == 200
    )


def test_a_signed_link_downloads_without_a_token_and_v1_does_not(tmp_path: Path) -> None:
    service = Service(home=tmp_path / "home", folder=tmp_path, settings={"auth": "tokens"})
    service.load(small_facts())
    secret = Tokens(service.home / "tokens").new("both", Scope.TRIGGER)
    bearer = {"Authorization": f"Bearer {secret}"}
    try:
        service.start()
        report_id = httpx.post(f"{service.url}/trigger_report", headers=bearer).json()["report_id"]

        def complete() -> str | None:
            answer = service.get(f"/get_report/{report_id}", headers=bearer)
            return answer.json().get("url")  # type: ignore[no-any-return]

        url = eventually("the report is complete", complete)
        path = f"/v1/reports/{report_id}/download"
        assert httpx.get(url).content == service.get(path, headers=bearer).content
        check_problem(service.get(path), 401)
        check_problem(httpx.get(url.partition("?")[0], headers=bearer), 403)
        assert secret not in service.output
    finally:
        service.close()


def test_a_new_token_is_taken_and_a_removed_one_is_not_without_a_restart(guarded: Guarded) -> None:
    secret = guarded.tokens.new("short-lived", Scope.READ)
    assert guarded.call("GET", "/v1/reports", secret).status_code == 200
    cookie = guarded.sign_in(secret).headers["set-cookie"].partition(";")[0]
    guarded.client.cookies.clear()
    assert guarded.call("GET", "/v1/reports", headers={"Cookie": cookie}).status_code == 200

    guarded.tokens.remove("short-lived")
    check_problem(guarded.call("GET", "/v1/reports", secret), 401)
    check_problem(guarded.call("GET", "/v1/reports", headers={"Cookie": cookie}), 401)

    guarded.tokens.new("short-lived", Scope.READ)
    check_problem(guarded.call("GET", "/v1/reports", headers={"Cookie": cookie}), 401)


def test_a_file_of_tokens_that_was_spoilt_lets_nobody_in(guarded: Guarded) -> None:
    path = guarded.tokens._path
    kept = path.read_text()
    try:
        path.write_text("nonsense\n")
        check_problem(guarded.call("GET", "/v1/reports", guarded.secrets[Scope.ADMIN]), 503)
    finally:
        path.write_text(kept)
    assert guarded.call("GET", "/v1/reports", guarded.secrets[Scope.ADMIN]).status_code == 200


def test_the_port_of_the_figures_asks_for_no_token_and_has_nothing_else(tmp_path: Path) -> None:
    port = free_port()
    service = Service(
        home=tmp_path / "home",
        folder=tmp_path,
        settings={"auth": "tokens", "workers": "0"},
        command=("-m", "storewatch.entrypoints.cli", "serve", "--metrics-port", str(port)),
    )
    try:
        service.start()
        check_problem(service.get("/metrics"), 401)
        figures = f"http://127.0.0.1:{port}"
        assert "storewatch_queue_length" in httpx.get(f"{figures}/metrics").text
        assert httpx.get(f"{figures}/healthz").json() == {"status": "ok"}
        for path in ("/", "/v1/reports", "/trigger_report"):
            assert httpx.get(figures + path).status_code == 404
        assert "there are no tokens" in service.output
    finally:
        service.close()


# ---------------------------------------------------------------- people


@pytest.mark.parametrize("path", ["/", "/stores", "/stores/001", f"/reports/{UNKNOWN}", "/docs"])
def test_a_page_is_the_sign_in_form_and_no_figure(guarded: Guarded, path: str) -> None:
    answer = guarded.call("GET", path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert '<form class="card sign-in" action="/sign-in" method="post">' in answer.text
    assert f'name="following" value="{path}"' in answer.text
    assert not re.search("uptime</span>|Last reports|001</|swagger", answer.text)


def test_signing_in_leads_to_the_page_that_was_asked_for(guarded: Guarded) -> None:
    answer = guarded.sign_in(guarded.secrets[Scope.READ], "/stores/001?a=b")
    guarded.client.cookies.clear()
    assert answer.status_code == 303
    assert answer.headers["location"] == "/stores/001?a=b"
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert guarded.secrets[Scope.READ] not in cookie
    page = guarded.call("GET", "/stores/001", headers={"Cookie": cookie.partition(";")[0]})
    assert page.status_code == 200
    assert "Store <span" in page.text


@pytest.mark.parametrize("following", ["//evil.example", "/\\evil.example", "https://evil.example", "", "x"])
def test_signing_in_leads_to_no_other_site(guarded: Guarded, following: str) -> None:
    answer = guarded.sign_in(guarded.secrets[Scope.READ], following)
    guarded.client.cookies.clear()
    assert answer.headers["location"] == "/"


def test_a_wrong_token_is_told_on_the_form_and_not_repeated(guarded: Guarded) -> None:
    answer = guarded.sign_in("sw_a-wrong-token")
    assert answer.status_code == 401
    assert "This token is not valid" in answer.text
    assert "sw_a-wrong-token" not in answer.text
    assert "set-cookie" not in answer.headers


def test_signing_out_ends_the_session_in_the_browser(guarded: Guarded) -> None:
    session = guarded.session(Scope.READ)
    page = guarded.call("GET", "/", headers=session)
    assert '<form class="sign-out" action="/sign-out" method="post">' in page.text
    answer = guarded.call("POST", "/sign-out", headers=session)
    assert answer.headers["location"] == "/"
    assert 'storewatch_session=""' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_a_session_of_read_sees_no_button_and_may_not_press_it(guarded: Guarded) -> None:
    session = guarded.session(Scope.READ)
    assert 'action="/reports"' not in guarded.call("GET", "/reports", headers=session).text
    answer = guarded.call("POST", "/reports", headers=session | BROWSER)
    assert answer.status_code == 403
    assert "of the scope trigger" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_a_session_presses_the_button_and_changes_nothing_else(guarded: Guarded) -> None:
    session = guarded.session(Scope.ADMIN)
    assert guarded.call("POST", "/reports", headers=session).status_code == 303
    for method, path in (
        ("GET", "/trigger_report"),
        ("POST", "/trigger_report"),
        ("POST", "/v1/reports"),
        ("DELETE", f"/v1/reports/{UNKNOWN}"),
    ):
        check_problem(guarded.call(method, path, headers=session), 401)


@pytest.mark.parametrize("cookie", ["", "x", "WyJhLWFkbWluIiwgIiJd.aaaa.bbbb", "\xff"])
def test_a_forged_session_is_none(guarded: Guarded, cookie: str) -> None:
    headers = [(b"Cookie", b"storewatch_session=" + cookie.encode("latin-1"))]
    assert httpx.get(guarded.client.base_url.join("/v1/reports"), headers=headers).status_code == 401


def test_the_cookie_is_for_https_alone_where_the_public_address_is(tmp_path: Path) -> None:
    settings = load_settings(
        home=tmp_path / "home", workers=0, auth="tokens", public_url="https://reports.example.org"
    )
    secret = Tokens(settings.tokens_file).new("me", Scope.READ)
    with served(create_app(settings)) as client:
        answer = client.post("/sign-in", data={"token": secret})
        assert "Secure" in answer.headers["set-cookie"].split("; ")


# ---------------------------------------------------------------- without tokens


def test_by_default_nobody_is_asked_for_a_token(tmp_path: Path) -> None:
    with served(create_app(load_settings(home=tmp_path / "home", workers=0))) as client:
        for method, path in CALLS:
            answer = client.request(method, path.format(**PARAMETERS))
            assert answer.status_code != 401
        assert client.get("/sign-in").headers["location"] == "/"
        assert "sign-out" not in client.get("/").text
