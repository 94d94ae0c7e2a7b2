"""A case: what is loaded, what is asked, what is expected, and why there is such a case."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent / "cases"


@dataclass(frozen=True, kw_only=True)
class LoadStep:
    """A load: a folder of the case, all files of which are given at once."""

    folder: str
    hours_from: str | None = None  # the date from which its hours hold (R8)


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a case asks, as its `case.json` says."""

    tier: int  # 1: R1 to R7; 2: R8 to R13, R15 and R16
    rules: tuple[str, ...]
    tests: str  # what it tests
    seen: str  # where it went wrong in real programs
    as_of: str | None  # None: the newest poll (R3)
    carry: str = "7d"
    policy: str = "hourly-majority"
    windows: tuple[str, ...] = ()  # none: the last hour, day and week
    compare: bool = False
    by: str | None = None  # a label by whose values the rows are added up, too (R10)
    hours: tuple[str, str] | None = (
        None  # asks for the table of hours (R13) from one instant to another instead
    )
    loads: tuple[LoadStep, ...] = (LoadStep(folder="data"),)
    same: tuple[tuple[str, ...], ...] = ()  # stores whose figures must be the same

    def text(self) -> str:
        """Return it as `case.json`."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Case:
        """Return the case of a `case.json`."""
        values: dict[str, Any] = json.loads(text)
        values["loads"] = tuple(LoadStep(**step) for step in values["loads"])
        values["same"] = tuple(map(tuple, values["same"]))
        for name in ("rules", "windows", *(["hours"] if values["hours"] else [])):
            values[name] = tuple(values[name])
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A case in its folder."""

    name: str
    folder: Path
    case: Case

    @property
    def expected(self) -> str:
        """The expected CSV: of the report (R7), or of the hours."""
        return (self.folder / "expected.csv").read_text(encoding="utf-8")

    @property
    def seconds(self) -> str:
        """The expected figures of typed formats, as CSV: whole seconds; empty where they are null."""
        return (self.folder / "seconds.csv").read_text(encoding="utf-8")

    @property
    def groups(self) -> str:
        """The expected CSV of the rows by a label, of a case that asks for them."""
        return (self.folder / f"expected-by-{self.case.by}.csv").read_text(encoding="utf-8")

    def loads(self) -> list[tuple[LoadStep, Path]]:
        """Return its loads in order, each with its folder."""
        return [(step, self.folder / step.folder) for step in self.case.loads]


def read_cases(folder: Path = CASES) -> list[Kept]:
    """Return all cases, in order of tier and name."""
    found = [
        Kept(name=path.parent.name, folder=path.parent, case=Case.from_text(path.read_text(encoding="utf-8")))
        for path in folder.glob("*/case.json")
    ]
    return sorted(found, key=lambda kept: (kept.case.tier, kept.name))
