"""The kinds of facts: one table of how each is given, what tells its rows apart, and what a load replaces.

Reading, merging and every poll store go through it, so a new kind is a row here, its checks in
`ingest/checks.py`, and a table in PostgreSQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterable

Schema = dict[str, pl.DataType]


class Form(Enum):
    """What the values of a given column look like."""

    TEXT = auto()
    ID = auto()  # text, or whole numbers
    INSTANT = auto()
    DAY = auto()  # of the week
    TIME = auto()  # of the day
    DATE = auto()
    NUMBER = auto()


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of files and frames."""

    name: str
    form: Form = Form.TEXT
    aliases: tuple[str, ...] = ()  # other names that it may have
    may_lack: bool = False  # a file or frame may be without it


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """A row of the table.

    Columns of one name have one type in all kinds, for a Delta table has room for one.
    """

    name: str  # of its table or part, too, so none of: stores, loads, migrations
    columns: tuple[Column, ...]  # as they are given
    schema: Schema  # of its checked rows
    optional: Schema = field(default_factory=dict)  # further columns that checked rows may be without
    key: tuple[str, ...]  # of the schema; rows of one load that agree here and differ elsewhere contradict
    # Values in these columns, never null, make a unit: the load's rows of a unit take the place of all that
    # were held of it. None: nothing is replaced, a load adds.
    replaces: tuple[str, ...]
    by_store: bool  # who reads of some stores gets their rows only; False: everyone gets all rows
    names_stores: bool  # a store that only this kind speaks of has a row in reports, too (R7)
    has_labels: bool = False  # each further column of a file or frame is given too: a label (R10)

    @property
    def names(self) -> tuple[str, ...]:
        """Our names of the columns as they are given."""
        return tuple(column.name for column in self.columns)

    @property
    def whole(self) -> Schema:
        """The schema with all columns that checked rows may be without."""
        return self.schema | self.optional

    @property
    def may_half_replace(self) -> bool:
        """Whether a unit may have several rows, so that it keeps what it had if one is rejected (R1)."""
        return bool(self.replaces) and self.replaces != self.key

    def frame(self, rows: Iterable[tuple[object, ...]] = ()) -> pl.DataFrame:
        """Return rows, by the order of the schema's columns, as a frame."""
        return pl.DataFrame(list(rows), schema=self.schema, orient="row")

    def filled(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows by the whole schema, null where they are without a column."""
        lacking = [pl.lit(None, dtype).alias(name) for name, dtype in self.optional.items()]
        return rows.with_columns(one for one in lacking if one.meta.output_name() not in rows.columns)

    def lean(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows of the whole schema without the optional columns, unless one says something."""
        says = any(rows[name].null_count() < len(rows) for name in self.optional)
        return rows if says or not self.optional else rows.drop(*self.optional)


_STORE_ID = Column(name="store_id", form=Form.ID)

POLLS = Kind(
    name="polls",  # a store was seen active or inactive at an instant
    columns=(_STORE_ID, Column(name="status"), Column(name="timestamp_utc", form=Form.INSTANT)),
    # Categorical, so that the ids of millions of polls are numbered while they are read
    schema={"store_id": pl.Categorical(), "at": pl.Datetime("us", "UTC"), "active": pl.Boolean()},
    key=("store_id", "at", "active"),  # two that disagree are settled (R1), not rejected
    replaces=(),
    by_store=True,
    names_stores=True,
)
HOURS = Kind(
    name="hours",  # a store is meant to be open on a day of the week, from and to
    columns=(
        _STORE_ID,
        Column(name="day", form=Form.DAY, aliases=("dayOfWeek",)),
        Column(name="start_time_local", form=Form.TIME),
        Column(name="end_time_local", form=Form.TIME),
        Column(name="valid_from", form=Form.DATE, may_lack=True),
        Column(name="valid_to", form=Form.DATE, may_lack=True),
    ),
    # day 0 = Monday; start and end in seconds of the day as written (end ≤ 86,400)
    schema={"store_id": pl.String(), "day": pl.Int8(), "start": pl.Int32(), "end": pl.Int32()},
    # local dates, both inclusive; null: no limit (R8)
    optional={"valid_from": pl.Date(), "valid_to": pl.Date()},
    key=("store_id", "day", "start", "end"),
    replaces=("store_id",),
    by_store=True,
    names_stores=True,
)
ZONES = Kind(
    name="zones",  # a store's wall clock follows a time zone, a name of the IANA database
    columns=(_STORE_ID, Column(name="timezone_str")),
    schema={"store_id": pl.String(), "zone": pl.String()},
    key=("store_id",),
    replaces=("store_id",),
    by_store=True,
    names_stores=True,
)

EXCEPTIONS = Kind(
    name="exceptions",  # on a date a store is open from and to, or closed, whatever its hours say (R8)
    columns=(
        _STORE_ID,
        Column(name="date", form=Form.DATE),
        Column(name="start_time_local", form=Form.TIME),
        Column(name="end_time_local", form=Form.TIME),
        Column(name="reason", may_lack=True),
    ),
    # start and end as those of hours; both null: the store is closed on the date. reason "": none
    schema={
        "store_id": pl.String(),
        "date": pl.Date(),
        "start": pl.Int32(),
        "end": pl.Int32(),
        "reason": pl.String(),
    },
    key=("store_id", "date", "start", "end", "reason"),
    replaces=("store_id", "date"),
    by_store=True,
    names_stores=False,
)
ANNOTATIONS = Kind(
    name="annotations",  # what somebody states of a time (R9)
    columns=(
        Column(name="id", form=Form.ID, may_lack=True),
        Column(name="store_id", form=Form.ID, may_lack=True),
        Column(name="label", may_lack=True),
        Column(name="value", may_lack=True),
        Column(name="start_utc", form=Form.INSTANT),
        Column(name="end_utc", form=Form.INSTANT, may_lack=True),
        Column(name="counts_as"),
        Column(name="reason", may_lack=True),
        Column(name="author", may_lack=True),
        Column(name="made_at", form=Form.INSTANT),
        Column(name="withdrawn_at", form=Form.INSTANT, may_lack=True),
    ),
    # About a store_id, or a value of a label, or every store (label *); the others are "". From since until
    # before `until`, whole seconds; null: until further notice. withdrawn_at null: it holds.
    schema={
        "id": pl.String(),
        "store_id": pl.String(),
        "label": pl.String(),
        "value": pl.String(),
        "since": pl.Datetime("us", "UTC"),
        "until": pl.Datetime("us", "UTC"),
        "counts_as": pl.String(),
        "reason": pl.String(),
        "author": pl.String(),
        "made_at": pl.Datetime("us", "UTC"),
        "withdrawn_at": pl.Datetime("us", "UTC"),
    },
    key=("id",),
    replaces=("id",),
    by_store=False,
    names_stores=False,
)
LABELS = Kind(
    name="labels",  # what stores are called, promised (in percent), and grouped by, a row a value (R10)
    columns=(
        _STORE_ID,
        Column(name="store_name"),
        Column(name="target_percent", form=Form.NUMBER, may_lack=True),
        Column(name="timezone_str", may_lack=True),  # the store's zone: a row of ZONES
    ),
    # label: a column of the stores file as names of columns are matched; value "": it has none
    schema={"store_id": pl.String(), "label": pl.String(), "value": pl.String()},
    key=("store_id", "label"),
    replaces=("store_id", "label"),  # so a load sets the columns that it has, and keeps the others
    by_store=True,
    names_stores=False,
    has_labels=True,
)
NAME, TARGET = "storename", "targetpercent"  # labels that are no labels: by these no store is grouped
EVERY_STORE = "*"  # the label of an annotation that is about all

# By name. The order decides what a file is that has the columns of two kinds: polls with a zone in a further
# column are polls, and stores with one are stores.
KINDS = {kind.name: kind for kind in (POLLS, HOURS, EXCEPTIONS, ANNOTATIONS, LABELS, ZONES)}


def spoken_of() -> list[Kind]:
    """Return the kinds that speak of stores by their ids, and name none (R7)."""
    return [kind for kind in KINDS.values() if not kind.names_stores and "store_id" in kind.schema]


def replaced_kinds() -> list[Kind]:
    """Return the kinds of which a load replaces units: all but polls."""
    return [kind for kind in KINDS.values() if kind.replaces]
