"""The rows of the README's table: what, how its figure is worked out of the results, who measured it."""

from __future__ import annotations

import contextlib
import statistics
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Results: TypeAlias = dict[str, Any]  # by benchmark, each as measure.keep wrote it


def once(results: Results, name: str, what: str) -> float:
    """Return how many seconds something takes."""
    return float(results[name]["medians"][what]["wall"])


def over(results: Results, name: str, what: str, to: str) -> float:
    """Return the median over the rounds of one time over another."""
    rounds = results[name]["rounds"]
    pairs = zip(rounds[what], rounds[to], strict=True)
    return float(statistics.median(one["wall"] / other["wall"] for one, other in pairs))


def target(results: Results, name: str, what: str) -> float:
    """Return a figure that has something to reach."""
    return float(next(each["figure"] for each in results[name]["targets"] if each["what"] == what))


def figure(results: Results, name: str, what: str) -> float:
    """Return a further figure."""
    return float(results[name]["figures"][what])


def peak(results: Results, name: str, what: str) -> float:
    """Return what was resident at once, in MiB."""
    return float(results[name]["medians"][what]["peak_mb"])


def rows(results: Results) -> Iterator[tuple[str, str, str]]:
    """Yield the rows of what has been measured."""
    before = ""
    for what, write, script in ROWS:
        with contextlib.suppress(KeyError):
            figures = write(results)
            yield what, figures, "the same" if script == before else f"`python -m benchmarks.{script}`"
            before = script


def _million(polls: float) -> str:
    return f"{polls / 1e6:.2f}" if polls < 10e6 else f"{polls / 1e6:.0f}"


def _report_from(results: Results, form: str) -> str:
    slower = over(results, "report_files", f"report, {form}", f"read, {form}")
    return f"{slower:.2f} ×, {peak(results, 'report_files', f'report, {form}'):.0f} MiB"


COPY = "psql \\copy"
ROWS: tuple[tuple[str, Callable[[Results], str], str], ...] = (
    (
        "the kernel, schedules included, one thread",
        lambda r: f"{_million(target(r, 'kernel', 'kernel, polls a second of CPU'))} million polls/s",
        "kernel",
    ),
    (
        "… against the rules as tuned DuckDB SQL on both cores",
        lambda r: f"{over(r, 'kernel', 'DuckDB, all cores', 'kernel, 1 thread'):.1f} × as fast",
        "kernel",
    ),
    (
        "… the same with the kernel on both cores too",
        lambda r: f"{over(r, 'kernel', 'DuckDB, all cores', 'kernel, all cores'):.1f} × as fast",
        "kernel",
    ),
    (
        "… against the pandas reference, a store at a time",
        lambda r: f"{round(figure(r, 'kernel', 'times_as_fast_as_pandas'), -2):,.0f} × as fast",
        "kernel",
    ),
    (
        "CSV files → report, whole process, against Polars merely reading them",
        lambda r: _report_from(r, "csv"),
        "report_files",
    ),
    (
        "… against DuckDB's whole process, the same figures",
        lambda r: f"{over(r, 'report_files', 'DuckDB, csv', 'report, csv'):.1f} × as fast",
        "report_files",
    ),
    (
        "Parquet files → report, whole process, against Polars merely reading them",
        lambda r: _report_from(r, "parquet"),
        "report_files",
    ),
    (
        "CSV files → embedded store, all checks on",
        lambda r: (
            f"{_million(target(r, 'load', 'CSV files into the store, polls a second'))} million polls/s"
        ),
        "load",
    ),
    (
        "1,000,000 stores, 130 million polls in the embedded store → report, whole process",
        lambda r: (
            f"{once(r, 'growth_stores', 'report, 1000000 stores'):.1f} s, "
            f"{peak(r, 'growth_stores', 'report, 1000000 stores'):,.0f} MiB"
        ),
        "growth stores",
    ),
    (
        "trigger → Complete over HTTP, embedded store",
        lambda r: f"{once(r, 'service', 'trigger → Complete'):.2f} s",
        "service",
    ),
    (
        "`get_report`, p99 while reports run against the idle service",
        lambda r: f"{target(r, 'service', 'get_report p99, busy ÷ idle'):.1f} ×",
        "service",
    ),
    (
        "one store explained, p95 in a warm service",
        lambda r: f"{figure(r, 'explain', 'p95_ms'):.0f} ms",
        "explain",
    ),
    (
        r"trigger → Complete over HTTP, Redis, PostgreSQL and S3, against `psql \copy` of the same rows",
        lambda r: f"{over(r, 'stack', 'trigger → Complete', COPY):.2f} ×",
        "stack",
    ),
    (
        "CSV files → PostgreSQL, the first time / again",
        lambda r: (
            " / ".join(
                _million(target(r, "stack", f"load{when}, polls a second"))
                for when in (", first time", " again")
            )
            + " million polls/s"
        ),
        "stack",
    ),
    (
        "the same report with ten times the history in PostgreSQL",
        lambda r: f"{over(r, 'growth_history', 'report, 10 ×, PostgreSQL', 'report, 1 ×, PostgreSQL'):.2f} ×",
        "growth history",
    ),
)
