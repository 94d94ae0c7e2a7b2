"""Who we are to a cloud: read from its own environment variables, never looked up unless asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from storewatch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

# What says that credentials are to be fetched for a role of the machine or pod.
_ROLE = (
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
_OTHERS = {
    "gs": (
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_SERVICE_ACCOUNT",
        "GOOGLE_SERVICE_ACCOUNT_PATH",
        "GOOGLE_SERVICE_ACCOUNT_KEY",
    ),
    "az": (
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_SAS_KEY",
        "AZURE_CLIENT_SECRET",
        "AZURE_FEDERATED_TOKEN_FILE",
    ),
}
_AMBIENT = "STOREWATCH_REPORTS_AMBIENT_CREDENTIALS=true to have the metadata service asked"


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Credentials, or leave to fetch some."""

    key: str | None = None  # None: the driver has them
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    is_temporary: bool = False  # links end with them
    end: float | None = None  # seconds since 1970, where it is known


def aws_credentials(environment: Mapping[str, str], *, ambient: bool) -> Credentials:
    """Return the credentials for S3; an empty variable is as if it were not set.

    Raises:
        SettingsError: There are none and nothing says where to fetch them, or they are not whole.
    """
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        return _given(environment, key=key, secret=secret)
    if key or secret:
        missing = "AWS_SECRET_ACCESS_KEY" if key else "AWS_ACCESS_KEY_ID"
        raise SettingsError(f"reports on s3:// need AWS_ACCESS_KEY_ID and its secret: {missing} is not set")
    if not ambient and not any(map(environment.get, _ROLE)):
        wanted = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise SettingsError(f"reports on s3:// need credentials: set {wanted}, or {_AMBIENT}")
    _check_role(environment)
    return Credentials(is_temporary=True)


def _given(environment: Mapping[str, str], *, key: str, secret: str) -> Credentials:
    token = environment.get("AWS_SESSION_TOKEN") or None
    end = environment.get("AWS_CREDENTIAL_EXPIRATION") if token else None
    return Credentials(
        key=key,
        secret=secret,
        token=token,
        is_temporary=token is not None,
        end=_instant(end) if end else None,
    )


def _check_role(environment: Mapping[str, str]) -> None:
    if environment.get("AWS_WEB_IDENTITY_TOKEN_FILE") and not environment.get("AWS_ROLE_ARN"):
        raise SettingsError("AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN: set both, or neither")
    # The driver would sign with nothing.
    if any(environment.get(name) == "" for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")):
        raise SettingsError("AWS_ACCESS_KEY_ID or its secret is set but empty: unset both to use a role")


def _instant(text: str) -> float:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise SettingsError("AWS_CREDENTIAL_EXPIRATION must be an instant like 2026-11-24T18:00:00Z")
    return instant.timestamp()


def check_others(scheme: str, environment: Mapping[str, str], *, ambient: bool) -> None:
    """Refuse Google's or Azure's storage without credentials, for the driver would look for some.

    Raises:
        SettingsError: None of the variables is set, and `ambient` does not allow to look.
    """
    names = _OTHERS[scheme]
    if not ambient and not any(map(environment.get, names)):
        raise SettingsError(
            f"reports on {scheme}:// need credentials: set one of {', '.join(names)}, or {_AMBIENT}"
        )
