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

from storewatch.checking.reference.account import account, touched
from storewatch.checking.reference.csv import duration, export, export_account, percent, quoted
from storewatch.checking.reference.dates import Opening, has_run_out, shifts
from storewatch.checking.reference.hourly import hours
from storewatch.checking.reference.opening import (
    clock_spans,
    days_of_interest,
    discard_outside,
    distinct_polls,
    open_stretches,
    opening_hours_utc,
    weekly_hours,
)
from storewatch.checking.reference.outages import outages, runs, state
from storewatch.checking.reference.periods import begin_of, date_of, edges, edges_before
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
from storewatch.checking.reference.second import STATUSES as STATES
from storewatch.checking.reference.second import Seconds, case_of, second_by_second
from storewatch.checking.reference.status import carry_forward, majority, observe, resample
from storewatch.checking.reference.stores import Store, hours_frame, load, polls_frame
from storewatch.checking.reference.targets import by_label, judge

__all__ = [
    "STATES",
    "STATUSES",
    "WINDOWS",
    "Opening",
    "Seconds",
    "Store",
    "account",
    "add_up",
    "begin_of",
    "by_label",
    "carry_forward",
    "case_of",
    "clock_spans",
    "cut",
    "date_of",
    "days_of_interest",
    "discard_outside",
    "distinct_polls",
    "duration",
    "edges",
    "edges_before",
    "export",
    "export_account",
    "figure_columns",
    "has_run_out",
    "hours",
    "hours_frame",
    "judge",
    "load",
    "majority",
    "observe",
    "open_stretches",
    "opening_hours_utc",
    "outages",
    "percent",
    "pieces",
    "polls_frame",
    "quoted",
    "report",
    "report_store",
    "resample",
    "runs",
    "second_by_second",
    "shifts",
    "state",
    "to_polars",
    "touched",
    "weekly_hours",
]
