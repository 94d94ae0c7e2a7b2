"""The poll store: facts of all kinds, loaded in commits and read as of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import date

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from storewatch.domain.facts import Facts
    from storewatch.domain.packed import Keys
    from storewatch.domain.slices import Slice, Within


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
    hours_from: date | None = None  # from which the hours hold; None: for the past as well
    units: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # by further kind: new, replaced ones
    kept_dates: tuple[str, ...] = ()  # stores and dates with a rejected exception, which keep what they had
    new_labels: tuple[str, ...] = ()  # that no load gave before
    strangers: Mapping[str, int] = field(default_factory=dict)  # by kind: ids of the load that nothing names
    run_out: int = 0  # stores of the poll store whose hours have run out by the newest poll (R8)
    always_open: int = 0  # stores of the poll store without hours: counted as open all the time
    empty_rows: int = 0  # hours rows with end = start: closed (R2)


class PollsByDay(Protocol):
    """The polls of a load, which may be more than memory holds, to be taken day by day."""

    @property
    def stores(self) -> pl.Series:
        """The ids that they name, String, sorted, distinct."""
        ...

    @property
    def coded(self) -> pl.Series:
        """The same, Categorical."""
        ...

    def places(self, ids: pl.Series) -> NDArray[np.int64]:
        """Return the place among `stores` of each id, Categorical; how many they are for another one."""
        ...

    @property
    def days(self) -> Mapping[int, int]:
        """How many there are of each UTC day (days since 1970)."""
        ...

    @property
    def newest(self) -> int | None:
        """The newest one's instant in microseconds since 1970 UTC, None without polls."""
        ...

    def keys(self, day: int, within: range) -> Keys:
        """Return the settled polls of a day, of the stores with these places in `stores`, as sorted keys."""
        ...


@dataclass(frozen=True, kw_only=True)
class Load:
    """One load: the facts of all its files, and the units that it must not half replace (R1)."""

    name: str
    facts: Facts
    polls: PollsByDay | None = None  # in place of those of `facts`
    tainted: Mapping[str, pl.DataFrame] = field(default_factory=dict)  # by kind: units with a rejected row
    hours_from: date | None = None  # the first date of its hours; those that were held stay before it (R8)


@dataclass(frozen=True, kw_only=True)
class Rewritten:
    """A part of the poll store that was written anew, its rows the same."""

    part: str  # its name
    rows: int
    before: int  # files
    after: int


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How long who reads waits for a server."""

    seconds: float = 60.0  # for the answer to one statement
    is_over: Callable[[], bool] = lambda: (
        False
    )  # whether nobody needs the answer any more; asked while it waits


@dataclass(frozen=True, kw_only=True)
class Probe:
    """What a query gives, through which a team's own tables are read."""

    kind: str  # its name
    columns: tuple[str, ...]  # ours
    rows: tuple[tuple[str | None, ...], ...]  # the first three
    warning: str | None  # what makes it slow, and the remedy


@dataclass(frozen=True, kw_only=True)
class Amount:
    """About how much a scan of everything has to read."""

    stores: int = 0
    polls: int = 0


class Snapshot(Protocol):
    """One version of a source, open to be read: however long it is, nothing of it goes or changes.

    Several threads may read at once.
    """

    @property
    def version(self) -> str:
        """Its name."""
        ...

    @property
    def shared(self) -> str:
        """A name by which another process opens the same, for as long as this is open, whatever goes."""
        ...

    @property
    def newest(self) -> int | None:
        """The newest poll's instant in microseconds since 1970 UTC, None without polls."""
        ...

    @property
    def kept_since(self) -> int | None:
        """Before when retention dropped polls, microseconds since 1970 UTC; None: it dropped none."""
        ...

    def scan(self, *, since: int | None, until: int, within: Within = None) -> Facts:
        """Read all store names, the polls of `since` ≤ at ≤ `until`, and all rows of the other kinds.

        Both in microseconds since 1970 UTC; `since` None: from the first poll on. With `within`: only what is
        about these stores, which is far cheaper for a few; `stores` has those of them that are known.
        Rejected rows are about no store: of slices, the one that has no `first` has them.
        """
        ...

    def amount(self, *, since: int | None, until: int) -> Amount:
        """Return about how much `scan` has to read; nothing of what is in memory, or has to be, at once."""
        ...

    def slices(self, count: int) -> list[Slice]:
        """Return up to `count` slices, in order, that together hold all stores, about as many each."""
        ...

    def has(self, store_id: str) -> bool:
        """Say whether anything names the store."""
        ...

    def near(self, store_id: str) -> list[str]:
        """Return up to three ids of stores that are most like one that there is not."""
        ...


class Source(Protocol):
    """Where facts come from: a poll store, or facts in memory."""

    def at(self, version: str | None = None) -> AbstractContextManager[Snapshot]:
        """Open a version to be read, by default the present one.

        Neither loads nor retention touch what an open snapshot reads.

        Raises:
            InputError: There is no such version, or it is no longer kept.
        """
        ...


class PollStore(Source, Protocol):
    """Facts of all kinds: loaded in one commit, read as of one version."""

    def load(self, load: Load) -> LoadSummary:
        """Commit all of a load or nothing; loads at once end as if one had run after the other."""
        ...

    def version(self) -> str:
        """Name the present state; under this name the same is read later, whatever is loaded since."""
        ...

    def retention(self, before: date) -> list[str]:
        """Drop the parts of the polls that are over before a day (UTC) and return their names, oldest first.

        All else stays. A version from before is refused where it needs what was dropped.
        """
        ...

    def optimize(self) -> Sequence[Rewritten]:
        """Store anew what many loads have scattered, so that reports read it as if it had come at once.

        What is open or pinned stays as it is. No row changes.

        Raises:
            SettingsError: It is none that needs it.
        """
        ...

    def probe(self) -> Sequence[Probe]:
        """Try the queries through which it is read, if it is by any."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...
