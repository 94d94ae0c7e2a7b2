"""Rows that cannot be used, for every reason in several forms, newlines and packings."""

from __future__ import annotations

from conformance.drafts.draft import (
    EVERY_DAY,
    HOURS,
    POLLS,
    ZONES,
    Draft,
    Files,
    draft,
    opened,
    packed,
    polled,
    table,
)

_GOOD = "2023-01-25 17:10:00 UTC"
_STATUSES = ("", "up", "1", "true", "activ", "in active", "active.", "actıve", "null")
_STAMPS = (
    "",
    "yesterday",
    "1674666600",
    "2023-01-25",
    "17:10:00",
    "01/25/2023 17:10:00",
    "25.01.2023 17:10:00",
    "2023-01-25 5:10:00 PM",
    "2023-01-25 17:10 UTC",
    "2023-1-25 17:10:00 UTC",
    "2023-02-29 17:10:00 UTC",
    "2023-01-32 17:10:00 UTC",
    "2023-13-25 17:10:00 UTC",
    "2023-01-25 24:00:00 UTC",
    "2023-01-25 17:60:00 UTC",
    "2023-01-25 17:10:61 UTC",
    "2023-01-25 17:10:00,5 UTC",
    "2023-01-25 17:10:00.1234567890 UTC",
    "2023-01-25 17:10:00 CST",
    "2023-01-25 17:10:00 America/Chicago",
    "2023-01-25 17:10:00 +5",
    "2023-01-25_17:10:00",
    "１２23-01-25 17:10:00 UTC",
    "1969-12-31 23:59:59 UTC",
    "2201-01-01 00:00:00 UTC",
    "2199-01-01 00:00:00 UTC",
)
_ROWS = {  # by what is wrong, lines as they stand in a file
    "fields": [b"%s,active", b"%s,active,2023-01-25 17:10:00 UTC,more", b"%s"],
    "quotes": [b'"%s,active,2023-01-25 17:10:00 UTC', b'"%s"x,active,2023-01-25 17:10:00 UTC'],
    "utf-8": [b"%s\xff,active,2023-01-25 17:10:00 UTC", b"\xe9%s,active,2023-01-25 17:10:00 UTC"],
    "header": [b"store_id,status,timestamp_utc", b"Store ID,Status,Timestamp UTC"],
}
_HOURS = {  # day, start, end
    "day": [
        ("7", "10:00", "12:00"),
        ("-1", "10:00", "12:00"),
        ("Wednesday", "10:00", "12:00"),
        ("", "10:00", "12:00"),
        ("2.0", "10:00", "12:00"),
        ("2.5", "10:00", "12:00"),
        ("02", "10:00", "12:00"),
        ("Wed", "10:00", "12:00"),
    ],
    "start": [
        ("2", start, "12:00")
        for start in ("24:00", "25:00", "", "10", "10.00", "10:0", "10:60", "-1:00", "10:00 AM", "noon")
    ],
    "end": [
        ("2", "10:00", end)
        for end in ("24:00:01", "24:01", "25:00", "", "12", "12:00:60", "12:00:00.5", "12h", "12:00 PM")
    ],
}
_ZONES = (
    "",
    "Chicago",
    "america/chicago",
    "CST6",
    "UTC+1",
    "+05:30",
    "Europe/Nowhere",
    " UTC",
    "Europe/Berlin;",
    "GMT-25",
)
_NEWLINES = {"lf": b"\n", "crlf": b"\r\n"}


def drafts() -> list[Draft]:
    """Return them."""
    return [_polls(), _hours_and_zones()]


def _polls() -> Draft:
    files: Files = {}
    for newline, end in _NEWLINES.items():
        for packing in ("", ".gz"):
            form = f"{newline}{packing.replace('.', '-')}"
            text = _poll_file(form).replace(b"\n", end)
            files[f"polls-{form}.csv{packing}"] = packed(text) if packing else text
    return draft(
        "rejected-polls",
        files,
        rules="R1",
        tests="A poll with an unknown status, an impossible time stamp, one outside 1970 to 2200 or far "
        "in the future, too few or too many fields, broken quotes, bytes that are not UTF-8, or a "
        "header repeated, is as if it had never been given: it names no store and sets nothing, "
        "and the rows around it are taken.",
        seen="One bad row stops the whole load, or is dropped in silence, or takes its neighbours "
        "along; local time stamps are read as UTC, and unknown words as inactive.",
        as_of="2023-01-25T18:00:00Z",
    )


def _poll_file(form: str) -> bytes:
    good = table(POLLS, polled(f"{form}-good", "2023-01-25 16:10 up"))
    rows = [(f"{form}-status-{n}", status, _GOOD) for n, status in enumerate(_STATUSES)]
    rows += [(f"{form}-stamp-{n}", "active", stamp) for n, stamp in enumerate(_STAMPS)]
    lines = [
        line.replace(b"%s", f"{form}-{why}-{n}".encode())
        for why, of in _ROWS.items()
        for n, line in enumerate(of)
    ]
    # Each bad line has a good one of the same store as its neighbour.
    more = [row for n in range(len(lines)) for row in polled(f"{form}-beside", f"2023-01-25 17:{n:02d} down")]
    beside = table((), more).lstrip(b"\r\n").splitlines()
    mixed = b"".join(b"%b\n%b\n" % pair for pair in zip(lines, beside, strict=True))
    return good + table((), rows).lstrip(b"\n") + mixed


def _hours_and_zones() -> Draft:
    files: Files = {}
    for newline, end in _NEWLINES.items():
        for packing in ("", ".gz"):
            form = f"{newline}{packing.replace('.', '-')}"
            for kind, text in {"hours": _hour_file(form), "zones": _zone_file(form)}.items():
                written = text.replace(b"\n", end)
                files[f"{kind}-{form}.csv{packing}"] = packed(written) if packing else written
    return draft(
        "rejected-hours-and-zones",
        files,
        rules="R1 R2",
        tests="Hours with a day that is not 0 to 6, or a time that is none, and zones that the database "
        "has not, are rejected: the store's good rows are taken, and a store that only such rows "
        "speak of has no row. Two zones for one store: both go.",
        seen="Day names and 1 to 7 are guessed, 12-hour times read as 24-hour ones, unknown zones "
        "become UTC without a word.",
        as_of="2023-01-26T00:00:00Z",
    )


def _hour_file(form: str) -> bytes:
    rows = [*opened(f"{form}-good", EVERY_DAY, "09:00-17:00")]
    for why, flawed in _HOURS.items():
        for n, row in enumerate(flawed):
            rows += [*opened(f"{form}-{why}-{n}-and-a-good-row", [2], "20:00-21:00")] if n % 2 else []
            rows += [(f"{form}-{why}-{n}{'-and-a-good-row' if n % 2 else ''}", *row)]
    return table(HOURS, rows)


def _zone_file(form: str) -> bytes:
    rows = [(f"{form}-good", "Europe/Berlin")]
    rows += [(f"{form}-zone-{n}", zone) for n, zone in enumerate(_ZONES)]
    rows += [
        (f"{form}-start-1-and-a-good-row", "UTC"),
        (f"{form}-two-zones", "UTC"),
        (f"{form}-two-zones", "Asia/Tokyo"),
    ]
    rows += [(f"{form}-one-zone-twice", "UTC"), (f"{form}-one-zone-twice", "UTC")]
    return table(ZONES, rows)
