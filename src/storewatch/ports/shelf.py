"""The report shelf: where finished reports lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from storewatch.ports.risks import Risk


class ReportShelf(Protocol):
    """Where finished reports lie, by key: `part/part/part` of ASCII letters, digits, `.`, `_` and `-`.

    A key with `..`, or whose part begins with a dot, is an InputError.
    """

    def publish(self, key: str, pieces: Iterable[bytes]) -> None:
        """Write all pieces at `key`, whole or not at all; ConflictError if something is there.

        Some megabytes of them are held at a time. After an UnavailableError it may be there, or come there
        yet. A ConflictError may mean what this very call has written, its answer lost on the way.
        """
        ...

    def size(self, key: str) -> int | None:
        """Return the bytes at `key`, None if nothing is there."""
        ...

    def read(self, key: str) -> Iterator[bytes]:
        """Return the bytes at `key` in pieces; UnavailableError at once if nothing is there."""
        ...

    def sweep(self, prefix: str, *, keep: str | None) -> int:
        """Remove all below the folder `prefix` but the folder or key `keep`, half-written pieces too.

        Returns how many were removed.
        """
        ...

    def entries(self) -> Iterator[tuple[str, float]]:
        """Yield the keys of all that lies here, and when each was written (seconds since 1970)."""
        ...

    def link(self, key: str, *, seconds: int) -> str | None:
        """Return a link by which anyone may download `key` under its name for `seconds` (at most 7 days).

        None: this shelf has no links, the app serves its reports. Whether something is there is not asked.
        """
        ...

    def links_end(self) -> float | None:
        """Return when all links end, however long they were to live (seconds since 1970); None: not known."""
        ...

    def warnings(self) -> Mapping[Risk, str]:
        """Return what whoever runs the service should know, a sentence each."""
        ...
