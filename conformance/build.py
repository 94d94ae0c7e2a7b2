"""Write the cases, with what the reference expects of them: `python -m conformance.build [NAME…]`.

The reference (`storewatch.checking.reference`) is the plain statement of the rules, a store at a time, which
the kernel is held against. Inputs are read and loaded as storewatch does it.
"""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

from conformance.case import CASES, Kept
from conformance.drafts import drafts
from conformance.drafts.draft import table
from conformance.loaded import ask_of, source_of
from storewatch.answering.answer import settle
from storewatch.checking import reference
from storewatch.domain.zone import tzdata_version

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from conformance.drafts import Draft


def main() -> int:
    """Write all cases anew, or those that are named."""
    names = sys.argv[1:]
    if not names:
        shutil.rmtree(CASES, ignore_errors=True)
        CASES.mkdir()
        (CASES / "tzdata.json").write_text(tzdata_text())
    for draft in drafts():
        if not names or draft.name in names:
            shutil.rmtree(CASES / draft.name, ignore_errors=True)
            write(draft, CASES)
    return 0


def tzdata_text() -> str:
    """Return what names the version of the time zones that the results hold for."""
    return json.dumps({"tzdata": tzdata_version()}) + "\n"


def input_files(draft: Draft) -> dict[str, bytes]:
    """Return the files of a case but for its results, by their path in its folder."""
    files = {"case.json": draft.case.text().encode()}
    for step, given in zip(draft.case.loads, draft.loads, strict=True):
        files |= {f"{step.folder}/{name}": data for name, data in given.items()}
    return files


def write(draft: Draft, cases: Path) -> None:
    """Write a case: its input, and what the reference expects."""
    folder = cases / draft.name
    for name, data in input_files(draft).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    frame, text = expected(Kept(name=draft.name, folder=folder, case=draft.case))
    (folder / "expected.csv").write_bytes(text)
    (folder / "seconds.csv").write_bytes(seconds_table(frame))


def expected(kept: Kept) -> tuple[pd.DataFrame, bytes]:
    """Return what the reference says of a case: whole seconds, and the CSV."""
    with source_of(kept) as source, source.at() as snapshot:
        ask = settle(snapshot, ask_of(kept.case)).ask
        facts = snapshot.scan(since=None, until=ask.until)
        frame = reference.report(facts, ask)
        return frame, reference.export(frame)


def seconds_table(frame: pd.DataFrame) -> bytes:
    """Return the figures of typed formats as CSV."""
    rows = [[_text(value) for value in row] for row in frame.astype("object").to_numpy().tolist()]
    return table(frame.columns, rows)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.exit(main())
