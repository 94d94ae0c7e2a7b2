"""The manifest that lies beside a report: what it was made of, by what, and how long that took."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

import polars as pl

from storewatch.domain.instant import iso
from storewatch.domain.zone import tzdata_version

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from storewatch.domain.facts import Facts
    from storewatch.formats.report import Report

RULES = "2026-11-24"  # the version of docs/reference/rules.md
EXAMPLES = 3  # rejected rows that are shown of each kind and reason
LONGEST_EXAMPLE = 300  # characters


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What is to be said of one report."""

    parameters: Mapping[str, Any]  # as they were asked for
    version: str  # of the input
    facts: Facts
    report: Report
    csv: bytes
    software: str  # its version
    seconds: Mapping[str, float]  # by stage

    def json_bytes(self) -> bytes:
        """Return it as JSON: instants in UTC, durations in seconds."""
        content = {
            "as_of": iso(self.report.as_of),
            "parameters": dict(self.parameters),
            "input": {"version": self.version, **_input(self.facts)},
            "report": {
                "rows": self.report.rows.height,
                "bytes": len(self.csv),
                "sha256": hashlib.sha256(self.csv).hexdigest(),
            },
            "rules": {"numbers": "R1–R7", "version": RULES},
            "software": {"storewatch": self.software, "tzdata": tzdata_version()},
            "seconds": {stage: round(seconds, 4) for stage, seconds in self.seconds.items()},
        }
        return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"


def _input(facts: Facts) -> dict[str, Any]:
    """Return the counts of what was read, the polls' range, and what could not be used."""
    at = facts.polls["at"]
    return {
        "polls": at.len(),
        "first_poll": _instant(at.min()),
        "last_poll": _instant(at.max()),
        "hours": facts.hours.height,
        "zones": facts.zones.height,
        "rejects": _rejects(facts.rejects),
    }


def _instant(at: Any) -> str | None:  # noqa: ANN401 - of any column, for polars
    instant: datetime | None = at
    return None if instant is None else f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


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
