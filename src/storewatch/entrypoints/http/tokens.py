"""Tokens: who may do what. Kept as hashes, a line each, in a file that is read again when it changes.

A token is 256 random bits, so one round of SHA-256 is enough: there is no dictionary to try.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from storewatch.errors import InputError, SettingsError
from storewatch.whole import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PREFIX = "sw_"  # so that a token is known for one wherever it turns up
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Scope(StrEnum):
    """What a token allows. In this order, each allows what those before it do."""

    READ = "read"  # look at reports, stores and figures
    TRIGGER = "trigger"  # have reports made
    ANNOTATE = "annotate"  # state what times count as, which changes figures
    ADMIN = "admin"  # cancel and remove them

    def covers(self, need: Scope) -> bool:
        """Say whether who has this scope may do what needs another."""
        order = list(Scope)
        return order.index(self) >= order.index(need)


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token as it is kept."""

    name: str
    scope: Scope
    digest: str  # SHA-256 of the token in hex
    created: str  # RFC 3339, UTC


CALLER: ContextVar[Token | None] = ContextVar("caller", default=None)  # whose token the call in hand is


class Tokens:
    """The tokens of a file; none if there is no file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_as: tuple[int, int, int] | None = None  # inode, size and time of what was read last
        self._tokens: list[Token] = []

    def all(self) -> list[Token]:
        """Return the tokens as the file has them now.

        Raises:
            SettingsError: The file cannot be read, or a line of it is no token.
        """
        try:
            now = self._path.stat()
            if (state := (now.st_ino, now.st_size, now.st_mtime_ns)) != self._read_as:
                self._tokens = self._read()
                self._read_as = state
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SettingsError(f"the tokens {self._path} cannot be read: {error.strerror}") from error
        return self._tokens

    def of(self, secret: str) -> Token | None:
        """Return the token that these are the letters of; each is compared in constant time."""
        digest = _digest(secret)
        found = [token for token in self.all() if hmac.compare_digest(token.digest, digest)]
        return found[0] if found else None

    def new(self, name: str, scope: Scope) -> str:
        """Add a token and return its letters, which nothing keeps.

        Raises:
            InputError: The name is no name, or is taken.
            SettingsError: The file cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f"{name!r} is no name: up to 64 letters, digits, dots, dashes and underscores")
        secret = PREFIX + secrets.token_urlsafe(32)
        created = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        with self._change():
            if name in {token.name for token in self.all()}:
                raise InputError(f"there is a token {name} already: take another name, or remove it first")
            token = Token(name=name, scope=scope, digest=_digest(secret), created=created)
            self._write([*self.all(), token])
        return secret

    def remove(self, name: str) -> None:
        """Remove a token, and with it what it let in.

        Raises:
            InputError: There is none of this name.
            SettingsError: The file cannot be written.
        """
        with self._change():
            kept = [token for token in self.all() if token.name != name]
            if len(kept) == len(self.all()):
                raise InputError(f"there is no token {name}: see `storewatch token list`")
            self._write(kept)

    def _read(self) -> list[Token]:
        lines = self._path.read_text("utf-8", errors="replace").splitlines()
        return [self._token(number, line) for number, line in enumerate(lines, 1) if line.strip()]

    def _token(self, number: int, line: str) -> Token:
        match line.split():
            case [name, scope, digest, created] if scope in list(Scope) and _DIGEST.fullmatch(digest):
                return Token(name=name, scope=Scope(scope), digest=digest, created=created)
        raise SettingsError(
            f"line {number} of the tokens {self._path} is no token: it needs a name, a scope "
            f"({', '.join(Scope)}), a SHA-256 in hex and a time; remove it, or make it anew by "
            "`storewatch token new`"
        )

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Keep other processes from changing the file meanwhile: a removed token must not come back."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                fcntl.flock(folder, fcntl.LOCK_EX)
                yield
            finally:
                os.close(folder)
        except OSError as error:
            raise SettingsError(f"the tokens {self._path} cannot be written: {error.strerror}") from error

    def _write(self, tokens: Iterable[Token]) -> None:
        with whole_file(self._path, mode=0o600) as file:
            file.writelines(f"{t.name} {t.scope} {t.digest} {t.created}\n".encode() for t in tokens)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "backslashreplace")).hexdigest()
