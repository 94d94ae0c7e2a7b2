"""`storewatch verify --against`: what it does and says."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from storewatch.entrypoints.cli.ending import FAILED, WITH_REJECTS
from storewatch.entrypoints.cli.options import check_place
from storewatch.entrypoints.cli.show import progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storewatch.checking.against import Comparison, Foreign
    from storewatch.checking.against.fit import Measure
    from storewatch.domain.ask import Ask

SHOWN_NAMES = 3  # of the stores of one cause
_FEW = 0.1  # of the stores: where fewer agree, the as-of is the first thing to doubt
_MANY_DECIMALS = 6


def verify_against(
    data: Path,
    against: Path,
    ask: Ask,
    *,
    stores: int | None,
    differences: Path | None,
) -> None:
    """Compare a report of another program with ours on a folder's files; exit code 1: they do not agree."""
    from storewatch.checking.against import compare, read_foreign
    from storewatch.domain.instant import iso
    from storewatch.entrypoints.cli.source import read_folder, settled_facts

    if differences is not None:
        check_place(differences, "--differences")
    theirs = read_foreign(against)
    reading = read_folder(data, allow_future=True)
    facts, ask = settled_facts(reading, ask)
    with progress_bar() as progress:
        found = compare(facts, theirs, ask, stores=stores, progress=progress)
    say([f"their program: {found.verdict}", *_columns(theirs, found)])
    share = f"{found.agreeing:,} of {found.compared:,} stores"
    say([f"as of {iso(ask.instant)}, {share} agree within their rounding"])
    say(_causes(found))
    say(_missing(found))
    if found.agreeing < _FEW * found.compared:
        say(["was their report made as of another instant? give it with --as-of"])
    if differences is not None:
        found.write_differences(differences)
        say([f"{differences}: a row a store"], err=True)
    if not found.agrees:
        sys.exit(FAILED)
    if not reading.is_complete:
        sys.exit(WITH_REJECTS)


def _columns(theirs: Foreign, found: Comparison) -> Iterator[str]:
    """Yield how their columns were read."""
    width = max(len(measure.column.name) for measure in found.measures)
    for measure in found.measures:
        yield f"{measure.column.name:<{width}}  read as {measure.unit}, {_decimals(measure)}"
    if found.mode == "cut":
        yield "their figures are cut, not rounded"
    if theirs.doubled:
        yield f"{theirs.doubled:,} rows left out there: no id, or an id that came before"
    if theirs.unread:
        yield f"{theirs.unread:,} cells are no numbers: not compared"


def _decimals(measure: Measure) -> str:
    from math import log10

    places = round(-log10(measure.column.place))
    if places > _MANY_DECIMALS:
        return "written out in full"
    return "whole numbers" if not places else f"{places} decimal{'s' if places > 1 else ''}"


def _causes(found: Comparison) -> Iterator[str]:
    """Yield a line a cause: stores, median of their largest differences, what it is, some of the stores."""
    from storewatch.entrypoints.wording import hours

    if found.found:
        yield ""
        yield f"{'stores':>9}{'median':>13}  cause of the difference"
    for one in found.found:
        names = found.rows.filter(found.rows["verdict"] == one.key)["store_id"].head(SHOWN_NAMES)
        more = ", …" if one.stores > len(names) else ""
        what = "; and ".join(cause.sentence for cause in one.program or ())
        what = f"{one.key}: {what}" if what else one.key
        yield f"{one.stores:>9,}{hours(round(one.median_seconds)):>13}  {what} ({', '.join(names)}{more})"
    if found.also:
        yield ""
        yield "of the unexplained"
    for one in found.also:
        refuted = f" – but {one.changes:,} stores agree that it would change" if one.changes else ""
        yield f"{one.stores:>9,}  {one.key} would also fit{refuted}"


def _missing(found: Comparison) -> Iterator[str]:
    """Yield which stores only one of the reports has, and what those left out have in common."""
    if found.left_out:
        yield ""
        yield f"{found.left_out:,} stores are left out of their report:"
        for what, (missing, of_all) in found.lacking.items():
            if missing:
                yield f"{missing:>9,}  have no {what} (of {of_all:,} such stores)"
    if found.only_theirs:
        yield ""
        yield f"{found.only_theirs:,} stores of their report are in none of the files"
