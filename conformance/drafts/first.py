"""The worked examples of the first rules, and who has a row."""

from __future__ import annotations

from conformance.drafts.draft import EVERY_DAY, Draft, draft, fleet, opened, polled


def drafts() -> list[Draft]:
    """Return them."""
    return [_worked(), _rows()]


def _worked() -> Draft:
    hour = polled(
        "hour", "2023-01-25 10:05 up", "2023-01-25 10:20 up", "2023-01-25 10:50 down", "2023-01-25 13:10 up"
    )
    morning = polled("morning", "2023-01-24 20:55 down", "2023-01-25 08:58 up", "2023-01-25 10:30 up")
    return draft(
        "worked-examples",
        fleet(
            polls=hour + morning,
            hours=opened("morning", EVERY_DAY, "09:00-21:00"),
            zones=[("hour", "UTC"), ("morning", "UTC")],
        ),
        rules="R3 R4 R5 R6",
        tests="The worked hour and the worked morning of the rules.",
        seen="The majority of an hour leaks into the next one, polls are interpolated or counted as "
        "minutes, and a poll shortly before opening decides the morning.",
        as_of="2023-01-25T14:00:00Z",
    )


def _rows() -> Draft:
    polls = [
        *polled("only-polls", "2023-01-25 17:30 up"),
        *polled("polls-of-last-year", "2022-01-25 17:30 down"),
        *polled("polls-after-the-as-of", "2023-01-25 18:30 down"),
        *polled("no-zone", "2023-01-25 15:10 down", "2023-01-25 16:10 up"),
        *polled("closed-days", "2023-01-23 12:10 down", "2023-01-25 12:10 up"),
        *polled("always-closed", "2023-01-25 12:10 up"),
    ]
    hours = [
        *opened("only-hours", EVERY_DAY, "09:00-17:00"),
        *opened("no-zone", EVERY_DAY, "09:00-17:00"),
        *opened("closed-days", (0, 1), "00:00-24:00"),
        *opened("always-closed", (2,), "08:00-08:00"),
    ]
    zones = [("only-a-zone", "Asia/Tokyo"), ("closed-days", "UTC"), ("always-closed", "UTC")]
    return draft(
        "who-has-a-row",
        fleet(polls=polls, hours=hours, zones=zones),
        rules="R2 R3 R7",
        tests="Every store that any input names has a row; without hours it is open all the time, "
        "without a zone it is in Chicago, and on a day without rows, or with one that ends where "
        "it starts, it is closed.",
        seen="A join drops stores without hours, a store without a zone breaks the import, days without "
        "rows are taken as open all day, and end = start as 24 hours.",
        as_of="2023-01-25T18:00:00Z",
    )
