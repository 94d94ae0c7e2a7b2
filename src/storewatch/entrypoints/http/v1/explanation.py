"""What goes over HTTP of a store's explanation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, Field

from storewatch.domain.evidence import NO_HOURS
from storewatch.domain.instant import MICROSECONDS, iso
from storewatch.domain.zone import wall_clock

if TYPE_CHECKING:
    from storewatch.domain import evidence
    from storewatch.domain.explain import Explanation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Instant = Annotated[str, Field(description="UTC.", examples=["2023-01-25T15:00:00Z"])]
Local = Annotated[
    str,
    Field(description="The same on the store's wall clock.", examples=["2023-01-25T09:00:00-06:00"]),
]
Seconds = Annotated[int, Field(ge=0)]


class Row(BaseModel):
    """One of the store's hours rows."""

    number: int = Field(description="From 1, in order of day, start, end.")
    day: int = Field(description="0 = Monday.", ge=0, le=6)
    start_seconds: Seconds
    end_seconds: Seconds
    text: str = Field(examples=["row 3: Wednesday 09:00–17:00"])


class Poll(BaseModel):
    """A poll; those of one instant are one (R1)."""

    at: Instant
    local: Local
    status: Literal["active", "inactive"]
    counted: bool = Field(description="False: discarded, outside open hours (R3).")
    given: int = Field(description="How often the input has a poll of this instant.", ge=1)
    disagreed: bool = Field(description="It has both active and inactive ones: inactive (R1).")

    @classmethod
    def of(cls, poll: evidence.PollSeen, zone: str) -> Self:
        """Return a poll as it goes out."""
        return cls(
            at=_micros(poll.at),
            local=_local(zone, poll.at // MICROSECONDS),
            status="active" if poll.active else "inactive",
            counted=poll.counted,
            given=poll.given,
            disagreed=poll.disagreed,
        )


class Part(BaseModel):
    """A part of an hour, up to but without its end."""

    begin: Instant
    end: Instant


class Hour(BaseModel):
    """A UTC hour with open time in the window."""

    begin: Instant
    local: Local
    open_seconds: Seconds = Field(description="In the window.")
    open: list[Part] = Field(description="When it is open, in the window.")
    rows: list[int] = Field(description="The hours rows that open it, by their numbers; none: no hours.")
    polls: list[Poll] = Field(description="Of the whole hour up to the as-of, discarded ones too.")
    status: Literal["up", "down", "unknown"]
    rule: Literal["R4", "R5", "R15"]
    decided_by: Instant | None = Field(description="The one poll that decides, if there is one.")
    reason: str = Field(
        description="Times in it are on the wall clock.", examples=["down: 2 of 3 polls inactive, R4"]
    )

    @classmethod
    def of(cls, hour: evidence.Hour, zone: str) -> Self:
        """Return an hour as it goes out."""
        decided_by = hour.reason.decided_by
        return cls.model_validate(
            {
                "begin": iso(hour.begin),
                "local": _local(zone, hour.begin),
                "open_seconds": hour.open_seconds,
                "open": [{"begin": iso(begin), "end": iso(end)} for begin, end in hour.open],
                "rows": [row.number for row in hour.rows],
                "polls": [Poll.of(poll, zone) for poll in hour.polls],
                "status": hour.status,
                "rule": hour.reason.rule,
                "decided_by": None if decided_by is None else _micros(decided_by),
                "reason": hour.reason.text,
            }
        )


class Outage(BaseModel):
    """Hours that are down one after the other in open time; closed time between them does not count."""

    begin: Instant
    local_begin: Local
    end: Instant
    local_end: Local
    open_seconds: Seconds


class StoreHours(BaseModel):
    """Where a store's figures of one window come from. The hours add up to the report's row."""

    store_id: str
    zone: str = Field(examples=["America/Chicago"])
    has_zone: bool = Field(description="False: none is known, it is the default one (R2).")
    as_of: Instant
    begin: Instant
    carry_seconds: int | None = Field(description="null: for ever.")
    window: Literal["hour", "day", "week"]
    uptime_seconds: Seconds
    downtime_seconds: Seconds
    unknown_seconds: Seconds
    open_seconds: Seconds
    opening: str = Field(description="All hours rows in words.", examples=[NO_HOURS])
    rows: list[Row]
    hours: list[Hour]
    outages: list[Outage]
    discarded: list[Poll] = Field(description="Discarded polls in hours without open time (R3).")

    @classmethod
    def of(cls, found: Explanation) -> Self:
        """Return an explanation as it goes out."""
        rows = [
            Row(number=r.number, day=r.day, start_seconds=r.start, end_seconds=r.end, text=r.text)
            for r in found.rows
        ]
        return cls.model_validate(
            {
                "store_id": found.store_id,
                "zone": found.zone,
                "has_zone": found.has_zone,
                "as_of": iso(found.as_of),
                "begin": iso(found.begin),
                "carry_seconds": found.carry,
                "window": found.window,
                "uptime_seconds": found.seconds("up"),
                "downtime_seconds": found.seconds("down"),
                "unknown_seconds": found.seconds("unknown"),
                "open_seconds": found.seconds(),
                "opening": "; ".join(row.text for row in rows) or NO_HOURS,
                "rows": rows,
                "hours": [Hour.of(hour, found.zone) for hour in found.hours],
                "outages": [_outage(outage, found.zone) for outage in found.outages],
                "discarded": [Poll.of(poll, found.zone) for poll in found.discarded],
            }
        )


def _outage(outage: evidence.Outage, zone: str) -> Outage:
    return Outage(
        begin=iso(outage.begin),
        local_begin=_local(zone, outage.begin),
        end=iso(outage.end),
        local_end=_local(zone, outage.end),
        open_seconds=outage.open_seconds,
    )


def _local(zone: str, at: int) -> str:
    return wall_clock(zone, at).isoformat()


def _micros(at: int) -> str:
    return f"{_EPOCH + timedelta(microseconds=at):%Y-%m-%dT%H:%M:%S.%fZ}"
