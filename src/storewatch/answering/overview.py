"""What the pages show of a whole fleet, made slice by slice beside its report (see `formats/overview`).

Slices are gone through on the cores of this machine, also where reports are made in a Ray cluster: it is as
much work as the findings are, and its sums and findings are put together here in any case.
"""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.answering.answer import settle
from storewatch.answering.course import Course
from storewatch.answering.findings import Look, found, look_at, sizes_of
from storewatch.answering.hours import each_slice, plan_hours
from storewatch.domain.account import account_before
from storewatch.domain.findings import FirstLook, Thresholds, Week, large_groups
from storewatch.domain.hours import hour_columns
from storewatch.domain.instant import WEEK, WINDOWS
from storewatch.domain.overview import (
    BEFORE,
    LABEL,
    OWN,
    hour_rows,
    hour_sums,
    largest_values,
    own_words,
    week_letters,
)
from storewatch.domain.uptime import store_names, zones_of
from storewatch.errors import DroppedError
from storewatch.formats.overview import Overview
from storewatch.ports.jobs import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from storewatch.answering.findings import Found
    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts
    from storewatch.domain.slices import Within
    from storewatch.ports.polls import Snapshot, Source

STAGE = "overview"
NAMED = 100  # stores that a finding names


def overview(
    source: Source,
    ask: Ask,
    *,
    version: str | None = None,
    slices: int | None = None,
    course: Course | None = None,
) -> Overview:
    """Return what the pages show of all stores beside the report that is asked for.

    A few slices are held at a time, and of each a few hundred bytes a store are kept. They are gone through
    once; once more for the findings if many stores were down together, or the poller was.

    Args:
        source: A poll store, or facts in memory.
        ask: That of the report; its windows are not looked at.
        version: Of the source; None: the present one.
        slices: How many, at most; None: as many as bound what is held at a time.
        course: Hears how far it is.

    Raises:
        InputError: A part of the ask is not known here, or the version is not kept any more.
        NoPollsError: There is neither a poll nor an as-of.
        OverError: Nobody needs it any more, as the course says.
    """
    course, thresholds = course or Course(), Thresholds()
    with source.at(version) as snapshot:
        ask = settle(snapshot, replace(ask, windows=("week",), compare=False)).ask
        longer = _with_the_time_before(snapshot, ask)
        planned = plan_hours(snapshot, longer, WEEK, slices)
        sizes = sizes_of(snapshot, ask, planned)
        groups, first = (
            largest_values(sizes),
            FirstLook.nothing(large_groups(sizes, thresholds), ask, thresholds),
        )
        parts: list[_Part] = []
        with closing(
            each_slice(
                snapshot, longer, planned, partial(_part, ask=ask, longer=longer, groups=groups, first=first)
            )
        ) as each:
            for part in each:
                parts.append(part)
                course.go_on()
                done = sum(len(part.stores) for part in parts)
                course.tell(Progress(stage=STAGE, done=done, total=course.stores or done))
        looked = found(snapshot, ask, planned, [part.look for part in parts], first)
    return Overview(
        stores=_joined(parts, looked),
        hours=hour_rows(np.sum([part.hours for part in parts], axis=0), groups),
        findings=[finding.values(NAMED) for finding in looked.findings],
    )


def _with_the_time_before(snapshot: Snapshot, ask: Ask) -> Ask:
    """Return the ask with the windows before; without them if polls of then are not kept any more."""
    with suppress(DroppedError):
        return settle(snapshot, replace(ask, windows=tuple(WINDOWS), compare=True)).ask
    return ask


@dataclass(frozen=True, kw_only=True)
class _Part:
    """What comes of a slice."""

    stores: pl.DataFrame
    hours: NDArray[np.int64]  # as `hour_sums` returns them
    look: Look


def _part(
    facts: Facts, within: Within, *, ask: Ask, longer: Ask, groups: pl.DataFrame, first: FirstLook
) -> _Part:
    """Make a slice's part of facts that reach back as far as `longer` needs."""
    before = account_before(facts, longer).select(*BEFORE) if longer.compare else None
    if ask.since is not None:  # what a finding says of polls is said of those that `ask` needs
        is_needed = pl.col("at").to_physical() >= ask.since
        facts = replace(facts, polls=facts.polls.filter(is_needed), stores=store_names(facts))
    names, columns = hour_columns(facts, ask, ask.instant - WEEK, ask.instant)
    zones, week = zones_of(facts, names), Week.of(names, columns, ask)
    stores = own_words(facts, names, zones)
    if before is None:
        before = pl.DataFrame(schema=BEFORE).clear(len(names))
    return _Part(
        stores=pl.concat([stores, before], how="horizontal").with_columns(week=week_letters(week, columns)),
        hours=hour_sums(week, columns, week.groups(facts, groups), zones, count=groups.height),
        look=look_at(week, facts, within, ask=ask, first=first),
    )


def _joined(parts: Sequence[_Part], found: Found) -> pl.DataFrame:
    """Put the stores of all parts one after the other; a label that a part has not is null there."""
    silent = [finding.stores for finding in found.findings if finding.kind == "silent"]
    since = pl.concat(
        [pl.DataFrame(schema={"store_id": pl.String, "since": pl.Int64}), *silent], how="diagonal"
    )
    stores = pl.concat([part.stores for part in parts], how="diagonal")
    labels = sorted(name for name in stores.columns if name.startswith(LABEL))
    return stores.join(
        since.select("store_id", silent_since=pl.from_epoch("since").cast(pl.Datetime("us", "UTC"))),
        on="store_id",
        how="left",
        maintain_order="left",
    ).select(*OWN, *labels, *BEFORE, "silent_since", "week")
