"""The other policy (R15)."""

from __future__ import annotations

from conformance.drafts.draft import EVERY_DAY, SECOND_TIER, Draft, draft, fleet, opened, polled


def drafts() -> list[Draft]:
    """Return the one case."""
    polls = [
        *polled(
            "holds-to-the-next",
            "2023-01-25 10:10:20.7 up",
            "2023-01-25 11:40:05.2 down",
            "2023-01-25 15:00:00 up",
        ),
        *polled(
            "two-in-a-second",
            "2023-01-25 10:10:20.2 up",
            "2023-01-25 10:10:20.7 down",
            "2023-01-25 10:10:21 up",
        ),
        *polled(
            "over-a-night", "2023-01-24 16:59:59.9 down", "2023-01-25 08:59:59 up", "2023-01-25 09:30 up"
        ),
        *polled("carry-ends", "2023-01-23 10:00:00.5 up", "2023-01-25 17:00 down"),
        *polled("at-the-as-of", "2023-01-25 10:00 up", "2023-01-25 18:20:00 down"),
        *polled(
            "majority-would-be-down", "2023-01-25 10:05 up", "2023-01-25 10:20 down", "2023-01-25 10:50 down"
        ),
        *polled("same-instant", "2023-01-25 10:10 up", "2023-01-25 10:10 down"),
    ]
    stores = sorted({row[0] for row in polls})
    case = draft(
        "last-observation",
        fleet(
            polls=polls,
            hours=opened("over-a-night", EVERY_DAY, "09:00-17:00"),
            zones=[(store, "UTC") for store in stores],
        ),
        tier=SECOND_TIER,
        rules="R15",
        tests="By the policy last-observation a poll's status holds from its second to the next counted "
        "poll, at most for the carry; what is measured goes by hours all the same.",
        seen="The two rules are mixed, or taken for each other's mistake: they differ by 55 minutes a "
        "week at the median.",
        as_of="2023-01-25T18:20:00Z",
        carry="36h",
        policy="last-observation",
    )
    return [case]
