"""The hours as a table (R13)."""

from __future__ import annotations

from conformance.drafts.dates import on_date
from conformance.drafts.draft import EVERY_DAY, SECOND_TIER, Draft, draft, fleet, opened, polled
from conformance.drafts.notes import note


def drafts() -> list[Draft]:
    """Return a case by each policy."""
    return [_hours("hours-as-a-table", "hourly-majority"), _hours("hours-by-observation", "last-observation")]


def _hours(name: str, policy: str) -> Draft:
    polls = [
        *polled("night", "2023-01-25 01:30 up", "2023-01-25 03:30 down", "2023-01-25 05:20 up"),
        *polled("kathmandu", "2023-01-25 03:20 up", "2023-01-25 03:40 down", "2023-01-25 03:50 down"),
        *polled("exception", "2023-01-25 02:10 up", "2023-01-25 02:20 down", "2023-01-25 04:10 down"),
        *polled("half-stated", "2023-01-25 02:10 down", "2023-01-25 04:10 up"),
        *polled("after-the-end", "2023-01-25 04:20 up", "2023-01-25 04:50 down", "2023-01-25 04:55 down"),
    ]
    zones = {"kathmandu": "Asia/Kathmandu"}
    stores = sorted({row[0] for row in polls} | {"closed"})
    return draft(
        name,
        fleet(
            polls=polls,
            hours=[
                *opened("kathmandu", EVERY_DAY, "09:00-10:00"),
                *opened("exception", EVERY_DAY, "00:00-24:00"),
                *opened("closed", EVERY_DAY, "00:00-00:00"),
            ],
            zones=[(store, zones.get(store, "UTC")) for store in stores],
            exceptions=on_date("exception", "2023-01-25", "02:15-04:45"),
            annotations=[
                note("n", "night", "excluded", "25 02:00", "25 04:00"),
                note("h", "half-stated", "up", "25 01:30", "25 02:30"),
            ],
        ),
        tier=SECOND_TIER,
        rules="R13 R15" if policy == "last-observation" else "R13",
        tests="A row for each store and hour with open seconds in the time asked for, the part inside of "
        "hours that it cuts, how its status came about and by which poll; polls count for the "
        "whole hour.",
        seen="The rules are written once more in SQL, without holidays and clock changes; polls after "
        "the end of the time, up to the as-of, are forgotten.",
        as_of="2023-01-25T06:00:00Z",
        policy=policy,
        hours=("2023-01-25T00:30:00Z", "2023-01-25T04:40:00Z"),
    )
