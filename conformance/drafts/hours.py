"""Edges of hours, hours in odd zones, and how figures are rounded."""

from __future__ import annotations

from conformance.drafts.draft import EVERY_DAY, Draft, Rows, draft, fleet, opened, polled

_WEDNESDAY = 2
_SPANS = {  # on Wednesday 25 January 2023, in UTC
    "until-235859": ["08:00-23:58:59"],
    "until-2359": ["08:00-23:59"],
    "until-235900": ["08:00-23:59:00"],
    "until-235901": ["08:00-23:59:01"],
    "until-235930": ["08:00-23:59:30"],
    "until-235959": ["08:00-23:59:59"],
    "until-24": ["08:00-24:00"],
    "until-240000": ["08:00-24:00:00"],
    "until-0": ["08:00-00:00"],
    "from-2359-until-24": ["23:59-24:00"],
    "from-235959-until-2359": ["23:59:59-23:59"],
    "from-235959-until-0": ["23:59:59-00:00"],
    "from-235930-until-235900": ["23:59:30-23:59:00"],
    "end-is-start": ["08:00-08:00"],
    "end-is-start-0": ["00:00-00:00"],
    "end-is-start-2359": ["23:59-23:59"],
    "whole-day": ["00:00-24:00"],
    "whole-day-2359": ["00:00-23:59"],
    "all-but-a-minute": ["00:01-00:00"],
    "one-second": ["12:00:00-12:00:01"],
    "short-form": ["9:30-17:05"],
    "night": ["22:00-06:00"],
    "night-of-24-hours-less-a-second": ["12:00:01-12:00:00"],
    "two-shifts": ["08:00-12:00", "14:00-20:00"],
    "three-shifts": ["08:00-09:00", "12:00-14:00", "23:00-23:59"],
    "doubled": ["08:00-12:00", "08:00-12:00", "08:00-12:00"],
    "touching": ["08:00-12:00", "12:00-20:00"],
    "overlapping": ["08:00-14:00", "12:00-20:00"],
    "nested": ["08:00-20:00", "12:00-14:00"],
    "empty-beside-another": ["08:00-08:00", "12:00-14:00"],
}


def drafts() -> list[Draft]:
    """Return them."""
    return [_edges(), _days(), _off_the_hour(), _rounding()]


def _edges() -> Draft:
    polls: Rows = []
    for store in _SPANS:
        polls += polled(
            store,
            "2023-01-24 12:00 down",
            "2023-01-25 00:00:30 up",
            "2023-01-25 12:30 up",
            "2023-01-25 23:59:29 down",
            "2023-01-25 23:59:59.999999 up",
        )
    return draft(
        "edges-of-hours",
        fleet(
            polls=polls,
            hours=[row for store, spans in _SPANS.items() for row in opened(store, [_WEDNESDAY], *spans)],
            zones=[(store, "UTC") for store in _SPANS],
        ),
        rules="R2",
        tests="Ends at 23:58:59, 23:59, 23:59:00, 23:59:59, 24:00 and 00:00; starts after 23:59; end = "
        "start; several, split, doubled, touching, nested and overlapping rows of a day; nights.",
        seen="All nine programs that were run lose a minute or a second each midnight; a dict keyed by "
        "day keeps one shift of two; overlapping rows are counted twice.",
        as_of="2023-01-26T00:00:00Z",
        same=[
            [
                "until-2359",
                "until-235900",
                "until-235901",
                "until-235930",
                "until-235959",
                "until-24",
                "until-240000",
            ],
            ["until-24", "until-0"],
            ["whole-day", "whole-day-2359"],
            ["end-is-start", "end-is-start-0"],
        ],
    )


def _days() -> Draft:
    hours = [
        *opened("sunday-night", [6], "22:00-06:00"),
        *opened("monday", [0], "00:00-24:00"),
        *opened("sunday", [6], "00:00-24:00"),
        *opened("nights-in-two-rows", EVERY_DAY, "22:00-23:59:59", "00:00-02:00"),
        *opened("nights-in-one-row", EVERY_DAY, "22:00-02:00"),
        *opened("weekend", (5, 6), "10:00-16:00"),
        *opened("tokyo-monday-morning", [0], "08:00-12:00"),
        *opened("honolulu-sunday-evening", [6], "18:00-24:00"),
        *opened("kiritimati-sunday", [6], "00:00-24:00"),
    ]
    zones = {
        "tokyo-monday-morning": "Asia/Tokyo",
        "honolulu-sunday-evening": "Pacific/Honolulu",
        "kiritimati-sunday": "Pacific/Kiritimati",
    }
    stores = sorted({row[0] for row in hours})
    polls = [
        row
        for store in stores
        for row in polled(
            store,
            "2023-01-22 05:10 up",
            "2023-01-22 13:10 down",
            "2023-01-22 22:10 up",
            "2023-01-22 23:10 down",
            "2023-01-23 01:10 up",
            "2023-01-23 04:50 down",
        )
    ]
    return draft(
        "days-and-nights",
        fleet(polls=polls, hours=hours, zones=[(store, zones.get(store, "UTC")) for store in stores]),
        rules="R2",
        tests="Day 0 is Monday; Sunday's night runs into Monday; a night in two rows is the night in "
        "one; a local day may be another day in UTC.",
        seen="Day 0 is read as Sunday; nights are dropped or cut at midnight; the local day whose shift "
        "began the evening before the window is forgotten.",
        as_of="2023-01-23T06:00:00Z",
        same=[["nights-in-two-rows", "nights-in-one-row"]],
    )


def _off_the_hour() -> Draft:
    zones = (
        "Asia/Kolkata",
        "Asia/Kathmandu",
        "Pacific/Marquesas",
        "Pacific/Chatham",
        "Australia/Lord_Howe",
        "America/St_Johns",
        "Australia/Eucla",
        "US/Central",
        "America/New_York",
    )
    polls: Rows = []
    hours: Rows = []
    names = {zone: zone.rpartition("/")[2] for zone in zones}
    for number, store in enumerate(names.values()):
        hours += opened(store, EVERY_DAY, "09:00-17:00")
        for hour in range(0, 20, 2):
            status = "up" if (hour // 2 + number) % 3 else "down"
            polls += polled(store, f"2023-01-{24 + number % 2} {hour:02d}:{7 * number:02d} {status}")
    return draft(
        "off-the-full-hour",
        fleet(polls=polls, hours=hours, zones=[(store, zone) for zone, store in names.items()]),
        rules="R2 R4 R6",
        tests="Zones off the full hour, and an as-of off it: an hour's status holds for the UTC hour, "
        "hours that a window cuts count with the part inside.",
        seen="Hours are grouped by the local date or hour of their start; a zone is attached as its "
        "local mean time (New York -4:56); the last hour is made of whole hours.",
        as_of="2023-01-25T18:12:07Z",
    )


def _rounding() -> Draft:
    hours: Rows = []
    polls: Rows = []
    for seconds in (17, 18, 19, 53, 54, 55, 90, 3_599):
        store = f"open-{seconds}-s"
        hours += opened(store, [_WEDNESDAY], f"00:00:00-{_of_day(seconds)}")
        polls += polled(store, "2023-01-25 00:00:00 up")
    for seconds in (1, 2, 3, 7, 29, 31):
        store = f"down-{seconds}-s"  # of the last hour, since the as-of cuts its hour
        hours += opened(store, [_WEDNESDAY], f"00:00:00-{_of_day(18 * 3_600 + seconds)}")
        polls += polled(store, "2023-01-25 00:10 up", "2023-01-25 18:00:00 down")
    polls += polled("nothing-known-is-no-percentage", "2023-01-01 00:10 up")
    polls += polled("always-up", "2023-01-18 18:10 up", "2023-01-25 18:00 up")
    polls += polled("always-down", "2023-01-18 18:10 down", "2023-01-25 18:00 down")
    stores = sorted({row[0] for row in polls})
    return draft(
        "rounding",
        fleet(polls=polls, hours=hours, zones=[(store, "UTC") for store in stores]),
        rules="R6 R7",
        tests="Durations are rounded half up from whole seconds, each by itself; percentages are cut: "
        "99.998 is 99.99, and only all is 100; nothing known has no percentage.",
        seen="Floors a segment, hours cut to whole numbers, up and down scaled to fit; 99.996 shown as "
        "100; a division by zero.",
        as_of="2023-01-25T18:00:40Z",
    )


def _of_day(second: int) -> str:
    return f"{second // 3_600:02d}:{second % 3_600 // 60:02d}:{second % 60:02d}"
