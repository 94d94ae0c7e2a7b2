"""What goes over HTTP of a store's explanation: instants in UTC and on the store's wall clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from storewatch.domain.evidence import NO_HOURS
from storewatch.domain.instant import MICROSECONDS, iso
from storewatch.domain.outages import Ending  # noqa: TC001 - pydantic reads it
from storewatch.domain.zone import wall_clock

if TYPE_CHECKING:
    from storewatch.domain.explain import Explanation
    from storewatch.domain.shifts import Row as AnyRow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _local(at: int, info: ValidationInfo[dict[str, str]]) -> str:
    return wall_clock(info.context["zone"], at).isoformat()


def _local_second(at: int, info: ValidationInfo[dict[str, str]]) -> str:
    return _local(at // MICROSECONDS, info)


def _instant(at: int | None) -> str | None:
    return None if at is None else iso(at)


def _micros(at: int | None) -> str | None:
    return None if at is None else f"{_EPOCH + timedelta(microseconds=at):%Y-%m-%dT%H:%M:%S.%fZ}"


def _numbers(rows: tuple[AnyRow, ...]) -> list[int]:
    return [row.number for row in rows]


def _parts(stretches: tuple[tuple[int, int], ...]) -> list[dict[str, int]]:
    return [{"begin": begin, "end": end} for begin, end in stretches]


_UTC = Field(description="UTC.", examples=["2023-01-25T15:00:00Z"])
_LOCAL = Field(description="The same on the store's wall clock.", examples=["2023-01-25T09:00:00-06:00"])
Instant = Annotated[str, BeforeValidator(_instant), _UTC]
Micros = Annotated[str, BeforeValidator(_micros), _UTC]
Local = Annotated[str, BeforeValidator(_local), _LOCAL]
LocalSecond = Annotated[str, BeforeValidator(_local_second), _LOCAL]
Seconds = Annotated[int, Field(ge=0)]
Status = Literal["up", "down", "unknown", "excluded"]


class _Read(BaseModel):
    """Made of what the rules know; the zone is in the context."""

    model_config = ConfigDict(from_attributes=True)


class Row(_Read):
    """One of the store's hours rows."""

    number: int = Field(description="From 1, in order of day, start, end.")
    day: int = Field(description="0 = Monday.", ge=0, le=6)
    start_seconds: Seconds = Field(validation_alias="start")
    end_seconds: Seconds = Field(validation_alias="end")
    text: str = Field(examples=["row 3: Wednesday 09:00–17:00"])
    valid_from: date | None = Field(description="The first local date of it (R8); null: no limit.")
    valid_to: date | None = Field(description="The last one.")


class OnDate(_Read):
    """A row of the exceptions of a date, which take the place of its shifts (R8)."""

    number: int = Field(description="After those of the hours rows.")
    date: date
    start_seconds: Seconds | None = Field(
        description="null, as the end: closed on this date.", validation_alias="start"
    )
    end_seconds: Seconds | None = Field(validation_alias="end")
    reason: str
    text: str = Field(examples=["exception 8: Mon 25 Dec 2023 closed, Christmas"])


class Note(_Read):
    """An annotation that decides some of the window (R9)."""

    id: str
    about: str = Field(examples=["store 8139926242460185114", "brand x", "every store"])
    begin: Instant
    end: Instant | None = Field(description="null: until further notice.")
    counts_as: Status
    reason: str
    author: str
    made_at: Micros
    seconds: Seconds = Field(description="Open ones of the window that it decides.")


class Poll(_Read):
    """A poll; those of one instant are one (R1)."""

    at: Micros
    local: LocalSecond = Field(validation_alias="at")
    status: Literal["active", "inactive"]
    counted: bool = Field(description="False: discarded, outside open hours (R3).")
    given: int = Field(description="How often the input has a poll of this instant.", ge=1)
    disagreed: bool = Field(description="It has both active and inactive ones: inactive (R1).")


class Part(BaseModel):
    """A part of an hour, up to but without its end."""

    begin: Instant
    end: Instant


class Hour(_Read):
    """A UTC hour with open time in the window, or the part of one in which one thing decides (R9, R15)."""

    begin: Instant
    local: Local = Field(validation_alias="begin")
    open_seconds: Seconds = Field(description="In the window.")
    open: Annotated[list[Part], BeforeValidator(_parts)] = Field(
        description="When it is open, in the window."
    )
    rows: Annotated[list[int], BeforeValidator(_numbers)] = Field(
        description="The hours rows and exceptions that open it, by their numbers; none: no hours."
    )
    polls: list[Poll] = Field(description="Of the whole hour up to the as-of, discarded ones too.")
    status: Status
    rule: Literal["R4", "R5", "R9", "R15"] = Field(validation_alias=AliasPath("reason", "rule"))
    decided_by: Micros | None = Field(
        description="The one poll that decides, if there is one.",
        validation_alias=AliasPath("reason", "decided_by"),
    )
    reason: str = Field(
        description="Times in it are on the wall clock.",
        examples=["down: 2 of 3 polls inactive, R4"],
        validation_alias=AliasPath("reason", "text"),
    )
    measured: bool = Field(description="R12.")
    annotation: str | None = Field(
        description="The id of the one that decides (R9).", validation_alias=AliasPath("reason", "annotation")
    )


class Outage(_Read):
    """A longest run of down open seconds; closed time does not part it, and is no part of it (R16)."""

    begin: Instant
    local_begin: Local = Field(validation_alias="begin")
    end: Instant
    local_end: Local = Field(validation_alias="end")
    open_seconds: Seconds
    began_before: bool = Field(description="It was down already in the last open second before the window.")
    ending: Ending = Field(
        description="How it ended. `still down`: it reaches the as-of; `closed while down`: the store has not"
        " been open since."
    )


class StoreHours(BaseModel):
    """Where a store's figures of one window come from. The hours add up to the report's row."""

    store_id: str
    zone: str = Field(examples=["America/Chicago"])
    has_zone: bool = Field(description="False: none is known, it is the default one (R2).")
    as_of: Instant
    begin: Instant
    carry_seconds: int | None = Field(description="null: for ever.", validation_alias="carry")
    window: str = Field(examples=["week", "28d", "previous_month"])
    uptime_seconds: Seconds
    downtime_seconds: Seconds
    unknown_seconds: Seconds
    open_seconds: Seconds
    opening: Annotated[str, BeforeValidator("; ".join)] = Field(
        description="All hours rows in words.", examples=[NO_HOURS]
    )
    rows: list[Row]
    hours: list[Hour]
    outages: list[Outage]
    discarded: list[Poll] = Field(description="Discarded polls in hours without open time (R3).")

    end: Instant = Field(description="The window's.")
    excluded_seconds: Seconds
    measured_seconds: Seconds = Field(description="In hours with a poll that counts (R12).")
    stated_up_seconds: Seconds
    stated_down_seconds: Seconds
    low_seconds: Seconds = Field(description="The least uptime, by the hours with a check (R12).")
    high_seconds: Seconds = Field(description="The most.")
    state: Status | None = Field(description="At the as-of (R16); null: no open second in the week before.")
    is_closed: bool = Field(description="At the as-of.")
    since: Instant | None = Field(description="Of the state; null: from before that week.")
    target_percent: float | None = Field(description="What is promised (R10); null: nothing.")
    met: bool | None = Field(description="null: no verdict.")
    allowed_seconds: Seconds | None = Field(description="Of downtime; null: there is no target.")
    left_seconds: int | None = Field(description="Of these; negative when missed.")
    exceptions: list[OnDate] = Field(description="Of the dates whose shifts can be in the window.")
    annotations: list[Note] = Field(description="By begin and id.")

    @classmethod
    def of(cls, found: Explanation) -> Self:
        """Return an explanation as it goes out."""
        figures = {f"{figure}_seconds": seconds for figure, seconds in found.figures.items()}
        state, verdict = found.state, found.verdict
        computed = {
            "opening": found.opening,
            "state": state.status,
            "is_closed": state.is_closed,
            "since": state.since,
            "target_percent": verdict and verdict.target_percent,
            "met": verdict and verdict.is_met,
            "allowed_seconds": verdict and verdict.allowed_seconds,
            "left_seconds": verdict and verdict.left_seconds,
        }
        return cls.model_validate(vars(found) | figures | computed, context={"zone": found.zone})
