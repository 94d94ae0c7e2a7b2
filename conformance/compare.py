"""A program's report against the expected one: which figures of which stores differ."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.case import Kept

SHOWN = 5  # differences that are told of a case
Table = dict[str, dict[str, str]]  # store → column → text


def csv_differences(kept: Kept, given: bytes, groups: bytes | None = None) -> list[str]:
    """Compare a CSV with the expected one, byte by byte; further columns at the end are left alone (R7).

    Args:
        kept: The case.
        given: The report.
        groups: Its rows by a label, if the case asks for them.

    Returns:
        A sentence for each difference; none: all is as expected.
    """
    keys = 1 if kept.case.hours is None else 2  # columns that tell a row: the store, or its hour too
    told = _text_differences(kept.expected, given, kept.case.same, keys=keys)
    if kept.case.by is not None:
        told += [f"by {kept.case.by}: {each}" for each in _text_differences(kept.groups, groups or b"", ())]
    return told


def _text_differences(
    expected: str, given: bytes, same: Sequence[Sequence[str]], *, keys: int = 1
) -> list[str]:
    try:
        text = given.decode()
    except UnicodeDecodeError as error:
        return [f"the report is not UTF-8 ({error})"]
    wanted, found = expected.split("\n"), text.split("\n")
    flawed = [n for n, line in enumerate(wanted) if not _is_like(line, found[n] if n < len(found) else None)]
    if not flawed and len(wanted) == len(found):
        return []
    tables = _table(wanted, keys=keys), _table(found, keys=keys)
    by_figure = _table_differences(*tables) + _unequal(same, tables[1])
    return by_figure or [_first_line(wanted, found, flawed[0] if flawed else len(wanted))]


def seconds_differences(kept: Kept, given: bytes, _groups: bytes | None = None) -> list[str]:
    """Compare a JSON array of objects, one a store, with the expected whole seconds.

    Returns:
        A sentence for each difference; none: all is as expected.
    """
    try:
        rows = json.loads(given)
        found = {str(row["store_id"]): {str(n): text_of(v) for n, v in row.items()} for row in rows}
    except (ValueError, TypeError, KeyError) as error:
        return [f"the report is no JSON array of objects with a store_id ({error!r})"]
    wanted = _table(kept.seconds.split("\n"), quoted=False)
    if list(wanted) != list(found) and set(wanted) == set(found):
        return ["the stores are not in order of their ids by code point (R7)"]
    return _table_differences(wanted, found) + _unequal(kept.case.same, found)


def text_of(value: object) -> str:
    """Return a value of typed formats as `seconds.csv` has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else f"{value}"


def _is_like(wanted: str, found: str | None) -> bool:
    """Say whether a line is the expected one, or begins with it and has more columns."""
    return found is not None and (found == wanted or (wanted != "" and found.startswith(f"{wanted},")))


def _table(lines: Sequence[str], *, quoted: bool = True, keys: int = 1) -> Table:
    """Return the cells of a CSV by row and column; ids as they are, without the apostrophe of R7."""
    rows = list(csv.reader(f"{line}\n" for line in lines if line))
    header = rows[0] if rows else []
    cells = [dict(zip(header, row, strict=False)) for row in rows[1:]]
    names = [" ".join([_plain(row[0]) if quoted else row[0], *row[1:keys]]) for row in rows[1:]]
    return dict(zip(names, cells, strict=True))


def _plain(store_id: str) -> str:
    runs = store_id.startswith("'") and store_id.lstrip("'").startswith(("=", "+", "-", "@", "\t", "\r"))
    return store_id[1:] if runs else store_id


def _table_differences(wanted: Table, found: Table) -> list[str]:
    told = [f"the store {store!r} has no row" for store in wanted if store not in found]
    told += [f"the store {store!r} has a row and should have none" for store in found if store not in wanted]
    for store, row in wanted.items():
        told += [
            f"{store!r}: {column} is {found[store].get(column, 'not there')!r}, expected {value!r}"
            for column, value in row.items()
            if store in found and column != "store_id" and found[store].get(column) != value
        ]
    return told


def _unequal(same: Sequence[Sequence[str]], found: Table) -> list[str]:
    """Name stores whose figures should be the same, whatever they are."""
    told = []
    for group in same:
        rows = [{n: v for n, v in found.get(s, {}).items() if n != "store_id"} for s in group]
        told += [
            f"{group[0]!r} and {store!r} must have the same figures"
            for store, row in zip(group, rows, strict=True)
            if row != rows[0]
        ]
    return told


def _first_line(wanted: Sequence[str], found: Sequence[str], place: int) -> str:
    lines = [repr(lines[place]) if place < len(lines) else "nothing" for lines in (found, wanted)]
    return f"line {place + 1} is {lines[0]}, expected {lines[1]}"
