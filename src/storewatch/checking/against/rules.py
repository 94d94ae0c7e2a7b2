"""What other programs make of the same facts: the rules with a switch for each known deviation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from storewatch.domain.instant import DEFAULT_CARRY
from storewatch.domain.zone import DEFAULT_ZONE

if TYPE_CHECKING:
    from collections.abc import Mapping

HourWindow = Literal["rolling", "so far", "before"]
DayWindow = Literal["rolling", "utc today", "local today", "utc yesterday", "local yesterday"]
WeekWindow = Literal[
    "rolling",
    "utc monday", "local monday",  # since Monday's midnight
    "utc seven days", "local seven days",  # up to the last midnight
    "utc since midnight", "local since midnight",  # from the midnight seven days ago to the as-of
    "utc with today", "local with today",  # today and the six days before
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How a program reads facts: R2 to R6 by default; each other value is a deviation seen in practice."""

    # Which status a second has.
    status: Literal["majority", "last", "share"] = "majority"  # last: each poll holds until the next one
    counted: Literal["open", "all"] = "open"  # all: polls outside open hours decide too
    carry: int | None = DEFAULT_CARRY  # seconds
    before_first: Literal["unknown", "first"] = "unknown"  # first: the first poll is filled backwards
    unknown: Literal["unknown", "up", "down"] = "unknown"
    # When a store is open.
    late_end: Literal["midnight", "literal"] = "midnight"  # an end from 23:59:00 on
    rows: Literal["all", "first", "last"] = "all"  # which row of a day, in the order of the file
    night: Literal["next day", "cut", "dropped"] = "next day"  # rows that end before they start
    empty_row: Literal["closed", "open"] = "closed"  # rows that end where they start
    missing_day: Literal["closed", "open"] = "closed"  # a day without rows, of a store that has some
    missing_hours: Literal["open", "closed"] = "open"  # a store without rows
    first_day: Literal["monday", "sunday"] = "monday"  # what day 0 is
    overlaps: Literal["once", "twice"] = "once"
    # Where its wall clock stands.
    clock: Literal["zone", "standard", "as-of", "mean", "utc"] = "zone"
    no_zone: str = DEFAULT_ZONE
    # Which windows are added up.
    ends: Literal["as-of", "own"] = "as-of"  # own: at the store's own newest poll
    hour: HourWindow = "rolling"
    day: DayWindow = "rolling"
    week: WeekWindow = "rolling"

    def of_all_windows(self) -> Rules:
        """Return the rules without what only cuts windows: equal for rules that share a timeline."""
        return replace(self, ends="as-of", hour="rolling", day="rolling", week="rolling", unknown="unknown")


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A known way to other figures."""

    key: str  # short, for files
    sentence: str
    changes: Mapping[str, object]  # fields of Rules

    def applied(self, rules: Rules) -> Rules:
        """Return the rules with the deviation."""
        return replace(rules, **self.changes)  # type: ignore[arg-type]  # the fields of Rules

    def joined(self, other: Cause) -> Cause:
        """Return both at once; they must not change the same field."""
        return Cause(
            key=f"{self.key} + {other.key}",
            sentence=f"{self.sentence}; and {other.sentence}",
            changes={**self.changes, **other.changes},
        )


def _cause(key: str, sentence: str, **changes: object) -> Cause:
    return Cause(key=key, sentence=sentence, changes=changes)


# In order of preference where two explain equally many stores.
CAUSES = (
    _cause("last-observation", "each poll holds until the next one, no majority of the hour", status="last"),
    _cause("literal-23:59", "an end of 23:59 is read literally: time is lost each midnight",
           late_end="literal"),
    _cause("last-shift", "one shift a day: the last row of a day wins", rows="last"),
    _cause("first-shift", "one shift a day: the first row of a day wins", rows="first"),
    _cause("no-daylight-saving", "the zone's standard time all the year", clock="standard"),
    _cause("one-offset", "the offset at the as-of for all of the week", clock="as-of"),
    _cause("local-mean-time", "the zone's local mean time (a zone attached to a naive time)", clock="mean"),
    _cause("no-zones", "zones ignored: hours read in UTC", clock="utc"),
    _cause("default-utc", "UTC instead of America/Chicago where no zone is known", no_zone="UTC"),
    _cause("missing-day-open", "a day without rows taken as open all day", missing_day="open"),
    _cause("no-hours-closed", "stores without hours taken as closed", missing_hours="closed"),
    _cause("nights-dropped", "rows past midnight dropped", night="dropped"),
    _cause("nights-cut", "rows past midnight cut at midnight", night="cut"),
    _cause("sunday-first", "weekday 0 read as Sunday", first_day="sunday"),
    _cause("empty-row-open", "rows that end where they start taken as open all day", empty_row="open"),
    _cause("overlaps-twice", "overlapping rows counted twice", overlaps="twice"),
    _cause("endless-carry", "the last status carried without end", carry=None),
    _cause("all-polls", "polls outside open hours counted", counted="all"),
    _cause("unknown-down", "unknown time counted as down", unknown="down"),
    _cause("unknown-up", "unknown time counted as up", unknown="up"),
    _cause("filled-back", "the first poll filled backwards", before_first="first"),
    _cause("poll-share", "the share of active polls times the open time", status="share"),
    _cause("own-now", "windows end at each store's own newest poll", ends="own"),
    _cause("clock-hour", "the last hour is the hour on the clock so far", hour="so far"),
    _cause("full-hour", "the last hour is the full hour before", hour="before"),
    _cause("utc-today", "the last day is today since midnight, UTC", day="utc today"),
    _cause("local-today", "the last day is today since midnight, local", day="local today"),
    _cause("utc-yesterday", "the last day is the calendar day before, UTC", day="utc yesterday"),
    _cause("local-yesterday", "the last day is the calendar day before, local", day="local yesterday"),
    _cause("utc-monday", "the week runs since Monday, UTC", week="utc monday"),
    _cause("local-monday", "the week runs since Monday, local", week="local monday"),
    _cause("utc-seven-days", "the week is the seven calendar days before today, UTC", week="utc seven days"),
    _cause("local-seven-days", "the week is the seven calendar days before today, local",
           week="local seven days"),
    _cause("utc-since-midnight", "the week runs since midnight seven days ago, UTC",
           week="utc since midnight"),
    _cause("local-since-midnight", "the week runs since midnight seven days ago, local",
           week="local since midnight"),
    _cause("utc-with-today", "the week is today and six calendar days, UTC", week="utc with today"),
    _cause("local-with-today", "the week is today and six calendar days, local", week="local with today"),
    _cause("utc-calendar", "calendar windows so far: hour on the clock, today, since Monday, UTC",
           hour="so far", day="utc today", week="utc monday"),
    _cause("local-calendar", "calendar windows so far: hour on the clock, today, since Monday, local",
           hour="so far", day="local today", week="local monday"),
    _cause("utc-full-calendar", "full calendar windows: the hour, day and seven days before, UTC",
           hour="before", day="utc yesterday", week="utc seven days"),
    _cause("local-full-calendar", "full calendar windows: the hour, day and seven days before, local",
           hour="before", day="local yesterday", week="local seven days"),
)  # fmt: skip
