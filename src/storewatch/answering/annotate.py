"""Annotations by hand: each change is a load of the kind, and nothing is edited in place (R9)."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

import polars as pl

from storewatch.domain.facts import Facts
from storewatch.domain.instant import compact
from storewatch.domain.kinds import ANNOTATIONS, POLLS
from storewatch.errors import InputError
from storewatch.ingest import check_frames, sentences
from storewatch.ports.polls import Load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storewatch.ports.polls import PollStore, Source

_changing = Lock()  # who looks whether there is one already, and then loads, does so alone


def all_annotations(source: Source) -> pl.DataFrame:
    """Return all annotations, withdrawn ones too, by the schema of the kind; by begin and id."""
    with source.at() as snapshot:
        return snapshot.scan(since=0, until=0, within=[]).of(ANNOTATIONS).sort("since", "id")


def annotate(polls: PollStore, given: Mapping[str, str | None], *, now: float) -> pl.DataFrame:
    """Keep a new annotation and return its row.

    Args:
        polls: Where it is kept.
        given: Its columns as in a file, but for those that say when it was made and withdrawn.
        now: Seconds since 1970, when it is made.

    Raises:
        InputError: It is none, or there is one of its id already.
        RefusedError: They are kept in tables that storewatch only reads.
    """
    new = checked_annotation(given, now=now)
    with _changing:
        if given.get("id") and new["id"].is_in(all_annotations(polls)["id"].implode()).any():
            raise InputError(
                f"there is an annotation {given['id']} already: withdraw it and make another, or take "
                "another id"
            )
        _load(polls, new, now)
    return new


def checked_annotation(given: Mapping[str, str | None], *, now: float) -> pl.DataFrame:
    """Return the row that `annotate` would keep, and keep nothing.

    Raises:
        InputError: It is none.
    """
    made = {**given, "made_at": datetime.fromtimestamp(now, UTC).isoformat()}
    reading = check_frames(
        {ANNOTATIONS.name: pl.DataFrame({name: [text] for name, text in made.items()}).cast(pl.String)}
    )
    for reason in sentences(reading.rejects):
        raise InputError(f"this is no annotation: {reason}")
    return reading.facts.of(ANNOTATIONS)


def withdraw(polls: PollStore, note: str, *, now: float) -> pl.DataFrame | None:
    """Withdraw an annotation and return its row; None: there is none. A second time changes nothing."""
    with _changing:
        held = all_annotations(polls).filter(pl.col("id") == note)
        if held.is_empty():
            return None
        if held["withdrawn_at"].null_count():
            at = pl.lit(datetime.fromtimestamp(now, UTC)).cast(ANNOTATIONS.schema["withdrawn_at"])
            held = held.with_columns(withdrawn_at=at)
            _load(polls, held, now)
    return held


def _load(polls: PollStore, rows: pl.DataFrame, now: float) -> None:
    name = f"{compact(int(now))}-{secrets.token_hex(4)}"
    polls.load(Load(name=name, facts=Facts(polls=POLLS.frame(), others={ANNOTATIONS.name: rows})))
