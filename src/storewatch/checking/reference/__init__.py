"""The report rules in plain pandas: one store at a time, one function a step.

This is the text that the kernel is held against. It is slow and plain on purpose, and shares nothing with the
kernel but the reading of input. `load` gives the stores; the steps of one, each to be looked at by itself:

    polls ─► distinct_polls ───────────────────────────────────────────┐
    hours ─► weekly_hours ─┬► opening_hours_utc ─► open_stretches ─┬► discard_outside ─► resample
    zone ──► clock_spans ──┘                                       │    ─► majority ─► carry_forward
                                                                   └► pieces (of those statuses) ─► add_up

Under the policy `last-observation`, `observe` takes the place of resample, majority and carry_forward.
`report` goes that way, by R1 to R7 and R15.

`account` says the rest as well, R8 to R13 and R16, second by second: a value for each second of a store's
time (`second_by_second`), from which windows, hours and outages are counted off.

Instants are `datetime64[us, UTC]` in all frames, an hour is named by its first instant.
"""

from storewatch.checking.reference.csv import duration, export, percent, quoted
from storewatch.checking.reference.opening import (
    clock_spans,
    days_of_interest,
    discard_outside,
    distinct_polls,
    open_stretches,
    opening_hours_utc,
    weekly_hours,
)
from storewatch.checking.reference.report import (
    STATUSES,
    WINDOWS,
    add_up,
    cut,
    figure_columns,
    pieces,
    report,
    report_store,
    to_polars,
)
from storewatch.checking.reference.status import carry_forward, majority, observe, resample
from storewatch.checking.reference.stores import Store, hours_frame, load, polls_frame

__all__ = [
    "STATUSES",
    "WINDOWS",
    "Store",
    "add_up",
    "carry_forward",
    "clock_spans",
    "cut",
    "days_of_interest",
    "discard_outside",
    "distinct_polls",
    "duration",
    "export",
    "figure_columns",
    "hours_frame",
    "load",
    "majority",
    "observe",
    "open_stretches",
    "opening_hours_utc",
    "percent",
    "pieces",
    "polls_frame",
    "quoted",
    "report",
    "report_store",
    "resample",
    "to_polars",
    "weekly_hours",
]
