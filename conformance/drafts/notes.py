"""Annotations, targets, state and outages (R9, R10, R12, R16)."""

from __future__ import annotations

from conformance.drafts.draft import EVERY_DAY, SECOND_TIER, Draft, Rows, draft, fleet, opened, polled

_AS_OF = "2023-01-25T18:20:00Z"
_MADE = "2023-01-20T00:00:00Z"


def drafts() -> list[Draft]:
    """Return them."""
    return [_night(), _annotations(), _targets(), _outages(), _loads()]


def note(
    name: str,
    about: str,
    counts_as: str,
    since: str,
    until: str = "",
    *,
    made: str = _MADE,
    withdrawn: str = "",
) -> tuple[str, ...]:
    """Return an annotation about a store, a label like `brand=x`, or `*`; times of January 2023."""
    label, is_label, value = about.partition("=")
    who = ("", label, value) if is_label else ("", "*", "") if about == "*" else (about, "", "")
    times = [_instant(time) if time else "" for time in (since, until)]
    return (name, *who, *times, counts_as, "why", "who", made, withdrawn)


def _instant(time: str) -> str:
    """Return an instant of January 2023, its seconds given or 0."""
    return f"2023-01-{time if time.count(':') > 1 else f'{time}:00'}Z".replace(" ", "T")


def _night() -> Draft:
    polls = polled("night", "2023-01-25 01:30 up", "2023-01-25 03:30 down", "2023-01-25 05:20 up")
    return draft(
        "planned-night",
        fleet(
            polls=polls,
            zones=[("night", "UTC")],
            annotations=[note("n", "night", "excluded", "25 02:00", "25 04:00")],
        ),
        tier=SECOND_TIER,
        rules="R9 R11 R12",
        tests="The worked night: what began inside planned downtime and outlasts it is down from its end on.",
        seen="Polls inside planned downtime are thrown away, or the excluded time is taken off both "
        "sides of the sum.",
        as_of="2023-01-25T06:00:00Z",
        windows=("6h", "hour"),
    )


def _annotations() -> Draft:
    stores = {  # brand of each
        "excluded": "",
        "up": "",
        "down": "",
        "unknown": "",
        "until-further-notice": "",
        "a-second": "",
        "before-the-week": "",
        "after-the-as-of": "",
        "across-the-as-of": "",
        "made-later": "",
        "withdrawn": "",
        "over-closed-time": "",
        "own-before-label": "x",
        "label-before-all": "x",
        "label-of-another-case": "X",
        "latest-made": "",
        "greater-id": "",
        "two-apart": "",
        "no-polls": "",
    }
    notes = [
        *(note(f"{n}", n, n, "25 10:00", "25 12:30") for n in ("excluded", "up", "down", "unknown")),
        note("open", "until-further-notice", "excluded", "25 15:00"),
        note("sec", "a-second", "down", "25 10:00:00", "25 10:00:01"),
        note("old", "before-the-week", "excluded", "10 00:00", "18 18:30"),
        note("next", "after-the-as-of", "excluded", "25 18:20", "26 00:00"),
        note("across", "across-the-as-of", "up", "25 18:10", "26 00:00"),
        note("late", "made-later", "excluded", "25 10:00", "25 12:00", made="2023-02-01T00:00:00Z"),
        note("gone", "withdrawn", "excluded", "25 10:00", "25 12:00", withdrawn="2023-01-21T00:00:00Z"),
        note("closed", "over-closed-time", "down", "25 07:30", "25 09:30"),
        note("own", "own-before-label", "up", "25 10:00", "25 11:00", made="2023-01-01T00:00:00Z"),
        note("label", "Brand=x", "down", "25 10:00", "25 12:00"),
        note("all", "*", "excluded", "25 10:30", "25 10:45", made="2023-01-24T00:00:00Z"),
        note("first", "latest-made", "up", "25 13:00", "25 15:00", made="2023-01-20T00:00:01Z"),
        note("second", "latest-made", "down", "25 14:00", "25 16:00", made="2023-01-20T00:00:00.5Z"),
        note("a", "greater-id", "up", "25 13:00", "25 15:00"),
        note("b", "greater-id", "down", "25 14:00", "25 16:00"),
        note("one", "two-apart", "unknown", "25 13:00", "25 13:10"),
        note("two", "two-apart", "excluded", "25 13:10", "25 13:20"),
        note("known", "no-polls", "up", "25 10:00", "25 12:00"),
        note("nobody", "nobody-knows-it", "down", "25 10:00", "25 12:00"),
    ]
    polls = [
        row
        for n, store in enumerate(stores)
        if store != "no-polls"
        for row in polled(
            store,
            "2023-01-24 17:30 up",
            f"2023-01-25 09:10 {'up' if n % 2 else 'down'}",
            "2023-01-25 10:15 up",
            "2023-01-25 11:40 down",
            f"2023-01-25 14:50 {'down' if n % 2 else 'up'}",
            "2023-01-25 18:05 down",
        )
    ]
    return draft(
        "annotations",
        fleet(
            polls=polls,
            hours=opened("over-closed-time", EVERY_DAY, "09:00-18:00"),
            zones=[(store, "UTC") for store in stores],
            annotations=notes,
            stores=[
                ("store_id", "store_name", "brand"),
                *((store, "", brand) for store, brand in stores.items()),
            ],
        ),
        tier=SECOND_TIER,
        rules="R9 R12",
        tests="What is stated of a time counts whatever the polls say, and polls count elsewhere as if "
        "it were not there. About a store goes before about a label, that before about all; then "
        "the latest made, then the greater id; a withdrawn one has no effect.",
        seen="One annotation with a lost id excludes the whole fleet; a later note about all overrides "
        "a store's own; a stated status is carried on.",
        as_of=_AS_OF,
    )


def _targets() -> Draft:
    targets = ("99.5", "100", "0.001", "33.333", "50", "99.999", "100.000", "")
    stores = [f"{kind}-{number}" for kind in ("polled", "once") for number in range(len(targets))]
    polls: Rows = []
    for n, store in enumerate(stores):
        hours = range(24) if store.startswith("polled") else (3,)
        polls += [
            row
            for hour in hours
            for row in polled(
                store, f"2023-01-25 {hour:02d}:0{n % 8} {'down' if hour % 8 < n % 8 % 5 else 'up'}"
            )
        ]
    rows = [
        (store, f"No. {n}", target, "half" if target == "50" else "x" if n % 2 else "")
        for n, store in enumerate(stores)
        for target in [targets[n % len(targets)]]
    ]
    return draft(
        "targets",
        fleet(
            polls=polls,
            zones=[(store, "UTC") for store in stores],
            stores=[("Store ID", "Store Name", "Target Percent", "Brand"), *rows],
            annotations=[note("n", "polled-3", "excluded", "25 06:00", "25 08:00")],
        ),
        tier=SECOND_TIER,
        rules="R10 R12",
        tests="A target is met in integers, without a verdict if less than half is measured; the "
        "downtime that it allows, and what is left of it, are there for every store with a target.",
        seen="99.499 shown as 99.5 and met; a store that was polled once met its target; the mean of "
        "percentages.",
        as_of="2023-01-26T00:00:00Z",
        windows=("day", "24h", "12h"),
        by="brand",
    )


def _outages() -> Draft:
    day = "09:00-17:00"
    polls = [
        *polled("recovered", "2023-01-25 09:10 up", "2023-01-25 11:10 down", "2023-01-25 13:10 up"),
        *polled("still-down", "2023-01-25 09:10 up", "2023-01-25 16:10 down"),
        *polled("over-nights", "2023-01-23 16:10 down", "2023-01-25 11:10 up"),
        *polled("closed-while-down", "2023-01-24 10:10 up", "2023-01-24 16:10 down"),
        *polled("unknown-after", "2023-01-24 10:10 up", "2023-01-24 16:10 down"),
        *polled("excluded-after", "2023-01-25 09:10 up", "2023-01-25 12:10 down"),
        *polled(
            "two",
            "2023-01-25 09:10 down",
            "2023-01-25 10:10 up",
            "2023-01-25 12:10 down",
            "2023-01-25 13:10 up",
        ),
        *polled("down-for-ever", "2023-01-12 12:10 down"),
        *polled("up-for-ever", "2023-01-12 12:10 up"),
        *polled("began-before", "2023-01-18 15:10 down", "2023-01-19 10:10 up"),
        *polled("closed-now", "2023-01-25 09:10 up"),
        *polled("cut-in-mid-hour", "2023-01-25 16:31 down"),
    ]
    stores = [*sorted({row[0] for row in polls}), "never-polled", "never-open"]
    hours = [row for store in stores if store != "never-open" for row in opened(store, EVERY_DAY, day)]
    hours = [row for row in hours if row[0] not in ("closed-while-down", "closed-now", "down-for-ever")]
    hours += opened("closed-while-down", (0, 1), day)
    hours += opened("closed-now", EVERY_DAY, "09:00-16:00")
    hours += opened("never-open", EVERY_DAY, "08:00-08:00")
    return draft(
        "state-and-outages",
        fleet(
            polls=polls,
            hours=hours,
            zones=[(store, "UTC") for store in stores],
            annotations=[
                note("u", "unknown-after", "unknown", "25 10:00", "25 12:00"),
                note("e", "excluded-after", "excluded", "25 14:00"),
            ],
        ),
        tier=SECOND_TIER,
        rules="R16",
        tests="The state now and since when, closed time not parting it; the outages of the week, which "
        "add up to its downtime. Only whole seconds of typed formats tell (--seconds).",
        seen="Every closed night ends an outage and begins another; a store is down because it is "
        "closed; “since” is the last poll.",
        as_of="2023-01-25T16:40:00Z",
        carry="none",
    )


def _loads() -> Draft:
    stores = ("replaced", "withdrawn-later", "kept", "renamed", "no-more-labels")
    polls = [row for store in stores for row in polled(store, "2023-01-25 10:10 up", "2023-01-25 12:10 down")]
    first = fleet(
        polls=polls,
        zones=[(store, "UTC") for store in stores],
        annotations=[
            note("r", "replaced", "excluded", "25 12:00", "25 14:00"),
            note("w", "withdrawn-later", "excluded", "25 12:00", "25 14:00"),
            note("k", "kept", "up", "25 12:00", "25 14:00"),
            note("l", "brand=x", "unknown", "25 15:00", "25 16:00"),
        ],
        stores=[
            ("store_id", "store_name", "target_percent", "brand", "city"),
            *((store, store, "50", "x", "Rome") for store in stores),
        ],
    )
    second = fleet(
        annotations=[
            note("r", "replaced", "up", "25 13:00", "25 15:00"),
            note(
                "w", "withdrawn-later", "excluded", "25 12:00", "25 14:00", withdrawn="2023-01-26T00:00:00Z"
            ),
        ],
        stores=[("store_id", "store_name", "brand"), ("renamed", "new", "y"), ("no-more-labels", "", "")],
    )
    return draft(
        "loads-annotations-and-stores",
        first,
        second,
        tier=SECOND_TIER,
        rules="R9 R10",
        tests="The same id again replaces an annotation; a load of stores sets the columns that it has, "
        "for the stores that it names, and keeps all others.",
        seen="An annotation loaded twice counts twice; a load of one column empties the others.",
        as_of=_AS_OF,
    )
