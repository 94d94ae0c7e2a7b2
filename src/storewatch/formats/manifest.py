"""The manifest that lies beside a report: what it was made of, by what, and how long that took."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from storewatch.domain.ask import Ask
from storewatch.domain.input import Input
from storewatch.domain.instant import iso, parse_as_of
from storewatch.domain.zone import tzdata_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from storewatch.formats.report import Report

RULES = "2026-11-25"  # the version of docs/reference/rules.md
EXAMPLES = 3  # rejected rows that are shown of each kind and reason
LONGEST_EXAMPLE = 300  # characters

_PARAMETERS = ("store_ids", "policy", "windows", "compare", "by", "where")
_AS_GIVEN = {"since": "start_utc", "until": "end_utc"}
_AS_SAID = (
    *("id", "store_id", "label", "value", "start_utc", "end_utc"),
    *("counts_as", "reason", "author", "made_at"),
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Digest:
    """Size and SHA-256 of what goes by in pieces."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.bytes = 0
        self._hash = hashlib.sha256()

    def of(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the pieces, having counted them."""
        for piece in pieces:
            self.bytes += len(piece)
            self._hash.update(piece)
            yield piece

    @property
    def sha256(self) -> str:
        """The digest of what went by, in hex digits."""
        return self._hash.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is to be said of one report."""

    asked: Ask  # as it was asked, before its as-of was settled
    report: Report
    csv: Digest
    groups: Digest | None = None  # of the CSV of its groups, if it has any
    software: str  # its version
    seconds: Mapping[str, float]  # by stage

    def json_bytes(self) -> bytes:
        """Return it as JSON: instants in UTC, durations in seconds."""
        content = {
            "as_of": iso(self.report.as_of),
            "parameters": _parameters(self.asked),
            "input": _input(self.report.made_of),
            "report": _file(self.report, self.csv),
            **({} if self.groups is None else {"groups": _file(self.report.by_label, self.groups)}),
            "annotations": _annotations(self.report.touched),
            "rules": {"numbers": "R1–R12, R15, R16", "version": RULES},
            "software": {"storewatch": self.software, "tzdata": tzdata_version()},
            "seconds": {stage: round(seconds, 4) for stage, seconds in self.seconds.items()},
        }
        return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"


def _file(report: Report | None, csv: Digest) -> dict[str, int | str]:
    rows = 0 if report is None else report.parts.height
    return {"rows": rows, "bytes": csv.bytes, "sha256": csv.sha256}


def _parameters(ask: Ask) -> dict[str, Any]:
    values = ask.values()
    return {
        "as_of": None if ask.as_of is None else iso(ask.as_of),
        "carry_seconds": values["carry"],
        **{name: values[name] for name in _PARAMETERS if name in values},
    }


def _annotations(touched: pl.DataFrame | None) -> list[dict[str, Any]]:
    """Return the annotations that decide some of the report, in order of id, with their seconds by window."""
    if touched is None:
        return []
    instants = [name for name, dtype in touched.schema.items() if dtype == pl.Datetime]
    words = touched.with_columns(pl.col(instants).dt.strftime("%Y-%m-%dT%H:%M:%SZ")).rename(_AS_GIVEN)
    seconds = [name for name in touched.columns if name.startswith("seconds_")]
    return [
        {name: row[name] for name in _AS_SAID}
        | {"seconds": {name.removeprefix("seconds_"): row[name] for name in seconds}}
        for row in words.iter_rows(named=True)
    ]


def _input(made_of: Input) -> dict[str, Any]:
    """Return the counts of what was read, what was assumed, and what could not be used."""
    return {
        "version": made_of.version,
        "newest_poll": _instant(made_of.newest),
        "polls": made_of.polls,
        "first_poll": _instant(made_of.first),
        "last_poll": _instant(made_of.last),
        "hours": made_of.hours,
        "zones": made_of.zones,
        "stores_without_hours": made_of.without_hours,
        "stores_without_zone": made_of.without_zone,
        "assumptions": list(made_of.assumptions),
        "doubts": list(made_of.doubts),
        "rejects": _rejects(made_of.rejects),
    }


def read_manifest(content: bytes) -> tuple[Ask, Input]:
    """Return what a published report was asked and made of; its rejects stay in the manifest.

    Manifests of the first version have neither newest poll nor assumptions: these are None.
    """
    told = json.loads(content)
    asked, found = told["parameters"], told["input"]
    values = {name: asked[name] for name in _PARAMETERS if name in asked}
    ask = Ask.from_values({**values, "carry": asked["carry_seconds"], "as_of": parse_as_of(told["as_of"])})
    return ask, Input(
        version=found["version"],
        newest=_microseconds(found.get("newest_poll")),
        polls=found["polls"],
        first=_microseconds(found["first_poll"]),
        last=_microseconds(found["last_poll"]),
        hours=found["hours"],
        zones=found["zones"],
        without_hours=found.get("stores_without_hours"),
        without_zone=found.get("stores_without_zone"),
        assumptions=tuple(found.get("assumptions", ())),
        doubts=tuple(found.get("doubts", ())),
    )


def _instant(at: int | None) -> str | None:
    return None if at is None else f"{_EPOCH + timedelta(microseconds=at):%Y-%m-%dT%H:%M:%S.%f}Z"


def _microseconds(text: str | None) -> int | None:
    return None if text is None else (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def _rejects(rejects: pl.DataFrame | None) -> list[dict[str, Any]]:
    """Return the rows that could not be used, counted by kind and reason, the most first."""
    if rejects is None:
        return []
    counted = rejects.group_by("kind", "reason").agg(pl.len().alias("rows"), pl.col("row").head(EXAMPLES))
    ordered = counted.sort("rows", "kind", "reason", descending=[True, False, False])
    return [
        {
            "kind": kind,
            "reason": reason,
            "rows": rows,
            "examples": [str(row)[:LONGEST_EXAMPLE] for row in examples],
        }
        for kind, reason, rows, examples in ordered.select("kind", "reason", "rows", "row").iter_rows()
    ]
