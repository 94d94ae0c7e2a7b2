"""What a fleet's report says that was not so before, and the sentences that tell it: decided by rules.

Shares are those of sums, cut to hundredths of a percent; a change is the difference of two such figures, as
whoever reads both would reckon. What was before is told only if most of it is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import polars as pl

from storewatch.domain.kinds import EVERY_STORE
from storewatch.entrypoints.http.pages.rendering import list_url
from storewatch.entrypoints.http.pages.table import LABEL, WEEK, labels_of, seconds
from storewatch.entrypoints.http.pages.view import where_text
from storewatch.entrypoints.wording import hundredths, points

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ZONE = "timezone_str"
_FIGURES = ("uptime", "downtime", "unknown", "open", "excluded")
_ENDS = ("", "_before")
LEAST_STORES, LEAST_MOVE = 10, 50  # of a group that is told of; hundredths of a percent
MOST_FINDINGS, MOST_OF_A_KIND, MOST_GROUPS = 5, 2, 3  # that are told of


@dataclass(frozen=True, kw_only=True)
class Change:
    """How a figure differs from what it was, in words, and whether that is good."""

    words: str
    more: int  # how much more it is; less than 0: it is less
    is_worse: bool

    @property
    def kind(self) -> str:
        """What it looks like."""
        if not self.more:
            return "same"
        return f"{'more' if self.more > 0 else 'less'} {'worse' if self.is_worse else 'better'}"

    @classmethod
    def of_count(cls, now: int, before: int, *, than: str) -> Change:
        """Say how many more there are than there were; more are worse."""
        more = now - before
        if not more:
            return cls(words=f"as many as {than}", more=0, is_worse=False)
        words = f"{abs(more):,} {'more' if more > 0 else 'fewer'} than {than}"
        return cls(words=words, more=more, is_worse=more > 0)

    @classmethod
    def of_share(cls, moved: int, *, than: str) -> Change:
        """Say how far a share of uptime moved (hundredths of a percent); less is worse."""
        if not moved:
            return cls(words=f"the same as {than}", more=0, is_worse=False)
        words = f"{points(abs(moved))} points {'more' if moved > 0 else 'less'} than {than}"
        return cls(words=words, more=moved, is_worse=moved < 0)


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """Something to know, that leads to where it can be seen."""

    subject: str
    rest: str
    url: str
    change: Change | None = None


@dataclass(frozen=True, kw_only=True)
class Sums:
    """The sums of some stores' seconds in a window and the one before."""

    now: dict[str, int]
    before: dict[str, int]

    @classmethod
    def columns(cls, window: str = WEEK) -> list[pl.Expr]:
        """Return the sums that `of` reads from a row."""
        return [seconds(figure, window, end).sum() for end in _ENDS for figure in _FIGURES]

    @classmethod
    def of(cls, row: Mapping[str, Any], window: str = WEEK) -> Sums:
        """Read the columns of that name."""
        now, before = (
            {figure: int(row[f"{figure}_seconds_{window}{end}"] or 0) for figure in _FIGURES} for end in _ENDS
        )
        return cls(now=now, before=before)

    @property
    def share(self) -> int:
        """The uptime in hundredths of a percent."""
        return _share(self.now)

    @property
    def moved(self) -> int | None:
        """By how many hundredths of a percent the uptime moved; None: too little is known."""
        if self.is_known and self.is_before_known:
            return self.share - _share(self.before)
        return None

    @property
    def is_known(self) -> bool:
        """Whether most of the time is known."""
        return _is_known(self.now)

    @property
    def is_before_known(self) -> bool:
        """Whether most of the time before is known."""
        return _is_known(self.before)


def _share(sums: Mapping[str, int]) -> int:
    return hundredths(sums["uptime"], sums["uptime"] + sums["downtime"])


def _is_known(sums: Mapping[str, int]) -> bool:
    known = sums["uptime"] + sums["downtime"]
    return known > 0 and 2 * sums["unknown"] <= sums["open"] - sums["excluded"]


def changes(
    table: pl.DataFrame, findings: Sequence[Mapping[str, Any]], query: Mapping[str, str]
) -> list[Sentence]:
    """Return what is worth knowing of a fleet, the most urgent first.

    Args:
        table: As `fleet_table` returns it.
        findings: As they lie beside the report.
        query: What links carry on.
    """
    moved = list(_groups(table))
    fell = sorted((each for each in moved if each.moved <= -LEAST_MOVE), key=lambda each: each.moved)
    rose = sorted((each for each in moved if each.moved >= LEAST_MOVE), key=lambda each: -each.moved)
    return [
        *_told(findings, query),
        *(each.sentence(query) for each in fell[:MOST_GROUPS]),
        *(each.sentence(query) for each in rose[:1]),
    ]


@dataclass(frozen=True, kw_only=True)
class _Group:
    """The stores of one value of a label, or of a zone."""

    label: str
    value: str
    stores: int
    share: int  # hundredths of a percent
    moved: int

    def sentence(self, query: Mapping[str, str]) -> Sentence:
        """Say how it did."""
        whose = _whose(self.label, self.value)
        wanted = {"zone": self.value} if self.label == ZONE else {"where": where_text(self.label, self.value)}
        return Sentence(
            subject=f"The {self.stores:,} stores{whose}",
            rest=f" had {points(self.share)} % uptime in the last week, ",
            change=Change.of_share(self.moved, than="the week before"),
            url=list_url(query, **wanted),
        )


def _whose(label: str, value: str) -> str:
    return {EVERY_STORE: "", ZONE: f" in {value}"}.get(label, f" of {label} {value}")


def _groups(table: pl.DataFrame) -> Iterator[_Group]:
    """Yield the groups that are large enough and of whose weeks enough is known, labels first."""
    for label in (*labels_of(table), ZONE):
        column = label if label == ZONE else f"{LABEL}{label}"
        groups = table.drop_nulls(column).group_by(column).agg(*Sums.columns(), stores=pl.len()).sort(column)
        for row in groups.filter(pl.col("stores") >= LEAST_STORES).to_dicts():
            sums = Sums.of(row)
            if sums.moved is not None:
                yield _Group(
                    label=label,
                    value=row[column],
                    stores=row["stores"],
                    share=sums.share,
                    moved=sums.moved,
                )


def _told(findings: Sequence[Mapping[str, Any]], query: Mapping[str, str]) -> Iterator[Sentence]:
    """Yield the sentences of the most harmful findings: their order is that, and of a kind only a few."""
    places = [
        place
        for kind in _WORDS
        for place in [place for place, found in enumerate(findings) if found["kind"] == kind][:MOST_OF_A_KIND]
    ]
    for place in places[:MOST_FINDINGS]:
        found = findings[place]
        subject, rest = _WORDS[found["kind"]](found)
        url = f"/findings?{urlencode(query)}#f{place + 1}"
        if found["kind"] == "silent":
            url = list_url(query, only="silent")
        yield Sentence(subject=subject, rest=rest, url=url)


def _poller(found: Mapping[str, Any]) -> tuple[str, str]:
    evidence, most = found["evidence"], max(found["evidence"]["polled_stores"])
    polled = {0: "no store was polled", 1: "1 store was polled at most"}.get(
        most, f"at most {most:,} stores an hour were polled"
    )
    return "The poller seems to have been down", (
        f" {_span(evidence)}: {polled}; {evidence['usual_polled_stores']:,} an hour are usual."
    )


def _together(found: Mapping[str, Any]) -> tuple[str, str]:
    evidence, count, still = found["evidence"], found["count"], found["evidence"]["still_down"]
    whose = _whose(evidence["label"], evidence["value"])
    now = f"; {still:,} of them {'is' if still == 1 else 'are'} still down" if still else ""
    return f"{count:,} of {evidence['open_stores']:,} open stores{whose}", (
        f" went down within one hour, {_span(evidence)}{now}."
    )


def _silent(found: Mapping[str, Any]) -> tuple[str, str]:
    return _stores(found["count"], "has", "have") + " fallen silent", (
        ": not polled for far longer than usual."
    )


def _run_out(found: Mapping[str, Any]) -> tuple[str, str]:
    return _stores(found["count"], "has", "have") + " opening hours that have run out", (
        ": counted as closed, so no downtime shows."
    )


def _span(evidence: Mapping[str, Any]) -> str:
    """Return a time as `on Mon 23 Nov from 16:00 to 19:00 UTC`; it may end on another day."""
    begin, end = (datetime.fromisoformat(evidence[name]) for name in ("begin", "end"))
    until = f"{end:%H:%M}" if end.date() == begin.date() else f"{end:%a} {end.day} {end:%b %H:%M}"
    return f"on {begin:%a} {begin.day} {begin:%b} from {begin:%H:%M} to {until} UTC"


def _stores(count: int, one: str, many: str) -> str:
    return f"1 store {one}" if count == 1 else f"{count:,} stores {many}"


_WORDS: dict[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {  # the most harmful first
    "poller_down": _poller,
    "together": _together,
    "silent": _silent,
    "hours_run_out": _run_out,
}
