"""Write the cases, with what the reference expects of them: `python -m conformance.build [NAME…]`.

The reference (`storewatch.checking.reference`) is the plain statement of the rules, a store at a time, which
the kernel is held against. Inputs are read and loaded as storewatch does it.
"""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

import pandas as pd

from conformance.case import CASES, Kept
from conformance.compare import text_of
from conformance.drafts import drafts
from conformance.drafts.draft import FIRST_TIER, table
from conformance.loaded import ask_of, source_of
from storewatch.answering.answer import settle
from storewatch.checking import reference
from storewatch.domain.instant import parse_as_of
from storewatch.domain.zone import tzdata_version

if TYPE_CHECKING:
    from pathlib import Path

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
    for name, data in results(Kept(name=draft.name, folder=folder, case=draft.case)).items():
        (folder / name).write_bytes(data)


def results(kept: Kept) -> dict[str, bytes]:
    """Return what the reference expects of a case, by the names of the files that keep it."""
    with source_of(kept) as source, source.at() as snapshot:
        ask = settle(snapshot, ask_of(kept.case)).ask
        facts = snapshot.scan(since=None, until=ask.until)
    if kept.case.tier == FIRST_TIER:
        frame = reference.report(facts, ask)
        return {"expected.csv": reference.export(frame), "seconds.csv": seconds_table(frame)}
    if kept.case.hours is not None:
        begin, end = map(parse_as_of, kept.case.hours)
        return {"expected.csv": seconds_table(reference.hours(facts, ask, begin, end))}
    windows = ask.parsed_windows
    frame = reference.account(facts, ask, windows, compare=ask.compare)
    text = reference.export_account(frame, windows, compare=ask.compare)
    found = {"expected.csv": text, "seconds.csv": seconds_table(frame)}
    if kept.case.by is not None:
        groups = reference.by_label(frame, facts, ask, kept.case.by, windows)
        found[f"expected-by-{kept.case.by}.csv"] = reference.export_account(
            groups, windows, compare=ask.compare
        )
    return found


def seconds_table(frame: pd.DataFrame) -> bytes:
    """Return the figures of typed formats as CSV."""
    plain = frame.astype("object").where(frame.notna(), None).to_numpy().tolist()
    return table(frame.columns, [[_text(value) for value in row] for row in plain])


def _text(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return text_of(value)


if __name__ == "__main__":
    sys.exit(main())
