"""The embedded poll store: a Delta Lake table in a folder.

Loads run one after the other: each holds a lock on a file for as long as it reads, decides and commits. The
lock ends with its process, however that ends. Reading needs no lock: a version's files never change.
"""

from __future__ import annotations

import fcntl
import re
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from deltalake.exceptions import DeltaError

from storewatch.adapters.polls.delta_parts import append, compact, known_labels, known_rows, replace_rows
from storewatch.adapters.polls.delta_snapshot import (
    DeltaSnapshot,
    count_run_out,
    read_polls,
    read_stores,
)
from storewatch.adapters.polls.delta_table import (
    EMPTY,
    STORES,
    Commit,
    Version,
    brief,
    open_version,
    polls_part,
    sweep,
    vacuum,
)
from storewatch.adapters.polls.merge import decide, polls_of
from storewatch.domain.kinds import HOURS, replaced_kinds
from storewatch.domain.packed import first_key, news, pack_columns, pieces, span, unpack
from storewatch.domain.slices import Slice
from storewatch.errors import InputError, Port, SettingsError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.adapters.polls.merge import Change
    from storewatch.domain.packed import Keys
    from storewatch.ports.polls import Load, LoadSummary, PollsByDay, Probe, Rewritten

KEEP_HOURS = 48  # a report job that pinned a version has this long to read it

HELD = 2  # versions: the present one, and that of the report that is shown

_LOCK = "_loading.lock"  # Delta Lake leaves names alone that begin with an underscore
_VERSION = re.compile(r"delta:(\d{1,15})")


class DeltaPollStore:
    """All facts in a folder; a `PollStore`."""

    def __init__(self, root: Path, *, keep_hours: int = KEEP_HOURS) -> None:
        """Name the folder; it is made by the first load.

        Args:
            root: The folder.
            keep_hours: How long a version can be read after a load has replaced some of its files.

        Raises:
            SettingsError: The path has a sign in it that the driver takes for another path.
        """
        self._root = root.resolve()
        self._keep_hours = keep_hours
        self._held: dict[int, DeltaSnapshot] = {}  # by number, the versions that were opened last
        if re.search(r"[%\\]", str(self._root)):
            raise SettingsError(f"the poll store's folder {self._root} must not have % or \\ in its path")

    def load(self, load: Load) -> LoadSummary:
        """Commit a whole load or nothing of it; loads at once end as if one had run after the other."""
        with self._alone(), _loading_errors(self._root):
            base = open_version(self._root)
            sweep(base)
            return self._load(load, base)

    def _load(self, load: Load, base: Version) -> LoadSummary:
        polls = polls_of(load)
        stores = read_stores(base)
        change = decide(
            load,
            polled=polls.stores,
            known={kind.name: known_rows(base, kind, load) for kind in replaced_kinds()},
            stores=stores,
            labels=known_labels(base, load),
        )
        commit = Commit(base=base)
        new_polls = _add_polls(commit, polls)
        _add_change(commit, change)
        after = commit.run(load.name)
        if commit.removed:
            vacuum(after, keep_hours=self._keep_hours)
        return change.summary(
            load,
            polls=polls,
            version=after.name,
            new_polls=new_polls,
            always_open=len(stores) + len(change.stores) - after.stores_of(HOURS.name),
            run_out=count_run_out(after),
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait until no other load runs, and keep others waiting."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            file = (self._root / _LOCK).open("ab")
        except OSError as error:
            raise UnavailableError(
                f"the poll store in {self._root} cannot be written: {error.strerror}; "
                "give a folder that this user may write to",
                port=Port.POLLS,
            ) from error
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def version(self) -> str:
        """Name the present state; what is read under this name stays the same."""
        return self._hold(open_version(self._root)).version

    @contextmanager
    def at(self, version: str | None = None) -> Iterator[DeltaSnapshot]:
        """Open a version to be read, by default the present one; its files stay for as long as it is kept."""
        yield self._open(self.version() if version is None else version)

    def retention(self, before: date) -> list[str]:
        """Drop the UTC days of polls before a day, in one commit, and return their names, oldest first.

        All else stays. A version from before can be read for as long as it is kept.
        """
        with self._alone(), _loading_errors(self._root):
            base = open_version(self._root)
            sweep(base)
            gone = sorted({file.part for file in base.polls() if file.part < polls_part(_day(before))})
            commit = Commit(base=base)
            for part in gone:
                commit.remove(base.of(part))
            after = commit.run("retention", kept_since=_day(before))
            if gone:
                vacuum(after, keep_hours=self._keep_hours)
        return gone

    def optimize(self) -> list[Rewritten]:
        """Write parts of many or overlapping files anew, in one commit, and delete files that nobody reads.

        Open snapshots keep what they read, and so do versions for as long as they are kept.
        """
        with self._alone(), _loading_errors(self._root):
            base = open_version(self._root)
            sweep(base)
            commit = Commit(base=base, is_change=False)
            done = compact(commit, read_stores(base))
            vacuum(commit.run("optimize"), keep_hours=self._keep_hours)
        return done

    def probe(self) -> tuple[Probe, ...]:
        """Return nothing: it is read by no queries of others."""
        return ()

    def close(self) -> None:
        """Do nothing: no file stays open between two calls."""

    def _open(self, version: str) -> DeltaSnapshot:
        if version == EMPTY:
            return DeltaSnapshot(Version(root=self._root, number=-1))
        number = _VERSION.fullmatch(version)
        if not number:
            raise InputError(
                f"{version!r} is no version of the poll store in {self._root}: they are like delta:12"
            )
        held = self._held.get(int(number[1]))
        return self._hold(open_version(self._root, int(number[1]))) if held is None else held

    def _hold(self, table: Version) -> DeltaSnapshot:
        """Return a version as it was opened before, unless a backup has another one in its place."""
        held = self._held.get(table.number)
        if held is None or held.table.files != table.files:
            held = DeltaSnapshot(table)
            self._held = dict([*self._held.items(), (table.number, held)][-HELD:])
        return held


@contextmanager
def _loading_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, DeltaError, pl.exceptions.PolarsError) as error:
        raise UnavailableError(
            f"the load into the poll store in {root} was not finished: {brief(error)}; "
            "see to it that the disk has room, and load again: what is there already will not be doubled",
            port=Port.POLLS,
        ) from error


def _day(day: date) -> int:
    """Return a day as days since 1970."""
    return (day - date(1970, 1, 1)).days


def _add_polls(commit: Commit, polls: PollsByDay) -> int:
    """Add the polls that are not known yet and return how many they are."""
    added, names, coded = 0, polls.stores, polls.coded
    for day, count in polls.days.items():
        for within in pieces(len(names), count):
            keys = polls.keys(day, within)
            fresh = keys if not commit.base.of(polls_part(day)) else _news(commit.base, day, keys, polls)
            if len(fresh):
                added += len(fresh)
                append(commit, polls_part(day), unpack(day, fresh, coded))
    return added


def _news(base: Version, day: int, keys: Keys, polls: PollsByDay) -> Keys:
    """Return those of a day's keys that say something new, a range of stores at a time."""
    if not len(keys):
        return keys
    files = [file for file in base.of(polls_part(day)) if file.meets(*span(day, keys))]
    fresh, names = [keys[:0]], polls.stores
    for within in pieces(len(names), sum(file.rows for file in files)):
        own = keys[slice(*keys.searchsorted([first_key(within.start), first_key(within.stop)]))]
        if len(own):
            after = names[within.stop] if within.stop < len(names) else None
            stores = Slice(first=names[within.start], after=after)
            held = read_polls(base, files, *span(day, own), stores)
            place = polls.places(held["store_id"])
            ours = place < len(names)
            at, active = held["at"].to_physical().to_numpy(), held["active"].to_numpy()
            known = pack_columns(place[ours], at[ours], active[ours])
            fresh.append(news(own, known.get(day, own[:0])))
    return np.concatenate(fresh)


def _add_change(commit: Commit, change: Change) -> None:
    """Add what changes of each kind, and the stores not named before."""
    for kind in replaced_kinds():
        if len(change.kinds[kind.name].rows):
            replace_rows(commit, kind, change.kinds[kind.name])
    if len(change.stores):
        append(commit, STORES, pl.DataFrame({"store_id": change.stores}))
