"""The two implementations of the rules behind one face, and the short hand in which cases are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from storewatch.checking import reference
from storewatch.domain.account import account
from storewatch.domain.ask import Ask
from storewatch.formats.csv import csv_bytes
from strategies import WEEK, instant, micros, of_day

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from storewatch.domain.facts import Facts
    from strategies import Poll, Row

Figures = dict[str, dict[str, int]]  # store → `uptime_hour`, … `open_week` → seconds


class Engine(Protocol):
    """One implementation of the rules."""

    def records(self, facts: Facts, ask: Ask) -> list[dict[str, Any]]:
        """Return the rows of the report, in order."""
        ...

    def csv(self, facts: Facts, ask: Ask) -> bytes:
        """Return the report as CSV, as far as R1 to R7 go."""
        ...


class Reference:
    """The rules in pandas, a store at a time."""

    def records(self, facts: Facts, ask: Ask) -> list[dict[str, Any]]:
        """Return the rows of the report, in order."""
        frame = reference.report(facts, ask)
        return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]

    def csv(self, facts: Facts, ask: Ask) -> bytes:
        """Return the report as CSV."""
        return reference.export(reference.report(facts, ask))


class Kernel:
    """The rules in NumPy, all stores at once."""

    def records(self, facts: Facts, ask: Ask) -> list[dict[str, Any]]:
        """Return the rows of the report, in order."""
        return _first_columns(facts, ask).to_dicts()

    def csv(self, facts: Facts, ask: Ask) -> bytes:
        """Return the report as CSV."""
        return csv_bytes(_first_columns(facts, ask))


def _first_columns(facts: Facts, ask: Ask) -> pl.DataFrame:
    return account(facts, ask).rows.select("store_id", *reference.figure_columns())


ENGINES: dict[str, Engine] = {"reference": Reference(), "kernel": Kernel()}


def figures(
    engine: Engine,
    facts: Facts,
    as_of: str,
    carry: int | None = WEEK,
    store_ids: tuple[str, ...] | None = None,
) -> Figures:
    """Return the seconds by store and figure."""
    rows = engine.records(facts, Ask(as_of=instant(as_of), carry=carry, store_ids=store_ids))
    short = [{name.replace("_seconds_last_", "_"): value for name, value in row.items()} for row in rows]
    return {row.pop("store_id"): row for row in short}


def row_of_a(engine: Engine, facts: Facts, as_of: str, carry: int | None = WEEK) -> dict[str, int]:
    """Return the seconds of store `a` by figure."""
    return figures(engine, facts, as_of, carry)["a"]


def csv_lines(engine: Engine, facts: Facts, as_of: str) -> list[str]:
    """Return the lines of the CSV, what follows the last line's end too."""
    return engine.csv(facts, Ask(as_of=instant(as_of))).decode().split("\n")


def open_on(days: Iterable[int], *spans: tuple[str, str], store_id: str = "a") -> list[Row]:
    """Return an hours row for each day and span."""
    return [(store_id, day, of_day(start), of_day(end)) for day in days for start, end in spans]


def polled(*polls: tuple[str, bool], store_id: str = "a") -> list[Poll]:
    """Return polls of one store."""
    return [(store_id, micros(at), active) for at, active in polls]
