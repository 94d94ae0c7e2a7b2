"""Signed links to reports: whoever has one may download that file until it expires, without credentials."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from itsdangerous import Signer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Links:
    """Makes links that expire, and checks them."""

    def __init__(
        self, secrets: Sequence[str], *, lifetime: int, clock: Callable[[], float] = time.time
    ) -> None:
        """Sign with the first of `secrets` and take links that any of them signed.

        A link lives `lifetime` seconds by `clock`, which gives seconds since 1970.
        """
        self._signers = [
            Signer(secret, salt="storewatch.report-link", digest_method=hashlib.sha256) for secret in secrets
        ]
        self.lifetime = lifetime
        self._clock = clock

    def make(self, base: str, report_id: str, file_name: str) -> str:
        """Return an absolute link below `base` to a report's file."""
        path = report_path(report_id, file_name)
        expires = str(int(self._clock()) + self.lifetime)
        query = urlencode({"expires": expires, "signature": _sign(self._signers[0], path, expires)})
        return f"{base.rstrip('/')}{path}?{query}"

    def is_valid(self, report_id: str, file_name: str, *, expires: str, signature: str) -> bool:
        """Say whether we made this link, to the letter, and it has not expired."""
        # The texts are compared, not what they decode to: the last letter of base64 has spare bits.
        given = signature.encode("utf-8", "backslashreplace")
        path = report_path(report_id, file_name)
        genuine = [_sign(signer, path, expires).encode("ascii") for signer in self._signers]
        is_ours = any(hmac.compare_digest(text, given) for text in genuine)
        return is_ours and self._clock() < int(expires)


def report_path(report_id: str, file_name: str) -> str:
    """Return the path under which a report's file is downloaded."""
    return f"/reports/{report_id}/{file_name}"


def _sign(signer: Signer, path: str, expires: str) -> str:
    text = f"{path}\n{expires}".encode("utf-8", "backslashreplace")
    return signer.get_signature(text).decode("ascii")
