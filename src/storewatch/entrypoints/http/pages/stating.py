"""What people state of a store from its page: what its figures become by it, before it is kept."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.account import account
from storewatch.domain.instant import MICROSECONDS, iso, parse_second
from storewatch.domain.kinds import ANNOTATIONS
from storewatch.domain.shifts import date_of
from storewatch.domain.stated import plain_rows
from storewatch.domain.zone import clock_text, load_zone, wall_clock
from storewatch.entrypoints.http.pages.sums import Sums, sums_of
from storewatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from storewatch.domain.ask import Ask
    from storewatch.domain.facts import Facts

WHAT = {
    "up": "It was up",
    "down": "It was down",
    "excluded": "Planned downtime: does not count",
    "unknown": "It is not known",
}
CLOCKS = ("store", "utc")
MOST = 4_096  # characters of a reason, as over HTTP


@dataclass(frozen=True, kw_only=True)
class Note:
    """An annotation that is kept, in words."""

    id: str
    text: str
    is_own: bool  # about this store alone, so that its page may withdraw it
    is_withdrawn: bool


def given_columns(form: Mapping[str, str], store_id: str, zone: str, *, author: str) -> dict[str, str | None]:
    """Return the columns of the annotation that a form describes.

    Raises:
        InputError: Something of it is missing, or a time is none, or not one.
    """
    if form.get("counts_as") not in WHAT:
        raise InputError("say what it was: up, down, planned downtime or not known")
    if not (reason := form.get("reason", "").strip()) or len(reason) > MOST:
        raise InputError(f"give a reason, of up to {MOST:,} characters: it is shown beside the figures")
    is_utc = form.get("clock") == "utc"
    since, until = (form.get(name, "").strip() for name in ("from", "to"))
    if not since:
        raise InputError("say from when")
    return {
        "store_id": store_id,
        "start_utc": iso(_second(since, zone, is_utc=is_utc)),
        "end_utc": iso(_second(until, zone, is_utc=is_utc)) if until else None,
        "counts_as": form["counts_as"],
        "reason": reason,
        "author": author,
    }


def _second(text: str, zone: str, *, is_utc: bool) -> int:
    """Return the instant (seconds since 1970 UTC) of a time in UTC, or on a store's wall clock."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{text} is no time: write it like 2023-01-25 13:00") from error
    if local.tzinfo is not None:
        return parse_second(local, "time")
    return parse_second(local.replace(tzinfo=UTC) if is_utc else _on_clock(local, load_zone(zone)), "time")


def _on_clock(local: datetime, zone: ZoneInfo) -> datetime:
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    when = f"{local:%H:%M} on {date_of(local)} {local.year}"
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local:
        raise InputError(f"there was no {when} on the store's clock: clocks went forward over it")
    raise InputError(f"there was {when} twice on the store's clock, since clocks went back: give it in UTC")


def foreseen(facts: Facts, ask: Ask, store_id: str, row: pl.DataFrame) -> tuple[Sums, Sums]:
    """Return a store's figures of the first window as they are, and with an annotation that is not kept."""
    held = facts.of(ANNOTATIONS)
    with_it = replace(facts, others={**facts.others, ANNOTATIONS.name: pl.concat([held, row])})
    window = ask.parsed_windows[0]
    alone = replace(ask, windows=(window.text,), compare=False, store_ids=(store_id,))
    before, after = (
        sums_of(account(each, alone).rows.to_dicts()[0], window.name, title)
        for each, title in ((facts, "now"), (with_it, "with this"))
    )
    return before, after


def notes(
    annotations: pl.DataFrame, store_id: str, zone: str, touching: frozenset[str] = frozenset()
) -> list[Note]:
    """Return the annotations about a store alone, and of the others those that touch it; the latest first."""
    found = [row for row in plain_rows(annotations) if _concerns(row, store_id, touching)]
    return [
        Note(
            id=row["id"],
            text=_text(row, zone),
            is_own=row["store_id"] == store_id,
            is_withdrawn=row["withdrawn_at"] is not None,
        )
        for row in sorted(found, key=lambda row: (row["since"], row["id"]), reverse=True)
    ]


def _concerns(row: Mapping[str, str], store_id: str, touching: frozenset[str]) -> bool:
    return row["store_id"] == store_id or row["id"] in touching


def _text(row: Mapping[str, object], zone: str) -> str:
    """Return an annotation as a sentence: `It was up, from Wed 25 Jan 2023, 13:00 to …: reason (Ann)`."""
    since, until = row["since"], row["until"]
    end = f"to {_moment(until, zone)}" if isinstance(until, int) else "until further notice"
    begin = _moment(since, zone) if isinstance(since, int) else ""
    what = WHAT[str(row["counts_as"])].partition(":")[0]
    about = {"": "", "*": " of every store"}.get(str(row["label"]), f" of {row['label']} {row['value']}")
    by = f" ({row['author']})" if row["author"] else ""
    reason = f": {row['reason']}" if row["reason"] else ""
    return f"{what}{about}, from {begin} {end}{reason}{by}"


def _moment(at: int, zone: str) -> str:
    local = wall_clock(zone, at // MICROSECONDS)
    return clock_text(local, f"{date_of(local)} %Y, %H:%M{':%S' * (local.second > 0)}")
