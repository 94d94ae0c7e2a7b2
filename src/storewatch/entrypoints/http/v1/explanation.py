"""What goes over HTTP of a store's explanation: instants in UTC and on the store's wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from storewatch.domain.evidence import NO_HOURS, Ending
from storewatch.domain.instant import MICROSECONDS, iso
from storewatch.domain.zone import wall_clock

if TYPE_CHECKING:
    from storewatch.domain.evidence import HoursRow
    from storewatch.domain.explain import Explanation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _local(at: int, info: ValidationInfo[dict[str, str]]) -> str:
    return wall_clock(info.context["zone"], at).isoformat()


def _local_second(at: int, info: ValidationInfo[dict[str, str]]) -> str:
    return _local(at // MICROSECONDS, info)


def _micros(at: int | None) -> str | None:
    return None if at is None else f"{_EPOCH + timedelta(microseconds=at):%Y-%m-%dT%H:%M:%S.%fZ}"


def _numbers(rows: tuple[HoursRow, ...]) -> list[int]:
    return [row.number for row in rows]


def _parts(stretches: tuple[tuple[int, int], ...]) -> list[dict[str, int]]:
    return [{"begin": begin, "end": end} for begin, end in stretches]


_UTC = Field(description="UTC.", examples=["2023-01-25T15:00:00Z"])
_LOCAL = Field(description="The same on the store's wall clock.", examples=["2023-01-25T09:00:00-06:00"])
Instant = Annotated[str, BeforeValidator(iso), _UTC]
Micros = Annotated[str, BeforeValidator(_micros), _UTC]
Local = Annotated[str, BeforeValidator(_local), _LOCAL]
LocalSecond = Annotated[str, BeforeValidator(_local_second), _LOCAL]
Seconds = Annotated[int, Field(ge=0)]


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
    """A UTC hour with open time in the window."""

    begin: Instant
    local: Local = Field(validation_alias="begin")
    open_seconds: Seconds = Field(description="In the window.")
    open: Annotated[list[Part], BeforeValidator(_parts)] = Field(
        description="When it is open, in the window."
    )
    rows: Annotated[list[int], BeforeValidator(_numbers)] = Field(
        description="The hours rows that open it, by their numbers; none: no hours."
    )
    polls: list[Poll] = Field(description="Of the whole hour up to the as-of, discarded ones too.")
    status: Literal["up", "down", "unknown"]
    rule: Literal["R4", "R5", "R15"] = Field(validation_alias=AliasPath("reason", "rule"))
    decided_by: Micros | None = Field(
        description="The one poll that decides, if there is one.",
        validation_alias=AliasPath("reason", "decided_by"),
    )
    reason: str = Field(
        description="Times in it are on the wall clock.",
        examples=["down: 2 of 3 polls inactive, R4"],
        validation_alias=AliasPath("reason", "text"),
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
    window: Literal["hour", "day", "week"]
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

    @classmethod
    def of(cls, found: Explanation) -> Self:
        """Return an explanation as it goes out."""
        kinds = {"up": "uptime", "down": "downtime", "unknown": "unknown"}
        figures = {f"{kind}_seconds": found.seconds(status) for status, kind in kinds.items()}
        computed = {"begin": found.begin, "opening": found.opening, "open_seconds": found.seconds()}
        return cls.model_validate(vars(found) | figures | computed, context={"zone": found.zone})
