"""Their report against ours: which stores agree, and which known cause explains each one that does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from storewatch.checking.against.figures import KINDS, Fleet, Timeline
from storewatch.checking.against.fit import Measure, Mode, all_fit, measured, widest
from storewatch.checking.against.rules import CAUSES, Cause, Rules
from storewatch.domain.ask import Ask
from storewatch.domain.instant import WINDOWS
from storewatch.domain.uptime import store_names, uptime
from storewatch.errors import InputError
from storewatch.formats.csv import safe_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from storewatch.checking.against.foreign import Foreign
    from storewatch.domain.facts import Facts

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

AGREES, UNEXPLAINED, LEFT_OUT, ONLY_THEIRS = "agrees", "unexplained", "left out there", "only there"
_SAMPLE = 200  # stores on which pairs are tried first, and what a cause does to those that agree
_WINDOW_FIELDS = {"hour", "day", "week"}


@dataclass(frozen=True, kw_only=True)
class Found:
    """One cause, or none, and the stores that it explains."""

    cause: Cause | None  # None: unexplained
    stores: int
    median_seconds: float  # of each store's largest difference


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """The stores that their report lacks: how many lack something, of all stores that lack it."""

    stores: int
    without_hours: tuple[int, int]
    without_zone: tuple[int, int]
    without_polls: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What became of holding their report against ours."""

    agreeing: int
    found: tuple[Found, ...]  # most stores first, the unexplained last
    left_out: LeftOut
    only_theirs: int
    measures: tuple[Measure, ...]  # over `stores`
    mode: Mode
    rows: pl.DataFrame  # store_id, verdict, and their figures beside ours in their unit; by store_id

    @property
    def compared(self) -> int:
        """The stores that both reports have."""
        return self.agreeing + sum(found.stores for found in self.found)

    @property
    def agrees(self) -> bool:
        """True if they have all stores, no other, and every figure is ours within their rounding."""
        return not (self.found or self.left_out.stores or self.only_theirs)

    def write_differences(self, path: Path) -> None:
        """Write a row a store as CSV."""
        self.rows.with_columns(safe_ids()).write_csv(path)


def compare(
    facts: Facts,
    theirs: Foreign,
    *,
    as_of: int,
    carry: int | None,
    stores: int | None = None,
    progress: Callable[[str, float], None] = lambda _name, _done: None,
) -> Comparison:
    """Hold a report against ours on the same facts.

    Args:
        facts: Checked ones.
        theirs: The report of another program.
        as_of: Seconds since 1970 UTC, of both reports.
        carry: Seconds, of ours; None: for ever.
        stores: How many to compare, spread evenly over the ids; None: all.
        progress: Called with a name and the share that is done.

    Raises:
        InputError: The reports have no store in common.
    """
    ids = store_names(facts)
    known = set(ids)
    place = {_as_ours(name, known): i for i, name in enumerate(theirs.ids)}
    common = ids.filter(ids.is_in(list(place)))
    if not len(common):
        some = ", ".join(theirs.ids[:3])
        raise InputError(f"no store of the report is one of the data: it has ids like {some}")
    if stores is not None and stores < len(common):
        common = common.gather([i * len(common) // stores for i in range(stores)])
    chosen = np.array([place[name] for name in common])
    ours = _figures_of(uptime(facts, Ask(as_of=as_of, carry=carry, store_ids=tuple(common))))
    columns = [replace(column, values=column.values[chosen]) for column in theirs.columns]
    measures = [measured(column, ours) for column in columns]
    search = _Search(
        fleet=Fleet.from_facts(facts, common, as_of=as_of),
        rules=Rules(carry=None if carry is None or carry >= as_of else carry),
        measures=measures,
        ours=ours,
        progress=progress,
    )
    mode, verdicts = search.run()
    gone = ids.filter(~ids.is_in(list(place)))
    strange = pl.Series([name for name in place if name not in known], dtype=pl.String)
    return Comparison(
        agreeing=sum(verdict is AGREES for verdict in verdicts),
        found=tuple(_summary(verdicts, widest(measures, ours))),
        left_out=_left_out(facts, ids, gone),
        only_theirs=len(strange),
        measures=tuple(measures),
        mode=mode,
        rows=pl.concat(
            [_rows(common, verdicts, measures, ours), _bare(gone, LEFT_OUT), _bare(strange, ONLY_THEIRS)],
            how="diagonal",
        ).sort("store_id"),
    )


def _as_ours(name: str, known: set[str]) -> str:
    """Return an id as the facts have it: our CSV puts an apostrophe before some."""
    return name[1:] if name not in known and name[:1] == "'" and name[1:] in known else name


def _figures_of(rows: pl.DataFrame) -> Floats:
    figures = [[rows[f"{kind}_seconds_last_{window}"].to_numpy() for kind in KINDS] for window in WINDOWS]
    return np.moveaxis(np.array(figures, dtype=np.float64), 2, 0)


# ---------------------------------------------------------------- which cause explains which store


@dataclass(frozen=True, kw_only=True)
class _Search:
    """Looks for the cause of each difference."""

    fleet: Fleet
    rules: Rules
    measures: Sequence[Measure]
    ours: Floats
    progress: Callable[[str, float], None]

    def run(self) -> tuple[Mode, list[str | Cause]]:
        """Return how they round, and AGREES, UNEXPLAINED or a cause for each store.

        Whether they round or cut is not known, and what agrees depends on it: so that is taken by which
        fewer stores stay unexplained.
        """
        agree: dict[Mode, Flags] = {mode: all_fit(self.measures, self.ours, mode) for mode in _MODES}
        both = agree["rounded"] & agree["cut"]
        differ, same = np.flatnonzero(~both), _spread(np.flatnonzero(both))
        tried = self._tried(CAUSES, differ, "trying causes")
        fits_same = self._tried(CAUSES, same, "trying causes") if len(differ) else tried
        best: dict[Mode, list[str | Cause]] = {}
        for mode in _MODES:
            best[mode] = [AGREES if fits else UNEXPLAINED for fits in agree[mode]]
            _assign(best[mode], differ, CAUSES, tried[mode], fits_same[mode].sum(axis=1))
        mode = min(_MODES, key=lambda mode: (best[mode].count(UNEXPLAINED), -int(agree[mode].sum())))
        self._try_pairs(best[mode], mode)
        return mode, best[mode]

    def _tried(self, causes: Sequence[Cause], stores: Ints, name: str) -> dict[Mode, Flags]:
        """Return for each mode which cause (row) explains which of the stores (column)."""
        fits: dict[Mode, list[Flags]] = {mode: [] for mode in _MODES}
        if not len(stores):
            return {mode: np.zeros((len(causes), 0), dtype=bool) for mode in _MODES}
        fleet, measures = self.fleet.take(stores), [measure.take(stores) for measure in self.measures]
        timelines: dict[Rules, Timeline] = {}
        for number, cause in enumerate(causes):
            self.progress(name, number / len(causes))
            rules = cause.applied(self.rules)
            shared = rules.of_all_windows()
            if shared not in timelines:
                timelines = {shared: Timeline.by(fleet, rules)}  # one is kept: the causes stand in order
            made = timelines[shared].figures(rules)
            for mode in _MODES:
                fits[mode].append(all_fit(measures, made, mode))
        return {
            mode: np.array(rows, dtype=bool).reshape(len(rows), len(stores)) for mode, rows in fits.items()
        }

    def _try_pairs(self, verdicts: list[str | Cause], mode: Mode) -> None:
        """Try two causes at once where one was not enough: on some stores first, then on all of them."""
        left = np.array([i for i, verdict in enumerate(verdicts) if verdict is UNEXPLAINED], dtype=np.int64)
        if not len(left):
            return
        some = _spread(left)
        pairs = [one.joined(other) for one, other in combinations(CAUSES, 2) if _go_together(one, other)]
        hits = self._tried(pairs, some, "trying pairs of causes")[mode].any(axis=1)
        useful = [pairs[i] for i in np.flatnonzero(hits)]
        fits = self._tried(useful, left, "trying pairs of causes")[mode]
        _assign(verdicts, left, useful, fits, np.zeros(len(useful), dtype=np.int64))


_MODES: tuple[Mode, Mode] = ("rounded", "cut")


def _go_together(one: Cause, other: Cause) -> bool:
    is_window = set(one.changes) <= _WINDOW_FIELDS and set(other.changes) <= _WINDOW_FIELDS
    return not is_window and not set(one.changes) & set(other.changes)


def _spread(stores: Ints) -> Ints:
    """Return some of the stores, evenly spread."""
    return stores[:: max(1, -(-len(stores) // _SAMPLE))]


def _assign(
    verdicts: list[str | Cause], stores: Ints, causes: Sequence[Cause], fits: Flags, spares: Ints
) -> None:
    """Name for each unexplained store the cause that explains most of those that are left, again and again.

    So a store that two causes would explain gets the one that the program is likelier to have; on a tie the
    one that spares more of the stores that agree.
    """
    left = np.array([verdicts[i] is UNEXPLAINED for i in stores], dtype=bool)
    while left.any() and len(causes):
        counts = (fits & left).sum(axis=1)
        best = int(np.argmax(counts * (_SAMPLE + 1) + spares))
        if not counts[best]:
            return
        explained = np.flatnonzero(fits[best] & left)
        for i in stores[explained].tolist():
            verdicts[i] = causes[best]
        left[explained] = False


# ---------------------------------------------------------------- what is said of it


def _summary(verdicts: Sequence[str | Cause], apart: Floats) -> list[Found]:
    by_key: dict[str, list[int]] = {}
    causes: dict[str, Cause | None] = {}
    for i, verdict in enumerate(verdicts):
        if verdict is AGREES:
            continue
        key = verdict.key if isinstance(verdict, Cause) else UNEXPLAINED
        causes[key] = verdict if isinstance(verdict, Cause) else None
        by_key.setdefault(key, []).append(i)
    found = [
        Found(cause=causes[key], stores=len(stores), median_seconds=float(np.median(apart[stores])))
        for key, stores in by_key.items()
    ]
    return sorted(found, key=lambda one: (one.cause is None, -one.stores))


def _left_out(facts: Facts, ids: pl.Series, gone: pl.Series) -> LeftOut:
    def lacking(known: pl.Series) -> tuple[int, int]:
        known = known.unique().cast(pl.String).implode()
        return int((~gone.is_in(known)).sum()), int((~ids.is_in(known)).sum())

    return LeftOut(
        stores=len(gone),
        without_hours=lacking(facts.hours["store_id"]),
        without_zone=lacking(facts.zones["store_id"]),
        without_polls=lacking(facts.polls["store_id"]),
    )


def _rows(
    common: pl.Series,
    verdicts: Sequence[str | Cause],
    measures: Sequence[Measure],
    ours: Floats,
) -> pl.DataFrame:
    """Return a row a store: what it is put down to, and the figures of both, in their unit."""
    names = [verdict.key if isinstance(verdict, Cause) else verdict for verdict in verdicts]
    figures = {}
    for measure in measures:
        column = measure.column
        name = f"{column.kind}_last_{column.window}"
        figures[f"{name}_theirs"] = column.values
        figures[f"{name}_ours"] = np.round(measure.in_unit(ours), 4)
    return pl.DataFrame({"store_id": common, "verdict": names, **figures}, nan_to_null=True)


def _bare(store_ids: pl.Series, verdict: str) -> pl.DataFrame:
    return pl.DataFrame({"store_id": store_ids}).with_columns(verdict=pl.lit(verdict))
