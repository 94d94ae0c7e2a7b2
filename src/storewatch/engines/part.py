"""A slice's work, and the part of a report that comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from storewatch.domain.account import Account, account
from storewatch.domain.ask import Ask
from storewatch.domain.facts import Facts
from storewatch.domain.groups import grouped
from storewatch.domain.input import Input
from storewatch.domain.kinds import ANNOTATIONS
from storewatch.domain.label import label_of
from storewatch.ports.jobs import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    import polars as pl

    from storewatch.domain.slices import Within
    from storewatch.ports.polls import Snapshot

Rules: TypeAlias = Callable[[Facts, Ask], Account]  # the kernel, or the reference
Tell: TypeAlias = Callable[[Progress], object]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What comes of one slice."""

    rows: pl.DataFrame  # of its stores, as `account` returns them
    touched: (
        pl.DataFrame
    )  # the annotations that decide some of its open seconds, and `seconds_…` of each window
    made_of: Input
    seconds: Mapping[str, float]  # by stage
    groups: pl.DataFrame | None = None  # its rows added up, as `grouped` returns them, if that is asked for


class Engine(Protocol):
    """Where slices are computed."""

    def parts(
        self,
        snapshot: Snapshot,
        ask: Ask,
        slices: Sequence[Within],
        *,
        rules: Rules,
        tell: Tell,
        folder: str | None = None,
    ) -> Generator[Part]:
        """Yield the part of each slice, in their order, a bounded number of them ahead of whoever takes them.

        Args:
            snapshot: Stays open until the last part is there, or the iterator is closed.
            ask: Settled.
            slices: As `snapshot` cut them.
            rules: What computes the rows.
            folder: On the shelf, where parts may lie until they are taken; None: one of its own.
            tell: Hears the stages of a report of one slice; of several, whoever takes the parts knows more.
        """
        ...


def make_part(
    snapshot: Snapshot,
    ask: Ask,
    within: Within,
    *,
    rules: Rules = account,
    tell: Tell = lambda _progress: None,
) -> Part:
    """Read and compute one slice of the answer to a settled ask."""
    tell(Progress(stage="gather", done=0, total=0))
    began = time.perf_counter()
    facts = snapshot.scan(since=ask.since, until=ask.until, within=within)
    gathered = time.perf_counter()
    tell(Progress(stage="compute", done=0, total=0 if facts.stores is None else len(facts.stores)))
    made = rules(facts, ask)
    store_ids = made.rows["store_id"]
    made_of = Input.of(facts, store_ids, version=snapshot.version, as_of=ask.instant, within=within)
    touched = facts.of(ANNOTATIONS).join(made.touched, on="id")
    groups = None
    if ask.by is not None:
        groups = grouped(made.rows, facts, label_of(ask.by), ask.parsed_windows)
    seconds = {"gather": gathered - began, "compute": time.perf_counter() - gathered}
    return Part(rows=made.rows, touched=touched, made_of=made_of, seconds=seconds, groups=groups)
