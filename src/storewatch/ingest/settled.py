"""The rows of all files of a load, put together; those that contradict each other are rejected (R1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from storewatch.domain.kinds import LABELS, ZONES, Kind
from storewatch.ingest.checks import checked_schema, clash_of, clashing
from storewatch.ingest.labels import labels_of
from storewatch.ingest.rejects import REJECTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storewatch.ingest.parts import Part

Parts: TypeAlias = "Mapping[Kind, Sequence[tuple[str, Part]]]"  # each with the name of its file
_ORIGIN = {"file": pl.String(), "line": pl.Int64(), "row": pl.String(), "kind": pl.String()}


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What a load's rows come to."""

    good: Mapping[str, pl.DataFrame]  # by kind, by its schema
    rejects: pl.DataFrame  # REJECTS: rows that contradict each other
    tainted: Mapping[str, pl.DataFrame]  # by kind: units with a rejected row


def settle(parts: Parts) -> Settled:
    """Put together what files gave of each kind."""
    rows = {kind: _joined(kind, of_kind) for kind, of_kind in parts.items()}
    stores, two_rows = _apart(LABELS, rows.pop(LABELS))
    rows[ZONES] = pl.concat([rows[ZONES], _zones_of(stores)])
    found = {kind: _apart(kind, given) for kind, given in rows.items()}
    stores = stores.join(found[ZONES][1], on=["file", "line"], how="anti", maintain_order="left")
    found[LABELS] = labels_of(stores), two_rows
    return Settled(
        good={kind.name: _distinct(kind, good) for kind, (good, _) in found.items()},
        rejects=pl.concat(
            [pl.DataFrame(schema=REJECTS), *(_rejects(kind, bad) for kind, (_, bad) in found.items())]
        ),
        tainted={
            kind.name: pl.concat(
                [*(part.tainted for _, part in of_kind), found[kind][1].select(kind.replaces)]
            ).unique()
            for kind, of_kind in parts.items()
            if of_kind and kind.may_half_replace
        },
    )


def _joined(kind: Kind, parts: Sequence[tuple[str, Part]]) -> pl.DataFrame:
    """Return the good rows of a kind as they are checked; of one whose rows can clash, with their origin."""
    if not clash_of(kind):
        return pl.concat(
            [pl.DataFrame(schema=checked_schema(kind)), *(part.good for _, part in parts)], rechunk=True
        )
    empty = pl.DataFrame(schema=checked_schema(kind) | _ORIGIN)
    rows = [part.good.with_columns(file=pl.lit(file), kind=pl.lit(kind.name)) for file, part in parts]
    return pl.concat([empty, *(of_part.select(empty.columns) for of_part in rows)])


def _apart(kind: Kind, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that contradict no other one, and those that do."""
    if not clash_of(kind):
        return rows, rows.clear()
    distinct = rows.drop(*_ORIGIN).unique(maintain_order=True)
    bad = clashing(kind, distinct)
    good = rows.join(bad, on=bad.columns, how="anti", maintain_order="left")
    return good, rows.join(bad, on=bad.columns, how="semi", maintain_order="left")


def _zones_of(stores: pl.DataFrame) -> pl.DataFrame:
    """Return the zones that rows of stores give, with the origin of these."""
    return stores.filter(pl.col("zone").is_not_null()).drop("values")


def _distinct(kind: Kind, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of a kind by its schema, each once if it was looked at anyway."""
    return kind.lean(rows.select(*kind.whole).unique(maintain_order=True) if clash_of(kind) else rows)


def _rejects(kind: Kind, bad: pl.DataFrame) -> pl.DataFrame:
    clash = clash_of(kind)
    if not len(bad) or clash is None:
        return pl.DataFrame(schema=REJECTS)
    return bad.with_columns(reason=pl.lit(clash.text), value=pl.lit("")).select(*REJECTS)
