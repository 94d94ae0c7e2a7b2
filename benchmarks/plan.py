"""What a million stores polled every five minutes would take, from what smaller fleets were seen to take.

Each figure is extrapolated twice: along the straight line through the two largest sizes that were measured,
and along the power law through them. How far apart the two are is one part of the error; how far the largest
measured size is from what the two below it foretell is the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

STORES, AN_HOUR, HOURS = 1_000_000, 12, 168
READ = 2  # weeks of polls in a report: its own, and what carries into it
PRICES = {"core_hour": 0.05, "gb_month": 0.023}  # US dollars: what large clouds ask for, on demand, on S3
WEEKS_KEPT, HELD = 4, 16  # weeks; cores that are paid for all the time


@dataclass(frozen=True, kw_only=True)
class Growth:
    """A cost at several amounts of polls, the last two of which lead further."""

    polls: Sequence[float]
    costs: Sequence[float]

    def straight(self, polls: float) -> float:
        """Follow the line through the last two."""
        (x0, x1), (y0, y1) = self.polls[-2:], self.costs[-2:]
        return y1 + (polls - x1) * (y1 - y0) / (x1 - x0)

    def power(self, polls: float) -> float:
        """Follow the power law through the last two."""
        times: float = (polls / self.polls[-1]) ** self.slope
        return self.costs[-1] * times

    @property
    def slope(self) -> float:
        """Return the power law's exponent."""
        (x0, x1), (y0, y1) = self.polls[-2:], self.costs[-2:]
        return math.log(y1 / y0) / math.log(x1 / x0)

    @property
    def missed_by(self) -> float:
        """Return by what share the last cost differs from the line through the two before it."""
        before = Growth(polls=self.polls[:-1], costs=self.costs[:-1])
        return self.costs[-1] / before.straight(self.polls[-1]) - 1

    def range(self, polls: float) -> tuple[float, float]:
        """Return the least and the most that either way leads to."""
        low, high = sorted((self.straight(polls), self.power(polls)))
        return low, high


def growth_of(result: dict[str, Any], what: str, part: str = "cpu") -> Growth:
    """Return how a cost grew with stores."""
    sizes = [int(name.removeprefix("polls_")) for name in result["figures"] if name.startswith("polls_")]
    return Growth(
        polls=[result["figures"][f"polls_{size}"] for size in sizes],
        costs=[result["medians"][f"{what}, {size} stores"][part] for size in sizes],
    )


def plan(results: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield what it takes, as rows: what, how much, how that is known.

    Raises:
        KeyError: Something that it follows from has not been measured.
    """
    stores = results["growth_stores"]
    largest = max(int(name.split("_")[1]) for name in stores["figures"] if name.startswith("polls_"))
    measured = f"measured, {largest:,} stores"
    load, report = growth_of(stores, "load"), growth_of(stores, "report")
    seen, cores = stores["medians"][f"report, {largest} stores"], stores["machine"]["cores"]
    week = STORES * AN_HOUR * HOURS
    cpu = _report_cpu(report, results["growth_polls"], READ * week)
    hour = load.costs[-1] / load.polls[-1] * STORES * AN_HOUR  # CPU seconds
    poll = stores["figures"][f"room_mb_{largest}"] * 1e6 / report.polls[-1]  # bytes

    yield "polls a week", f"{week / 1e9:.2f} billion", f"{STORES:,} stores, {AN_HOUR} an hour"
    most = f"{READ} weeks of polls at most; {report.polls[-1] / 1e6:.0f} million were measured"
    yield "a report, CPU", _span(cpu, "s"), most
    far = f"{report.missed_by:+.1%}"
    yield "what the largest measured fleet took beyond what the two below it foretell", far, "CPU of a report"
    busy = seen["cpu"] / seen["wall"] / cores  # share of the cores
    yield "cores kept busy by a report", f"{busy * cores:.1f} of {cores}", measured
    for count in (2, 16, 64):
        spans = (seconds / count / busy for seconds in cpu)
        yield f"a report on {count} cores", _span(spans, "s"), "if all are kept as busy"
    yield "memory of a report", f"{seen['peak_mb']:,.0f} MiB", f"{measured}, two slices at once"
    yield "what a report reads", f"{poll * week * READ / 1e9:,.0f} GB", f"{poll:.1f} bytes a poll, {measured}"
    yield "loading the polls of an hour, CPU", f"{hour:,.0f} s", f"{STORES * AN_HOUR / 1e6:.0f} million polls"
    kept = poll * week * WEEKS_KEPT / 1e9  # GB
    rent = f"at {PRICES['gb_month']} $ a GB and month: {kept * PRICES['gb_month']:,.2f} $"
    yield f"room for {WEEKS_KEPT} weeks", f"{kept:,.0f} GB", rent
    price = f"at {PRICES['core_hour']} $ a core and hour"
    month = ((seconds + hour) / 3_600 * 24 * 30 * PRICES["core_hour"] for seconds in cpu)
    yield "cores a month, a load and a report each hour", _span(month, "$"), f"{price}, while they compute"
    held = HELD * 24 * 30 * PRICES["core_hour"]
    yield f"a machine of {HELD} cores, a month", f"{held:,.0f} $", price


def _span(figures: Iterable[float], unit: str) -> str:
    least, most = figures
    return f"{least:,.0f} to {most:,.0f} {unit}"


def _report_cpu(by_stores: Growth, by_polls: dict[str, Any], polls: float) -> tuple[float, float]:
    """Return the least and the most that three ways lead to; the third: each poll more of the same stores."""
    counts = [int(name.removeprefix("polls_")) for name in by_polls["figures"] if name.startswith("polls_")]
    (x0, x1) = (by_polls["figures"][f"polls_{times}"] for times in (counts[0], counts[-1]))
    (y0, y1) = (by_polls["medians"][f"report, {times} an hour"]["cpu"] for times in (counts[0], counts[-1]))
    denser = by_stores.costs[-1] + (polls - by_stores.polls[-1]) * (y1 - y0) / (x1 - x0)
    ways = (*by_stores.range(polls), denser)
    return min(ways), max(ways)
