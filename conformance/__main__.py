"""Run a program on the cases: `python -m conformance COMMAND…`; see docs/how-to/conformance.md."""

from __future__ import annotations

import argparse
import fnmatch
import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.case import read_cases
from conformance.command import Command, FailedError
from conformance.compare import SHOWN, csv_differences, seconds_differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conformance.case import Kept

USAGE = """python -m conformance [--tier 1|2] [--case NAME]… [--seconds] [--timeout SECONDS]
                             [--load COMMAND] [--hours COMMAND] COMMAND…

example: python -m conformance storewatch report --data={data} --as-of={as_of} --carry={carry} --out={out}"""


def main(argv: Sequence[str] | None = None) -> int:
    """Say which cases a program passes, and how it fails the others; return the exit code."""
    given = _arguments(argv)
    report, load = _words(given.command), _words(given.load or [])
    command = Command(
        report=report, load=load, ending=".json" if given.seconds else ".csv", timeout=given.timeout
    )
    compare = seconds_differences if given.seconds else csv_differences
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    of_hours = replace(command, report=_words(given.hours or []), ending=".csv")
    for kept in chosen(given.tier, given.case):
        if kept.case.hours is None:
            verdict, lines = judged(kept, command, compare)
        else:
            verdict, lines = judged(kept, of_hours, csv_differences)
        counts[verdict] += 1
        print(f"{verdict:<8}{kept.name}", *lines, sep="\n        ", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return 1 if counts["failed"] or not counts["passed"] else 0


def chosen(tier: int | None, names: Sequence[str]) -> Iterator[Kept]:
    """Yield the cases of a tier, and of names, which may have `*` in them; None and none: all."""
    for kept in read_cases():
        if tier in (None, kept.case.tier) and (
            not names or any(fnmatch.fnmatchcase(kept.name, name) for name in names)
        ):
            yield kept


def judged(
    kept: Kept, command: Command, compare: Callable[[Kept, bytes, bytes | None], list[str]]
) -> tuple[str, list[str]]:
    """Run a program on a case; return passed, failed or skipped, and what there is to say about it."""
    if lacking := command.lacks(kept.case):
        return "skipped", [lacking]
    try:
        differences = compare(kept, *command.run(kept))
    except FailedError as error:
        differences = [f"{error}"]
    return ("failed", told(kept, differences)) if differences else ("passed", [])


def told(kept: Kept, differences: Sequence[str]) -> list[str]:
    """Return what a failed case says: what differs, what it tests, where that went wrong before."""
    more = len(differences) - SHOWN
    case = kept.case
    return [
        *differences[:SHOWN],
        *([f"… and {more} more"] if more > 0 else []),
        f"tests ({', '.join(case.rules)}): {case.tests}",
        f"seen: {case.seen}",
    ]


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance", usage=USAGE)
    parser.add_argument("--tier", type=int, choices=(1, 2), help="only this tier")
    parser.add_argument("--case", action="append", default=[], help="only cases of this name, * allowed")
    parser.add_argument("--load", nargs=1, help="the command that loads a folder, in one argument")
    parser.add_argument("--hours", nargs=1, help="the command that writes the hours, in one argument")
    parser.add_argument("--seconds", action="store_true", help="the command writes JSON with whole seconds")
    parser.add_argument("--timeout", type=float, default=300, help="seconds that a command may take")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command that makes a report")
    given = parser.parse_args(argv)
    if not given.command:
        parser.error("name the command that makes a report")
    return given


def _words(command: Sequence[str]) -> list[str]:
    """Return the words of a command, which may be given as one argument."""
    return shlex.split(command[0]) if len(command) == 1 else list(command)


if __name__ == "__main__":
    sys.exit(main())
