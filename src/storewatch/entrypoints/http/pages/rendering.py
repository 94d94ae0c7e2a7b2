"""Templates to answers: a strict policy, nothing from elsewhere, and errors that people can read."""

from __future__ import annotations

import gzip
import hashlib
import time
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from fastapi.responses import Response
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException

from storewatch import __version__
from storewatch.domain.instant import iso
from storewatch.entrypoints.http.kept import LEVEL, MARK, Made
from storewatch.entrypoints.http.problems import IS_PAGE
from storewatch.entrypoints.http.tokens import CALLER, Scope
from storewatch.entrypoints.wording import age, duration, long_date

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Mapping

    from fastapi import Request

    from storewatch.entrypoints.http.kept import KeptPages

ASSETS = Path(__file__).parent / "assets"
STALE_SECONDS = 2 * 3_600  # polls come about once an hour: older figures miss some
SWAGGER = frozenset({"swagger-ui-bundle.js", "swagger-ui.css"})
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

PACKED = {"text/html", *MEDIA_TYPES.values()}
LEAST_PACKED = 1_000  # bytes: what is smaller is one packet anyway

_OWN = ("style-src", "img-src", "script-src", "connect-src", "form-action")
POLICY = "; ".join(
    ["default-src 'none'", *(f"{what} 'self'" for what in _OWN), "base-uri 'none'", "frame-ancestors 'none'"]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    # Addresses of stores and reports are nobody else's business; without any, our own forms had no origin.
    "Referrer-Policy": "same-origin",
}

_ERRORS = {  # what it is called, and what to do
    403: ("Not allowed", ""),
    404: ("Nothing here", "Check the address, or start from one of the pages above."),
    405: ("Not a page", ""),
    422: ("That does not work", "Change the address, or go back and choose again."),
    429: ("Too many reports are waiting", "The list of reports shows how far they are."),
    500: ("Something went wrong", "Try again. If it keeps happening, tell whoever runs this service."),
    503: ("Not answering", "This page tries again by itself every few seconds."),
}


def page(template: str, content: Mapping[str, object], *, status: int = 200) -> Response:
    """Return a page made of a template and what it names."""
    text = _environment().get_template(f"{template}.html").render({**caller(), **content})
    return Response(text, status, HEADERS, "text/html; charset=utf-8")


def kept_page(
    pages: KeptPages, template: str, key: Hashable, make: Callable[[], tuple[int, Mapping[str, object]]]
) -> Response:
    """Return a page that is made once for all who look and may do the same.

    Args:
        pages: Where pages are kept.
        template: What it is made of.
        key: Names all that decides what the template names.
        make: Gives that, and as of when (seconds since 1970 UTC) it is.
    """
    who = caller()

    def made() -> Made:
        as_of, content = make()
        text = _environment().get_template(f"{template}.html").render({**who, "aged": MARK, **content})
        return Made(text=text, as_of=as_of)

    found = pages.get((template, key, *who.values()), made, _aged)
    answer = Response(found.plain, 200, HEADERS, "text/html; charset=utf-8")
    answer.gzipped = found.gzipped  # type: ignore[attr-defined]
    return answer


def _aged(as_of: int) -> str:
    words = as_of_words(as_of)
    return f'<span class="age{" stale" if words["is_stale"] else ""}">{words["age"]}</span>'


def caller() -> dict[str, object]:
    """Return what a page says of who looks, and what they may do."""
    token = CALLER.get()
    return {
        "signed_in": token and token.name,
        "may_trigger": token is None or token.scope.covers(Scope.TRIGGER),
        "may_annotate": token is None or token.scope.covers(Scope.ANNOTATE),
    }


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"long_date": long_date, "duration": duration, "iso": iso}
    environment.globals.update(
        version=__version__,
        asset_url=asset_url,
        list_url=list_url,
        store_url=store_url,
        report_url=report_url,
        pinned={},
    )
    return environment


@cache
def asset_url(name: str) -> str:
    """Return a file's address; what the file holds is part of it, so caches may keep it."""
    return f"/assets/{name}?{hashlib.sha256(asset_bytes(name)).hexdigest()[:12]}"


def asset_bytes(name: str) -> bytes:
    """Return a file of ours, or of Swagger UI; FileNotFoundError for any other name."""
    if name in SWAGGER:
        return (files("fastapi_offline") / "static" / name).read_bytes()
    path = ASSETS / name
    if path not in set(ASSETS.iterdir()):
        raise FileNotFoundError(name)
    return path.read_bytes()


def store_url(store_id: str, pinned: Mapping[str, str] | None = None) -> str:
    """Return the address of a store's page, of the report that `pinned` names."""
    if store_id.strip(".") == "":  # browsers take /stores/.. for another folder
        return f"/stores/?{urlencode({'id': store_id, **(pinned or {})})}"
    query = f"?{urlencode(pinned)}" if pinned else ""
    return f"/stores/{quote(store_id, safe='')}{query}"


def as_of_words(as_of: int) -> dict[str, object]:
    """Return what a page shows of an as-of: how old it is, and whether that is too old to be of much use."""
    old = time.time() - as_of
    return {"as_of": iso(as_of), "age": age(old), "is_stale": old > STALE_SECONDS}


def list_url(pinned: Mapping[str, str], **wanted: str) -> str:
    """Return the address of the list of the stores that are wanted, in the report that `pinned` names."""
    return f"/stores?{urlencode({**wanted, **pinned})}"


def pages_of(count: int, *, rows: int, shown: int) -> int:
    """Return how many pages of so many rows a list has.

    Raises:
        HTTPException: 404, the one to be shown is beyond the last.
    """
    last = max(1, -(-count // rows))
    if shown > last:
        raise HTTPException(404, f"There is no page {shown:,}: the last one is page {last:,}.")
    return last


def report_url(report_id: str) -> str:
    """Return the address of a report's page."""
    return f"/reports/{report_id}"


class PageRoute(APIRoute):
    """A route whose errors are pages, too, whoever asks."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler."""
        handle = super().get_route_handler()

        async def packed(request: Request) -> Response:
            request.scope[IS_PAGE] = True
            return _packed(request, await handle(request))

        return packed


def _packed(request: Request, answer: Response) -> Response:
    """Compress an answer that is text for browsers, if the one who asks can read that."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if kind not in PACKED or len(answer.body) < LEAST_PACKED:
        return answer
    answer.headers["Vary"] = "Accept-Encoding"
    if "gzip" in request.headers.get("accept-encoding", ""):
        kept = getattr(answer, "gzipped", None)
        answer.body = gzip.compress(bytes(answer.body), LEVEL, mtime=0) if kept is None else kept
        answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Content-Length"] = str(len(answer.body))
    return answer


def error_page(status: int, text: str) -> Response:
    """Return a page that says what went wrong, and what to do."""
    title, advice = _ERRORS.get(status, (HTTPStatus(status).phrase, ""))
    begin = text[:1] if "=" in text.partition(" ")[0] else text[:1].upper()  # of an address: to the letter
    sentence = f"{begin}{text[1:]}{'' if text.endswith(('.', '?')) else '.'}"
    content = {"title": title, "text": sentence, "advice": advice, "is_away": status == 503}  # noqa: PLR2004
    return page("error", content, status=status)
