"""A case before its results are known, and files in the few forms that drafts need."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.case import Case, LoadStep

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Rows = list[tuple[str, ...]]
Files = dict[str, bytes]  # by name

POLLS = ("store_id", "status", "timestamp_utc")
HOURS = ("store_id", "day", "start_time_local", "end_time_local")
ZONES = ("store_id", "timezone_str")
EXCEPTIONS = ("store_id", "date", "start_time_local", "end_time_local", "reason")
ANNOTATIONS = (
    "id",
    "store_id",
    "label",
    "value",
    "start_utc",
    "end_utc",
    "counts_as",
    "reason",
    "author",
    "made_at",
    "withdrawn_at",
)
EVERY_DAY = range(7)  # 0 = Monday

FIRST_TIER, SECOND_TIER = 1, 2


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A case and its input."""

    name: str
    case: Case
    loads: tuple[Files, ...]  # as the case's loads


def draft(
    name: str,
    *files: Files,
    rules: str,
    tests: str,
    seen: str,
    as_of: str | None,
    tier: int = FIRST_TIER,
    carry: str = "7d",
    policy: str = "hourly-majority",
    windows: Sequence[str] = (),
    compare: bool = False,
    by: str | None = None,
    hours: tuple[str, str] | None = None,
    hours_from: Mapping[int, str] | None = None,
    same: Sequence[Sequence[str]] = (),
) -> Draft:
    """Return the draft of a case; `files` are those of its loads, `hours_from` has dates by their numbers."""
    names = ["data"] if len(files) == 1 else [f"load-{n}" for n in range(1, len(files) + 1)]
    dates = hours_from or {}
    steps = tuple(LoadStep(folder=folder, hours_from=dates.get(n)) for n, folder in enumerate(names, 1))
    case = Case(
        tier=tier,
        rules=tuple(rules.split()),
        tests=tests,
        seen=seen,
        as_of=as_of,
        carry=carry,
        policy=policy,
        windows=tuple(windows),
        compare=compare,
        by=by,
        hours=hours,
        loads=steps,
        same=tuple(map(tuple, same)),
    )
    return Draft(name=name, case=case, loads=files)


def table(columns: Iterable[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return CSV, fields in quotes only where they must be."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([tuple(columns), *rows])
    return text.getvalue().encode()


def packed(data: bytes) -> bytes:
    """Return data as gzip, always the same bytes."""
    return gzip.compress(data, mtime=0)


def fleet(
    *,
    polls: Iterable[Sequence[str]] = (),
    hours: Iterable[Sequence[str]] = (),
    zones: Iterable[Sequence[str]] = (),
    exceptions: Iterable[Sequence[str]] = (),
    annotations: Iterable[Sequence[str]] = (),
    stores: Iterable[Sequence[str]] = (),
) -> Files:
    """Return the files of a fleet, one of each kind that it has; the first row of `stores` names columns."""
    named = list(stores)
    dated = list(hours)
    columns = (*HOURS, "valid_from", "valid_to") if any(len(row) > len(HOURS) for row in dated) else HOURS
    given: dict[str, tuple[Sequence[str], list[Sequence[str]]]] = {
        "polls.csv": (POLLS, list(polls)),
        "hours.csv": (columns, [(*row, "", "")[: len(columns)] for row in dated]),
        "zones.csv": (ZONES, list(zones)),
        "exceptions.csv": (EXCEPTIONS, list(exceptions)),
        "annotations.csv": (ANNOTATIONS, list(annotations)),
        "stores.csv": (named[0] if named else (), named[1:]),
    }
    return {name: table(columns, rows) for name, (columns, rows) in given.items() if rows}


def polled(store_id: str, *polls: str) -> Rows:
    """Return polls written like `2023-01-25 10:05 up`; a minute without seconds gets them."""
    rows: Rows = []
    for poll in polls:
        at, _, status = poll.rpartition(" ")
        stamp = at if at.count(":") > 1 else f"{at}:00"
        rows.append((store_id, {"up": "active", "down": "inactive"}[status], f"{stamp} UTC"))
    return rows


def opened(store_id: str, days: Iterable[int], *spans: str) -> Rows:
    """Return an hours row for each day and span, written like `09:00-17:00`."""
    return [(store_id, f"{day}", *span.split("-")) for day in days for span in spans]
