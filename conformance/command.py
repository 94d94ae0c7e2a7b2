"""A program, run on a case: its command line is a template that the case fills in."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.case import Case

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.case import Kept

Values = dict[str, tuple[str, ...]]
_PLACE = re.compile(r"\{(\w+)\}")
_ASKED = ("as_of", "carry", "policy", "windows", "compare", "by")  # what some programs cannot be asked
_DEFAULT = Case(tier=1, rules=(), tests="", seen="", as_of=None)


class FailedError(Exception):
    """A program made no report of a case."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program by its command line."""

    report: Sequence[str]
    load: Sequence[str] = ()  # what loads a folder, of a program that keeps what it is given
    ending: str = ".csv"  # of what it is to write
    timeout: float = 300  # seconds

    def lacks(self, case: Case) -> str | None:
        """Say what the case needs that the command cannot do; None: nothing."""
        if not self.report:
            return "it asks for the table of hours: give --hours"
        named = {name for word in (*self.report, *self.load) for name in _PLACE.findall(word)}
        places = {"windows": "window"}
        for name in _ASKED:
            place = places.get(name, name)
            if getattr(case, name) != getattr(_DEFAULT, name) and place not in named:
                return f"the command has no place for {{{place}}}"
        if len(case.loads) > 1 and not self.load:
            return "it has several loads: give --load"
        if any(step.hours_from for step in case.loads) and "hours_from" not in named:
            return "the command that loads has no place for {hours_from}"
        return None

    def run(self, kept: Kept) -> tuple[bytes, bytes | None]:
        """Return the report that the program makes of a case, and what it writes beside by a label.

        Raises:
            FailedError: It makes none; the message says how it ended.
        """
        with tempfile.TemporaryDirectory() as folder:
            state, out = Path(folder, "state"), Path(folder, f"report{self.ending}")
            state.mkdir()
            asked = _asked(kept.case) | {"state": (f"{state}",), "out": (f"{out}",)}
            loads = kept.loads()
            if self.load:
                for step, data in loads:
                    hours_from = (step.hours_from,) if step.hours_from else ()
                    self._start(self.load, asked | {"data": (f"{data}",), "hours_from": hours_from})
            said = self._start(self.report, asked | {"data": (f"{loads[-1][1]}",)})
            if out.exists():
                groups = out.with_stem(f"{out.stem}-by-{kept.case.by}")
                return out.read_bytes(), groups.read_bytes() if groups.exists() else None
            if "{out}" in "".join(self.report):
                raise FailedError(f"nothing was written to {{out}}{_last_line(said.stderr)}")
            return said.stdout, None

    def _start(
        self, template: Sequence[str], values: Mapping[str, tuple[str, ...]]
    ) -> subprocess.CompletedProcess[bytes]:
        words = filled(template, values)
        try:
            return subprocess.run(words, capture_output=True, timeout=self.timeout, check=False)
        except subprocess.TimeoutExpired as error:
            raise FailedError(f"it had not ended after {self.timeout:g} s") from error
        except OSError as error:
            raise FailedError(f"{words[0]} cannot be started ({error.strerror})") from error


def filled(template: Sequence[str], values: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Fill in the places of a command line.

    A word with a place of several values is there once for each; with one of none it is left out.
    """
    words: list[str] = []
    for word in template:
        given = [values[name] for name in _PLACE.findall(word) if name in values]
        times = 0 if () in given else max(map(len, given), default=1)
        words += [_PLACE.sub(partial(_value, values, nth), word) for nth in range(times)]
    return words


def _value(values: Mapping[str, tuple[str, ...]], nth: int, place: re.Match[str]) -> str:
    given = values.get(place[1])
    return place[0] if given is None else given[nth % len(given)]


def _asked(case: Case) -> Values:
    return {
        "as_of": () if case.as_of is None else (case.as_of,),
        "carry": (case.carry,),
        "policy": (case.policy,),
        "window": case.windows,
        "compare": ("",) if case.compare else (),
        "by": () if case.by is None else (case.by,),
        "from": () if case.hours is None else case.hours[:1],
        "to": () if case.hours is None else case.hours[1:],
    }


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode(errors="replace").strip().splitlines()
    return f": {lines[-1]}" if lines else ""
