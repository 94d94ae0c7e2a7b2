"""Report shelves in a cloud's object store, with links that the store itself answers."""

from __future__ import annotations

import math
import os
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store, from_url

from storewatch.adapters.shelf.credentials import Credentials, aws_credentials, check_others
from storewatch.adapters.shelf.objects import KEY, ObjectShelf, answering, checked
from storewatch.errors import Port, SettingsError, UnavailableError
from storewatch.ports.risks import Risk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from obstore import Attributes
    from obstore.store import AzureStore, ClientConfig, GCSStore, RetryConfig, S3Config, S3Credential

    CloudStore = S3Store | GCSStore | AzureStore
    Opener = Callable[[ClientConfig, RetryConfig], CloudStore]

CONNECT = timedelta(seconds=1)
SILENCE = timedelta(seconds=2)  # in mid-answer; a store that is silent for longer is away
SLOWEST = 2_000_000  # bytes a second that an upload must make
LONGEST = timedelta(days=1)  # of a download: whoever reads it may be slow

# A retry begins within the first second or not at all, so that a store that is away is known within three.
READING: RetryConfig = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=1),
    "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(milliseconds=400)},
}
# An answer that says no, like a 503, has written nothing: it is asked again. The driver does so after some
# lost answers too, and takes what it wrote at first for another's: who publishes takes another key then.
WRITING: RetryConfig = {
    "max_retries": 9,
    "retry_timeout": timedelta(seconds=3),
    "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(milliseconds=400)},
}

SINGLE = 1 << 25  # bytes; the most that one request writes
PART = 1 << 23  # bytes of a part of what is larger
PARTS = 2  # on their way at a time

CONTENT_TYPES = {".csv": "text/csv; charset=utf-8", ".json": "application/json"}


def open_s3(url: str, *, public_endpoint: str | None, ambient: bool) -> CloudShelf:
    """Open the shelf at `s3://bucket/prefix`; nothing is sent yet. See `open_shelf` for the rest."""
    bucket, prefix = _place(url)
    credentials = aws_credentials(os.environ, ambient=ambient)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    endpoint = _endpoint(region)
    if public_endpoint:
        check_endpoint("STOREWATCH_REPORTS_PUBLIC_ENDPOINT", public_endpoint)
    opener = partial(_s3, bucket=bucket, prefix=prefix, region=region, credentials=credentials)
    return CloudShelf(
        partial(opener, endpoint=endpoint),
        public=partial(opener, endpoint=public_endpoint or endpoint),
        place=f"bucket {bucket} at {endpoint}",
        credentials=credentials,
    )


def open_cloud(url: str, *, ambient: bool) -> CloudShelf:
    """Open the shelf at `gs://bucket/prefix` or `az://container/prefix`. See `open_shelf` for the rest."""
    bucket, prefix = _place(url)
    scheme = urlsplit(url).scheme
    check_others(scheme, os.environ, ambient=ambient)

    def opener(client: ClientConfig, retry: RetryConfig) -> CloudStore:
        try:
            store = from_url(f"{scheme}://{bucket}/{prefix}", client_options=client, retry_config=retry)
        except BaseError as error:
            raise SettingsError(f"reports on {scheme}:// cannot be used: {_first_line(error)}") from error
        return store  # type: ignore[return-value]  # by its scheme

    return CloudShelf(opener, public=opener, place=f"bucket {bucket}", credentials=Credentials())


def _s3(
    client: ClientConfig,
    retry: RetryConfig,
    *,
    bucket: str,
    prefix: str,
    region: str,
    endpoint: str,
    credentials: Credentials,
) -> S3Store:
    """Open a bucket; pass all on, for the driver takes an empty variable of the environment for set."""
    # The first of these goes before the second, and both before the environment.
    config: S3Config = {
        "aws_endpoint_url_s3": endpoint,
        "endpoint": endpoint,
        "region": region,
        "skip_signature": False,
    }
    given: S3Credential = {
        "access_key_id": credentials.key or "",
        "secret_access_key": credentials.secret or "",
        "token": credentials.token,
        "expires_at": None,
    }
    return S3Store(
        bucket,
        prefix=prefix or None,
        config=config,
        client_options={**client, "allow_http": endpoint.startswith("http:")},
        retry_config=retry,
        credential_provider=(lambda: given) if credentials.key else None,
    )


class CloudShelf(ObjectShelf):
    """A report shelf in a bucket, whose links the cloud answers."""

    def __init__(self, opener: Opener, *, public: Opener, place: str, credentials: Credentials) -> None:
        """Open the place by `opener`, with different patience, and by `public` as clients see it."""
        client: ClientConfig = {"connect_timeout": CONNECT, "read_timeout": SILENCE, "timeout": LONGEST}
        super().__init__(opener(client, READING))
        self._opener = opener
        self._place = place
        self._credentials = credentials
        self._signing = public(client, READING)
        self._writing: dict[int, CloudStore] = {}

    def publish(self, key: str, pieces: Iterable[bytes]) -> None:
        """Write pieces at `key`, whole or not at all; ConflictError if something is there.

        What is larger than `SINGLE` goes up in parts, which the driver cannot make create-only: of two that
        begin at once under one key the last one stays. Nobody does, for a key is of one attempt.
        """
        name = PurePosixPath(checked(key)).name
        attributes: Attributes = {"Content-Disposition": f'attachment; filename="{name}"'}
        if content_type := CONTENT_TYPES.get(PurePosixPath(name).suffix):
            attributes["Content-Type"] = content_type
        coming = iter(pieces)
        begun = _first(coming, SINGLE)
        with answering(key, absent=f"the report shelf cannot be used: there is no {self._place}"):
            if len(begun) <= SINGLE:
                obstore.put(
                    self._writer(len(begun)),
                    key,
                    begun,
                    mode="create",
                    use_multipart=False,
                    attributes=attributes,
                )
            elif self.size(key) is None:
                obstore.put(
                    self._writer(PART),
                    key,
                    chain([begun], coming),
                    chunk_size=PART,
                    max_concurrency=PARTS,
                    attributes=attributes,
                )
            else:
                raise AlreadyExistsError

    def _writer(self, size: int) -> CloudStore:
        """Return a store with patience for `size` bytes; powers of two, so that few are opened."""
        seconds = 1 << (1 + size // SLOWEST).bit_length()
        if seconds not in self._writing:
            client: ClientConfig = {"connect_timeout": CONNECT, "timeout": timedelta(seconds=seconds)}
            self._writing[seconds] = self._opener(client, WRITING)
        return self._writing[seconds]

    def link(self, key: str, *, seconds: int) -> str | None:
        """Return a link to `key` that anyone may use for `seconds`, or until `links_end` if that is sooner.

        Nothing is sent for it, unless the credentials are those of a role and must be fetched.
        """
        with answering(checked(key)):
            return obstore.sign(self._signing, "GET", key, timedelta(seconds=self._left(seconds)))

    def _left(self, seconds: int) -> int:
        end = self.links_end()
        left = seconds if end is None else min(seconds, math.floor(end - time.time()))
        if left < 1:
            raise UnavailableError(
                "the credentials of the report shelf have expired: give it new ones", port=Port.SHELF
            )
        return left

    def links_end(self) -> float | None:
        """Return when all links end at the latest (seconds since 1970), None where that is not known."""
        return self._credentials.end

    def warnings(self) -> dict[Risk, str]:
        """Return that links end with the credentials, if they are temporary."""
        if not self._credentials.is_temporary:
            return {}
        end = self.links_end()
        when = "often within an hour" if end is None else f"at {datetime.fromtimestamp(end, UTC):%FT%TZ}"
        ends = f"the report shelf's credentials are temporary, and links to reports end with them, {when}"
        return {Risk.TEMPORARY: f"{ends}: STOREWATCH_REPORTS_LINKS=app makes links that live their time"}


def _first(pieces: Iterator[bytes], size: int) -> bytes:
    """Take pieces until there are more than `size` bytes, or no more."""
    taken = bytearray()
    while len(taken) <= size and (piece := next(pieces, None)) is not None:
        taken += piece
    return bytes(taken)


def _place(url: str) -> tuple[str, str]:
    """Return bucket and prefix."""
    parts = urlsplit(url)
    prefix = parts.path.strip("/")
    is_plain = KEY.fullmatch(f"{parts.netloc}/{prefix}".rstrip("/")) and "@" not in parts.netloc
    if not is_plain or not parts.netloc or ".." in prefix or parts.query or parts.fragment:
        # It is not shown: somebody may have put a password into it.
        raise SettingsError(
            f"the report shelf's address must be like {parts.scheme}://bucket/prefix, in letters, digits, "
            "., _ and -, without a user, port or query"
        )
    return parts.netloc, prefix


def _endpoint(region: str) -> str:
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if given := os.environ.get(name):
            check_endpoint(name, given)
            return given.rstrip("/")
    return f"https://s3.{region}.amazonaws.com"


def check_endpoint(name: str, url: str) -> None:
    """Refuse an endpoint that is none: only scheme, host and port. SettingsError, which does not show it."""
    parts = urlsplit(url)
    rest = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in {"http", "https"} or not parts.hostname or rest:
        raise SettingsError(
            f"{name} must be like https://s3.example.org or http://host:8333, without user, path or query"
        )


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
