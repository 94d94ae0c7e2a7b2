"""What annotations state of each store's time (R9): frames in, spans out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from storewatch.domain.evidence import Annotation
from storewatch.domain.instant import MICROSECONDS
from storewatch.domain.kinds import ANNOTATIONS, EVERY_STORE, LABELS, NAME, TARGET
from storewatch.domain.spans import STATUSES, Spans
from storewatch.domain.uptime import dense_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from storewatch.domain.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What is stated, and by whom."""

    spans: Spans  # in order of store and time
    note: NDArray[np.int64]  # [spans] the place in `ids` of the annotation that decides
    ids: pl.Series


NOTHING = Stated(
    spans=Spans(**{name: np.empty(0, dtype=np.int64) for name in ("store", "begin", "end", "status")}),
    note=np.empty(0, dtype=np.int64),
    ids=pl.Series(dtype=pl.String),
)


def stated_times(facts: Facts, names: pl.Series, *, since: int, until: int) -> Stated:
    """Find which annotation decides at each time, since ≤ t < until (seconds since 1970 UTC), of each store.

    Many stores have the same annotations; who goes before whom is worked out once for all of them.
    """
    annotations = facts.of(ANNOTATIONS)
    if annotations.is_empty():
        return NOTHING
    notes = _in_order(annotations, since, until)
    begin, end = (np.clip(notes[name].fill_null(until).to_numpy(), since, until) for name in ("begin", "end"))
    store, decided = _of_stores(*_whose(notes, facts.of(LABELS), names), begin, end)
    status = np.array([STATUSES.index(name) for name in notes["counts_as"]], dtype=np.int8)
    return Stated(
        spans=Spans(store=store, begin=decided[:, 0], end=decided[:, 1], status=status[decided[:, 2]]),
        note=decided[:, 2],
        ids=notes["id"],
    )


def plain_rows(annotations: pl.DataFrame) -> list[dict[str, Any]]:
    """Return annotations as values, instants in microseconds since 1970 UTC."""
    return annotations.with_columns(pl.col(pl.Datetime).to_physical()).to_dicts()


def annotation_of(row: Mapping[str, Any], seconds: int = 0) -> Annotation:
    """Return an annotation of a row of its kind, as `plain_rows` gives it."""
    label = "every store" if row["label"] == EVERY_STORE else f"{row['label']} {row['value']}"
    return Annotation(
        id=row["id"],
        about=f"store {row['store_id']}" if row["store_id"] else label,
        begin=row["since"] // MICROSECONDS,
        end=None if row["until"] is None else row["until"] // MICROSECONDS,
        counts_as=row["counts_as"],
        reason=row["reason"],
        author=row["author"],
        made_at=row["made_at"],
        seconds=seconds,
    )


def _of_stores(
    store: NDArray[np.int64], note: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return whose each row is of all that `_decided` says of stores; store and note are pairs, in order."""
    first = np.flatnonzero(np.diff(store, prepend=-1))
    found: dict[bytes, NDArray[np.int64]] = {}
    rows = []
    for own in np.split(note, first[1:]) if len(first) else ():
        key = own.tobytes()
        if key not in found:
            found[key] = _decided(own, begin, end)
        rows.append(found[key])
    owners = np.repeat(store.take(first), [len(each) for each in rows])
    return owners, np.concatenate([np.empty((0, 3), dtype=np.int64), *rows])


def _in_order(annotations: pl.DataFrame, since: int, until: int) -> pl.DataFrame:
    """Return those that hold at some time, in seconds, the one that goes before all others last."""
    rank = pl.when(pl.col("store_id") != "").then(2).when(pl.col("label") != EVERY_STORE).then(1).otherwise(0)
    return (
        annotations.filter(pl.col("withdrawn_at").is_null())
        .with_columns(
            begin=pl.col("since").to_physical() // MICROSECONDS,
            end=pl.col("until").to_physical() // MICROSECONDS,
            rank=rank,
        )
        .filter((pl.col("begin") < until) & (pl.col("end").fill_null(until) > since))
        .sort("rank", "made_at", "id")
    )


def _whose(
    notes: pl.DataFrame, labels: pl.DataFrame, names: pl.Series
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of a store's number and the place of a note about it, in order of both."""
    placed = notes.with_row_index("note")
    about_store = placed.filter(pl.col("store_id") != "").select("store_id", "note")
    grouping = labels.filter((pl.col("value") != "") & ~pl.col("label").is_in([NAME, TARGET]))
    about_label = (
        placed.filter((pl.col("store_id") == "") & (pl.col("label") != EVERY_STORE))
        .select("label", "value", "note")
        .join(grouping, on=["label", "value"])
        .select("store_id", "note")
    )
    pairs = pl.concat([about_store, about_label])
    store = dense_numbers(pairs["store_id"], names).astype(np.int64)
    note = pairs["note"].to_numpy().astype(np.int64)
    known = np.flatnonzero(store < len(names))
    about_all = placed.filter((pl.col("store_id") == "") & (pl.col("label") == EVERY_STORE))[
        "note"
    ].to_numpy()
    store = np.concatenate((store.take(known), np.repeat(np.arange(len(names)), len(about_all))))
    note = np.concatenate((note.take(known), np.tile(about_all.astype(np.int64), len(names))))
    order = np.lexsort((note, store))
    return store.take(order), note.take(order)


def _decided(notes: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the times that notes cover as rows of begin, end, and the last note that covers it."""
    if len(notes) == 1:
        return np.column_stack((begin.take(notes), end.take(notes), notes))
    edges = np.unique(np.concatenate((begin.take(notes), end.take(notes))))
    last = np.full(len(edges), -1)
    for note in notes.tolist():
        last[np.searchsorted(edges, begin[note]) : np.searchsorted(edges, end[note])] = note
    covered = np.flatnonzero(last >= 0)
    return np.column_stack((edges.take(covered), edges.take(covered + 1), last.take(covered)))
