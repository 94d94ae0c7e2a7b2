"""Polls at edges, majorities, carrying, and the as-of."""

from __future__ import annotations

from conformance.drafts.draft import EVERY_DAY, Draft, Rows, draft, fleet, opened, polled

_AT_EDGES = {  # a microsecond before, at and after an edge, by what is there
    "opening": ("08:59:59.999999", "09:00:00", "09:00:00.000001"),
    "hour": ("09:59:59.999999", "10:00:00", "10:00:00.000001"),
    "window": ("15:59:59.999999", "16:00:00", "16:00:00.000001"),
    "closing": ("16:59:59.999999", "17:00:00", "17:00:00.000001"),
    "as-of": ("17:29:59.999999", "17:30:00", "17:30:00.000001"),
}
_NAMES = ("before", "at", "after")


def drafts() -> list[Draft]:
    """Return them."""
    return [
        _edges("polls-at-edges", "2023-01-25T17:00:00Z"),
        _edges("polls-at-edges-of-half-an-hour", "2023-01-25T17:30:00Z"),
        _majority(),
        *(_carry(carry) for carry in ("7d", "36h", "none")),
        _newest("18:11:06.250000", "newest-poll-rounded-up"),
        _newest("18:11:06", "newest-poll-on-the-second"),
    ]


def _edges(name: str, as_of: str) -> Draft:
    polls: Rows = []
    hours: Rows = []
    for edge, times in _AT_EDGES.items():
        for when, time in zip(_NAMES, times, strict=True):
            for kind in ("day", "always"):
                store = f"{kind}-{when}-{edge}"
                polls += polled(store, "2023-01-24 12:00 down", f"2023-01-25 {time} up")
                hours += opened(store, EVERY_DAY, "09:00-17:00") if kind == "day" else []
    return draft(
        name,
        fleet(polls=polls, hours=hours, zones=sorted({(row[0], "UTC") for row in polls})),
        rules="R3 R4 R5 R6",
        tests="Polls a microsecond before, at and after an opening, a full hour, a window's start, a "
        "closing and the as-of: an opening is in, a closing is not, a poll at the as-of counts, "
        "and one on a full hour is of the hour that begins.",
        seen="One poll on a whole second among polls with microseconds breaks a strict date parser; a "
        "fraction of a second puts a poll on the wrong side; polls after the as-of count.",
        as_of=as_of,
    )


def _majority() -> Draft:
    at = "2023-01-25"
    polls = [
        *polled("two-of-three", f"{at} 10:05 up", f"{at} 10:20 up", f"{at} 10:50 down"),
        *polled("tie-latest-up", f"{at} 10:05 down", f"{at} 10:50 up"),
        *polled("tie-latest-down", f"{at} 10:05 up", f"{at} 10:50 down"),
        *polled("one-instant-disagreeing", f"{at} 10:05 up", f"{at} 10:05 down"),
        *polled("one-instant-disagreeing-the-other-way", f"{at} 10:05 down", f"{at} 10:05 up"),
        *polled(
            "doubled",
            f"{at} 10:05 up",
            f"{at} 10:05 up",
            f"{at} 10:05 up",
            f"{at} 10:20 down",
            f"{at} 10:50 down",
        ),
        *polled("doubled-once", f"{at} 10:05 up", f"{at} 10:20 down", f"{at} 10:50 down"),
        *polled("poll-carries-not-majority", f"{at} 10:05 down", f"{at} 10:20 down", f"{at} 10:50 up"),
        *polled("out-of-order", f"{at} 12:50 down", f"{at} 10:50 up", f"{at} 12:10 up", f"{at} 10:05 down"),
        *polled("running-hour", f"{at} 13:05 up", f"{at} 13:10 down", f"{at} 13:30 down", f"{at} 13:40 down"),
        *polled("before-its-first-poll", f"{at} 13:19:59 down"),
        *polled("every-minute", *(f"{at} 11:{m:02d} {'up' if m % 2 else 'down'}" for m in range(59))),
    ]
    return draft(
        "majority",
        fleet(polls=polls, zones=sorted({(row[0], "UTC") for row in polls})),
        rules="R1 R4 R5",
        tests="An hour's status is that of most of its polls, on a tie of the latest; it holds for the "
        "whole hour. What carries on is the latest poll, not the majority. Polls at one instant "
        "are one, inactive if they disagree.",
        seen="The majority leaks into the next hour; polls are counted as minutes, or their share times "
        "the window; doubled polls count twice; the order of the file decides.",
        as_of="2023-01-25T13:20:00Z",
        same=[
            ["one-instant-disagreeing", "one-instant-disagreeing-the-other-way"],
            ["doubled", "doubled-once"],
        ],
    )


def _carry(carry: str) -> Draft:
    polls: Rows = []
    for days in (1, 2, 7, 8):
        for when, time in zip(_NAMES, ("11:59:59.999999", "12:00:00", "12:00:00.000001"), strict=True):
            polls += polled(
                f"{days}-days-{when}", f"2023-01-{25 - days} {time} {'up' if days % 2 else 'down'}"
            )
    polls += polled("36-hours", "2023-01-24 01:00:00 up")
    polls += polled("36-hours-and-a-bit", "2023-01-24 00:59:59.999999 up")
    polls += polled("last-year", "2022-01-24 00:59:59 down")
    return draft(
        f"carry-{carry}",
        fleet(polls=polls, zones=sorted({(row[0], "UTC") for row in polls})),
        rules="R5",
        tests=f"A poll carries for at most {carry}, reckoned at the start of the hour; beyond that, and "
        "before the first poll, the status is unknown.",
        seen="A gap is 0 %, or 100 %, or the stale last value for ever; time before the first poll is "
        "filled backwards; “100 %, no outages” for a store that nobody polled for three days.",
        as_of="2023-01-25T13:00:00Z",
        carry=carry,
    )


def _newest(time: str, name: str) -> Draft:
    polls = [
        *polled("its-newest-is-the-newest-of-all", "2023-01-25 08:00 down", f"2023-01-25 {time} up"),
        *polled("older", "2023-01-25 12:00 up"),
        *polled("oldest", "2023-01-19 12:00 up"),
    ]
    return draft(
        name,
        fleet(
            polls=polls,
            hours=opened("its-newest-is-the-newest-of-all", EVERY_DAY, "06:00-12:00"),
            zones=sorted({(row[0], "UTC") for row in polls}),
        ),
        rules="R3 R6",
        tests="Without an as-of it is the newest poll of any store, in open hours or not, rounded up to "
        "a whole second; all windows end there.",
        seen="“Now” is the machine's clock, a constant, or each store's own newest poll, so that "
        "windows of two stores differ.",
        as_of=None,
    )
