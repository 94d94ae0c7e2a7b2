"""What a file holds, known by its columns and never by its name."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewatch.domain.kinds import KINDS, Column, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_OURS = (["store_id", "uptime_last_hour"], ["store_id", "verdict"])  # what reports, differences begin with
_REJECTS = ["file", "line", "reason", "row"]
_TYPED_REPORT = "uptime_seconds_last_hour"
FORM = r"[\s_-]"  # signs that do not count in a column's name (R1)
_ALIKE = 0.6  # of difflib's likeness: `start_time` is meant for `start_time_local`
_DATA = re.compile(r"[0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}.*")  # what no column is called
_MOST_NAMES, _LONGEST_NAME = 20, 60  # of what a message lists


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a kind's columns stand among all columns of a file or frame."""

    kind: Kind
    width: int  # columns in all
    at: Mapping[str, int]  # the place of each of the kind's columns, by our name
    separator: bytes = b","  # of the fields of a CSV file


def find_layout(columns: Sequence[str], kinds: Iterable[Kind], separator: bytes = b",") -> Layout | None:
    """Return the first of `kinds` whose columns are all there, each once; None if there is none."""
    for kind in kinds:
        places = {column.name: _places(columns, column) for column in kind.columns}
        if all(len(found) == 1 for found in places.values()):
            at = {name: place for name, (place,) in places.items()}
            return Layout(kind=kind, width=len(columns), at=at, separator=separator)
    return None


def folded(name: str) -> str:
    """Return what counts of a column's name: neither case nor spaces, `_` and `-` (R1)."""
    return re.sub(FORM, "", name).casefold()


def _places(columns: Sequence[str], wanted: Column) -> list[int]:
    names = {folded(name) for name in (wanted.name, *wanted.aliases)}
    return [place for place, column in enumerate(columns) if folded(column) in names]


def lacking(columns: Sequence[str]) -> str | None:
    """Say what a file of no kind lacks to be of the one that it is most like; None: it is like none."""
    flaws = {kind.name: _flaws(columns, kind) for kind in KINDS.values()}
    likely = {
        name: sum(flaw is None or likes for flaw, likes in of[1:]) / len(of[1:]) for name, of in flaws.items()
    }
    name = max(likely, key=lambda name: likely[name])
    if likely[name] < 1 / 2:
        return None
    return f"looks like {name}: " + ", ".join(flaw for flaw, _ in flaws[name] if flaw is not None)


def _flaws(columns: Sequence[str], kind: Kind) -> list[tuple[str | None, bool]]:
    """Return of each of the kind's columns what is wrong, None if nothing, and whether one is like it."""
    return [_flaw(columns, column) for column in kind.columns]


def _flaw(columns: Sequence[str], wanted: Column) -> tuple[str | None, bool]:
    found = [columns[place] for place in _places(columns, wanted)]
    if len(found) > 1:
        return f"{' and '.join(f'`{name}`' for name in found)} mean the same: keep one", True
    if found:
        return None, True
    by_folded = {folded(name): name for name in columns}
    near = difflib.get_close_matches(folded(wanted.name), by_folded, n=1, cutoff=_ALIKE)
    if near:
        return f"`{short(by_folded[near[0]])}` should be `{wanted.name}`", True
    return f"`{wanted.name}` is missing", False


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
    return ", ".join(" or ".join((column.name, *column.aliases)) for column in kind.columns)


def wanted() -> str:
    """Return the columns of all kinds as a message lists them."""
    return ", ".join(f"{wanted_columns(kind)} ({kind.name})" for kind in KINDS.values())


def kinds_joined(by: str) -> str:
    """Return the names of all kinds as a sentence does: `polls, hours or zones`."""
    *names, last = KINDS
    return f"{', '.join(names)} {by} {last}"


def is_ours(columns: Sequence[str]) -> bool:
    """Tell whether these are the columns of a report, rejects or differences that storewatch wrote."""
    found = list(columns)
    return found[:2] in _OURS or found == _REJECTS or _TYPED_REPORT in found
