"""The time stamp column of tables that others keep: a timestamp or text, and conditions on it in SQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import polars as pl
from psycopg import sql

from storewatch.adapters.polls.postgres_wire import instant, instants, micros
from storewatch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from storewatch.adapters.polls.postgres_server import Connection

_TYPED = {"timestamptz", "timestamp"}
_TEXT = {"text", "varchar", "bpchar"}
# Patterns of LIKE, which is ten times as fast as a regular expression.
_STAMP, _DATE = "____-__-_____:__:__%", "____-__-__%"
_COLUMN = sql.Identifier("given", "timestamp_utc")
_TEXT_COLUMN = sql.SQL('{}::text COLLATE "C"').format(_COLUMN)
_DAY = timedelta(days=1)  # more than any offset from UTC that a text may have
_SLOW = "so each report looks at all polls"
_MARK = datetime(2003, 2, 1, 4, 5, 6, tzinfo=UTC)  # an instant to find again in a plan


class TimeColumn:
    """Conditions on `given.timestamp_utc`.

    Text is compared by its date, with a day to spare on either side, and must be checked again.
    """

    def __init__(self, kind: str) -> None:
        """Know the column's type, as PostgreSQL calls it.

        Raises:
            SettingsError: It can hold no time stamps.
        """
        self._kind = re.sub(r"\(.*\)", "", kind)
        if self._kind not in _TYPED | _TEXT:
            raise SettingsError(
                f"timestamp_utc is {kind} in STOREWATCH_POLLS_QUERY: "
                "make it timestamptz, timestamp (in UTC) or text"
            )

    @property
    def packed(self) -> sql.Composed:
        """An expression that packs the stamps of a group, those that are not null, into one value."""
        if self._is_text:
            return sql.SQL("string_agg({}, E'\\n')").format(_TEXT_COLUMN)
        send = sql.Identifier(f"{self._kind}_send")
        return sql.SQL("string_agg({}({}), ''::bytea)").format(send, _COLUMN)

    def unpacked(self, groups: Sequence[str] | Sequence[bytes]) -> tuple[pl.Series, pl.Series]:
        """Return the stamps of packed groups, one after the other, and how many each group seems to hold.

        Text with a line break in it seems to hold more than it does.
        """
        if self._is_text:
            lines = pl.Series(groups, dtype=pl.String).str.split("\n")
            return lines.explode(), lines.list.len().cast(pl.Int64)
        packed = pl.Series(groups, dtype=pl.Binary)
        at = pl.Series(instants(cast("Sequence[bytes]", groups))).cast(pl.Datetime("us", "UTC"))
        return at, (packed.bin.size() // 8).cast(pl.Int64)

    @property
    def _is_text(self) -> bool:
        return self._kind in _TEXT

    def within(self, since: int | None, until: int) -> sql.Composed:
        """Return a condition for `since` ≤ at ≤ `until` (microseconds), or no time at all."""
        first = instant(0 if since is None else max(since, 0))
        if self._is_text:
            condition = sql.SQL("({c} >= {} AND {c} < {}) OR {c} NOT LIKE {} OR {c} IS NULL")
            dates = self._date(first - _DAY), self._date(instant(until) + 2 * _DAY)
            return condition.format(*dates, sql.Literal(_DATE), c=_TEXT_COLUMN)
        if since is None:
            return sql.SQL("{c} <= {} OR {c} IS NULL").format(self._literal(instant(until)), c=_COLUMN)
        bounds = self._literal(first), self._literal(instant(until))
        return sql.SQL("({c} >= {} AND {c} <= {}) OR {c} IS NULL").format(*bounds, c=_COLUMN)

    def before(self, latest: int) -> sql.Composed:
        """Return a condition for stamps from 1970 up to an instant (microseconds) that look sound."""
        if self._is_text:
            dates = self._date(instant(0)), self._date(instant(latest) + _DAY)
            condition = sql.SQL("{c} >= {} AND {c} < {} AND {c} LIKE {}")
            return condition.format(*dates, sql.Literal(_STAMP), c=_TEXT_COLUMN)
        bounds = self._literal(instant(0)), self._literal(instant(latest))
        return sql.SQL("{c} >= {} AND {c} <= {}").format(*bounds, c=_COLUMN)

    def last(self) -> sql.Composed:
        """Return an expression for the last stamp, of text for its date."""
        if self._is_text:
            return sql.SQL("max(left({}, 10))").format(_TEXT_COLUMN)
        return sql.SQL("max({})").format(_COLUMN)

    def well_before(self, last: str | datetime | None) -> int | None:
        """Return an instant (microseconds) before the `last` stamp, None if it is no time."""
        try:
            match last:
                case datetime():
                    return micros(last.replace(tzinfo=last.tzinfo or UTC) - timedelta(hours=1))
                case str():
                    return micros(datetime.fromisoformat(last).replace(tzinfo=UTC) - 2 * _DAY)
                case None:
                    return None
        except ValueError:
            return None

    def warning(self, connection: Connection, source: sql.Composable) -> str | None:
        """Return what makes it slow to find the polls of a time in a `source`, and the remedy."""
        if self._is_text:
            return f"timestamp_utc is text, {_SLOW}: make it a timestamptz with an index"
        condition = sql.SQL("{} >= {}").format(_COLUMN, self._literal(_MARK))
        statement = sql.SQL("EXPLAIN (FORMAT JSON) SELECT FROM {} WHERE {}").format(source, condition)
        connection.execute("SET LOCAL enable_seqscan = off")
        ((plan,),) = connection.execute(statement).fetchall()
        if any(f"{_MARK:%Y-%m-%d %H:%M:%S}" in condition for condition in _filters(plan)):
            return f"no index leads to timestamp_utc, {_SLOW}: make one"
        return None

    def _literal(self, at: datetime) -> sql.Composed:
        value = sql.Literal(f"{at:%Y-%m-%d %H:%M:%S.%f}{'+00' if self._kind == 'timestamptz' else ''}")
        return sql.SQL("{}::{}").format(value, sql.SQL(self._kind))

    def _date(self, at: datetime) -> sql.Literal:
        return sql.Literal(f"{at:%Y-%m-%d}")


def _filters(plan: object) -> Iterator[str]:
    """Yield the conditions of a plan that are checked row by row."""
    match plan:
        case list():
            for part in plan:
                yield from _filters(part)
        case dict():
            if "Filter" in plan:
                yield plan["Filter"]
            yield from _filters(list(plan.values()))
