"""The polls of a team's own table, checked: those of a time, and which stores have others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl
from psycopg import sql

from storewatch.adapters.polls.postgres_keys import writable
from storewatch.adapters.polls.postgres_queries import query_errors
from storewatch.domain.kinds import POLLS
from storewatch.ingest import check_frames
from storewatch.ingest.rejects import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storewatch.adapters.polls.postgres_server import Connection
    from storewatch.adapters.polls.postgres_times import TimeColumn
    from storewatch.ingest import Reading

EVERY_ROW = sql.SQL("true")

# Of a store and status: both, then what the statement below gives, in its order.
_Group: TypeAlias = tuple[str | None, str | None, int, Any, str | None, int, str | None]

# One row a store and status. Stamps that are wanted come packed: row by row they would take many times as
# long. Beside them come those that no poll can have, a line of JSON each, how many are missing, and the last
# of those elsewhere in time: it names the store. OFFSET 0 has the place worked out once a row.
_GROUPS = sql.SQL("""
SELECT store_id, status, count(*) FILTER (WHERE place = 1), {packed} FILTER (WHERE place = 1),
    string_agg(to_json(t::text)::text, E'\n') FILTER (WHERE place = 4), count(*) FILTER (WHERE place IS NULL),
    (max(t) FILTER (WHERE place = 2))::text
FROM (
    SELECT store_id::text, status::text, {stamp} AS t, {place} AS place FROM {source} WHERE {where} OFFSET 0
) AS polls GROUP BY 1, 2
""")
_LAST = sql.SQL("SELECT max(t)::text FROM (SELECT {stamp} AS t FROM {source} WHERE {within}) AS polls")
_STAMP_REASONS = [Reason.STAMP.text, Reason.YEAR.text]


def of_stores(store_ids: Iterable[str]) -> sql.Composed:
    """Return a condition for rows of these stores; an id with a zero byte in it is in no row."""
    return sql.SQL("store_id::text = ANY({}::text[])").format(sql.Literal(writable(store_ids)))


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the table holds about some stores."""

    polls: pl.DataFrame  # POLLS, of the time asked for
    rejects: pl.DataFrame  # of that time, and those that can be of none; as of a Reading
    stores: pl.Series  # String: those that a good row of any time names
    newest: int | None  # the newest good row, microseconds since 1970 UTC; None: there is none, or not known


@dataclass(frozen=True, kw_only=True)
class PollsTable:
    """The table, as one transaction sees it."""

    connection: Connection
    source: sql.Composable  # `given`, with our names for the columns
    time: TimeColumn
    latest: int  # the last instant (microseconds) that a poll may have

    def newest(self) -> int | None:
        """Return the newest good poll's instant in microseconds since 1970 UTC, None without one."""
        within = self.time.within(None, self.latest)
        statement = _LAST.format(stamp=self.time.stamp, source=self.source, within=within)
        with query_errors(POLLS):
            (last,) = self.connection.execute(statement).fetchone() or (None,)
        since = self.time.well_before(last)
        # What looks like the newest may be rejected for other reasons: then all polls are looked at.
        for first in (since, None) if since is not None else (None,):
            polls, _ = self._checked(self._groups(first, self.latest, self.time.within(first, self.latest)))
            if (newest := _newest(_between(polls, None, self.latest))) is not None:
                return newest
        return None

    def find(self, since: int | None, until: int, own: sql.Composable) -> Found:
        """Read what is about some stores; of their polls, those of `since` ≤ at ≤ `until` (microseconds)."""
        groups = self._groups(since, until, own)
        polls, rejects = self._checked(groups)
        elsewhere = _as_written(groups, [(nth, group[6]) for nth, group in enumerate(groups) if group[6]])
        seen = check_frames({"polls": elsewhere})
        polls, others = (_between(rows, None, self.latest) for rows in (polls, seen.facts.polls))
        stores = {*_ids(polls), *_ids(others)}
        # The last stamp of a store may be none, as 2023-02-30 is: then it takes all of them to know.
        hidden = _timeless(elsewhere, seen, self.latest)
        if unnamed := hidden - stores:
            every = self._checked(self._groups(None, self.latest, of_stores(unnamed)))[0]
            stores.update(_ids(_between(every, None, self.latest)))
        newest = _newest(pl.concat([polls, others]))
        last = max((group[6] for group in groups if group[6]), default=None)
        is_known = not hidden and self.time.is_newest(newest, last)
        return Found(
            polls=_between(polls, since, until),
            rejects=rejects,
            stores=pl.Series("store_id", sorted(stores), dtype=pl.String),
            newest=newest if is_known else None,
        )

    def _groups(self, since: int | None, until: int, where: sql.Composable) -> list[_Group]:
        place = self.time.place(since, until, self.latest)
        packed, stamp = self.time.packed, self.time.stamp
        statement = _GROUPS.format(packed=packed, stamp=stamp, place=place, source=self.source, where=where)
        with query_errors(POLLS):
            return self.connection.cursor(binary=True).execute(statement).fetchall()

    def _checked(self, groups: Sequence[_Group]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return POLLS and the rejected rows of what is wanted and what can be of no time."""
        nth = np.arange(len(groups), dtype=np.uint32).repeat([group[2] for group in groups])
        at, known, texts = self.time.unpacked([group[3] for group in groups if group[2]])
        good = _frame(groups, pl.Series(nth[known]), pl.Series(at[known]).cast(pl.Datetime("us", "UTC")))
        rest: list[tuple[int, str | None]] = list(zip(nth[~known].tolist(), texts, strict=True))
        for place, group in enumerate(groups):
            rest += [(place, json.loads(text)) for text in (group[4].split("\n") if group[4] else ())]
            rest += [(place, None)] * group[5]
        readings = [check_frames({"polls": good})]
        if rest:
            readings.append(check_frames({"polls": _as_written(groups, rest)}))
        return (
            pl.concat([reading.facts.polls for reading in readings]),
            pl.concat([reading.rejects for reading in readings]),
        )


def _as_written(groups: Sequence[_Group], rows: Sequence[tuple[int, str | None]]) -> pl.DataFrame:
    """Return polls as they are in the table, from the place of each one's group and its stamp as text."""
    stamps = pl.Series([stamp for _, stamp in rows], dtype=pl.String)
    return _frame(groups, pl.Series([place for place, _ in rows], dtype=pl.UInt32), stamps)


def _frame(groups: Sequence[_Group], order: pl.Series, stamps: pl.Series) -> pl.DataFrame:
    ids = pl.Series("store_id", [group[0] for group in groups], dtype=pl.String).cast(pl.Categorical)
    statuses = pl.Series("status", [group[1] for group in groups], dtype=pl.String)
    return pl.DataFrame([ids.gather(order), statuses.gather(order), stamps.alias("timestamp_utc")])


def _timeless(seen: pl.DataFrame, reading: Reading, latest: int) -> set[str]:
    """Return the ids of rows whose stamps are none, or too late to count."""
    flawed = reading.rejects.filter(pl.col("reason").is_in(_STAMP_REASONS))
    late = reading.facts.polls.filter(pl.col("at").to_physical() > latest)
    return {*seen["store_id"].cast(pl.String).gather(flawed["line"] - 1), *_ids(late)}


def _ids(polls: pl.DataFrame) -> pl.Series:
    return polls["store_id"].unique().cast(pl.String)


def _newest(polls: pl.DataFrame) -> int | None:
    newest = polls["at"].to_physical().max()
    return newest if isinstance(newest, int) else None


def _between(polls: pl.DataFrame, since: int | None, until: int) -> pl.DataFrame:
    at = polls["at"].to_physical()
    inside = (at <= until) if since is None else at.is_between(since, until)
    return polls if inside.all() else polls.filter(inside)
