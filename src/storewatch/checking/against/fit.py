"""Whether figures are those of another program's report, within its rounding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from storewatch.domain.instant import DAY, HOUR, WINDOWS
from storewatch.domain.window import FIRST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from storewatch.checking.against.foreign import Column

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

Mode = Literal["rounded", "cut"]

MODES: tuple[Mode, Mode] = ("rounded", "cut")
SECONDS = {"minutes": 60, "hours": HOUR, "seconds": 1, "days": DAY}
_GUESSED = ("minutes", "hours", "seconds")
_SHARES = {"shares of the known time": 1.0, "percent of the known time": 0.01}
_USUAL = {"hour": "minutes", "day": "hours", "week": "hours"}
_FAR = 1.0  # of a logarithm: units lie further apart
_SLACK = 1.0  # seconds
_HALF_AS_NEAR = 60.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A column of the other report, and the unit that its figures are in."""

    column: Column
    unit: str

    def theirs(self, figures: Floats) -> Floats:
        """Return their figures in seconds; of a share, by the known time of given figures."""
        seconds: Floats = self.column.values * self._size(figures)
        return seconds

    def ours(self, figures: Floats) -> Floats:
        """Return the same figures of ours in seconds."""
        kind, window = FIRST.index(self.column.kind), list(WINDOWS).index(self.column.window)
        seconds: Floats = figures[:, window, kind]
        return seconds

    def apart(self, figures: Floats) -> Floats:
        """Return by how many seconds theirs are more."""
        return self.theirs(figures) - self.ours(figures)

    def in_unit(self, figures: Floats) -> Floats:
        """Return ours in their unit, NaN for the share of nothing."""
        size = self._size(figures)
        return self.ours(figures) / np.where(size > 0, size, np.nan)

    def fits(self, figures: Floats, mode: Mode) -> Flags:
        """Tell where the figures are theirs within their rounding and a second; empty cells fit all."""
        size = self._size(figures)
        place = self.column.place * size
        apart = self.apart(figures)
        if mode == "cut":
            near = (apart <= _SLACK) & (apart >= -place - _SLACK)
        else:
            near = np.abs(apart) <= place / 2 + _SLACK
        near &= (size > 0) | (self.column.values == 0)  # a share of nothing is none
        fits: Flags = near | np.isnan(self.column.values)
        return fits

    def take(self, chosen: NDArray[np.integer]) -> Measure:
        """Return the chosen stores' cells."""
        return replace(self, column=replace(self.column, values=self.column.values[chosen]))

    def _size(self, figures: Floats) -> Floats:
        """Return how many seconds one of the unit is, for each store."""
        if self.unit in SECONDS:
            return np.full(len(figures), float(SECONDS[self.unit]))
        known = figures[:, list(WINDOWS).index(self.column.window), :2].sum(axis=1)
        sizes: Floats = known * _SHARES[self.unit]
        return sizes


def measured(columns: Sequence[Column], figures: Floats) -> list[Measure]:
    """Take the unit that a column's name says, else one for all columns of its window."""
    return [Measure(column=column, unit=column.unit or _unit(columns, column, figures)) for column in columns]


def _unit(columns: Sequence[Column], wanted: Column, figures: Floats) -> str:
    """Return what another column of the window says, else the unit in which all come nearest to ours."""
    mates = [column for column in columns if column.window == wanted.window]
    if said := next((column.unit for column in mates if column.unit in SECONDS), None):
        return said
    usual = _USUAL[wanted.window]
    units = sorted([*_GUESSED, *_SHARES], key=lambda unit: unit != usual)
    return min(
        units, key=lambda unit: _distance([Measure(column=mate, unit=unit) for mate in mates], figures)
    )


def _distance(measures: Sequence[Measure], figures: Floats) -> float:
    """Return the mean distance of logarithms where both have time; what is far off counts as far."""
    theirs = np.concatenate([measure.theirs(figures) for measure in measures])
    ours = np.concatenate([measure.ours(figures) for measure in measures])
    both = (theirs > 0) & (ours > 0)
    apart = np.abs(np.log(theirs[both] / ours[both]))
    return float(np.minimum(apart, _FAR).mean()) if len(apart) else _FAR


def all_fit(measures: Sequence[Measure], figures: Floats, mode: Mode) -> Flags:
    """Tell for each store whether all its figures fit."""
    fits: Flags = np.logical_and.reduce([measure.fits(figures, mode) for measure in measures])
    return fits


def closeness(measures: Sequence[Measure], figures: Floats) -> Floats:
    """Return for each store how near its figures are, from 0, far off, to 1, the same."""
    apart = [np.abs(measure.apart(figures)) for measure in measures]
    near: Floats = np.nan_to_num(1 / (1 + np.array(apart) / _HALF_AS_NEAR), nan=1.0).mean(axis=0)
    return near


def widest(measures: Sequence[Measure], figures: Floats) -> Floats:
    """Return each store's largest difference in seconds."""
    apart = [np.abs(measure.apart(figures)) for measure in measures]
    most: Floats = np.nan_to_num(np.array(apart)).max(axis=0)
    return most
