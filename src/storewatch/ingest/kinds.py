"""What a file holds, known by its columns and never by its name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Kind(StrEnum):
    """What the rows of a file or frame are."""

    POLLS = "polls"  # a store was seen active or inactive at an instant
    HOURS = "hours"  # a store is meant to be open on a day of the week, from and to
    ZONES = "zones"  # a store's wall clock follows a time zone


COLUMNS = {
    Kind.POLLS: ("store_id", "status", "timestamp_utc"),
    Kind.HOURS: ("store_id", "day", "start_time_local", "end_time_local"),
    Kind.ZONES: ("store_id", "timezone_str"),
}
WANTED = "store_id, status, timestamp_utc (polls), store_id, day or dayOfWeek, start_time_local, end_time_local (hours), store_id, timezone_str (zones)"  # noqa: E501 - one message
_ALIASES = {"day": ("day", "dayOfWeek")}
_REJECTS = ["file", "line", "reason", "row"]
_REPORT = ["store_id", "uptime_last_hour"]
_TYPED_REPORT = "uptime_seconds_last_hour"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a kind's columns stand among all columns of a file or frame."""

    kind: Kind
    width: int  # columns in all
    at: tuple[int, ...]  # the position of each of COLUMNS[kind]

    @property
    def names(self) -> tuple[str, ...]:
        """Our names of the columns, in the order of `at`."""
        return COLUMNS[self.kind]


def find_layout(columns: Sequence[str], kinds: Sequence[Kind] = tuple(Kind)) -> Layout | None:
    """Return the first of `kinds` whose columns are all there, each once; None if there is none.

    The order of `Kind` decides where the columns of two kinds are there: polls with a zone in an extra
    column are polls.
    """
    for kind in kinds:
        places = [_places(columns, name) for name in COLUMNS[kind]]
        if all(len(found) == 1 for found in places):
            return Layout(kind=kind, width=len(columns), at=tuple(found[0] for found in places))
    return None


def _places(columns: Sequence[str], name: str) -> list[int]:
    names = _ALIASES.get(name, (name,))
    return [place for place, column in enumerate(columns) if column in names]


def is_ours(columns: Sequence[str]) -> bool:
    """Tell whether these are the columns of a report or a rejects file that storewatch wrote."""
    found = list(columns)
    return found[:2] == _REPORT or found == _REJECTS or _TYPED_REPORT in found
