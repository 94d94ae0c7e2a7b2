"""A case's input, read and loaded by storewatch."""

from __future__ import annotations

import tempfile
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from storewatch.adapters.polls import open_polls
from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.load import load_files
from storewatch.domain.ask import Ask, Policy
from storewatch.domain.instant import WINDOWS, parse_as_of, parse_carry
from storewatch.ingest import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.case import Case, Kept
    from storewatch.ports.polls import Source

NOW = 1_800_000_000  # seconds since 1970, in 2027: what is later than an hour from it is rejected


@contextmanager
def source_of(kept: Kept) -> Iterator[Source]:
    """Yield what a report of the case is made from: its folder, or a poll store that its loads went into."""
    loads = kept.loads()
    if len(loads) == 1 and loads[0][0].hours_from is None:
        yield GivenFacts(facts=read([loads[0][1]], now=NOW).facts)
        return
    with tempfile.TemporaryDirectory() as home, closing(open_polls(f"delta://{home}/polls")) as polls:
        for step, folder in loads:
            first = None if step.hours_from is None else date.fromisoformat(step.hours_from)
            load_files([folder], polls, home=Path(home), now=NOW, hours_from=first)
        yield polls


def ask_of(case: Case) -> Ask:
    """Return what a case asks."""
    return Ask(
        as_of=None if case.as_of is None else parse_as_of(case.as_of),
        carry=parse_carry(case.carry),
        policy=Policy(case.policy),
        windows=case.windows or tuple(WINDOWS),
        compare=case.compare,
        by=case.by,
    )
