"""What goes over HTTP below /v1: the bodies, queries and headers."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from storewatch.ports.jobs import State  # noqa: TC001 - pydantic reads it

MOST = 100  # reports on a page
_EXAMPLE = "https://example.org/v1/reports/06757268c878488d846aee30a8101cae"
_CURSOR = re.compile(rb"before:(\d{1,15})")

Format = Literal["csv", "parquet", "json", "xlsx"]
IdempotencyKey = Annotated[str, StringConstraints(pattern="^[ -~]{1,255}$")]


def cursor_before(number: int) -> str:
    """Return the cursor of the page of jobs below a number."""
    return base64.urlsafe_b64encode(b"before:%d" % number).decode("ascii").rstrip("=")


def number_of(cursor: str) -> int:
    """Return the number that a cursor was made of; ValueError if it was not made here."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (ValueError, binascii.Error):
        text = b""
    found = _CURSOR.fullmatch(text)
    if found is None or cursor_before(int(found[1])) != cursor:
        raise ValueError("this is no cursor: take `next` of the page before as it is")
    return int(found[1])


def _cursor(text: str) -> str:
    number_of(text)
    return text


def rfc3339(instant: float) -> str:
    """Return an instant (seconds since 1970) as `2023-01-25T18:12:00.123Z`."""
    return (
        datetime.fromtimestamp(instant, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
    )


class NoQuery(BaseModel):
    """No parameters: what stands in the query by mistake is refused, not passed over."""

    model_config = ConfigDict(extra="forbid")


class Page(BaseModel):
    """Which reports are wanted."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=20, ge=1, le=MOST, description="How many reports, at most.")
    cursor: Annotated[str, AfterValidator(_cursor)] | None = Field(
        default=None,
        description="Where the page begins, from `next` of the page before; else at the newest.",
        examples=["YmVmb3JlOjQx"],
    )

    @property
    def before(self) -> int | None:
        """The number below which jobs are wanted."""
        return None if self.cursor is None else number_of(self.cursor)


class Download(BaseModel):
    """Which file of a report is wanted."""

    model_config = ConfigDict(extra="forbid")

    format: Format = Field(
        default="csv",
        description="csv: rounded, as by get_report's link; parquet, json: whole seconds; xlsx: a workbook.",
    )
    table: Literal["stores", "groups"] = Field(
        default="stores",
        description="groups: the rows by the label that the report was asked `by`; a workbook has both.",
    )


class Stage(BaseModel):
    """How far the attempt in hand has come."""

    stage: str = Field(description="gather, compute, overview or publish.", examples=["compute"])
    done: int = Field(description="Stores that are done.", examples=[0])
    total: int = Field(description="About how many stores there are; 0: not known yet.", examples=[14092])


class Counts(BaseModel):
    """How much there is."""

    rows: int | None = Field(description="Stores in the report, once it is complete.", examples=[14092])
    attempts: int = Field(description="Attempts that counted.", examples=[1])


class Timings(BaseModel):
    """When what happened: RFC 3339, UTC, by the job board's clock."""

    created: str = Field(examples=["2023-01-25T18:12:04.250Z"])
    started: str | None = Field(description="The last attempt.", examples=["2023-01-25T18:12:04.262Z"])
    ended: str | None = Field(examples=["2023-01-25T18:12:05.001Z"])
    waited_seconds: float | None = Field(
        description="From created to the last attempt's start.", examples=[0.012]
    )
    attempt_seconds: float | None = Field(
        description="From the last attempt's start to the end.", examples=[0.739]
    )


class Files(BaseModel):
    """Where a complete report is downloaded, by format."""

    csv: str = Field(examples=[f"{_EXAMPLE}/download?format=csv"])
    parquet: str = Field(examples=[f"{_EXAMPLE}/download?format=parquet"])
    json_: str = Field(alias="json", examples=[f"{_EXAMPLE}/download?format=json"])
    xlsx: str = Field(examples=[f"{_EXAMPLE}/download?format=xlsx"])


class ReportLinks(BaseModel):
    """Where to go from here."""

    here: str = Field(serialization_alias="self", examples=[_EXAMPLE])
    download: Files | None = Field(description="Once the report is complete.")
    groups: Files | None = Field(description="The same of its rows by a label, if `by` was asked for.")


class ReportJob(BaseModel):
    """A report: how it stands, and what there is of it."""

    id: str = Field(examples=["06757268c878488d846aee30a8101cae"])
    state: State = Field(
        description="Queued, Running, then for ever Complete, Failed or Cancelled.", examples=["Complete"]
    )
    as_of: str | None = Field(
        description="When the windows end; not known before the first attempt, unless it was asked for.",
        examples=["2023-01-25T18:12:00Z"],
    )
    progress: Stage | None = Field(description="While it runs.")
    counts: Counts
    timings: Timings
    error: str | None = Field(
        description="Why it failed, or why the last attempt did.",
        examples=["NoPollsError: there are no polls, so there is no newest one to report as of"],
    )
    links: ReportLinks


class AskedFor(BaseModel):
    """What was asked for."""

    as_of: str | None = Field(description="None: the newest poll's.", examples=["2023-01-25T18:12:00Z"])
    carry_seconds: int | None = Field(description="None: for ever.", examples=[604800])
    store_ids: list[str] | None = Field(description="None: all.", examples=[["8139926242460185114"]])
    policy: str = Field(description="How polls decide.", examples=["hourly-majority"])
    windows: list[str] = Field(examples=[["hour", "day", "week"]])
    compare: bool = Field(description="Whether the windows before are asked for too.")
    by: str | None = Field(description="The label by which rows are added up.", examples=["brand"])
    where: dict[str, list[str]] = Field(description="The labels that stores have to have.", examples=[{}])


class ReportDetails(ReportJob):
    """A report: how it stands, and what there is of it, with what was asked for and its manifest."""

    asked: AskedFor
    link_ends: str | None = Field(
        description="Of a complete report: when the link that get_report gives now ends, if that is known: "
        "links signed with the credentials of a role end with them.",
        examples=["2023-01-26T18:12:04.250Z"],
    )
    manifest: dict[str, Any] | None = Field(
        description="Of a complete report: its input, counts, checksum, rules, software, seconds by stage.",
        examples=[
            {
                "as_of": "2023-01-25T18:12:00Z",
                "input": {"version": "7", "polls": 1822080, "hours": 86097, "zones": 13559},
                "report": {"rows": 14092, "bytes": 1493021, "sha256": "9f86d081884c7d65…"},
                "seconds": {"gather": 0.21, "compute": 0.33, "publish": 0.01},
            }
        ],
    )


class Reports(BaseModel):
    """A page of reports, the newest first."""

    reports: list[ReportJob]
    next: str | None = Field(
        description="The page after this one, that of older reports; none after the last.",
        examples=["https://example.org/v1/reports?limit=20&cursor=YmVmb3JlOjQx"],
    )
