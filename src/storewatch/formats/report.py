"""The report: rows, units, rounding, totals (R7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from storewatch.domain.instant import MICROSECONDS, compact, iso
from storewatch.domain.window import parse_window
from storewatch.errors import InputError
from storewatch.formats.csv import column_sums, csv_pieces
from storewatch.formats.names import by_path
from storewatch.formats.parquet import parquet_pieces
from storewatch.formats.rows import Rows
from storewatch.whole import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from storewatch.domain.ask import Ask
    from storewatch.domain.input import Input
    from storewatch.domain.window import Window


@dataclass(frozen=True, kw_only=True, repr=False)
class Report:
    """Uptime, downtime, unknown and open time of every store, and more, for the windows asked for.

    `rejects` holds the input rows that could not be used (file, line, reason, row), if it was made from
    frames or files.
    """

    parts: Rows  # store_id and whole seconds, by Unicode code point of the id
    ask: Ask  # what was asked, its as-of settled
    made_of: Input
    rejects: pl.DataFrame | None = None
    groups: pl.DataFrame | None = None  # its rows added up by a label (R10), if that was asked for
    chosen: Rows | None = None  # the rows that files have, if these are not all
    touched: pl.DataFrame | None = None  # annotations that decide some of it, with their seconds, by id

    def __repr__(self) -> str:
        newest = "none" if self.newest is None else iso(self.newest // MICROSECONDS)
        return f"Report(as_of={iso(self.as_of)}, stores={self.parts.height}, newest_poll={newest})"

    @cached_property
    def rows(self) -> pl.DataFrame:
        """All rows at once: `store_id`, whole seconds (Int64) of each window, and the state."""
        return pl.concat(self.parts)

    @property
    def strangers(self) -> tuple[str, ...]:
        """The ids that were asked for and that no input names: they have no row (R7)."""
        wanted = self.ask.store_ids
        if wanted is None or self.ask.where:  # some may be named, and not have the labels
            return ()
        known = {each for rows in self.parts for each in rows["store_id"]}
        return tuple(dict.fromkeys(each for each in wanted if each not in known))

    @property
    def reasons(self) -> dict[str, int]:
        """How many input rows could not be used, by reason, the most frequent first."""
        if self.rejects is None:
            return {}
        return dict(self.rejects["reason"].value_counts(sort=True).iter_rows())

    @property
    def as_of(self) -> int:
        """The end of the windows, seconds since 1970 UTC."""
        return self.ask.instant

    @property
    def newest(self) -> int | None:
        """The newest poll's instant, microseconds since 1970 UTC."""
        return self.made_of.newest

    @property
    def notes(self) -> tuple[str, ...]:
        """What looks odd in the input, and what was assumed for want of knowing: a sentence each."""
        has_none = self.groups is not None and self.groups.to_series().to_list() == [""]
        unlabelled = (f"no store of this report has the label {self.ask.by}",) if has_none else ()
        return unlabelled + self.made_of.doubts + self.made_of.assumptions

    def to_polars(self) -> pl.DataFrame:
        """Return the rows: `store_id`, whole seconds (Int64) of each window, and the state."""
        return self.rows

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a pandas frame."""
        import pandas as pd  # noqa: PLC0415 - slow to import, and seldom wanted

        return pd.DataFrame({name: self.rows[name].to_list() for name in self.rows.columns})

    def file_name(self, ending: str) -> str:
        """Return the report's file name, as-of included: `storewatch-20230125T181200Z.csv`."""
        return f"storewatch-{compact(self.as_of)}.{ending}"

    @property
    def by_label(self) -> Report | None:
        """Its groups as rows, so that what writes a report writes them too; None if it has none."""
        if self.groups is None:
            return None
        return replace(self, parts=Rows(self.groups), groups=None, chosen=None)

    def choose(self, *, missed: bool = False, worst: int | None = None) -> Report:
        """Return this with only some rows in its files; totals and groups stay those of all stores.

        Args:
            missed: Only stores that missed their target in one of the windows.
            worst: Only so many, with the most downtime in the last window, the worst first; of equal ones
                that of the lesser id. None: all, in their order.
        """
        frames = iter(self.parts)
        if missed:
            frames = (_missed(rows, self.ask.parsed_windows) for rows in frames)
        if worst is not None:
            frames = iter([_most(frames, f"downtime_seconds_{self.ask.parsed_windows[-1].name}", worst)])
        chosen = Rows(next(frames))
        for rows in frames:
            chosen.add(rows)
        return replace(self, chosen=chosen)

    @property
    def filed(self) -> Rows:
        """The rows that files have."""
        return self.parts if self.chosen is None else self.chosen

    def csv_pieces(self) -> Iterator[bytes]:
        """Yield the CSV of R7."""
        return csv_pieces(self.filed)

    def csv_bytes(self) -> bytes:
        """Return the CSV of R7."""
        return b"".join(self.csv_pieces())

    def parquet_pieces(self) -> Iterator[bytes]:
        """Yield the rows as Parquet, whole seconds."""
        return parquet_pieces(self.filed)

    def parquet_bytes(self) -> bytes:
        """Return the rows as Parquet, whole seconds."""
        return b"".join(self.parquet_pieces())

    def json_pieces(self) -> Iterator[bytes]:
        """Yield the rows as a JSON array of objects, whole seconds."""
        begin = b"["
        for rows in self.filed:
            if rows.height:
                yield begin + rows.with_columns(_instants()).write_json()[1:-1].encode()
                begin = b","
        yield b"]\n" if begin == b"," else b"[]\n"

    def json_bytes(self) -> bytes:
        """Return the rows as a JSON array of objects, whole seconds."""
        return b"".join(self.json_pieces())

    def xlsx_bytes(self) -> bytes:
        """Return the report as a workbook: figures as in the CSV, ids as text to the letter; groups too.

        Raises:
            InputError: A sheet cannot hold it.
        """
        from storewatch.formats.workbook import (  # noqa: PLC0415 - a package that few calls need
            Contents,
            xlsx_bytes,
        )

        contents = Contents(
            ask=self.ask,
            made_of=self.made_of,
            stores=self.parts.height,
            totals=self.totals(),
            rows=pl.concat(self.filed),
            groups=self.groups,
        )
        return xlsx_bytes(contents)

    def write_csv(self, path: str | Path) -> None:
        """Write the CSV of R7 to a file."""
        _write(path, self.csv_pieces())

    def write_parquet(self, path: str | Path) -> None:
        """Write the rows as Parquet to a file."""
        _write(path, self.parquet_pieces())

    def write_json(self, path: str | Path) -> None:
        """Write the rows as a JSON array to a file."""
        _write(path, self.json_pieces())

    def write_xlsx(self, path: str | Path) -> None:
        """Write the workbook to a file."""
        _write(path, [self.xlsx_bytes()])

    def write(self, path: str | Path) -> list[Path]:
        """Write a file of the kind that its ending names, whole or not at all (as the other writers do).

        Groups are written beside it, to `…-by-LABEL` of the same ending; a workbook has them as a sheet.

        Returns:
            What was written.

        Raises:
            InputError: The ending is none of .csv, .parquet, .json, .xlsx.
        """
        writers = {
            ".csv": self.write_csv,
            ".parquet": self.write_parquet,
            ".json": self.write_json,
            ".xlsx": self.write_xlsx,
        }
        writer = writers.get(Path(path).suffix.lower())
        if writer is None:
            raise InputError(
                f"{path}: no kind of report ends so; end the file's name with {', '.join(writers)}"
            )
        writer(path)
        written, groups = [Path(path)], self.by_label
        if groups is not None and writer != self.write_xlsx:
            written += groups.write(by_path(Path(path), str(self.ask.by)))
        return written

    def totals(self) -> dict[str, int]:
        """Return the sum over the fleet of each column of seconds that may be added up."""
        return column_sums(self.parts)

    @property
    def is_mostly_unknown(self) -> bool:
        """Whether most that the last window has open, not excluded, is unknown: no downtime says nothing."""
        totals, name = self.totals(), self.ask.parsed_windows[-1].name
        promised = totals[f"open_seconds_{name}"] - totals.get(f"excluded_seconds_{name}", 0)
        return 2 * totals[f"unknown_seconds_{name}"] > promised

    def worst(self, count: int, window: str | None = None) -> pl.DataFrame:
        """Return the rows that lost most open time in a window, the worst first; none without downtime.

        `window` is one of those asked for; None: the last one.
        """
        name = self.ask.parsed_windows[-1].name if window is None else parse_window(window).name
        down = f"downtime_seconds_{name}"
        return _most((rows.filter(pl.col(down) > 0) for rows in self.parts), down, count)


def _most(parts: Iterable[pl.DataFrame], column: str, count: int) -> pl.DataFrame:
    """Return the rows that have the most in a column, in order of it and of the ids."""
    best = pl.DataFrame()
    for rows in parts:
        best = pl.concat([best, rows]) if best.width else rows
        best = best.sort(column, "store_id", descending=[True, False]).head(count)
    return best


def _missed(rows: pl.DataFrame, windows: Sequence[Window]) -> pl.DataFrame:
    """Return the rows of stores that missed their target in one of the windows."""
    if "target_percent" not in rows.columns:
        return rows.clear()
    return rows.filter(pl.any_horizontal(~pl.col(f"met_{window.name}") for window in windows))


def _instants() -> pl.Expr:
    """Write instants as all else that gives them as text does."""
    return cs.datetime().dt.strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(path: str | Path, pieces: Iterable[bytes]) -> None:
    with whole_file(path) as file:
        file.writelines(pieces)
