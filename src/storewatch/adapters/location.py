"""Where a URL points: its scheme, and the local path of `scheme:///absolute` or `scheme:relative`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from storewatch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection


def scheme_of(url: str) -> str:
    """Return the part of `url` before the first colon, in lower case; "" without a colon."""
    scheme, colon, _ = url.partition(":")
    return scheme.lower() if colon else ""


def local_path(url: str) -> Path:
    """Return the path that `url` names on this machine, %-escapes undone.

    `scheme:///abs/path` is absolute, `scheme:rel/path` is relative to the working directory. Raises
    SettingsError for a host (`scheme://host/…`) and for no path at all.
    """
    rest = url.partition(":")[2]
    if rest.startswith("//"):
        rest = rest.removeprefix("//")
        if not rest.startswith("/"):
            scheme = scheme_of(url)
            raise SettingsError(
                f"{shown(url)!r} names a host: write {scheme}:///abs/path or {scheme}:relative/path"
            )
    if not rest:
        raise SettingsError(f"{url!r} names no path: write {scheme_of(url)}:///abs/path")
    return Path(unquote(rest))


def shown(url: str) -> str:
    """Return `url` without what may be a secret: user and password, query and fragment."""
    plain = re.sub(r"[?#].*", "", url, flags=re.DOTALL)
    # Up to the last @: a password in which it was not written as %40 may hold slashes too.
    plain = re.sub(r"(?<=://).*@", "", plain, flags=re.DOTALL)
    return plain if "@" not in plain else f"{scheme_of(url)}:…"


def unknown_scheme(what: str, url: str, known: Collection[str]) -> SettingsError:
    """Return the error for a `url` that no adapter of a `what` answers to."""
    return SettingsError(
        f"no {what} is known for {shown(url)!r}: its scheme must be one of {', '.join(known)}"
    )
