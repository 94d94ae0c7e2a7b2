"""By which names the service may be called.

A page of a stranger can have its own name lead to 127.0.0.1 and so have a browser call a service there: what
it calls then bears the stranger's name. And links are made on the name that a call came by.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from storewatch.config import Settings

LOOPBACK = ("localhost", "*.localhost", "127.0.0.1", "[::1]")
_HEADER = re.compile(r"([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)


class Hosts:
    """The names by which the service may be called."""

    def __init__(self, settings: Settings, *, bound: str | None) -> None:
        """Take the settings, and the address that the service is bound to, None if somebody else bound it."""
        given = None if settings.hosts is None else [name.strip() for name in settings.hosts.split(",")]
        public = settings.public_url and urlsplit(settings.public_url).hostname
        self._bound = bound
        self._is_given = given is not None
        self._names = {name.lower() for name in [*(given or LOOPBACK), *([public] if public else [])]}

    @property
    def are_any(self) -> bool:
        """Whether the service may be called by any name."""
        return "*" in self._names or not (self._is_given or self._bound is None or is_loopback(self._bound))

    def take(self, header: str, *, local: str | None) -> bool:
        """Say whether a call with this `Host` is for us; `local` is the address at which it came in."""
        found = _HEADER.fullmatch(header)
        if found is None:
            return False
        if self.are_any or not (self._is_given or is_loopback(self._bound or local)):
            return True
        name = found[1].lower()
        parts = name.split(".")
        wider = {"*." + ".".join(parts[n:]) for n in range(1, len(parts))}
        return name in self._names or not self._names.isdisjoint(wider)


def is_loopback(address: str | None) -> bool:
    """Say whether an address can be reached from this machine alone."""
    if address is None or address == "localhost":
        return address is not None
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
