"""The settings: one frozen model, read from the environment (`STOREWATCH_…`)."""

from __future__ import annotations

import difflib
import math
import os
import re
import secrets
import stat
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from storewatch.errors import SettingsError, SettingsWarning
from storewatch.whole import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PREFIX = "STOREWATCH_"
# What Kubernetes sets by itself for a service that is called storewatch, or storewatch-…
_OF_KUBERNETES = re.compile(rf"{PREFIX}(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)")
SHORTEST_SECRET = 16  # characters
OF_RAY = "ray:auto or ray:local?workers=2"
ENGINES = f"local:, {OF_RAY}"
LONGEST_LINK = 7 * 86_400  # seconds; S3 refuses links that live longer


def _below(data: dict[str, Any], scheme: str, name: str) -> SecretStr:
    return SecretStr(f"{scheme}:{quote(str(data['home'] / name))}")


def _public_url(url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    is_plain = parts.netloc and not ("@" in url or parts.query or parts.fragment)
    if parts.scheme not in {"http", "https"} or not is_plain:
        raise ValueError("must be an http(s) address without user or query, like https://reports.example.org")
    return url.rstrip("/")


def _hosts(names: str | None) -> str | None:
    for name in (names or "").split(","):
        if names is not None and not re.fullmatch(r"\*|(\*\.)?[\w.-]+|\[[\da-fA-F:.]+\]", name.strip()):
            raise ValueError("must be names without port, like reports.example.org,*.example.net, or *")
    return names


def _contact(given: str | None) -> str | None:
    if given is None or re.fullmatch(r"https?://[^\s/]\S*|[^\s@/:?&]+@[^\s@/:?&]+", given):
        return given
    raise ValueError("must be an e-mail address or an http(s) address, like uptime@example.org")


def _engine_url(url: str) -> str:
    if "@" in url:  # a password, which would be shown
        raise ValueError(f"must be {ENGINES}")
    return url


class Settings(BaseSettings):
    """Everything that can be set. A field `x` is set by the environment variable `STOREWATCH_X`."""

    # Unknown variables of the environment pass, with a warning; an unknown name in code is an error.
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", env_ignore_empty=True)

    home: Path = Path("storewatch-data")
    """The folder below which everything is kept that has no address of its own."""
    polls_url: SecretStr = Field(default_factory=lambda data: _below(data, "delta", "polls"))
    """Where polls, business hours and zones are kept: the poll store."""
    jobs_url: SecretStr = Field(default_factory=lambda data: _below(data, "sqlite", "jobs.sqlite"))
    """Where report jobs are kept: the job board."""
    reports_url: SecretStr = Field(default_factory=lambda data: _below(data, "file", "reports"))
    """Where finished reports are kept: the report shelf."""
    reports_links: Literal["direct", "app"] = "direct"
    """Whether a report's link leads to its shelf, where that can sign links, or to the app."""
    reports_public_endpoint: Annotated[str | None, AfterValidator(_public_url)] = None
    """Where clients reach the S3 server, if not where the service does."""
    reports_ambient_credentials: bool = False
    """Ask the cloud's metadata service for credentials if none are given."""
    public_url: Annotated[str | None, AfterValidator(_public_url)] = None
    """The address under which clients reach the service; unset: that of each request."""
    polls_query: str | None = Field(default=None, repr=False)
    """A SELECT for polls in tables of your own: store_id, status, timestamp_utc."""
    hours_query: str | None = Field(default=None, repr=False)
    """The same for business hours: store_id, day, start_time_local, end_time_local."""
    zones_query: str | None = Field(default=None, repr=False)
    """The same for zones: store_id, timezone_str."""
    exceptions_query: str | None = Field(default=None, repr=False)
    """The same for dates that differ: store_id, date, start_time_local, end_time_local."""
    annotations_query: str | None = Field(default=None, repr=False)
    """The same for annotations: start_utc, counts_as, made_at, and who they are about."""
    labels_query: str | None = Field(default=None, repr=False)
    """The same for names and targets of stores: store_id, store_name; further columns are labels."""
    annotations_beside: bool = False
    """Keep annotations in a schema of our own beside tables of yours, which are only read."""
    engine_url: Annotated[str, AfterValidator(_engine_url)] = "local:"
    """Where the slices of a report are computed: on the cores of this machine, or in a Ray cluster."""
    workers: int = Field(default=1, ge=0, le=256)
    """Worker processes of a service; 0: others compute its reports."""
    lease_seconds: float = Field(default=15, ge=0.3, le=3_600)
    """How long a silent worker keeps its job before another may take it."""
    attempt_seconds: float = Field(default=900, gt=0, le=604_800)
    """How long one attempt at a report may take before it is killed."""
    statement_seconds: float = Field(default=60, ge=0.1, le=604_800)
    """How long a poll store on a server may take to answer one statement of a report."""
    patience: float = Field(default=3_600, ge=0, le=604_800)
    """How long a report waits for a store that does not answer, in seconds, before it fails."""
    link_seconds: int = Field(default=86_400, ge=1, le=LONGEST_LINK)
    """How long a report's link works; at most 7 days."""
    retention_seconds: int = Field(default=LONGEST_LINK, ge=1)
    """How long an ended job and its report are kept; at least as long as a link works."""
    grace_seconds: float = Field(default=20, ge=0, le=3_600)
    """How long ending may take: a report in hand is finished in it, or handed back."""
    drain_seconds: float = Field(default=0, ge=0, le=1_800)
    """How long a service that ends still answers as usual, but says that it is not ready.

    At most half of the grace.
    """
    secret: SecretStr | None = Field(default=None, min_length=SHORTEST_SECRET)
    """What links and sessions are signed with; unset: made once and kept in the home folder.

    Services behind one address need the same.
    """
    secret_old: SecretStr | None = Field(default=None, min_length=SHORTEST_SECRET)
    """What they were signed with before: still taken, so that a new secret ends no link."""

    auth: Literal["none", "tokens"] = "none"
    """Who may call the service: whoever reaches it, or who has a token."""
    tokens_file: Path = Field(default_factory=lambda data: data["home"] / "tokens")
    """Where the hashes of tokens are kept."""
    hosts: Annotated[str | None, AfterValidator(_hosts)] = None
    """The names by which the service may be called, with commas; *: any.

    Unset: bound to loopback, that and the public address, else any.
    """

    contact: Annotated[str | None, AfterValidator(_contact)] = None
    """Whom to ask about wrong figures: an e-mail address or a web page, which the pages of stores name."""

    body_limit: int = Field(default=8 * 2**20, ge=1)
    """How many bytes a call's body may have."""
    store_ids_limit: int = Field(default=100_000, ge=1)
    """How many stores a report may be asked of; all of them always may."""
    store_id_limit: int = Field(default=512, ge=1)
    """How many bytes an id may have in such an ask."""
    queue_limit: int = Field(default=1_000, ge=1)
    """How many reports may wait before no more is taken."""
    token_queue_limit: int = Field(default=250, ge=1)
    """How many of them may be of one token, at each instance."""
    connection_limit: int = Field(default=512, ge=1)
    """How many connections a service holds at once."""
    client_seconds: float = Field(default=30, gt=0)
    """How long a client may take to send a request, or to go on taking an answer."""

    @field_validator("hours_query", "zones_query", "exceptions_query", "annotations_query", "labels_query")
    @classmethod
    def _has_polls_query(cls, query: str | None, info: ValidationInfo) -> str | None:
        if query and not info.data.get("polls_query"):
            raise ValueError(f"is set without {PREFIX}POLLS_QUERY: set that too")
        return query

    @field_validator("annotations_beside")
    @classmethod
    def _is_beside(cls, beside: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - as pydantic calls it
        if beside and info.data.get("annotations_query"):
            raise ValueError(
                f"is set with {PREFIX}ANNOTATIONS_QUERY: they come from one place, unset the other"
            )
        if beside and not info.data.get("polls_query"):
            raise ValueError(f"is set without {PREFIX}POLLS_QUERY: a poll store of its own keeps them anyway")
        return beside

    @field_validator("retention_seconds")
    @classmethod
    def _outlives_links(cls, seconds: int, info: ValidationInfo) -> int:
        if seconds < (link := info.data.get("link_seconds", 0)):
            raise ValueError(f"must not be shorter than a link works: {link} s by {PREFIX}LINK_SECONDS")
        return seconds

    @field_validator("drain_seconds")
    @classmethod
    def _leaves_time(cls, seconds: float, info: ValidationInfo) -> float:
        if seconds > (grace := info.data.get("grace_seconds", math.inf)) / 2:
            raise ValueError(f"must be at most half of {PREFIX}GRACE_SECONDS, which is {grace:g} s")
        return seconds

    def environment(self) -> dict[str, str]:
        """Return the environment that gives a worker these settings; no secret, which it never needs."""
        given = {name: value for name, value in self if value is not None}
        return {
            PREFIX + name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in given.items()
            if name not in {"secret", "secret_old", "public_url"}
        }


def load_settings(**given: Any) -> Settings:  # noqa: ANN401  the model checks each
    """Return the settings from the environment; what is `given` by name goes before it.

    Raises:
        SettingsError: One line that names each wrong setting; values are not shown, they may hold passwords.
    """
    for text in unknown_variables(os.environ):
        warnings.warn(text, SettingsWarning, stacklevel=2)
    try:
        return Settings(**given)
    except ValidationError as error:
        wrong = [f"{PREFIX}{'.'.join(map(str, e['loc'])).upper()}: {_reason(e)}" for e in _real(error)]
        raise SettingsError("; ".join(wrong)) from None  # pydantic's own text shows the values


def unknown_variables(environment: Iterable[str]) -> Iterator[str]:
    """Yield a sentence on each variable that is called like a setting and is none, with the nearest one."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known and not _OF_KUBERNETES.fullmatch(name):
            like = difflib.get_close_matches(name, known, n=1)
            yield f"{name} is no setting and does nothing" + (f": is it {like[0]}?" if like else "")


def _real(error: ValidationError) -> list[Any]:
    """Return the errors without those that only follow from a wrong `home`."""
    found = error.errors(include_url=False, include_input=False)
    return [e for e in found if e["type"] != "default_factory_not_called"]


def _reason(error: dict[str, Any]) -> str:
    return str(error["msg"]).removeprefix("Value error, ")


def signing_secrets(settings: Settings) -> list[str]:
    """Return what is signed with, and after it what was signed with before, if that is still taken.

    It is the setting, else the home folder's own `secret`, made at the first call; `secret.old` beside it.

    Raises:
        SettingsError: The home folder can neither be read nor written, or its secret is short or no secret.
    """
    if settings.secret is not None:
        found = [settings.secret, settings.secret_old]
        return [secret.get_secret_value() for secret in found if secret is not None]
    path = settings.home / "secret"
    old = settings.home / "secret.old"
    try:
        if not path.exists():
            make_home(settings)
            _create_secret(path)
        kept = [_kept_secret(file) for file in (path, old) if file.exists()]
    except OSError as error:
        raise SettingsError(
            f"no secret can be kept at {path} ({error.strerror}): set {PREFIX}SECRET, or another {PREFIX}HOME"
        ) from error
    return kept if settings.secret_old is None else [*kept, settings.secret_old.get_secret_value()]


def _kept_secret(path: Path) -> str:
    if path.stat().st_mode & stat.S_IRWXO:
        raise SettingsError(f"others can read {path}, which signs links: chmod 600 it, or remove it")
    secret = path.read_text("utf-8", errors="replace").strip()
    if len(secret) < SHORTEST_SECRET:
        raise SettingsError(
            f"{path} has fewer than {SHORTEST_SECRET} characters: remove it, and a new one is made"
        )
    return secret


def make_home(settings: Settings) -> None:
    """Make the home folder, for its owner alone; one that is there stays as it is.

    Raises:
        SettingsError: It cannot be made.
    """
    try:
        settings.home.parent.mkdir(parents=True, exist_ok=True)
        settings.home.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"the folder {settings.home} cannot be made ({error.strerror}): set another {PREFIX}HOME"
        ) from error


def _create_secret(path: Path) -> None:
    """Write a new secret; the first of several processes wins."""
    with suppress(FileExistsError), whole_file(path, mode=0o600, replace=False) as file:
        file.write(secrets.token_urlsafe(32).encode())
