"""Which causes together are the other program, and which of them explain which store."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from storewatch.checking.against.causes import CAUSES, Case, Cause
from storewatch.checking.against.fit import MODES, Measure, Mode, all_fit, closeness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Places = NDArray[np.intp]

Program = tuple[Cause, ...]  # in the order of CAUSES; () is ours

_MOST = 7  # causes of one program
_WIDE = 4  # programs that are kept at each step
_SAMPLE = 120  # stores on which programs are tried, beside a third as many that fit already
_FEW = 2  # stores that a cause may fit by chance
_FEW_IN = 100  # as a share: one in so many


def key_of(program: Program) -> str:
    """Return its causes' keys as one."""
    return " + ".join(cause.key for cause in program)


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Some stores as both programs have them; what is tried on them is remembered."""

    case: Case
    measures: Sequence[Measure]
    figures: dict[Program, Floats] = field(default_factory=dict)

    def take(self, chosen: Places) -> Stores:
        """Return the stores at those places."""
        case = Case.from_facts(self.case.facts, self.case.names.gather(chosen), self.case.ask)
        return Stores(case=case, measures=[measure.take(chosen) for measure in self.measures])

    def made(self, program: Program) -> Floats:
        """Return the figures that a program makes of them."""
        if program not in self.figures:
            case = self.case
            for cause in program:
                case = cause.change(case)
            self.figures[program] = case.figures()
        return self.figures[program]

    def fits(self, program: Program, mode: Mode) -> Flags:
        """Tell where all figures that a program makes are theirs."""
        return all_fit(self.measures, self.made(program), mode)

    def mode(self, program: Program) -> Mode:
        """Return how the figures would be rounded: as more stores have it."""
        return max(MODES, key=lambda mode: int(self.fits(program, mode).sum()))

    def count(self, program: Program) -> int:
        """Count the stores that a program explains."""
        return int(self.fits(program, self.mode(program)).sum())

    def score(self, program: Program) -> float:
        """Count the stores that it explains, and by how much all figures come near."""
        return self.count(program) + float(closeness(self.measures, self.made(program)).sum())


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was found."""

    program: Program
    mode: Mode
    verdicts: list[Program | None]  # a store: () agrees, the causes that explain it, None: unexplained
    also: list[list[Program]]  # a store: single causes that would explain it too


@dataclass(frozen=True, kw_only=True)
class Search:
    """Looks for the program that made their figures, and for the causes of each difference."""

    stores: Stores
    progress: Callable[[str, float], None]

    def run(self) -> Outcome:
        """Find the program, then say of each store what explains it."""
        program = self._without_chance(self._program())
        mode = self.stores.mode(program)
        agree, fits = self.stores.fits((), mode), self.stores.fits(program, mode)
        verdicts: list[Program | None] = [() if same else None for same in agree]
        for place, causes in self._needed(program, mode, np.flatnonzero(fits & ~agree)):
            verdicts[place] = causes
        return Outcome(program=program, mode=mode, verdicts=verdicts, also=self._also(verdicts, mode))

    def refutes(self, program: Program) -> int:
        """Count the stores that agree with ours and would not if that were their program."""
        mode = self.stores.mode(program)
        return int((self.stores.fits((), mode) & ~self.stores.fits(program, mode)).sum())

    # ------------------------------------------------------------ the program

    def _program(self) -> Program:
        """Let a program grow as long as it explains more stores and is not refuted."""
        program: Program = ()
        while len(program) < _MOST:
            fits = self.stores.fits(program, self.stores.mode(program))
            left, done = np.flatnonzero(~fits), np.flatnonzero(fits)
            if not len(left):
                break
            sample = np.sort(np.concatenate((_spread(left, _SAMPLE), _spread(done, _SAMPLE // 3))))
            tried = self._ranked(self.stores.take(sample), program)
            better = [one for one in tried if self.stores.count(one) > self.stores.count(program)]
            better = [one for one in better if not self.refutes(one)]
            if not better:
                break
            program = max(better, key=self.stores.count)
        return program

    def _ranked(self, sample: Stores, program: Program) -> list[Program]:
        """Return wider programs that explain more on a sample, the best first and the smallest of equals.

        Whether a program is worth widening is seen by how near it comes, too: of three causes that all
        stores have, one alone explains none.
        """
        scores = {program: sample.score(program)}
        kept = [program]
        for step in range(len(program), _MOST):
            wider = dict.fromkeys(grown for one in kept for grown in _grown(one) if grown not in scores)
            for number, one in enumerate(wider):
                self.progress("trying causes", (step + number / len(wider)) / _MOST)
                scores[one] = sample.score(one)
            before, kept = kept, sorted(scores, key=lambda one: (-round(scores[one], 6), len(one)))[:_WIDE]
            if kept == before or sample.count(kept[0]) == len(sample.case.names):
                break
        better = [one for one in scores if sample.count(one) > sample.count(program)]
        return sorted(better, key=lambda one: (-sample.count(one), len(one), -scores[one]))[: 2 * _WIDE]

    def _without_chance(self, program: Program) -> Program:
        """Drop causes that few stores need while most of those that differ stay unexplained."""
        mode = self.stores.mode(program)
        agree, fits = self.stores.fits((), mode), self.stores.fits(program, mode)
        differ, left = int((~agree).sum()), int((~agree & ~fits).sum())
        few = max(_FEW, differ // _FEW_IN)
        for cause in program:
            without = _without(program, cause)
            if 2 * left > differ and int((fits & ~self.stores.fits(without, mode)).sum()) <= few:
                return self._without_chance(without)
        return program

    # ------------------------------------------------------------ the stores

    def _needed(self, program: Program, mode: Mode, places: Places) -> Iterable[tuple[int, Program]]:
        """Yield each of the stores, which the program explains, with the fewest of its causes that do."""
        fits = [self.stores.fits(_without(program, cause), mode)[places] for cause in program]
        needs = ~np.array(fits, dtype=bool).reshape(len(program), len(places))
        for needed in np.unique(needs, axis=1).T:
            mine = places[(needed == needs.T).all(axis=1)]
            smaller = [tuple(compress(program, needed))] if needed.any() else [(cause,) for cause in program]
            for some in (*smaller, program):
                explained = self.stores.fits(some, mode)[mine]
                yield from ((place, some) for place in mine[explained].tolist())
                mine = mine[~explained]

    def _also(self, verdicts: Sequence[Program | None], mode: Mode) -> list[list[Program]]:
        """Return for each store that differs the single causes that would explain it too."""
        also: list[list[Program]] = [[] for _ in verdicts]
        differ = np.array([place for place, verdict in enumerate(verdicts) if verdict != ()], dtype=np.intp)
        if not len(differ):
            return also
        part = self.stores.take(differ)
        for number, cause in enumerate(CAUSES):
            self.progress("trying causes", number / len(CAUSES))
            for place in differ[part.fits((cause,), mode)].tolist():
                if cause not in (verdicts[place] or ()):
                    also[place].append((cause,))
        return also


def _without(program: Program, cause: Cause) -> Program:
    return tuple(one for one in program if one is not cause)


def _grown(program: Program) -> Iterable[Program]:
    """Yield a program with each further cause that changes something else."""
    taken = frozenset[str]().union(*(cause.aspects for cause in program))
    for cause in CAUSES:
        if not taken & cause.aspects:
            yield tuple(sorted((*program, cause), key=CAUSES.index))


def _spread(places: Places, most: int) -> Places:
    """Return some of the places, evenly spread."""
    return places[:: max(1, -(-len(places) // most))]
