"""What a file holds, known by its columns and never by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewatch.domain.kinds import KINDS, Column, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_REJECTS = ["file", "line", "reason", "row"]
_REPORT = ["store_id", "uptime_last_hour"]
_TYPED_REPORT = "uptime_seconds_last_hour"


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a kind's columns stand among all columns of a file or frame."""

    kind: Kind
    width: int  # columns in all
    at: Mapping[str, int]  # the place of each of the kind's columns, by our name


def find_layout(columns: Sequence[str], kinds: Iterable[Kind]) -> Layout | None:
    """Return the first of `kinds` whose columns are all there, each once; None if there is none."""
    for kind in kinds:
        places = {column.name: _places(columns, column) for column in kind.columns}
        if all(len(found) == 1 for found in places.values()):
            at = {name: place for name, (place,) in places.items()}
            return Layout(kind=kind, width=len(columns), at=at)
    return None


def _places(columns: Sequence[str], wanted: Column) -> list[int]:
    names = (wanted.name, *wanted.aliases)
    return [place for place, column in enumerate(columns) if column in names]


def wanted_columns(kind: Kind) -> str:
    """Return the columns of a kind, with the other names that they may have, as a message lists them."""
    return ", ".join(" or ".join((column.name, *column.aliases)) for column in kind.columns)


def wanted() -> str:
    """Return the columns of all kinds as a message lists them."""
    return ", ".join(f"{wanted_columns(kind)} ({kind.name})" for kind in KINDS.values())


def kinds_joined(by: str) -> str:
    """Return the names of all kinds as a sentence does: `polls, hours or zones`."""
    *names, last = KINDS
    return f"{', '.join(names)} {by} {last}"


def is_ours(columns: Sequence[str]) -> bool:
    """Tell whether these are the columns of a report or a rejects file that storewatch wrote."""
    found = list(columns)
    return found[:2] == _REPORT or found == _REJECTS or _TYPED_REPORT in found
