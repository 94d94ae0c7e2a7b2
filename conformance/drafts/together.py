"""Fleets that have all of it at once, in both weeks of a clock change."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

from conformance.drafts.draft import SECOND_TIER, Draft, Rows, draft, fleet

_STORES = 18
_ZONES = ("America/New_York", "America/Havana", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "")
_SPANS = (
    "09:00-17:00",
    "22:00-06:00",
    "00:00-24:00",
    "18:30-23:59",
    "01:30-02:30",
    "12:00-12:00",
    "10:00-09:00",
)
_BRANDS = ("x", "X", "店", "")


def drafts() -> list[Draft]:
    """Return one for spring and one for autumn."""
    return [
        _together("all-at-once-in-spring", datetime(2023, 3, 13, 4, 41, 7, tzinfo=UTC), 1),
        _together("all-at-once-in-autumn", datetime(2023, 11, 6, 5, 0, 0, tzinfo=UTC), 2),
    ]


def _together(name: str, as_of: datetime, seed: int) -> Draft:
    dice = random.Random(seed)  # noqa: S311 - nobody is to guess it
    stores = [f"s{number:02d}" for number in range(_STORES)]
    zones = [(store, zone) for store in stores if (zone := dice.choice(_ZONES))]
    return draft(
        name,
        fleet(
            polls=_polls(dice, stores, as_of),
            hours=[row for store in stores for row in _hours(dice, store, as_of.date())],
            zones=zones,
            exceptions=[row for store in stores for row in _exceptions(dice, store, as_of.date())],
            annotations=_annotations(dice, stores, as_of),
            stores=[
                ("store_id", "store_name", "target_percent", "brand"),
                *(
                    (store, "", dice.choice(("99.5", "50", "")), dice.choice(_BRANDS))
                    for store in stores[:-3]
                ),
            ],
        ),
        tier=SECOND_TIER,
        rules="R2 R3 R4 R5 R6 R7 R8 R9 R10 R11 R12 R16",
        tests="Hours with a validity, exceptions, annotations, labels and targets all at once, in the "
        "week of a clock change.",
        seen="Each rule holds by itself, and two of them together do not.",
        as_of=f"{as_of:%Y-%m-%dT%H:%M:%SZ}",
        windows=("hour", "day", "week", "yesterday", "this_month"),
        compare=True,
        by="brand",
    )


def _polls(dice: random.Random, stores: list[str], as_of: datetime) -> Rows:
    rows: Rows = []
    for store in stores:
        for _ in range(dice.randrange(26)):
            at = as_of - timedelta(microseconds=dice.randrange(12 * 86_400_000_000))
            rows.append(
                (store, dice.choice(("active", "active", "inactive")), f"{at:%Y-%m-%d %H:%M:%S.%f} UTC")
            )
    return rows


def _hours(dice: random.Random, store: str, today: date) -> Rows:
    if dice.random() < 1 / 5:
        return []
    rows: Rows = []
    for _ in range(dice.randrange(1, 4)):
        change = today - timedelta(days=dice.randrange(9))
        span = tuple(dice.choice(_SPANS).split("-"))
        limits = dice.choice(
            (("", ""), ("", f"{change}"), (f"{change}", ""), (f"{change}", f"{change + timedelta(days=3)}"))
        )
        rows += [(store, f"{day}", *span, *limits) for day in range(7) if dice.random() < 3 / 4]
    return rows


def _exceptions(dice: random.Random, store: str, today: date) -> Rows:
    rows: Rows = []
    for back in dice.sample(range(9), dice.randrange(3)):
        day = f"{today - timedelta(days=back)}"
        spans = dice.sample(_SPANS, dice.randrange(3)) or ["-"]
        rows += [(store, day, *span.split("-"), "") for span in spans]
    return rows


def _annotations(dice: random.Random, stores: list[str], as_of: datetime) -> Rows:
    rows: Rows = []
    for number in range(30):
        about = dice.choice(
            [(dice.choice(stores), "", ""), ("", "brand", dice.choice(_BRANDS[:3])), ("", "*", "")][
                : 1 + number % 3
            ]
        )
        begin = as_of - timedelta(seconds=dice.randrange(9 * 86_400))
        begin -= timedelta(seconds=begin.timestamp() % dice.choice((1, 60, 3_600)))
        end = begin + timedelta(seconds=dice.choice((1, 1_800, 5_400, 90_000)))
        counts_as = dice.choice(("excluded", "up", "down", "unknown"))
        made = f"2023-01-{dice.randrange(1, 10):02d}T00:00:00Z"
        until = f"{end:%Y-%m-%dT%H:%M:%SZ}" if dice.random() < 9 / 10 or number % 3 else ""
        withdrawn = dice.choice(("", "", "", "2023-12-01T00:00:00Z"))
        rows.append(
            (f"n{number}", *about, f"{begin:%Y-%m-%dT%H:%M:%SZ}", until, counts_as, "", "", made, withdrawn)
        )
    return rows
