"""Put the figures of benchmarks/results into the pages that state them, and draw the plots.

    python -m benchmarks.page

A page says where: what stands between `<!-- figures: NAME -->` and `<!-- end -->` is written here. What has
not been measured is left out.
"""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.drawing import bars, chart
from benchmarks.fleets import STORES
from benchmarks.plan import growth_of, plan
from benchmarks.readme import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from benchmarks.readme import Results

ROOT = Path(__file__).parents[1]
RESULTS, PICTURES = ROOT / "benchmarks" / "results", ROOT / "docs" / "explanation"
PAGES = (
    ROOT / "README.md",
    PICTURES / "performance.md",
    PICTURES / "scale.md",
    ROOT / "docs" / "how-to" / "sizing.md",
)
BLOCK = re.compile(r"(<!-- figures: ([^>]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def read_results() -> Results:
    """Return what was measured."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in RESULTS.glob("*.json")}


def filled(page: str, results: Results) -> str:
    """Return a page with its figures as they were measured."""

    def block(match: re.Match[str]) -> str:
        opening, name, _, closing = match.groups()
        kind, _, of = name.partition(" ")
        lines = BLOCKS[kind](results, of) if of else BLOCKS[kind](results)
        return "".join((opening, *(f"{line}\n" for line in lines), closing))

    return BLOCK.sub(block, page)


def main() -> None:
    """Write pages and pictures."""
    results = read_results()
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8"), results), encoding="utf-8")
    for name, picture in pictures(results).items():
        (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")


# --- tables


def table(head: Iterable[str], rows: Iterable[Iterable[str]], *, words: Iterable[str] = ()) -> Iterator[str]:
    """Yield a table whose first column is text; others are figures, but those that are named as words."""
    first, *others = head
    yield f"| {' | '.join((first, *others))} |"
    yield f"| --- | {' | '.join('---' if name in words else '---:' for name in others)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def number(figure: float) -> str:
    """Write a figure with three digits that count, or all before the point."""
    digits = next((digits for digits, least in enumerate((100, 10, 1)) if abs(figure) >= least), 3)
    return f"{figure:,.{digits}f}"


def measured(results: Results, name: str) -> Iterator[str]:
    """Yield what one benchmark measured: where, medians, further figures."""
    if not (result := results.get(name)):
        return
    yield from (f"{_where(name, result)}:", "")
    if result["medians"]:
        yield from table(
            ("", "s", "CPU s", "MiB"),
            (
                (what, *(number(cost[part]) if part in cost else "" for part in ("wall", "cpu", "peak_mb")))
                for what, cost in result["medians"].items()
            ),
        )
    plain = {what: figure for what, figure in result["figures"].items() if not isinstance(figure, dict)}
    if plain:
        yield from [""] * bool(result["medians"])
        yield from table(
            ("", "figure"),
            (
                (what.replace("_", " "), f"{figure:,}" if isinstance(figure, (int, float)) else figure)
                for what, figure in plain.items()
            ),
        )


def _where(name: str, result: dict[str, Any]) -> str:
    """Say what measured something, when, on what."""
    machine = result["machine"]
    command = name.replace("growth_", "growth ")
    return (
        f"`python -m benchmarks.{command}`, {result['date'][:10]}, {machine['processor']}, "
        f"{machine['cores']} cores, load average {machine['load_average']:g}"
    )


def targets(results: Results) -> Iterator[str]:
    """Yield all figures that have something to reach."""
    yield from table(
        ("what", "figure", "wanted", "reached", "measured with"),
        (
            (
                target["what"],
                f"{number(target['figure'])} {target['unit']}".strip(),
                f"{'≥' if target['at_least'] else '≤'} {target['limit']:,.10g}",
                "yes" if target["is_met"] else "**no**",
                f"`{name}`",
            )
            for name, result in sorted(results.items())
            for target in result.get("targets", ())
        ),
        words=("reached", "measured with"),
    )


def readme(results: Results) -> Iterator[str]:
    """Yield the README's table."""
    yield from table(("what", "figure", "command"), rows(results), words=("command",))


def first_figures(results: Results) -> Iterator[str]:
    """Yield the README's sentence on its first page."""
    medians = results["report_files"]["medians"]
    polls = results["kernel"]["figures"]["polls"]
    yield (
        f"{STORES:,} stores and {polls / 1e6:.1f} million polls, CSV in, CSV out: "
        f"{medians['report, csv']['wall']:.2f} s for the whole process, where Polars merely reading the "
        f"files takes {medians['read, csv']['wall']:.2f} s (`python -m benchmarks.report_files`)."
    )


def sizing(results: Results) -> Iterator[str]:
    """Yield what a load and a report take by the size of the fleet."""
    if not (result := results.get("growth_stores")):
        return
    figures, medians = result["figures"], result["medians"]
    sizes = [int(name.removeprefix("polls_")) for name in figures if name.startswith("polls_")]
    yield from (f"{_where('growth_stores', result)}:", "")
    yield from table(
        ("stores", "polls", "load, CPU s", "load, MiB", "report, CPU s", "report, MiB", "room, MB"),
        (
            (
                f"{size:,}",
                f"{figures[f'polls_{size}']:,}",
                *(
                    number(medians[f"{what}, {size} stores"][part])
                    for what in ("load", "report")
                    for part in ("cpu", "peak_mb")
                ),
                number(figures[f"room_mb_{size}"]),
            )
            for size in sizes
        ),
    )


def planned(results: Results) -> Iterator[str]:
    """Yield what a million stores polled every five minutes would take."""
    with contextlib.suppress(KeyError):
        yield from table(("what", "how much", "from"), list(plan(results)), words=("from",))


# --- pictures


def pictures(results: Results) -> dict[str, str]:
    """Return the plots of what has been measured, by name."""
    drawn = {}
    for name, (_, draw) in PICTURES_OF.items():
        with contextlib.suppress(KeyError):
            drawn[name] = draw(results)
    return drawn


def picture(results: Results, name: str) -> Iterator[str]:
    """Yield the link to a plot, if there is one."""
    if name in pictures(results):
        yield f"![{PICTURES_OF[name][0]}]({name}.svg)"


def _with_stores(results: Results, part: str, unit: str, title: str) -> str:
    lines = {}
    for what in ("load", "report", "read"):
        growth = growth_of(results["growth_stores"], what, part)
        lines[LONG_NAMES[what]] = list(zip(growth.polls, growth.costs, strict=True))
    return chart(title, ("polls", unit), lines, is_log=True)


def _queue(results: Results) -> str:
    result = results["queued"]
    name = max((name for name in result["figures"] if name.startswith("memory_mb_")), key=_last_number)
    minutes = result["figures"]["minutes"]
    lines = {
        process: [(minutes * (i + 1) / len(held), mb) for i, mb in enumerate(held)]
        for process, held in result["figures"][name].items()
    }
    return chart(PICTURES_OF["queued-memory"][0], ("minutes", "MiB"), lines, is_log=False)


def _last_number(name: str) -> int:
    return int(name.rpartition("_")[2])


def _rivals(results: Results) -> str:
    medians = results["kernel"]["medians"]
    lengths = {what: cost["wall"] for what, cost in medians.items() if what.startswith(("kernel", "DuckDB"))}
    return bars(PICTURES_OF["rivals"][0], lengths, "s")


LONG_NAMES = {"load": "storewatch load", "report": "storewatch report", "read": "Polars reads only"}
PICTURES_OF: dict[str, tuple[str, Callable[[Results], str]]] = {
    "rivals": ("The report of 1.8 million polls in memory, seconds", _rivals),
    "growth-cpu": (
        "CPU time by polls",
        lambda results: _with_stores(results, "cpu", "CPU s", PICTURES_OF["growth-cpu"][0]),
    ),
    "growth-memory": (
        "Peak memory of all processes by polls",
        lambda results: _with_stores(results, "peak_mb", "MiB", PICTURES_OF["growth-memory"][0]),
    ),
    "queued-memory": ("Resident memory under a queue of reports", _queue),
}
BLOCKS: dict[str, Callable[..., Iterator[str]]] = {
    made.__name__: made for made in (first_figures, measured, picture, planned, readme, sizing, targets)
}

if __name__ == "__main__":
    main()
