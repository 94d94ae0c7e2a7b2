"""What a report takes for granted for want of knowing (R2), and what looks odd in what it was made of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from storewatch.domain.instant import DAY, MICROSECONDS, WEEK, as_of_from_newest
from storewatch.domain.kinds import spoken_of
from storewatch.domain.slices import Slice, only
from storewatch.domain.validity import run_out
from storewatch.domain.zone import DEFAULT_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from storewatch.domain.facts import Facts
    from storewatch.domain.slices import Within

Instants: TypeAlias = NDArray[np.int64]  # microseconds since 1970 UTC

RUN_OUT = "have run out: no shift in the week before, so they count as closed"
_GAP = DAY  # seconds between the newest poll and the one before it, from which on it looks astray
_MISSED = 0.1  # of the stores with hours: where more have no polls, ids may miss each other
_FORMS = {  # of ids that miss each other, and the patterns that tell them
    "end in .0": r"\.0+$",
    "have spaces around them": r"^\s|\s$",
    "begin with zeros": r"^0",
    "begin with an apostrophe": r"^'",
    "have capital letters": r"[A-Z]",
}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Counts of what was read for the stores of a report, or of a slice of it; they add up."""

    stores: int
    with_hours: int
    with_zone: int
    polled_lately: int  # stores with a poll in the week before the as-of
    newest: tuple[
        int, ...
    ]  # the newest two instants with polls, microseconds since 1970 UTC, the newest first
    polled_alone: int  # stores with polls, and with neither hours nor zone
    hours_alone: int  # stores with hours and without polls
    forms: tuple[tuple[int, int], ...]  # of these two: how many ids have each form
    run_out: int  # stores with hours of which none makes a shift in the week before the as-of
    strangers: Mapping[str, int]  # by kind that only speaks of stores: ids that nothing names, if any (R7)

    @classmethod
    def of(cls, facts: Facts, store_ids: pl.Series, *, as_of: int, within: Within = None) -> Seen:
        """Count what was read, up to the as-of, for the report of some stores (String, distinct).

        Strangers are those of a range of ids; where some ids were read, there are none.
        """
        at = facts.polls["at"].to_physical().to_numpy()
        hours, zones = (_are_in(rows["store_id"], store_ids) for rows in (facts.hours, facts.zones))
        found, newest = _polled(facts.polls["store_id"], at)
        polled = _are_in(found, store_ids)
        late = found.filter(pl.Series(newest > (as_of - WEEK) * MICROSECONDS))
        alone = store_ids.filter(polled & ~hours & ~zones)
        unpolled = store_ids.filter(hours & ~polled)
        return cls(
            stores=len(store_ids),
            with_hours=int(hours.sum()),
            with_zone=int(zones.sum()),
            polled_lately=int(_are_in(late, store_ids).sum()),
            newest=_newest_two(at),
            polled_alone=len(alone),
            hours_alone=len(unpolled),
            forms=tuple((_count(alone, form), _count(unpolled, form)) for form in _FORMS.values()),
            run_out=int(_are_in(run_out(facts.hours, facts.zones, as_of), store_ids).sum()),
            strangers=_strangers(facts, store_ids, within),
        )

    @classmethod
    def joined(cls, parts: Sequence[Seen]) -> Seen:
        """Add up what was read for the parts of one report."""
        newest = sorted({at for part in parts for at in part.newest}, reverse=True)
        forms = np.array([part.forms for part in parts]).sum(axis=0).tolist()
        return cls(
            stores=sum(part.stores for part in parts),
            with_hours=sum(part.with_hours for part in parts),
            with_zone=sum(part.with_zone for part in parts),
            polled_lately=sum(part.polled_lately for part in parts),
            newest=tuple(newest[:2]),
            polled_alone=sum(part.polled_alone for part in parts),
            hours_alone=sum(part.hours_alone for part in parts),
            forms=tuple((alone, unpolled) for alone, unpolled in forms),
            run_out=sum(part.run_out for part in parts),
            strangers=dict(sum((Counter(part.strangers) for part in parts), Counter())),
        )

    def assumptions(self) -> Iterator[str]:
        """Yield a sentence on each thing that is not known and counts as something."""
        lacks = (
            (self.stores - self.with_hours, "no hours: counted as open all the time"),
            (self.stores - self.with_zone, f"no zone: {DEFAULT_ZONE}"),
        )
        yield from (
            f"{count:,} of {self.stores:,} stores {'has' if count == 1 else 'have'} {what}"
            for count, what in lacks
            if count
        )

    def doubts(self, as_of: int, *, newest: int | None) -> Iterator[str]:
        """Yield a sentence on each thing that looks odd, the most harmful first.

        Args:
            as_of: Of the report, seconds since 1970 UTC.
            newest: The newest poll of all, also of those that were not read, microseconds since 1970 UTC.
        """
        if self.newest[:1] == (newest,):
            yield from self._stray(as_of)
        if self.run_out:
            yield f"the hours of {self.run_out:,} of {self.stores:,} stores {RUN_OUT}"
        if 2 * self.polled_lately < self.stores:
            were = "was" if self.polled_lately == 1 else "were"
            yield f"{self.polled_lately:,} of {self.stores:,} stores {were} polled in the last week"
        yield from self.unjoined()
        if self.strangers:
            yield of_strangers(self.strangers)

    def unjoined(self) -> Iterator[str]:
        """Yield a sentence if the ids of polls and those of hours seem to miss each other."""
        missed = (
            self.hours_alone > _MISSED * self.with_hours
        )  # a fleet always has some stores that nobody polls
        if self.polled_alone and self.hours_alone and (missed or self._cause()):
            yield (
                f"{self.polled_alone:,} polled stores have neither hours nor zone while {self.hours_alone:,} "
                f"stores with hours have no polls: do the ids match?{self._cause()}"
            )

    def _stray(self, as_of: int) -> Iterator[str]:
        if len(self.newest) > 1 and as_of == as_of_from_newest(self.newest[0]):
            gap = (self.newest[0] - self.newest[1]) // MICROSECONDS
            if gap >= _GAP:
                days = gap // DAY
                yield (
                    f"the newest poll, which sets the as-of, is {days:,} day{'s' if days > 1 else ''} "
                    "after the one before it"
                )

    def _cause(self) -> str:
        """Name the form that the ids of one side have and those of the other have not."""
        for form, (alone, unpolled) in zip(_FORMS, self.forms, strict=True):
            if bool(alone) != bool(unpolled):
                return f" Those of the {'polls' if alone else 'hours'} {form}, those of the others do not"
        return ""


def of_strangers(counts: Mapping[str, int]) -> str:
    """Say how many ids of each kind nothing names."""
    counted = ", ".join(f"{count:,} in {kind}" for kind, count in counts.items())
    return f"ids that no polls, hours or zones name, and that have no row: {counted}"


def _strangers(facts: Facts, store_ids: pl.Series, within: Within) -> dict[str, int]:
    if within is not None and not isinstance(within, Slice):
        return {}
    found = {}
    for kind in spoken_of():
        ids = facts.of(kind)["store_id"].unique()
        ids = ids.filter((ids != "") & ~ids.is_in(store_ids.implode()))
        for named in facts.ids() if len(ids) else ():
            ids = ids.filter(~ids.is_in(named.unique().cast(pl.String).implode()))
        if count := len(only(ids.sort(), within)):
            found[kind.name] = count
    return found


def _are_in(ids: pl.Series, store_ids: pl.Series) -> pl.Series:
    """Say of each store of the report whether it is among some ids (String)."""
    return store_ids.is_in(ids.implode())


def _polled(ids: pl.Series, at: Instants) -> tuple[pl.Series, Instants]:
    """Return the ids (String, distinct) of a column of polls, and the newest instant of each.

    Args:
        ids: Categorical. Runs of equal ids (a file sorted by store) are cheap.
        at: Not negative.
    """
    codes = ids.to_physical().to_numpy()
    if not len(codes):
        return ids.cast(pl.String), at
    begins = np.append(0, np.flatnonzero(codes[1:] != codes[:-1]) + 1)
    runs = codes[begins]
    newest = np.full(int(runs.max()) + 1, -1)
    np.maximum.at(newest, runs, np.maximum.reduceat(at, begins))
    row = np.empty_like(newest)
    row[runs] = begins
    used = np.flatnonzero(newest >= 0)
    return ids.gather(row[used]).cast(pl.String), newest[used]


def _newest_two(at: Instants) -> tuple[int, ...]:
    if not len(at):
        return ()
    place = int(at.argmax())
    newest = int(at[place])
    before = max(int(part.max(initial=-1)) for part in (at[:place], at[place + 1 :]))
    if before == newest:
        before = int(at.compress(at < newest).max(initial=-1))
    return (newest,) if before < 0 else (newest, before)


def _count(ids: pl.Series, form: str) -> int:
    return int(ids.str.contains(form).sum()) if len(ids) else 0
