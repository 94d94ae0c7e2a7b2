"""What a report was made of, in counts, and what had to be assumed for want of knowing (R2)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.assumed import Seen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storewatch.domain.facts import Facts
    from storewatch.domain.slices import Within


@dataclass(frozen=True, kw_only=True)
class Input:
    """The counts of what was read for a report; the assumptions are counted over the report's stores."""

    version: str  # of the source
    newest: int | None  # the newest poll of all, microseconds since 1970 UTC
    polls: int
    first: int | None  # the oldest and the newest poll that was read, microseconds since 1970 UTC
    last: int | None
    hours: int  # rows
    zones: int  # rows
    without_hours: int | None  # stores taken as open all the time; None: not known, of an old report
    without_zone: int | None  # stores taken as being in America/Chicago; the same
    assumptions: tuple[str, ...] = ()  # what counts as what for want of knowing, a sentence each
    doubts: tuple[str, ...] = ()  # what looks odd, a sentence each
    seen: Seen | None = field(default=None, compare=False)  # what these were drawn from; no file keeps it
    rejects: pl.DataFrame | None = None  # kind, reason, row: what the source holds that cannot be used

    @classmethod
    def of(
        cls, facts: Facts, store_ids: pl.Series, *, version: str, as_of: int, within: Within = None
    ) -> Input:
        """Count what was read of a range for the report of some stores (String, distinct)."""
        at = facts.polls["at"].to_physical()
        first, last = at.min(), at.max()
        assert first is None or isinstance(first, int)  # noqa: S101 - of integers
        assert last is None or isinstance(last, int)  # noqa: S101 - the same
        seen = Seen.of(facts, store_ids, as_of=as_of, within=within)
        return cls(
            version=version,
            newest=None,
            polls=len(at),
            first=first,
            last=last,
            hours=facts.hours.height,
            zones=facts.zones.height,
            without_hours=seen.stores - seen.with_hours,
            without_zone=seen.stores - seen.with_zone,
            seen=seen,
            rejects=facts.rejects,
        )

    @classmethod
    def joined(cls, parts: Sequence[Input], seen: Seen, *, newest: int | None, as_of: int) -> Input:
        """Add up what was read for the parts of one report, of a source with that newest poll."""
        rejects = [part.rejects for part in parts if part.rejects is not None]
        return replace(
            parts[0],
            newest=newest,
            polls=sum(part.polls for part in parts),
            first=min((part.first for part in parts if part.first is not None), default=None),
            last=max((part.last for part in parts if part.last is not None), default=None),
            hours=sum(part.hours for part in parts),
            zones=sum(part.zones for part in parts),
            without_hours=seen.stores - seen.with_hours,
            without_zone=seen.stores - seen.with_zone,
            assumptions=tuple(seen.assumptions()),
            doubts=tuple(seen.doubts(as_of, newest=newest)),
            seen=seen,
            rejects=pl.concat(rejects) if rejects else None,
        )
