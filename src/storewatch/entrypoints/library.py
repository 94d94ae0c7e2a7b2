"""The report as a library call: frames or files in, a `Report` out; no store, no service, no clock."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from storewatch.adapters.polls.given import GivenFacts
from storewatch.answering.answer import answer
from storewatch.answering.hours import open_hours
from storewatch.domain.ask import Ask, Policy, parse_policy
from storewatch.domain.instant import WINDOWS, parse_as_of, parse_carry, parse_second
from storewatch.errors import InputError, StorewatchWarning
from storewatch.formats.report import Report
from storewatch.ingest import from_frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from storewatch.domain.label import Where

__all__ = ["Report", "hours", "report"]

SHOWN = 5  # ids that a warning names


def report(
    polls: Any,  # noqa: ANN401 - any frame that speaks the Arrow PyCapsule interface
    hours: Any = None,  # noqa: ANN401 - the same
    zones: Any = None,  # noqa: ANN401 - the same
    *,
    exceptions: Any = None,  # noqa: ANN401 - the same
    annotations: Any = None,  # noqa: ANN401 - the same
    stores: Any = None,  # noqa: ANN401 - the same
    as_of: datetime | str | None = None,
    carry: timedelta | str | None = "7d",
    store_ids: Iterable[str] | None = None,
    policy: str = Policy.HOURLY_MAJORITY,
    windows: Iterable[str] = tuple(WINDOWS),
    compare: bool = False,
    by: str | None = None,
    where: Mapping[str, str | Iterable[str]] | None = None,
) -> Report:
    """Make the report of the last hour, day and week, or of other windows, for every store.

    Args:
        polls: Columns `store_id`, `status` (active or inactive), `timestamp_utc`; a Polars or pandas frame,
            or anything with the Arrow PyCapsule interface. Naive datetimes are UTC.
        hours: Columns `store_id`, `day` or `dayOfWeek` (0 = Monday), `start_time_local`, `end_time_local`.
        zones: Columns `store_id`, `timezone_str`.
        exceptions: Columns `store_id`, `date`, `start_time_local`, `end_time_local` (both empty: closed).
        annotations: Those of an annotations file.
        stores: Columns `store_id`, `store_name`; all others but `target_percent`, `timezone_str` are labels.
        as_of: A whole second: an aware datetime, a pandas stamp with a zone, or ISO text with an offset or
            `Z`; None: the newest poll, rounded up (R3).
        carry: How long a poll's status carries: a timedelta, or text like `7d`, `36h`; None, or `none`: it
            never ends (R5).
        store_ids: Rows wanted, each id as text; None: all stores.
        policy: How polls decide: `hourly-majority` (R4, R5) or `last-observation` (R15).
        windows: `hour`, `day`, `week`, a length like `28d` or `36h`, `today`, `yesterday`, `this_week`,
            `previous_week`, `this_month`, `previous_month`, or two instants with a slash between them (R11).
        compare: Whether each has the figures of the window before beside it, at the very end.
        by: A label, like `brand`, by whose values the rows are added up too, in `groups` (R10).
        where: Labels, and for each the values of which a store has to have one, `""` for none at all.

    What changes figures is a `StorewatchWarning` each, and an attribute of the report: rows that cannot be
    used are left out (`rejects`, `reasons`), ids that nothing names have no row (`strangers`), what is not
    known is assumed and what looks odd is said (`notes`).

    Raises:
        InputError: A frame lacks a column or has one of an impossible type, or an option is wrong.
        NoPollsError: There is neither a poll nor an as-of.
        NoStoreError: No store has the labels of `where`.

    >>> import polars as pl
    >>> stamps = ["2023-01-25 11:05:00 UTC"]
    >>> polls = pl.DataFrame({"store_id": ["7"], "status": ["active"], "timestamp_utc": stamps})
    >>> hours = pl.DataFrame(
    ...     {"store_id": ["7"], "day": [2], "start_time_local": ["00:00"], "end_time_local": ["24:00"]}
    ... )
    >>> zones = pl.DataFrame({"store_id": ["7"], "timezone_str": ["America/Chicago"]})
    >>> made = report(polls, hours, zones, as_of="2023-01-25T12:00:00Z")
    >>> made.rows["uptime_seconds_last_hour"].to_list()
    [3600]
    """
    if polls is None:
        raise InputError("polls are None: give a frame of store_id, status, timestamp_utc, if an empty one")
    ask = Ask(
        as_of=None if as_of is None else parse_as_of(as_of),
        carry=_carry(carry),
        store_ids=None if store_ids is None else _ids(store_ids),
        policy=parse_policy(policy),
        windows=_windows(windows),
        compare=compare,
        by=by,
        where=_where(where or {}),
    )
    reading = from_frames(polls, hours, zones, exceptions=exceptions, annotations=annotations, stores=stores)
    made = replace(answer(GivenFacts(facts=reading.facts), ask), rejects=reading.rejects)
    for text in _warnings(made):
        warnings.warn(text, StorewatchWarning, stacklevel=2)
    return made


def hours(
    polls: Any,  # noqa: ANN401 - any frame that speaks the Arrow PyCapsule interface
    hours: Any = None,  # noqa: ANN401 - the same
    zones: Any = None,  # noqa: ANN401 - the same
    *,
    begin: datetime | str,
    end: datetime | str,
    as_of: datetime | str | None = None,
    carry: timedelta | str | None = "7d",
    store_ids: Iterable[str] | None = None,
    policy: str = Policy.HOURLY_MAJORITY,
    **further: Any,  # noqa: ANN401 - the same
) -> pl.DataFrame:
    """Return a row for each store and UTC hour with open time in [begin, end); they add up to a report (R13).

    Args:
        polls: As `report` takes them, and so are all others but these.
        hours: The business hours.
        zones: The zones.
        begin: As an as-of.
        end: The same; the as-of at the latest.
        as_of: None: the later of the end and the newest poll.
        carry: How long a poll's status carries.
        store_ids: Rows wanted.
        policy: How polls decide.
        **further: The other frames that `report` takes.

    Rows that cannot be used are left out, with a `StorewatchWarning`.

    Raises:
        InputError: A frame or an option is wrong.
        NoPollsError: There is no poll, and no as-of.

    >>> import polars as pl
    >>> stamps = ["2023-01-25 11:05:00 UTC"]
    >>> polls = pl.DataFrame({"store_id": ["7"], "status": ["active"], "timestamp_utc": stamps})
    >>> table = hours(polls, begin="2023-01-25T11:30:00Z", end="2023-01-25T13:00:00Z")
    >>> table.select("open_seconds", "uptime_seconds", "how").rows()
    [(1800, 1800, 'majority'), (3600, 3600, 'carried')]
    """
    ask = Ask(
        as_of=None if as_of is None else parse_as_of(as_of),
        carry=_carry(carry),
        store_ids=None if store_ids is None else _ids(store_ids),
        policy=parse_policy(policy),
    )
    reading = from_frames(polls, hours, zones, **further)
    first, last = parse_second(begin, "begin"), parse_second(end, "end")
    with open_hours(GivenFacts(facts=reading.facts), ask, first, last) as (_, parts):
        table = pl.concat([part.rows for part in parts])
    if reading.rejects.height:
        warnings.warn(_left_out(reading.rejects), StorewatchWarning, stacklevel=2)
    return table


def _left_out(rejects: pl.DataFrame) -> str:
    reasons = rejects["reason"].value_counts(sort=True)
    counts = ", ".join(f"{count:,} {reason}" for reason, count in reasons.iter_rows())
    return f"{rejects.height} rows could not be used ({counts}): left out"


def _carry(carry: timedelta | str | None) -> int | None:
    """Return a carry in seconds; None: it never ends."""
    if carry is None or isinstance(carry, str):
        return parse_carry("none" if carry is None else carry)
    if not isinstance(carry, timedelta) or carry < timedelta(0) or carry % timedelta(seconds=1):
        raise InputError(
            f"carry {carry!r} is no span of whole seconds: give a timedelta, text like '7d', or None"
        )
    return parse_carry(f"{carry // timedelta(seconds=1)}s")


def _windows(windows: Iterable[str]) -> tuple[str, ...]:
    if isinstance(windows, str):
        raise InputError(f"windows is one text: give a list of windows, [{windows!r}]")
    return tuple(windows)


def _where(where: Mapping[str, str | Iterable[str]]) -> Where:
    return tuple(
        (label, (values,) if isinstance(values, str) else tuple(values)) for label, values in where.items()
    )


def _ids(store_ids: Iterable[str]) -> tuple[str, ...]:
    """Return ids, each of them text."""
    if isinstance(store_ids, str):
        raise InputError(f"store_ids is one text: give a list of ids, [{store_ids!r}]")
    found = tuple(store_ids)
    for each in found:
        if not isinstance(each, str):
            kind = type(each).__name__
            raise InputError(f"store_ids holds {each}, a {kind}: an id is text, to the letter: {str(each)!r}")
    return tuple(map(str, found))  # NumPy's are text of a kind


def _warnings(made: Report) -> Iterator[str]:
    if made.rejects is not None and made.rejects.height:
        yield f"{_left_out(made.rejects)}, see .rejects"
    if made.strangers:
        more = ", …" if len(made.strangers) > SHOWN else ""
        yield f"no input names {', '.join(made.strangers[:SHOWN])}{more}: no row for it, see .strangers"
    yield from made.notes
