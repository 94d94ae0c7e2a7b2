"""Other windows, and the ones before them (R11)."""

from __future__ import annotations

from conformance.drafts.draft import EVERY_DAY, SECOND_TIER, Draft, Rows, draft, fleet, opened, polled

_CALENDAR = ("today", "yesterday", "this_week", "previous_week", "this_month", "previous_month")


def drafts() -> list[Draft]:
    """Return them."""
    return [
        _calendar(
            "calendar-windows",
            "2023-03-15T03:30:17Z",
            (
                "America/Chicago",
                "America/Havana",
                "Asia/Tokyo",
                "Pacific/Kiritimati",
                "Asia/Kathmandu",
                "UTC",
            ),
            "a week and a month with a clock change, as-of on two local dates",
        ),
        _calendar(
            "calendar-windows-without-midnight",
            "2023-09-03T13:00:00Z",
            ("America/Santiago", "Pacific/Easter", "Asia/Beirut"),
            "a date that begins at 01:00",
        ),
        _calendar(
            "calendar-windows-at-midnight",
            "2023-11-06T05:00:00Z",
            ("America/New_York", "America/Havana", "Asia/Beirut"),
            "an as-of at local midnight, where today is empty, on the day after the clocks went back",
        ),
        _calendar(
            "calendar-windows-without-a-date",
            "2011-12-31T00:30:00Z",
            ("Pacific/Apia", "Pacific/Fakaofo"),
            "a local date that does not exist",
        ),
        _rolling(),
    ]


def _fleet(zones: tuple[str, ...], months: tuple[str, ...]) -> dict[str, bytes]:
    polls: Rows = []
    hours: Rows = []
    names = []
    for number, zone in enumerate(zones):
        for kind, spans in {"always": [], "nights": ["20:00-03:00"]}.items():
            store = f"{zone.rpartition('/')[2]}-{kind}"
            names.append((store, zone))
            hours += opened(store, EVERY_DAY, *spans)
            for m, month in enumerate(months):
                for day in range(1, 29, 3):
                    status = "down" if (number + m + day) % 4 == 0 else "up"
                    polls += polled(store, f"{month}-{day:02d} {day % 24:02d}:{day + number:02d} {status}")
    return fleet(polls=polls, hours=hours, zones=names)


def _calendar(name: str, as_of: str, zones: tuple[str, ...], odd: str) -> Draft:
    year, month = int(as_of[:4]), int(as_of[5:7])
    months = tuple(f"{year}-{number:02d}" for number in range(month - 2, month + 1))
    return draft(
        name,
        _fleet(zones, months),
        tier=SECOND_TIER,
        rules="R6 R11",
        tests=f"Windows by the store's wall clock, each with the one before: {odd}.",
        seen="Months are taken in UTC or as 30 days; a day is 24 hours; “this week” begins on Sunday; "
        "the present month is compared with the whole one before.",
        as_of=as_of,
        windows=_CALENDAR,
        compare=True,
    )


def _rolling() -> Draft:
    return draft(
        "rolling-windows",
        _fleet(("America/Chicago", "UTC"), ("2023-01", "2023-02", "2023-03")),
        tier=SECOND_TIER,
        rules="R6 R11",
        tests="Lengths in hours and days, and from an instant to another, each with the one before; "
        "polls after a window's end, up to the as-of, decide the hour that it cuts.",
        seen="A window that ends in mid-hour forgets the polls after it; a long one begins where the "
        "polls of the week begin.",
        as_of="2023-03-15T03:30:17Z",
        windows=("1h", "25h", "28d", "2023-03-01T05:30:00Z/2023-03-12T18:15:30Z", "hour"),
        compare=True,
    )
