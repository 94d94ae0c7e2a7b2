"""What labels may be called, and how they are matched (R1, R10)."""

from __future__ import annotations

import re
from typing import TypeAlias

from storewatch.domain.window import CALENDAR, FIRST, FURTHER
from storewatch.errors import InputError

Where: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]  # labels, and for each the values that are wanted

FORM = r"[\s_-]"  # signs that do not count in a column's name (R1)


def folded(name: str) -> str:
    """Return what counts of a column's name: neither case nor spaces, `_` and `-` (R1)."""
    return re.sub(FORM, "", name).casefold()


_FIGURES = "|".join(folded(name) for name in (*FIRST, *FURTHER, "met", "allowed", "left"))
_WINDOWS = "|".join(["lasthour", "lastday", "lastweek", "window", r"\d+[hd]", *map(folded, CALENDAR)])
_OF_REPORTS = re.compile(
    rf"({_FIGURES})(percent|seconds)?({_WINDOWS})(before)?"
    r"|state|isclosed|since|outageslastweek|longestoutagesecondslastweek|stores|met|missed|noverdict"
)
_NAMED, _BRIEF = 5, 60  # values of a label that a sentence names, and characters of each
_OURS = {"", "*", "storeid", "storename", "targetpercent", "timezonestr"}  # that mean something else


def is_of_reports(label: str) -> bool:
    """Say whether a column of reports is called so, whatever the windows; `label` is folded."""
    return _OF_REPORTS.fullmatch(label) is not None


def words_of(where: Where) -> str:
    """Say which labels are asked for, and the first values of each: `brand X or Y and region (none)`."""
    return " and ".join(f"{_brief(label)} {_some_of(values)}" for label, values in where)


def _some_of(values: tuple[str, ...]) -> str:
    named = [_brief(value) or "(none)" for value in values[:_NAMED]]
    return " or ".join([*named, *([f"{len(values) - _NAMED} more"] if len(values) > _NAMED else [])])


def _brief(text: str) -> str:
    return text if len(text) <= _BRIEF else f"{text[: _BRIEF - 1]}…"


def label_of(text: str) -> str:
    """Return the label that a text names, as names of columns are matched.

    Raises:
        InputError: No label can be called so.
    """
    label = folded(text)
    if label in _OURS or is_of_reports(label):
        raise InputError(
            f"{text!r} is no label: write the name of a further column of the stores file, like brand"
        )
    return label
