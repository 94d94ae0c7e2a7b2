"""The load: files → checked facts and rejects → one commit to the poll store."""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storewatch.domain.instant import compact
from storewatch.ingest import Reading, Spill, read, read_documents, write_rejects
from storewatch.ports.polls import Load, LoadSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from pathlib import Path

    from storewatch.ingest import Format
    from storewatch.ports.polls import PollStore


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What came of a load."""

    reading: Reading
    summary: LoadSummary | None  # None: nothing was loaded, since `strict` met a bad row or file
    rejects: Path | None  # the file of the rows that could not be used


def load_files(
    paths: Sequence[Path],
    polls: PollStore,
    *,
    home: Path,
    now: float,
    allow_future: bool = False,
    form: Format | None = None,
    strict: bool = False,
    hours_from: date | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Loaded:
    """Read files and folders and commit them as one load (R1).

    Args:
        paths: Files or folders.
        polls: Where they are loaded into.
        home: `rejects/<load>.csv` below it takes the rows that could not be used, before the commit; and what
            memory should not hold is there, in a file without a name, until the load is over.
        now: Seconds since 1970: polls more than an hour later are rejected …
        allow_future: … unless this is set.
        form: The files are documents of this format; None: they are ours.
        strict: Load nothing if there is one bad row, or one file that cannot be used.
        hours_from: The first date of the hours that are loaded; those that were held stay before it (R8).
        progress: Called with a file's name and the fraction of all bytes read.
    """
    with closing(Spill(home)) as spill:
        if form is None:
            reading = read(paths, now=now, allow_future=allow_future, progress=progress, spill=spill)
        else:
            reading = read_documents(paths, form)
        name = f"{compact(int(now))}-{secrets.token_hex(4)}"
        rejects = None
        if reading.rejects.height:
            rejects = home / "rejects" / f"{name}.csv"
            write_rejects(reading.rejects, rejects)
        if strict and not reading.is_complete:
            return Loaded(reading=reading, summary=None, rejects=rejects)
        load = Load(
            name=name,
            facts=reading.facts,
            polls=spill,
            tainted=reading.tainted,
            hours_from=hours_from,
        )
        return Loaded(reading=reading, summary=polls.load(load), rejects=rejects)
