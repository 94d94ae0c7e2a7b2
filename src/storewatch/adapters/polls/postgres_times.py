"""The time stamp column of tables that others keep: a timestamp or text, and conditions on it in SQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg import sql

from storewatch.adapters.polls.postgres_wire import instant, instants, micros
from storewatch.errors import SettingsError
from storewatch.ingest.stamps import PADDING, stamps_from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from storewatch.adapters.polls.postgres_server import Connection

_TYPED = {"timestamptz", "timestamp"}
_TEXT = {"text", "varchar", "bpchar"}
_DATE = "____-__-__%"  # a pattern of LIKE, which is ten times as fast as a regular expression
_COLUMN = sql.Identifier("given", "timestamp_utc")
_TEXT_COLUMN = sql.SQL('{}::text COLLATE "C"').format(_COLUMN)
_DAY = timedelta(days=1)  # more than any offset from UTC that a text may have
_LEAST = timedelta(microseconds=1)
_SECOND_DAY, _LAST_DAY = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 12, 31, tzinfo=UTC)
_LINE_BREAK = ord("\n")
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
    def _is_text(self) -> bool:
        return self._kind in _TEXT

    @property
    def stamp(self) -> sql.Composable:
        """The column, for a table in which it is called `t`."""
        return _TEXT_COLUMN if self._is_text else _COLUMN

    @property
    def packed(self) -> sql.Composable:
        """An expression that packs the stamps `t` of a group, those that are not null, into one value."""
        if self._is_text:
            return sql.SQL("string_agg(t, E'\\n')")
        return sql.SQL("string_agg({}(t), ''::bytea)").format(sql.Identifier(f"{self._kind}_send"))

    def unpacked(self, groups: Sequence[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_], list[str]]:
        """Return the stamps of packed groups, one after the other.

        Returns:
            Microseconds since 1970 UTC, which of them are known, and the others as text.
        """
        if not self._is_text:
            at = instants(groups)
            return at, np.ones(len(at), np.bool_), []
        data = "\n".join(groups).encode()
        ends = np.append(np.flatnonzero(np.frombuffer(data, np.uint8) == _LINE_BREAK), len(data))
        ends = ends if data else ends[:0]
        begins = np.concatenate(([0], ends[:-1] + 1))[: len(ends)]
        at, known = stamps_from_bytes(data + bytes(PADDING), begins, ends)
        spans = zip(begins[~known].tolist(), ends[~known].tolist(), strict=True)
        return at, known, [data[begin:end].decode() for begin, end in spans]

    def place(self, since: int | None, until: int, latest: int) -> sql.Composed:
        """Return an expression for the place of a stamp, null where there is none.

        1: `within` the time asked for; 2: elsewhere up to the latest; 3: later; 4: where no poll can be.

        Args:
            since: Microseconds; None: from 1970 on.
            until: The last that are asked for.
            latest: The last that count at all.
        """
        possible = self._between(_SECOND_DAY if self._is_text else instant(0), _LAST_DAY)
        cases = "CASE WHEN {} THEN 1 WHEN {} THEN 2 WHEN {} THEN 3 WHEN {} IS NOT NULL THEN 4 END"
        wanted, elsewhere = self.within(since, until), self.within(None, latest)
        return sql.SQL(cases).format(wanted, elsewhere, possible, self.stamp)

    def within(self, since: int | None, until: int) -> sql.Composed:
        """Return a condition for `since` ≤ at ≤ `until` (microseconds), None: from 1970 on.

        Of text, which is compared by its date, some that lie outside fulfil it, too.
        """
        first, last = instant(0 if since is None else max(since, 0)), instant(until)
        if self._is_text:
            return self._between(max(first - _DAY, _SECOND_DAY), min(last + 2 * _DAY, _LAST_DAY))
        return self._between(first, last + _LEAST)

    def _between(self, first: datetime, after: datetime) -> sql.Composed:
        """Return a condition for `first` ≤ at < `after`, of text by dates: what is no date is not between."""
        if self._is_text:
            condition = sql.SQL("{c} >= {} AND {c} < {} AND {c} LIKE {} AND strpos({c}, E'\\n') = 0")
            dates = sql.Literal(f"{first:%Y-%m-%d}"), sql.Literal(f"{after:%Y-%m-%d}")
            return condition.format(*dates, sql.Literal(_DATE), c=_TEXT_COLUMN)
        return sql.SQL("{c} >= {} AND {c} < {}").format(self._literal(first), self._literal(after), c=_COLUMN)

    def well_before(self, last: str | None) -> int | None:
        """Return an instant (microseconds) not after the one of a stamp, None if it is no time."""
        try:
            if last is None:
                return None
            if self._is_text:
                return micros(datetime.fromisoformat(last[:10]).replace(tzinfo=UTC) - 2 * _DAY)
            at = datetime.fromisoformat(last)
            return micros(at.replace(tzinfo=at.tzinfo or UTC))
        except ValueError:
            return None

    def is_newest(self, found: int | None, last: str | None) -> bool:
        """Say whether what was found (microseconds) is the newest, `last` being the last one elsewhere."""
        if not self._is_text or last is None:
            return True
        before = self.well_before(last)
        return found is not None and before is not None and instant(before) + 4 * _DAY <= instant(found)

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
