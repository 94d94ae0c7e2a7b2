"""Store ids: kept to the letter, in order of their code points, and those that are none."""

from __future__ import annotations

from conformance.drafts.draft import HOURS, POLLS, ZONES, Draft, draft, table

_KEPT = (
    "7",
    "007",
    "0",
    "-0",
    "1.0",
    "1e5",
    "0x1F",
    "8139926242460185114",
    "8139926242460185115",
    "99999999999999999999",
    "100000000000000000001",
    "b5d0a65d-6d54-47aa-95e9-9312f0353326",
    "B5D0A65D-6D54-47AA-95E9-9312F0353326",
    "nan",
    "None",
    "NULL",
    "true",
    " begins with a blank",
    "ends with a blank ",
    "two  blanks",
    "a,b",
    "a;b",
    'a"b',
    '"',
    "'",
    "it's",
    "=1+1",
    "+1",
    "-1",
    "@a",
    "'=1",
    "''=1",
    "'plain",
    "#a",
    "\\n",
    "%s",
    "é",
    "e\u0301",
    "ß",
    "店",
    "\u2028",
    "\ufb01",
    "\uffee",
    "😀",
    "👩‍🍳",
    "a" * 512,
    "é" * 256,
)
_NONE = (  # no row of these is taken
    "",
    " ",
    "   ",
    "tab\there",
    "line\nhere",
    "bell\x07",
    "delete\x7f",
    "next\x85line",
    "1.48197E+18",
    "1e+18",
    "a" * 513,
    "é" * 256 + "a",
)


def drafts() -> list[Draft]:
    """Return the one case."""
    polls = [(store_id, "active", "2023-01-25 17:10:00 UTC") for store_id in (*_KEPT, *_NONE)]
    hours = [(store_id, "2", "09:00", "18:00") for store_id in (*_KEPT[::3], *_NONE)]
    zones = [(store_id, "UTC") for store_id in (*_KEPT[::2], *_NONE)]
    files = {
        "polls.csv": table(POLLS, polls),
        "hours.csv": table(HOURS, hours),
        "zones.csv": table(ZONES, zones),
    }
    return [
        draft(
            "ids",
            files,
            rules="R1 R7",
            tests="Ids are text, kept to the letter and joined by it, in order of Unicode code points; "
            "one that a spreadsheet would run gets an apostrophe. Without id, with control "
            "characters, beyond 512 bytes, or destroyed by a spreadsheet: rejected, and no row.",
            seen="Ids go through int or float (1.48E+18, leading zeros, 20 digits), are stripped, "
            "folded, normalised, sorted as UTF-16 or by a locale, or are taken for null.",
            as_of="2023-01-25T18:00:00Z",
        )
    ]
