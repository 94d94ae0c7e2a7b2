"""What a Ray worker does with a slice: reads and computes it, and puts its part on the report shelf.

Only plain values come in, so that a worker of another version can read them well enough to refuse.
"""

from __future__ import annotations

import io
import uuid
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import polars as pl

from storewatch import __version__
from storewatch.bootstrap import open_polls, open_shelf
from storewatch.config import PREFIX, load_settings
from storewatch.domain.ask import Ask
from storewatch.domain.slices import Slice
from storewatch.engines.part import Part, make_part
from storewatch.errors import StorewatchError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storewatch.domain.input import Input
    from storewatch.domain.slices import Within
    from storewatch.ports.shelf import ReportShelf


TRIES = 3  # of a slice after the first, whether a Ray worker died or memory was short


class Trouble(TypedDict):
    """Why there is no part, in plain values."""

    port: str | None  # what did not answer
    message: str  # for the log
    told: str  # for clients


class SliceTask(TypedDict):
    """All that a slice's part depends on, in plain values."""

    software: str  # the version of storewatch that asks
    settings: dict[str, str]  # as variables of the environment
    version: str  # of the poll store
    ask: dict[str, Any]  # settled
    within: dict[str, str | None] | list[str] | None
    folder: str  # on the shelf


@dataclass(frozen=True, kw_only=True)
class Shelved:
    """A part whose rows lie on the shelf."""

    key: str
    groups: str | None  # where the rows added up by a label lie, if that is asked for
    touched: pl.DataFrame  # as a `Part` has it
    made_of: Input
    seconds: Mapping[str, float]  # by stage

    def load(self, shelf: ReportShelf) -> Part:
        """Fetch the rows."""
        return Part(
            rows=_fetched(shelf, self.key),
            touched=self.touched,
            made_of=self.made_of,
            seconds=self.seconds,
            groups=None if self.groups is None else _fetched(shelf, self.groups),
        )


def plain(within: Within) -> dict[str, str | None] | list[str] | None:
    """Return what to compute in plain values."""
    if isinstance(within, Slice):
        return asdict(within)
    return None if within is None else list(within)


def compute(task: SliceTask) -> Shelved | Trouble:
    """Make the part of a slice, or say why there is none; whoever tries again writes beside."""
    if task["software"] != __version__:
        told = f"a Ray worker has storewatch {__version__}, and {task['software']} asks: give both the same"
        return Trouble(port=None, message=told, told=told)
    try:
        return _shelved(task)
    except StorewatchError as error:
        if isinstance(error, UnavailableError):
            return Trouble(port=str(error.port), message=str(error), told=error.told)
        told = error.told or "a Ray worker could not make its slice: has it the same poll store and shelf?"
        return Trouble(port=None, message=f"{told} {error}", told=told)


def _shelved(task: SliceTask) -> Shelved:
    settings = load_settings(
        **{name.removeprefix(PREFIX).lower(): value for name, value in task["settings"].items()}
    )
    within = Slice(**task["within"]) if isinstance(task["within"], dict) else task["within"]
    polls = open_polls(settings)
    try:
        with polls.at(task["version"]) as snapshot:
            part = make_part(snapshot, Ask.from_values(task["ask"]), within)
    finally:
        polls.close()
    shelf, folder = open_shelf(settings), task["folder"]
    return Shelved(
        key=_put(part.rows, shelf, folder),
        groups=None if part.groups is None else _put(part.groups, shelf, folder),
        touched=part.touched,
        made_of=part.made_of,
        seconds=part.seconds,
    )


def _put(rows: pl.DataFrame, shelf: ReportShelf, folder: str) -> str:
    """Put rows into a folder on the shelf; return where they lie."""
    rows.write_ipc(buffer := io.BytesIO(), compression="zstd")
    key = f"{folder}/{uuid.uuid4().hex}"
    shelf.publish(key, [buffer.getvalue()])
    return key


def _fetched(shelf: ReportShelf, key: str) -> pl.DataFrame:
    return pl.read_ipc(io.BytesIO(b"".join(shelf.read(key))))
