"""Rows of the further kinds that cannot be used, and what speaks of nobody."""

from __future__ import annotations

from conformance.drafts.dates import valid
from conformance.drafts.draft import (
    ANNOTATIONS,
    SECOND_TIER,
    Draft,
    Files,
    Rows,
    draft,
    fleet,
    opened,
    packed,
    polled,
)
from conformance.drafts.notes import note

_EXCEPTIONS = {  # date, start, end
    "no-date": ("", "10:00", "12:00"),
    "no-such-date": ("2023-02-29", "", ""),
    "american-date": ("01/25/2023", "", ""),
    "date-and-time": ("2023-01-25T00:00:00", "", ""),
    "one-time": ("2023-01-25", "10:00", ""),
    "other-time": ("2023-01-25", "", "12:00"),
    "no-time": ("2023-01-25", "25:00", "26:00"),
    "from-24": ("2023-01-25", "24:00", "24:00"),
}
_VALID = {
    "first-after-last": ("2023-01-26", "2023-01-20"),
    "no-such-date": ("2023-01-00", ""),
    "american-date": ("", "1/31/2023"),
}
_NOTES = {  # columns of an annotation about its store that make it none
    "nothing": {"store_id": ""},
    "store-and-label": {"label": "brand", "value": "x"},
    "label-without-value": {"store_id": "", "label": "brand"},
    "value-without-label": {"store_id": "", "value": "x"},
    "end-at-start": {"end_utc": "2023-01-25T10:00:00Z"},
    "end-before-start": {"end_utc": "2023-01-25T09:00:00Z"},
    "no-start": {"start_utc": ""},
    "half-a-second": {"start_utc": "2023-01-25T10:00:00.5Z"},
    "no-instant": {"end_utc": "soon"},
    "made-never": {"made_at": ""},
    "counts-as-nothing": {"counts_as": ""},
    "counts-as-planned": {"counts_as": "planned"},
}
_TARGETS = ("0", "100.001", "99.9999", "-1", "99,5", "99.5%", "1e1", "high")


def drafts() -> list[Draft]:
    """Return the case in two forms of files."""
    plain = _files()
    other = {f"{name}.gz": packed(data.replace(b"\n", b"\r\n")) for name, data in plain.items()}
    return [_draft("rejected-dates-notes-and-targets", plain), _draft("rejected-and-packed", other)]


def _files() -> Files:
    stores = [
        *_EXCEPTIONS,
        *(f"valid-{name}" for name in _VALID),
        *(f"note-{name}" for name in _NOTES),
        *(f"target-{number}" for number in range(len(_TARGETS))),
        "open-and-closed",
        "one-id-twice",
        "good",
    ]
    hours: Rows = [
        row
        for store in stores
        if not store.startswith("valid-")
        for row in opened(store, (2,), "09:00-17:00")
    ]
    hours += [
        row
        for name, limits in _VALID.items()
        for row in valid(opened(f"valid-{name}", (1, 2), "09:00-17:00"), *limits)
    ]
    exceptions: Rows = [(name, *row, "") for name, row in _EXCEPTIONS.items()]
    exceptions += [("open-and-closed", "2023-01-25", *times, "") for times in (("", ""), ("10:00", "12:00"))]
    exceptions += [("good", "2023-01-25", "10:00", "12:00", "")]
    notes = [_flawed(f"note-{name}", changes) for name, changes in _NOTES.items()]
    notes += [
        note("twice", "one-id-twice", counts_as, "25 10:00", "25 12:00") for counts_as in ("up", "excluded")
    ]
    notes += [note("good", "good", "excluded", "25 10:30", "25 11:00")] * 2
    return fleet(
        polls=[
            row for store in stores for row in polled(store, "2023-01-25 09:10 up", "2023-01-25 11:10 down")
        ],
        hours=hours,
        zones=[(store, "UTC") for store in stores],
        exceptions=exceptions,
        annotations=notes,
        stores=[
            ("store_id", "store_name", "target_percent"),
            *((f"target-{number}", "", target) for number, target in enumerate(_TARGETS)),
            ("good", "", "50"),
        ],
    )


def _draft(name: str, files: Files) -> Draft:
    return draft(
        name,
        files,
        tier=SECOND_TIER,
        rules="R8 R9 R10",
        tests="Exceptions with a date or a time that is none, with one time of two, or open and "
        "closed at once; a validity that ends before it begins; annotations about nothing, "
        "about two things, without a time, a maker's time or a status; targets that are none: "
        "as if they had never been given.",
        seen="One annotation with a lost id excludes the whole fleet; a date of another country "
        "moves a holiday by months.",
        as_of="2023-01-25T18:00:00Z",
    )


def _flawed(store: str, changes: dict[str, str]) -> tuple[str, ...]:
    row = note(store, store, "excluded", "25 10:00", "25 12:00")
    return tuple(changes.get(column, value) for column, value in zip(ANNOTATIONS, row, strict=True))
