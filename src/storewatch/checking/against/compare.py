"""Their report against ours: which program made it, which stores agree, and what explains the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.checking.against.causes import Case
from storewatch.checking.against.fit import Measure, Mode, measured, widest
from storewatch.checking.against.search import Program, Search, Stores, key_of
from storewatch.domain.uptime import store_names
from storewatch.errors import InputError
from storewatch.formats.csv import bare_id, safe
from storewatch.whole import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from storewatch.checking.against.foreign import Foreign
    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts

    Floats = NDArray[np.float64]

AGREES, UNEXPLAINED, LEFT_OUT, ONLY_THEIRS = "agrees", "unexplained", "left out there", "only there"


@dataclass(frozen=True, kw_only=True)
class Found:
    """Causes, or none, and the stores that they explain."""

    program: Program | None  # None: unexplained
    stores: int
    median_seconds: float  # of each store's largest difference
    changes: int = 0  # stores that agree and would not

    @property
    def key(self) -> str:
        """What the file of differences calls it."""
        return _name(self.program)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What became of holding their report against ours."""

    program: Program
    agreeing: int
    found: tuple[Found, ...]  # most stores first, the unexplained last
    also: tuple[Found, ...]  # of the unexplained, most stores first
    left_out: int  # stores that their report lacks
    lacking: dict[str, tuple[int, int]]  # how many of these have no hours, zone, polls; of all stores without
    only_theirs: int
    measures: tuple[Measure, ...]  # over `stores`
    mode: Mode
    rows: pl.DataFrame  # store_id, verdict, would_also_fit, figures of both in their unit; by store_id

    @property
    def compared(self) -> int:
        """The stores that both reports have."""
        return self.agreeing + sum(found.stores for found in self.found)

    @property
    def agrees(self) -> bool:
        """True if they have all stores, no other, and every figure is ours within their rounding."""
        return not (self.found or self.left_out or self.only_theirs)

    @property
    def verdict(self) -> str:
        """The program in a line: `last observation, all polls, literal 23:59`."""
        if self.program:
            return ", ".join(cause.key.replace("-", " ") for cause in self.program)
        return UNEXPLAINED if self.found else "the same rules"

    def write_differences(self, path: Path) -> None:
        """Write a row a store as CSV, whole or not at all."""
        with whole_file(path) as file:
            self.rows.with_columns(safe("store_id")).write_csv(file)


def compare(
    facts: Facts,
    theirs: Foreign,
    ask: Ask,
    *,
    stores: int | None = None,
    progress: Callable[[str, float], None] = lambda _name, _done: None,
) -> Comparison:
    """Hold a report against ours on the same facts.

    Args:
        facts: Checked ones.
        theirs: The report of another program.
        ask: Of ours, its as-of settled; theirs is taken to be of that instant too.
        stores: How many to compare, spread evenly over the ids; None: all.
        progress: Called with a name and the share that is done.

    Raises:
        InputError: The reports have no store in common.
    """
    ids = store_names(facts)
    known = set(ids)
    place = {name: i for i, name in enumerate(_as_ours(theirs, known))}
    common = ids.filter(ids.is_in(list(place)))
    if not len(common):
        some = ", ".join(theirs.ids[:3])
        raise InputError(f"no store of the report is one of the data: it has ids like {some}")
    if stores is not None and stores < len(common):
        common = common.gather([i * len(common) // stores for i in range(stores)])
    chosen = np.array([place[name] for name in common])
    case = Case.from_facts(facts, common, ask)
    ours = case.figures()
    columns = [replace(column, values=column.values[chosen]) for column in theirs.columns]
    measures = measured(columns, ours)
    search = Search(stores=Stores(case=case, measures=measures), progress=progress)
    outcome = search.run()
    apart = widest(measures, ours)
    names = [_name(verdict) for verdict in outcome.verdicts]
    also = [(i, one) for i, some in enumerate(outcome.also) if outcome.verdicts[i] is None for one in some]
    gone = ids.filter(~ids.is_in(list(place)))
    strange = pl.Series([name for name in place if name not in known], dtype=pl.String)
    return Comparison(
        program=outcome.program,
        agreeing=names.count(AGREES),
        found=tuple(_summary(enumerate(outcome.verdicts), apart)),
        also=tuple(replace(one, changes=search.refutes(one.program or ())) for one in _summary(also, apart)),
        left_out=len(gone),
        lacking=_lacking(facts, ids, gone),
        only_theirs=len(strange),
        measures=tuple(measures),
        mode=outcome.mode,
        rows=pl.concat(
            [
                _rows(common, names, outcome.also, measures, ours),
                _bare(gone, LEFT_OUT),
                _bare(strange, ONLY_THEIRS),
            ],
            how="diagonal",
        ).sort("store_id"),
    )


def _as_ours(theirs: Foreign, known: set[str]) -> Sequence[str]:
    """Return their ids as the facts have them: to the letter, but for the apostrophes of our own CSV.

    They are such if the ids without them name as many stores of the facts.
    """
    bare = [bare_id(name) for name in theirs.ids]
    is_guarded = theirs.is_csv and len(known.intersection(bare)) >= len(known.intersection(theirs.ids))
    return bare if is_guarded and len(set(bare)) == len(bare) else theirs.ids


def _name(verdict: Program | None) -> str:
    return UNEXPLAINED if verdict is None else key_of(verdict) or AGREES


def _summary(verdicts: Iterable[tuple[int, Program | None]], apart: Floats) -> list[Found]:
    """Count the stores by what is said of each; those that agree are left out."""
    places: dict[Program | None, list[int]] = {}
    for place, verdict in verdicts:
        if verdict != ():
            places.setdefault(verdict, []).append(place)
    found = [
        Found(program=program, stores=len(stores), median_seconds=float(np.median(apart[stores])))
        for program, stores in places.items()
    ]
    return sorted(found, key=lambda one: (one.program is None, -one.stores))


def _lacking(facts: Facts, ids: pl.Series, gone: pl.Series) -> dict[str, tuple[int, int]]:
    found = {}
    for what, rows in (("hours", facts.hours), ("zone", facts.zones), ("polls", facts.polls)):
        known = rows["store_id"].unique().cast(pl.String).implode()
        found[what] = int((~gone.is_in(known)).sum()), int((~ids.is_in(known)).sum())
    return found


def _rows(
    common: pl.Series,
    names: Sequence[str],
    also: Sequence[Sequence[Program]],
    measures: Sequence[Measure],
    ours: Floats,
) -> pl.DataFrame:
    """Return a row a store: what it is put down to, and the figures of both, in their unit."""
    figures = {}
    for measure in measures:
        column = measure.column
        name = f"{column.kind}_last_{column.window}"
        figures[f"{name}_theirs"] = column.values
        figures[f"{name}_ours"] = np.round(measure.in_unit(ours), 4)
    others = ["; ".join(key_of(one) for one in some) or None for some in also]
    said = {"store_id": common, "verdict": names, "would_also_fit": pl.Series(others, dtype=pl.String)}
    return pl.DataFrame({**said, **figures}, nan_to_null=True)


def _bare(store_ids: pl.Series, verdict: str) -> pl.DataFrame:
    return pl.DataFrame({"store_id": store_ids}).with_columns(verdict=pl.lit(verdict))
