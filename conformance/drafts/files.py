"""The forms that one and the same file may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.drafts.draft import POLLS, Draft, Files, Rows, draft, opened, packed, polled, table

if TYPE_CHECKING:
    from collections.abc import Callable

_AT = ("2023-01-25 16:10 up", "2023-01-25 17:10 down", "2023-01-25 17:20 up", "2023-01-25 17:30 up")


def drafts() -> list[Draft]:
    """Return the one case: each file has a store of its name."""
    files = _plain() | _headers() | _stamps()
    stores = [name.partition(".")[0] for name in files]
    files |= _other_kinds(stores)
    return [
        draft(
            "forms-of-files",
            files,
            rules="R1",
            tests="Comma, semicolon and tab; LF and CR LF, with and without a last one, blank lines; "
            "quotes; UTF-8 with and without a mark, UTF-16 with one; gzip; names of columns in any "
            "case and order; every form of a time stamp, a status, a time of day.",
            seen="A file that was not understood is skipped, and its absence has a default: every store "
            "open 168 hours; a whole second among microseconds breaks the parser; the folder's "
            "last file wins.",
            as_of="2023-01-25T18:00:00Z",
            same=[stores[:14], stores[14:21]],
        )
    ]


def _plain() -> Files:
    forms: dict[str, Callable[[bytes], bytes]] = {
        "plain.csv": lambda text: text,
        "crlf.csv": lambda text: text.replace(b"\n", b"\r\n"),
        "no-last-line-end.csv": lambda text: text.rstrip(b"\n"),
        "crlf-no-last-line-end.csv": lambda text: text.replace(b"\n", b"\r\n")[:-2],
        "blank-lines.csv": lambda text: b"\n\n" + text.replace(b"\n", b"\n\n"),
        "semicolon.csv": lambda text: text.replace(b",", b";"),
        "tab.tsv": lambda text: text.replace(b",", b"\t"),
        "text.txt": lambda text: text,
        "quoted.csv": lambda text: b'"' + text.replace(b",", b'","').replace(b"\n", b'"\n"')[:-1],
        "utf-8-mark.csv": lambda text: b"\xef\xbb\xbf" + text,
        "utf-16-le.csv": lambda text: b"\xff\xfe" + text.decode().encode("utf-16-le"),
        "utf-16-be.csv": lambda text: b"\xfe\xff" + text.decode().encode("utf-16-be"),
        "packed.csv.gz": packed,
        "packed-crlf.tsv.gz": lambda text: packed(text.replace(b",", b"\t").replace(b"\n", b"\r\n")),
    }
    return {name: form(table(POLLS, polled(name.partition(".")[0], *_AT))) for name, form in forms.items()}


def _headers() -> Files:
    headers = {
        "spaces.csv": ("Store ID", "Status", "Timestamp UTC"),
        "camels.csv": ("storeId", "STATUS", "timestampUtc"),
        "dashes.csv": ("store-id", "status", "TIMESTAMP-UTC"),
    }
    files = {name: table(columns, polled(name.partition(".")[0], *_AT)) for name, columns in headers.items()}
    for name, order in {"turned.csv": (2, 0, 1), "turned-too.csv": (1, 2, 0)}.items():
        rows = polled(name.partition(".")[0], *_AT)
        files[name] = table([POLLS[n] for n in order], [[row[n] for n in order] for row in rows])
    for name, more in {"more-columns.csv": ("note", "x,y"), "more-and-empty.csv": ("", "")}.items():
        columns, value = (*POLLS, more[0]), more[1]
        files[name] = table(columns, [(*row, value) for row in polled(name.partition(".")[0], *_AT)])
    return files


def _stamps() -> Files:
    forms = {  # all of them at 17:10, or a fraction of a second later
        "stamp-utc": "2023-01-25 17:10:00 UTC",
        "stamp-t-z": "2023-01-25T17:10:00Z",
        "stamp-bare": "2023-01-25 17:10:00",
        "stamp-t-bare": "2023-01-25T17:10:00",
        "stamp-offset": "2023-01-25 22:40:00+05:30",
        "stamp-offset-hours": "2023-01-25T11:10:00-06",
        "stamp-offset-without-colon": "2023-01-25T11:10:00-0600",
        "stamp-1-digit": "2023-01-25 17:10:00.5 UTC",
        "stamp-3-digits": "2023-01-25T17:10:00.123Z",
        "stamp-6-digits": "2023-01-25 17:10:00.123456 UTC",
        "stamp-9-digits": "2023-01-25 17:10:00.999999999 UTC",
    }
    statuses = {"status-upper": "ACTIVE", "status-capital": "Active", "status-blanks": "  active "}
    rows = [(store, "active", stamp) for store, stamp in forms.items()]
    rows += [(store, status, forms["stamp-utc"]) for store, status in statuses.items()]
    return {"stamps-and-statuses.csv": table(POLLS, rows)}


def _other_kinds(stores: list[str]) -> Files:
    """Hours and zones in other forms than polls have."""
    rows: Rows = []
    for number, store in enumerate(stores):
        rows += opened(store, (1, 2), ("9:00-18:00", "09:00-18:00:00", "09:00:00-18:00")[number % 3])
    zones = [(store, "UTC") for store in stores]
    half = len(rows) // 2
    columns = ("store_id", "dayOfWeek", "start_time_local", "end_time_local")
    return {
        "hours-1.csv": table(columns, rows[:half]),
        "hours-2.csv.gz": packed(
            table(
                ("End Time Local", "Start Time Local", "Day", "Store ID"), [row[::-1] for row in rows[half:]]
            )
        ),
        "zones.txt": table(("Timezone Str", "Store ID"), [zone[::-1] for zone in zones]),
    }
