"""Sessions of people who signed in by a token: a signed cookie that names the token and says when."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from itsdangerous import BadData, URLSafeTimedSerializer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from storewatch.entrypoints.http.tokens import Token, Tokens

COOKIE = "storewatch_session"
SESSION_SECONDS = 12 * 3_600


class Sessions:
    """Signs people in and out. A session ends with its token, or after half a day."""

    def __init__(self, secrets: Sequence[str], tokens: Tokens, *, is_https: bool) -> None:
        """Sign with the first of `secrets`; over https alone where the public address is."""
        self.tokens = tokens
        self._is_https = is_https
        self._serializer = URLSafeTimedSerializer(
            [*reversed(secrets)],  # it signs with the last
            salt="storewatch.session",
            signer_kwargs={"digest_method": hashlib.sha256},
        )

    def begin(self, answer: Response, token: Token) -> None:
        """Have an answer begin a session of a token."""
        # The digest ends the session if another token takes the name; it is no way back to the token.
        content = self._serializer.dumps([token.name, token.digest])
        assert isinstance(content, str)  # noqa: S101  of a serializer to text
        answer.set_cookie(
            COOKIE, content, max_age=SESSION_SECONDS, httponly=True, samesite="lax", secure=self._is_https
        )

    def end(self, answer: Response) -> None:
        """Have an answer end the session."""
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=self._is_https)

    def token(self, cookie: str) -> Token | None:
        """Return the token that a session is of; None if it has ended, its token is gone, or it is forged."""
        try:
            name, digest = self._serializer.loads(cookie, max_age=SESSION_SECONDS)
        except (BadData, ValueError, TypeError):
            return None
        return next((t for t in self.tokens.all() if (t.name, t.digest) == (name, digest)), None)
