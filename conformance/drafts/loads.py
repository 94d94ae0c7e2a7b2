"""What a later load changes, and what it leaves."""

from __future__ import annotations

from conformance.drafts.draft import EVERY_DAY, Draft, Files, draft, fleet, opened, polled

_STORES = (
    "other-hours",
    "not-named-again",
    "a-rejected-row",
    "only-rejected-rows",
    "two-files-of-hours",
    "other-zone",
    "two-zones",
    "a-rejected-zone",
    "closed-now",
)


def drafts() -> list[Draft]:
    """Return them."""
    return [_hours(), _polls("loads-polls", turned=False), _polls("loads-polls-turned", turned=True)]


def _hours() -> Draft:
    polls = [
        row
        for store in _STORES
        for row in polled(store, "2023-01-25 08:10 up", "2023-01-25 12:10 down", "2023-01-25 18:10 up")
    ]
    first = fleet(
        polls=polls,
        hours=[row for store in _STORES for row in opened(store, EVERY_DAY, "08:00-20:00")],
        zones=[(store, "UTC") for store in _STORES],
    )
    hours = [
        *opened("other-hours", (2,), "10:00-12:30"),
        *opened("a-rejected-row", EVERY_DAY, "10:00-11:00"),
        ("a-rejected-row", "8", "10:00", "11:00"),
        ("only-rejected-rows", "2", "10 o'clock", "11:00"),
        *opened("two-files-of-hours", (2,), "10:00-11:00"),
        *opened("closed-now", (2,), "00:00-00:00"),
        *opened("new-with-a-rejected-row", (2,), "10:00-11:00"),
        ("new-with-a-rejected-row", "8", "10:00", "11:00"),
        ("new-with-only-rejected-rows", "8", "10:00", "11:00"),
    ]
    zones = [
        ("other-zone", "Asia/Kolkata"),
        ("two-zones", "Asia/Tokyo"),
        ("two-zones", "Asia/Seoul"),
        ("a-rejected-zone", "Tokyo"),
        ("new-with-only-rejected-rows", "UTC"),
    ]
    second = fleet(hours=hours, zones=zones)
    second["more-hours.csv"] = fleet(hours=opened("two-files-of-hours", (2,), "12:00-13:00"))["hours.csv"]
    return draft(
        "loads-hours-and-zones",
        first,
        second,
        rules="R1",
        tests="The hours of a store that a load names become the load's rows for it, from all its files; "
        "the same for its zone. A store that it does not name keeps its own, and so does one with "
        "a rejected hours row, or with two zones; one that had no hours gets its good rows.",
        seen="Hours pile up; a load of some stores drops the others; a half-read file halves a store's "
        "hours; hours are cached for ever in a process.",
        as_of="2023-01-25T20:00:00Z",
    )


def _polls(name: str, *, turned: bool) -> Draft:
    first = polled(
        "doubled",
        "2023-01-25 10:10 up",
        "2023-01-25 11:10 down",
        "2023-01-25 11:20 up",
        "2023-01-25 11:30 up",
    )
    first += polled("contradicted", "2023-01-25 10:10 up", "2023-01-25 11:10:00.000001 up")
    first += polled("late-news", "2023-01-25 10:10 up")
    second = polled("doubled", "2023-01-25 11:10 down", "2023-01-25 10:10 up")
    second += polled(
        "contradicted", "2023-01-25 10:10 down", "2023-01-25 11:10:00.000001 down", "2023-01-25 10:10 up"
    )
    second += polled("late-news", "2023-01-25 09:50 down", "2023-01-25 10:50 down", "2023-01-25 10:55 down")
    loads: list[Files] = [fleet(polls=first), fleet(polls=second)]
    return draft(
        name,
        *(loads[::-1] if turned else loads),
        rules="R1 R4",
        tests="Polls of several loads are added; doubled ones are one, and where two loads disagree "
        "about an instant it is inactive, whichever came first.",
        seen="Loading a file again doubles the polls, and the last load wins.",
        as_of="2023-01-25T13:00:00Z",
    )
