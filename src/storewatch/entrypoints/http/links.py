"""Signed links to reports: whoever has one may download that file until it expires, without credentials."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from itsdangerous import Signer

if TYPE_CHECKING:
    from collections.abc import Callable


class Links:
    """Makes links that expire, and checks them."""

    def __init__(self, secret: str, *, lifetime: int, clock: Callable[[], float] = time.time) -> None:
        """Sign with `secret`; a link lives `lifetime` seconds by `clock`, which gives seconds since 1970."""
        self._signer = Signer(secret, salt="storewatch.report-link", digest_method=hashlib.sha256)
        self.lifetime = lifetime
        self._clock = clock

    def make(self, base: str, report_id: str, file_name: str) -> str:
        """Return an absolute link below `base` to a report's file."""
        path = report_path(report_id, file_name)
        expires = str(int(self._clock()) + self.lifetime)
        query = urlencode({"expires": expires, "signature": self._sign(path, expires)})
        return f"{base.rstrip('/')}{path}?{query}"

    def is_valid(self, report_id: str, file_name: str, *, expires: str, signature: str) -> bool:
        """Say whether we made this link, to the letter, and it has not expired."""
        # The texts are compared, not what they decode to: the last letter of base64 has spare bits.
        genuine = self._sign(report_path(report_id, file_name), expires)
        is_ours = hmac.compare_digest(genuine.encode("ascii"), signature.encode("utf-8", "backslashreplace"))
        return is_ours and self._clock() < int(expires)

    def _sign(self, path: str, expires: str) -> str:
        return self._signer.get_signature(_text(path, expires)).decode("ascii")


def report_path(report_id: str, file_name: str) -> str:
    """Return the path under which a report's file is downloaded."""
    return f"/reports/{report_id}/{file_name}"


def _text(path: str, expires: str) -> bytes:
    return f"{path}\n{expires}".encode("utf-8", "backslashreplace")
