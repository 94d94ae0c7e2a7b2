"""Findings: what was found, how often, by what evidence, and a sentence for whoever is to act on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from storewatch.domain.assumed import of_strangers
from storewatch.domain.findings import ZONE, runs_of
from storewatch.domain.instant import HOUR, iso
from storewatch.domain.kinds import EVERY_STORE
from storewatch.domain.zone import DEFAULT_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storewatch.domain.assumed import Seen
    from storewatch.domain.findings import FirstLook

NAMED = 3  # stores that a sentence names
MOST_TOGETHER = 100  # events
_POLLER = "the poller was down"
_NO_STORES = pl.DataFrame(schema={"store_id": pl.String})
_LACKING = {
    "without_polls": "no poll that was read: whether {they} {are} up is not known",
    "hours_run_out": "hours that have run out: no row makes a shift in the last week, so {they} {count} as "
    "closed, and no downtime shows. Load the hours that hold now",
    "without_hours": "no opening hours: {they} {count} as open all the time",
    "without_zone": f"no zone: {{they}} {{count}} as being in {DEFAULT_ZONE}",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something to look at."""

    kind: str
    count: int  # of what the kind is about: hours of the poller, stores of all others
    sentence: str
    evidence: dict[str, Any]  # plain values; instants as text
    stores: pl.DataFrame  # store_id; since, until, seconds where the kind has them

    def values(self, most: int) -> dict[str, Any]:
        """Return it in plain values, with at most so many of its stores."""
        shown = self.stores.head(most)
        rows = shown.select(name for name in shown.columns if shown[name].null_count() < len(shown))
        return {
            "kind": self.kind,
            "count": self.count,
            "sentence": self.sentence,
            "evidence": self.evidence,
            "stores": [_plain(row) for row in rows.to_dicts()],
        }


def findings(first: FirstLook, stores: pl.DataFrame, seen: Seen) -> Iterator[Finding]:
    """Yield what was found, the most harmful first.

    Args:
        first: What the counts say.
        stores: What `looked_at` returned of all slices.
        seen: What was read.
    """
    own = {kind: stores.filter(pl.col("finding") == kind).drop("finding", "group") for kind in _LACKING}
    yield from _poller(first)
    events = sorted(_together(first, stores), key=lambda event: -event.evidence["downtime_seconds"])
    yield from events[:MOST_TOGETHER]
    silent = stores.filter(pl.col("finding") == "silent").drop("finding", "group")
    silent = silent.sort("seconds", "store_id", descending=[True, False])
    yield from _silent(silent.filter(pl.col("until").is_null()))
    for kind, rows in own.items():
        if rows.height:
            yield _lacking(kind, rows.select("store_id"), of=seen.stores)
    yield from _was_silent(silent.filter(pl.col("until").is_not_null()))
    yield from _ids(seen)


def _ids(seen: Seen) -> Iterator[Finding]:
    """Yield what ids miss each other."""
    told = [
        (seen.polled_alone, sentence, {"polled_only": seen.polled_alone, "hours_only": seen.hours_alone})
        for sentence in seen.unjoined()
    ]
    if seen.strangers:
        told.append((sum(seen.strangers.values()), of_strangers(seen.strangers), dict(seen.strangers)))
    for count, sentence, evidence in told:
        yield Finding(
            kind="ids_do_not_join", count=count, sentence=sentence, evidence=evidence, stores=_NO_STORES
        )


def _poller(first: FirstLook) -> Iterator[Finding]:
    """Yield a finding for each run of hours in which the poller was down."""
    opened, polled = first.counts.open[0], first.counts.polled[0]
    usual = round(float(np.median(polled.compress(opened > 0)))) if opened.any() else 0
    for hours in runs_of(first.down):
        if len(hours):
            begin, end = (iso(first.begin + int(hour) * HOUR) for hour in (hours[0], hours[-1] + 1))
            evidence = {
                "begin": begin,
                "end": end,
                "polled_stores": polled.take(hours).tolist(),
                "open_stores": opened.take(hours).tolist(),
                "usual_polled_stores": usual,
                "annotation": {
                    "label": EVERY_STORE,
                    "start_utc": begin,
                    "end_utc": end,
                    "counts_as": "unknown",
                    "reason": _POLLER,
                },
            }
            yield Finding(
                kind="poller_down",
                count=len(hours),
                sentence=f"the poller seems to have been down from {begin} to {end}: "
                f"{_at_most(int(polled.take(hours).max()))}, {usual:,} are usual. "
                "If so, what was carried over that time is not known: storewatch annotate --all "
                f"--from {begin} --to {end} --as unknown --reason '{_POLLER}'",
                evidence=evidence,
                stores=_NO_STORES,
            )


def _together(first: FirstLook, stores: pl.DataFrame) -> Iterator[Finding]:
    """Yield a finding for each group that went down in one hour; a store is in one of these at most."""
    rows = stores.filter(pl.col("finding") == "together")
    for (since,), fallen in rows.partition_by("since", as_dict=True).items():
        hour = (since - first.begin) // HOUR
        left = fallen
        while (group := _most_telling(left, first, hour)) is not None:
            mine = left.filter(pl.col("group") == group)
            left = left.filter(~pl.col("store_id").is_in(mine["store_id"].implode()))
            yield _event(first, group, hour, mine.drop("finding", "group"))


def _most_telling(fallen: pl.DataFrame, first: FirstLook, hour: int) -> int | None:
    """Return the group that says most of who went down: of its stores most fell, and few did not."""
    best: tuple[int, int, int] | None = None
    for group, count in fallen.group_by("group").len().iter_rows():
        opened = int(first.counts.open[group, hour])
        if count >= first.thresholds.together_share * opened:
            best = max(best or (-1, 0, 0), (2 * count - opened, count, -group))
    return None if best is None else -best[2]


def _event(first: FirstLook, group: int, hour: int, stores: pl.DataFrame) -> Finding:
    label, value = first.groups.row(group)[:2]
    opened, begin = int(first.counts.open[group, hour]), first.begin + hour * HOUR
    seconds, still = int(stores["seconds"].sum()), stores["until"].null_count()
    whose = {EVERY_STORE: "", ZONE: f" in {value}"}.get(label, f" with {label} {value}")
    still_down = f"; {still:,} still {'is' if still == 1 else 'are'}" if still else ""
    return Finding(
        kind="together",
        count=stores.height,
        sentence=f"{stores.height:,} of {opened:,} open stores{whose} went down together "
        f"{_between(begin, begin + HOUR)}: {seconds / HOUR:,.1f} h of downtime in all{still_down}. "
        "Look for what they share before calling each of them",
        evidence={
            "label": label,
            "value": value,
            "begin": iso(begin),
            "end": iso(begin + HOUR),
            "open_stores": opened,
            "downtime_seconds": seconds,
            "still_down": still,
        },
        stores=stores.sort("seconds", "store_id", descending=[True, False]),
    )


def _silent(stores: pl.DataFrame) -> Iterator[Finding]:
    """Yield the stores that are silent still."""
    if stores.height:
        named = ", ".join(
            f"{row['store_id']} since {_at(row['since'])}" for row in stores.head(NAMED).to_dicts()
        )
        more = ", …" if stores.height > NAMED else ""
        yield Finding(
            kind="silent",
            count=stores.height,
            sentence=f"{_have(stores.height)} not been polled for far longer than usual in open hours: "
            f"{named}{more}. {'Its' if stores.height == 1 else 'Their'} status is carried, then unknown",
            evidence={"longest_open_seconds": stores["seconds"][0]},
            stores=stores,
        )


def _was_silent(stores: pl.DataFrame) -> Iterator[Finding]:
    """Yield the stores that were silent for a time."""
    if stores.height:
        yield Finding(
            kind="was_silent",
            count=stores.height,
            sentence=f"{_were(stores.height)} once not polled for far longer than usual in "
            f"open hours, and {'is' if stores.height == 1 else 'are'} polled again",
            evidence={"longest_open_seconds": stores["seconds"][0]},
            stores=stores,
        )


def _lacking(kind: str, stores: pl.DataFrame, *, of: int) -> Finding:
    they, are, count = ("it", "is", "counts") if stores.height == 1 else ("they", "are", "count")
    return Finding(
        kind=kind,
        count=stores.height,
        sentence=f"{_have(stores.height, of=of)} " + _LACKING[kind].format(they=they, are=are, count=count),
        evidence={"stores": of},
        stores=stores,
    )


def _have(count: int, *, of: int | None = None) -> str:
    whole = "" if of is None else f" of {of:,}"
    return f"{count:,}{whole} {'store has' if count == 1 and of is None else 'stores have'}"


def _were(count: int) -> str:
    return {0: "no store was", 1: "1 store was"}.get(count, f"{count:,} stores were")


def _at_most(count: int) -> str:
    return f"{_were(count)} polled in an hour at most" if count else f"{_were(0)} polled"


def _between(begin: int, end: int) -> str:
    return f"between {_at(begin)} and {_at(end)}"


def _at(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%a %d %b %Y %H:%M} UTC"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its instants as text."""
    return {
        name: iso(value) if name in {"since", "until"} and value is not None else value
        for name, value in row.items()
    }
