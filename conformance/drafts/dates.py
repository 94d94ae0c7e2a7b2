"""Hours that change, and dates that differ (R8)."""

from __future__ import annotations

from conformance.drafts.draft import EVERY_DAY, SECOND_TIER, Draft, Rows, draft, fleet, opened, polled

_DAYS = [f"2023-12-{day}" for day in range(20, 28)]
_AS_OF = "2023-12-27T12:00:00Z"
_NIGHTS = "17:00-02:00"


def drafts() -> list[Draft]:
    """Return them."""
    return [_christmas(), _exceptions(), _validity(), _loads(), _hours_from()]


def _polls(stores: list[str]) -> Rows:
    """Return polls of every other evening, night and noon, one in three of them down."""
    polls: Rows = []
    for n, store in enumerate(stores):
        for d, day in enumerate(_DAYS[n % 2 :: 2]):
            for t, time in enumerate(("01:10", "11:20", "18:30")):
                polls += polled(store, f"{day} {time} {'down' if (n + d + 2 * t) % 3 == 0 else 'up'}")
    return polls


def on_date(store_id: str, date: str, *spans: str, reason: str = "") -> Rows:
    """Return the exceptions of a date: a closed one if there are no spans."""
    return [(store_id, date, *(span.split("-") if span else ("", "")), reason) for span in spans or ("",)]


def valid(rows: Rows, since: str = "", until: str = "") -> Rows:
    """Return hours rows with the first and the last date that they are valid on."""
    return [(*row, since, until) for row in rows]


def _christmas() -> Draft:
    return draft(
        "christmas",
        fleet(
            polls=polled("bar", "2023-12-24 17:10 up", "2023-12-26 17:20 down"),
            hours=opened("bar", EVERY_DAY, _NIGHTS),
            zones=[("bar", "UTC")],
            exceptions=on_date("bar", "2023-12-25", reason="Christmas"),
        ),
        tier=SECOND_TIER,
        rules="R8 R11",
        tests="The worked Christmas: a closed date loses the shift that starts on it, with its tail, and "
        "keeps the tail of the eve's.",
        seen="A closed date cuts the eve's tail after midnight and keeps its own, as opening-hours "
        "libraries do.",
        as_of="2023-12-26T18:00:00Z",
        windows=("today", "yesterday", "2d"),
    )


def _exceptions() -> Draft:
    hours = {
        "as-ever": [_NIGHTS],
        "closed": [_NIGHTS],
        "closed-on-the-eve": [_NIGHTS],
        "shorter-on-the-eve": [_NIGHTS],
        "longer": [_NIGHTS],
        "two-shifts": [_NIGHTS],
        "no-length": [_NIGHTS],
        "until-2359": ["10:00-20:00"],
        "over-the-tail": [_NIGHTS],
        "doubled": [_NIGHTS],
        "touching-the-next-date": ["00:00-06:00"],
        "two-dates": [_NIGHTS],
        "next-year": [_NIGHTS],
        "tail-into-the-week": ["10:00-12:00"],
        "berlin": [_NIGHTS],
        "honolulu": [_NIGHTS],
        "never-open-but-then": ["08:00-08:00"],
    }
    exceptions = [
        *on_date("closed", "2023-12-25", reason="Christmas"),
        *on_date("closed-on-the-eve", "2023-12-24", reason="x, y"),
        *on_date("shorter-on-the-eve", "2023-12-24", "10:00-14:00"),
        *on_date("longer", "2023-12-25", "09:00-08:59"),
        *on_date("two-shifts", "2023-12-25", "10:00-12:00", "14:00-16:30"),
        *on_date("no-length", "2023-12-25", "10:00-10:00"),
        *on_date("until-2359", "2023-12-25", "10:00-23:59:59"),
        *on_date("over-the-tail", "2023-12-25", "01:00-05:00"),
        *on_date("doubled", "2023-12-25", "10:00-12:00", "10:00-12:00"),
        *on_date("touching-the-next-date", "2023-12-24", "20:00-24:00"),
        *on_date("two-dates", "2023-12-24"),
        *on_date("two-dates", "2023-12-25"),
        *on_date("next-year", "2024-12-25"),
        *on_date("tail-into-the-week", "2023-12-19", "20:00-14:00"),
        *on_date("berlin", "2023-12-25"),
        *on_date("honolulu", "2023-12-25"),
        *on_date("never-open-but-then", "2023-12-25", "10:00-12:00"),
        *on_date("no-hours-closed", "2023-12-25"),
        *on_date("no-hours-open", "2023-12-25", "10:00-12:00"),
        *on_date("nobody-knows-it", "2023-12-25", "10:00-12:00"),
    ]
    stores = [*hours, "no-hours-closed", "no-hours-open"]
    zones = {"berlin": "Europe/Berlin", "honolulu": "Pacific/Honolulu"}
    return draft(
        "exceptions",
        fleet(
            polls=_polls(stores),
            hours=[row for store, spans in hours.items() for row in opened(store, EVERY_DAY, *spans)],
            zones=[(store, zones.get(store, "UTC")) for store in stores],
            exceptions=exceptions,
        ),
        tier=SECOND_TIER,
        rules="R7 R8",
        tests="The exceptions of a store and date take the place of all shifts that start on it; read as "
        "hours are; a tail and the next date's shift are one stretch; the last date before the "
        "week has its tail in it; an id that nothing else names has no row.",
        seen="An exception adds to the weekly hours, ends at midnight, is taken in UTC, or hits the "
        "tail of the date before.",
        as_of=_AS_OF,
    )


def _validity() -> Draft:
    old, new = opened("", EVERY_DAY, "08:00-12:00"), opened("", EVERY_DAY, "10:00-20:00")

    def of(store: str, rows: Rows) -> Rows:
        return [(store, *row[1:]) for row in rows]

    hours = [
        *of("changed", valid(old, until="2023-12-23") + valid(new, since="2023-12-24")),
        *of("changed-with-a-gap", valid(old, until="2023-12-22") + valid(new, since="2023-12-25")),
        *of("changed-and-overlapping", valid(old, until="2023-12-25") + valid(new, since="2023-12-23")),
        *of("run-out", valid(old, until="2023-12-01")),
        *of("run-out-in-the-week", valid(old, until="2023-12-24")),
        *of("not-yet", valid(old, since="2024-01-01")),
        *of("one-date", valid(old, since="2023-12-24", until="2023-12-24")),
        *of("tail-after-the-last-date", valid(opened("", EVERY_DAY, "20:00-04:00"), until="2023-12-24")),
        *of(
            "valid-and-without-limits",
            valid(old) + valid(opened("", (6,), "14:00-18:00"), since="2023-12-24"),
        ),
        *of("kiritimati", valid(old, until="2023-12-23") + valid(new, since="2023-12-24")),
        *of("honolulu", valid(old, until="2023-12-23") + valid(new, since="2023-12-24")),
        *of("with-an-exception", valid(old, until="2023-12-24")),
    ]
    stores = sorted({row[0] for row in hours})
    zones = {"kiritimati": "Pacific/Kiritimati", "honolulu": "Pacific/Honolulu"}
    return draft(
        "hours-with-validity",
        fleet(
            polls=_polls(stores),
            hours=hours,
            zones=[(store, zones.get(store, "UTC")) for store in stores],
            exceptions=on_date("with-an-exception", "2023-12-26", "09:00-11:00"),
        ),
        tier=SECOND_TIER,
        rules="R8",
        tests="Rows make shifts on the local dates of their weekday from valid_from to valid_to, both "
        "included; a store with rows of which none makes a shift on a date is closed on it.",
        seen="Hours that ran out close a store in silence, or count on; the last date is left out; "
        "dates are taken in UTC.",
        as_of=_AS_OF,
    )


def _loads() -> Draft:
    stores = [
        "other-hours-on-a-date",
        "closed-after-all",
        "a-rejected-row",
        "new-with-a-rejected-row",
        "open-and-closed",
        "other-date",
    ]
    first = fleet(
        polls=_polls(stores),
        hours=[row for store in stores for row in opened(store, EVERY_DAY, _NIGHTS)],
        zones=[(store, "UTC") for store in stores],
        exceptions=[
            *on_date("other-hours-on-a-date", "2023-12-24", "10:00-12:00"),
            *on_date("other-hours-on-a-date", "2023-12-25", "10:00-12:00"),
            *on_date("closed-after-all", "2023-12-25", "10:00-12:00", "13:00-14:00"),
            *on_date("a-rejected-row", "2023-12-25", "10:00-12:00"),
            *on_date("open-and-closed", "2023-12-25", "10:00-12:00"),
            *on_date("other-date", "2023-12-24", "10:00-12:00"),
        ],
    )
    second = fleet(
        exceptions=[
            *on_date("other-hours-on-a-date", "2023-12-25", "15:00-16:00"),
            *on_date("closed-after-all", "2023-12-25"),
            *on_date("a-rejected-row", "2023-12-25", "15:00-16:00", "25:00-26:00"),
            *on_date("a-rejected-row", "2023-12-26", "15:00-16:00"),
            *on_date("new-with-a-rejected-row", "2023-12-25", "15:00-16:00"),
            ("new-with-a-rejected-row", "2023-12-25", "17:00", "", ""),
            *on_date("open-and-closed", "2023-12-25", "15:00-16:00"),
            *on_date("open-and-closed", "2023-12-25"),
            *on_date("other-date", "2023-12-26"),
        ]
    )
    return draft(
        "loads-exceptions",
        first,
        second,
        tier=SECOND_TIER,
        rules="R1 R8",
        tests="A load's exceptions of a store and date become that date's, other dates stay; a date with "
        "a rejected row, or closed and open at once, keeps what it had.",
        seen="A reload of one date drops the others, or adds to what it should replace.",
        as_of=_AS_OF,
    )


def _hours_from() -> Draft:
    stores = ["changed", "had-none", "had-later-ones", "not-named"]
    first = fleet(
        polls=_polls(stores),
        hours=[
            *valid(opened("changed", EVERY_DAY, "08:00-12:00")),
            *valid(opened("had-later-ones", EVERY_DAY, "08:00-12:00"), until="2023-12-25"),
            *valid(opened("had-later-ones", EVERY_DAY, "06:00-07:00"), since="2023-12-26"),
            *valid(opened("not-named", EVERY_DAY, "08:00-12:00")),
        ],
        zones=[(store, "UTC") for store in stores],
    )
    second = fleet(
        hours=[
            *valid(opened("changed", EVERY_DAY, "10:00-20:00")),
            *valid(opened("had-none", EVERY_DAY, "10:00-20:00")),
            *valid(opened("had-later-ones", EVERY_DAY, "10:00-20:00"), since="2023-12-25"),
        ]
    )
    return draft(
        "hours-from-a-date",
        first,
        second,
        second,
        tier=SECOND_TIER,
        rules="R8",
        tests="Hours loaded from a date on leave those of before as they were: open all the time where "
        "there were none.",
        seen="A plain reload of hours rewrites last month.",
        as_of=_AS_OF,
        hours_from={2: "2023-12-24", 3: "2023-12-24"},
    )
