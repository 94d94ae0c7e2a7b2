"""What a file holds, known by its columns and never by its name."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewatch.domain.kinds import KINDS, LABELS, Column, Kind
from storewatch.domain.label import folded, is_of_reports
from storewatch.ingest.labels import is_label

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_DIFFERENCES = ["store_id", "verdict"]  # begin with this
_REJECTS = ["file", "line", "reason", "row"]
_COUNTS = ["stores", "met", "missed", "no_verdict"]  # of a report's rows by a label, which comes first
_ALIKE = 0.6  # of difflib's likeness: `start_time` is meant for `start_time_local`
_DATA = re.compile(r"[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}.*")  # what no column is called
_MOST_NAMES, _LONGEST_NAME = 20, 60  # of what a message lists


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a kind's columns stand among all columns of a file or frame.

    Of a kind with labels, these too, by their folded names, which none of our names is.
    """

    kind: Kind
    width: int  # columns in all
    at: Mapping[str, int]  # the place of each of the kind's columns, by our name
    separator: bytes = b","  # of the fields of a CSV file
    no_labels: tuple[str, ...] = ()  # columns that are no labels, since reports have some of these names


def find_layout(columns: Sequence[str], kinds: Iterable[Kind], separator: bytes = b",") -> Layout | None:
    """Return the first of `kinds` whose columns are there; None: there is none, or one is there twice."""
    for kind in kinds:
        places = {column: _places(columns, column) for column in kind.columns}
        if all(found or column.may_lack for column, found in places.items()):
            further = _further(columns, kind)
            if any(len(found) > 1 for found in (*places.values(), *further.values())):
                return None
            at = {column.name: found[0] for column, found in places.items() if found}
            labels = {label: place for label, (place,) in further.items() if is_label(label)}
            others = [columns[place] for label, (place,) in further.items() if label not in labels]
            return Layout(
                kind=kind, width=len(columns), at=at | labels, separator=separator, no_labels=tuple(others)
            )
    return None


def _further(columns: Sequence[str], kind: Kind) -> dict[str, list[int]]:
    """Return the places of further columns that have a name, by what counts of it, if they are labels."""
    ours = {folded(name) for column in kind.columns for name in (column.name, *column.aliases)}
    found: dict[str, list[int]] = {}
    for place, name in enumerate(columns if kind.has_labels else ()):
        if folded(name) not in {"", *ours}:
            found.setdefault(folded(name), []).append(place)
    return found


def _places(columns: Sequence[str], wanted: Column) -> list[int]:
    names = {folded(name) for name in (wanted.name, *wanted.aliases)}
    return [place for place, column in enumerate(columns) if folded(column) in names]


def lacking(columns: Sequence[str]) -> str | None:
    """Say what a file of no kind lacks to be of the one that it is most like; None: it is like none.

    A file with ids that is like none may be meant for labels.
    """
    likely = {kind: _likeness(columns, kind) for kind in KINDS.values()}
    kind = max(likely, key=lambda kind: likely[kind])
    if likely[kind] < 1 / 2:
        if not _places(columns, LABELS.columns[0]):
            return None
        kind = LABELS  # whatever else is said of stores is a label
    flaws = [flaw for column in kind.columns if (flaw := _flaw(columns, column, kind)[0])]
    twice = [_twice(columns, places) for places in _further(columns, kind).values() if len(places) > 1]
    return f"looks like {kind.name}: {', '.join([*flaws, *twice])}"


def _likeness(columns: Sequence[str], kind: Kind) -> float:
    """Return how many of the columns that tell a kind are there; what is called alike counts for less."""
    telling = [column for column in kind.columns if column.name != "store_id" and not column.may_lack]
    return sum(_flaw(columns, column, kind)[1] for column in telling) / len(telling)


def _flaw(columns: Sequence[str], wanted: Column, kind: Kind) -> tuple[str | None, float]:
    """Return what is wrong with a column of a kind, None if nothing, and how much it is there, 0 to 1."""
    found = _places(columns, wanted)
    if len(found) > 1:
        return _twice(columns, found), 1
    if found or wanted.may_lack:
        return None, 1
    ours = {folded(column.name) for column in kind.columns}
    by_folded = {folded(name): name for name in columns if folded(name) not in ours}
    near = difflib.get_close_matches(folded(wanted.name), by_folded, n=1, cutoff=_ALIKE)
    if near:
        return f"`{short(by_folded[near[0]])}` should be `{wanted.name}`", _ALIKE
    return f"`{wanted.name}` is missing", 0


def _twice(columns: Sequence[str], places: Sequence[int]) -> str:
    return f"{' and '.join(f'`{columns[place]}`' for place in places)} mean the same: keep one"


def no_labels(layout: Layout) -> Iterator[str]:
    """Yield a sentence on each column that cannot be a label."""
    for name in layout.no_labels:
        yield f"the column `{short(name)}` is left out: reports call columns so; rename it, and it is a label"


def short(name: str) -> str:
    """Return a name as a message shows it."""
    name = name.encode("unicode_escape").decode() if not name.isprintable() else name
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def listed(columns: Sequence[str]) -> str:
    """Return the columns that a file has as a message lists them."""
    if not columns:
        return "it is empty"
    more = [f"and {len(columns) - _MOST_NAMES} more"] if len(columns) > _MOST_NAMES else []
    text = f"its columns: {', '.join([*map(short, columns[:_MOST_NAMES]), *more])}"
    if any(_DATA.fullmatch(name) for name in columns):
        text += "; is that data? The first line names the columns"
    return text


def wanted_columns(kind: Kind) -> str:
    """Return the columns of a kind, with the other names that they may have, as a message lists them."""
    names = {column: " or ".join((column.name, *column.aliases)) for column in kind.columns}
    wanted = [name for column, name in names.items() if not column.may_lack]
    perhaps = [name for column, name in names.items() if column.may_lack]
    perhaps += ["labels"] if kind.has_labels else []
    return ", ".join(wanted) + (f", perhaps {', '.join(perhaps)}" if perhaps else "")


def wanted() -> str:
    """Return the columns of all kinds as a message lists them."""
    return ", ".join(f"{wanted_columns(kind)} ({kind.name})" for kind in KINDS.values())


def kinds_joined(by: str) -> str:
    """Return the names of all kinds as a sentence does: `polls, hours, … or zones`."""
    *names, last = KINDS
    return f"{', '.join(names)} {by} {last}"


def is_ours(columns: Sequence[str]) -> bool:
    """Tell whether these are the columns of a report, rejects or differences that storewatch wrote."""
    found = list(columns)
    is_report = found[:1] == ["store_id"] and found[1:2] != [] and _is_uptime(found[1])
    return is_report or found[1:5] == _COUNTS or found[:2] == _DIFFERENCES or found == _REJECTS


def _is_uptime(name: str) -> bool:
    return name.startswith("uptime_") and is_of_reports(folded(name))
