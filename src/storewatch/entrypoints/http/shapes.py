"""What goes over HTTP: the bodies that are taken and given."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from storewatch.domain.ask import Ask, Policy, parse_policy
from storewatch.domain.instant import DAY, DEFAULT_CARRY, WINDOWS, parse_as_of, parse_carry, parse_second
from storewatch.domain.label import label_of
from storewatch.domain.window import LONGEST, parse_window, parse_windows
from storewatch.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_WINDOWS = 20  # of a report
MOST_LABELS, MOST_VALUES = 20, 1_000  # of a `where`, and of each of its labels
MOST_TEXT = 4_096  # characters of a label, or of a value
T = TypeVar("T")


def _checked(parse: Callable[[T], object]) -> AfterValidator:
    """Refuse what a parser of ours refuses, in its words."""

    def check(value: T) -> T:
        try:
            parse(value)
        except InputError as error:
            raise ValueError(str(error)) from error
        return value

    return AfterValidator(check)


def _parse_explained(text: str) -> None:
    """Refuse a window over whose hours, each of which is explained, the service would sit for minutes."""
    window = parse_window(text)
    if window.span and window.span[1] - window.span[0] > LONGEST:
        raise InputError(f"the window {window.text} is longer than {LONGEST // DAY}d: ask for a part of it")


Second = Annotated[str, _checked(partial(parse_second, what="instant"))]
AsOf = Annotated[str, _checked(parse_as_of)]
Carry = Annotated[
    Annotated[str, _checked(parse_carry)] | None,
    Field(
        description="How long a poll's status holds without another: 7d, 36h, none (for ever); else 7d.",
        examples=["7d"],
    ),
]
# A body says true, a query can say "true" only; nothing else is meant by 1 or yes.
YesOrNo = Annotated[
    StrictBool | Literal["true", "false"], AfterValidator(lambda said: said in (True, "true"))
]
PolicyName = Annotated[
    Annotated[str, _checked(parse_policy)] | None,
    Field(
        description="How polls decide: hourly-majority, or last-observation; else hourly-majority.",
        examples=["hourly-majority"],
    ),
]
Text = Annotated[str, StringConstraints(max_length=MOST_TEXT)]  # constrained, it is whole characters, too
Label = Annotated[Text, _checked(label_of)]
Values = Annotated[list[Text], Field(min_length=1, max_length=MOST_VALUES)]
StoreId = Annotated[str, StringConstraints(min_length=1)]
ReportId = Annotated[
    str,
    StringConstraints(pattern="^[0-9a-fA-F]{32}$", to_lower=True),
    Field(description="A report's id: 32 hex digits.", examples=["06757268c878488d846aee30a8101cae"]),
]


class WantedByQuery(BaseModel):
    """What a report is wanted of, as far as a query can say it. All of it may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: AsOf | None = Field(
        default=None,
        description="When the windows end: a whole second, with offset; else the newest poll's.",
        examples=["2023-01-25T18:12:00Z"],
    )
    carry: Carry = None
    store_ids: Annotated[list[StoreId], Field(min_length=1)] | None = Field(
        default=None,
        description="The stores that get a row; else all.",
        examples=[["8139926242460185114"]],
    )
    policy: PolicyName = None
    windows: (
        Annotated[list[str], Field(min_length=1, max_length=MOST_WINDOWS), _checked(parse_windows)] | None
    ) = Field(
        default=None,
        description="In place of hour, day and week: any of these, lengths like 28d or 36h, today, "
        "yesterday, this_week, previous_week, this_month, previous_month, or two instants with a slash "
        "between them.",
        examples=[["week", "28d", "previous_month"]],
    )
    compare: YesOrNo | None = Field(
        default=None, description="Whether each window has the figures of the one before beside it; else not."
    )
    by: Label | None = Field(
        default=None,
        description="A label, like brand, by whose values the rows are added up too, in a table of its own.",
        examples=["brand"],
    )


class Wanted(WantedByQuery):
    """What a report is wanted of. All of it may be left out."""

    where: Annotated[dict[Label, Values], Field(min_length=1, max_length=MOST_LABELS)] | None = Field(
        default=None,
        description="Only stores that have, of each label, one of these values; an empty one: none at all.",
        examples=[{"region": ["north", "south"]}],
    )

    @classmethod
    def of(cls, query: WantedByQuery, body: Wanted | None) -> Wanted:
        """Return what both say together; InputError for what both set."""
        asked, more = query.model_dump(exclude_none=True), body.model_dump(exclude_none=True) if body else {}
        if twice := asked.keys() & more.keys():
            raise InputError(f"{', '.join(sorted(twice))}: given twice, in the query and in the body")
        return cls.model_construct(**asked, **more)

    def ask(self) -> Ask:
        """Return it as the value that everything within works with."""
        return replace(
            _ask(self),
            store_ids=None if self.store_ids is None else tuple(self.store_ids),
            windows=tuple(self.windows or WINDOWS),
            compare=bool(self.compare),
            by=self.by,
            where=tuple((label, tuple(values)) for label, values in (self.where or {}).items()),
        )


class AskedAt(BaseModel):
    """As of when, and by which rules. All of it may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: AsOf | None = Field(
        default=None,
        description="When the window ends: a whole second, with offset; else the newest poll's of any store.",
        examples=["2023-01-25T18:12:00Z"],
    )
    carry: Carry = None
    policy: PolicyName = None

    def ask(self) -> Ask:
        """Return it as the value that everything within works with."""
        return _ask(self)


class Asked(AskedAt):
    """What is to be explained. All of it may be left out."""

    window: Annotated[str, _checked(_parse_explained)] = Field(
        default="week",
        description="hour, day, week; 1h to 400d; today, yesterday, this_week, previous_week, this_month, "
        "previous_month by the store's clock; or two instants, at most 400 days apart, with a slash between "
        "them (R11).",
        examples=["previous_month"],
    )

    def ask(self) -> Ask:
        """Return it as the value that everything within works with."""
        return replace(_ask(self), windows=(self.window,))


def _ask(given: Wanted | AskedAt) -> Ask:
    return Ask(
        as_of=None if given.as_of is None else parse_as_of(given.as_of),
        carry=DEFAULT_CARRY if given.carry is None else parse_carry(given.carry),
        policy=Policy(given.policy or Policy.HOURLY_MAJORITY),
    )


class Triggered(BaseModel):
    """A report job is on the board."""

    report_id: str = Field(examples=["06757268c878488d846aee30a8101cae"])


class Running(BaseModel):
    """The report is not ready yet: ask again."""

    status: Literal["Running"]


class Complete(BaseModel):
    """The report is ready."""

    url: str = Field(
        description="A link to the CSV, good for a day, without credentials.",
        examples=[
            "https://example.org/reports/0675…/storewatch-20230125T181200Z.csv?expires=1674756720&signature=kD0z…"
        ],
    )
    status: Literal["Complete"]
    groups_url: str | None = Field(
        default=None, description="The same to the CSV by a label, only if `by` was asked for."
    )


class Failed(BaseModel):
    """There will be no report; it was cancelled, or could not be made."""

    status: Literal["Failed"]
    error: str = Field(
        examples=["NoPollsError: there are no polls, so there is no newest one to report as of"]
    )


class Signed(BaseModel):
    """What makes a link valid."""

    expires: str = Field(default="", description="Until when, in seconds since 1970 UTC.")
    signature: str = Field(default="", description="Over path, file name and expiry.")


class Health(BaseModel):
    """How this process is."""

    status: Literal["ok"]
