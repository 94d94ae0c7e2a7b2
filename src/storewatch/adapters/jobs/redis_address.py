"""Where a job board on Redis lies, and what of that may be shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from storewatch.errors import SettingsError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

SCHEMES = {"redis": "redis", "rediss": "rediss", "valkey": "redis", "valkeys": "rediss"}
TLS_OPTIONS = frozenset(
    {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)

_FORM = (
    "write redis://user:password@host:6379/0 (or rediss://, valkey://, valkeys://), with %-escapes "
    "where user or password hold other than letters and digits; after a ? may stand prefix=name"
)


@dataclass(frozen=True, kw_only=True)
class RedisAddress:
    """A server, a database on it and the hash tag of the board's keys; as text: without user and password."""

    url: str = field(repr=False)  # for the driver
    tag: str
    shown: str

    def __str__(self) -> str:
        return self.shown

    @classmethod
    def from_url(cls, url: str) -> RedisAddress:
        """Read a URL. Raises SettingsError, which shows nothing of it, if it is not of the form."""
        try:
            parts = urlsplit(url)
            shown = _shown(parts)
        except ValueError:  # its text would show a part of the password
            raise _wrong() from None
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        prefix = options.pop("prefix", "storewatch")
        scheme = SCHEMES[parts.scheme]
        known = TLS_OPTIONS if scheme == "rediss" else frozenset[str]()
        if (
            not parts.hostname
            or parts.fragment
            or not re.fullmatch(r"/?\d*", parts.path)
            or not re.fullmatch(r"[\w.-]+", prefix, re.ASCII)
            or not options.keys() <= known
        ):
            raise _wrong()
        plain = parts._replace(scheme=scheme, query=urlencode(options))
        return cls(url=urlunsplit(plain), tag=f"{{{prefix}}}", shown=shown)

    def without_secrets(self, text: str) -> str:
        """Return the text without the URL's password: a server may repeat what it did not understand."""
        password = urlsplit(self.url).password
        for secret in {password, unquote(password)} if password else ():
            text = text.replace(secret, "…")
        return text


def _shown(parts: SplitResult) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or 6379}{parts.path}"


def _wrong() -> SettingsError:
    return SettingsError(f"the job board's address is not of the form that it must have: {_FORM}")
