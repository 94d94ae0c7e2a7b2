"""The poll store: polls, business hours and zones, loaded in commits and read as of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import polars as pl

    from storewatch.domain.facts import Facts


@dataclass(frozen=True, kw_only=True)
class LoadSummary:
    """What a load changed, in counts and in meaning."""

    load: str  # its name, also that of its rejects file
    version: str  # of the poll store after it
    polls: int = 0  # polls given and good
    new_polls: int = 0  # of these, not known before
    stores: int = 0  # stores named by the load
    new_stores: int = 0
    hours_new: int = 0  # stores that had no hours and got some
    hours_replaced: tuple[str, ...] = ()  # stores whose hours differ now
    fewer_days: tuple[str, ...] = ()  # of these, open on fewer days of the week now
    kept_hours: tuple[str, ...] = ()  # had a rejected hours row, keep what they had
    part_hours: tuple[str, ...] = ()  # had a rejected hours row and no hours before: the good rows were taken
    zones_changed: int = 0
    always_open: int = 0  # stores of the poll store without hours: counted as open all the time
    empty_rows: int = 0  # hours rows with end = start: closed (R2)


@dataclass(frozen=True, kw_only=True)
class Load:
    """One load: the facts of all its files, and the stores whose hours it must not half replace (R1)."""

    name: str
    facts: Facts
    tainted: frozenset[str] = field(default_factory=frozenset)  # stores with a rejected hours row


class Source(Protocol):
    """Where facts come from: a poll store, or facts in memory."""

    def version(self) -> str:
        """Name the present state; under this name the same is read later, whatever is loaded since."""
        ...

    def newest(self, version: str) -> int | None:
        """Return the newest poll's instant in microseconds since 1970 UTC, None without polls."""
        ...

    def scan(
        self, version: str, *, since: int | None, until: int, store_ids: Sequence[str] | None = None
    ) -> Facts:
        """Read all hours, zones and store names, and the polls of `since` ≤ at ≤ `until`.

        Both in microseconds since 1970 UTC; `since` None: from the first poll on. With `store_ids`: only what
        is about these stores, which is far cheaper for a few; `stores` has those of them that are known.
        """
        ...

    def stores(self, version: str) -> pl.Series:
        """Return the ids of all stores that any load named, String, sorted."""
        ...


class PollStore(Source, Protocol):
    """Polls, business hours and zones: loaded in one commit, read as of one version."""

    def load(self, load: Load) -> LoadSummary:
        """Commit all of a load or nothing; loads at once end as if one had run after the other."""
        ...

    def retention(self, before: date) -> list[str]:
        """Drop the parts of the polls that are over before a day (UTC) and return their names, oldest first.

        Stores, hours and zones stay. A version from before is refused where it needs what was dropped.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...
