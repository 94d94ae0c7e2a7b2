"""The route that says what somebody should look at. It reads a week of all stores: one call at a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from storewatch.entrypoints.http.few_at_once import FewAtOnce
from storewatch.entrypoints.http.problems import documented
from storewatch.entrypoints.http.services import Opened  # noqa: TC001 - FastAPI reads it
from storewatch.entrypoints.http.shapes import AskedAt

if TYPE_CHECKING:
    from storewatch.entrypoints.http.services import Services

MOST_NAMED = 1_000
MOST_TIMES = 1_000  # the usual; beyond it nothing is found
AT_ONCE = 1  # a large fleet takes seconds on all cores

router = APIRouter(prefix="/v1/findings")
_one_at_a_time = FewAtOnce("findings", AT_ONCE)

Share = Annotated[float, Field(gt=0, le=1)]


class Look(AskedAt):
    """From which on something is worth a look. All of it may be left out."""

    named: int = Field(default=20, ge=0, le=MOST_NAMED, description="How many stores each finding names.")
    polled_share: Share = Field(
        default=0.5,
        description="The poller was down in an hour with fewer polled stores than this share of the usual.",
    )
    together_share: Share = Field(
        default=0.5,
        description="Stores went down together if they are this share of the open ones of a label's value, "
        "a zone or all, at least.",
    )
    together_times: float = Field(
        default=3, ge=1, le=MOST_TIMES, description="And so many times the usual share."
    )
    together_stores: int = Field(default=10, ge=1, description="And so many are open in that hour.")
    silent_gaps: float = Field(
        default=6,
        ge=1,
        le=MOST_TIMES,
        description="A store is silent that was not polled for so many of its usual gaps.",
    )
    silent_seconds: int = Field(default=21_600, ge=0, description="And for so many seconds, in open hours.")


class Finding(BaseModel):
    """Something to look at."""

    kind: str = Field(examples=["poller_down", "together", "silent", "without_hours"])
    count: int = Field(description="Hours of `poller_down`, stores of all others.", ge=1)
    sentence: str = Field(description="For whoever is to act on it.")
    evidence: dict[str, Any] = Field(description="What it was found by; times in UTC.")
    stores: list[dict[str, Any]] = Field(
        description="The first of its stores: store_id and, where it has them, since, until, seconds."
    )


class Findings(BaseModel):
    """What there is to be looked at in the week before an as-of, the most harmful first."""

    as_of: str = Field(examples=["2023-01-25T18:12:00Z"])
    stores: int = Field(description="Of the fleet.", ge=0)
    findings: list[Finding]


@router.get("", response_model=Findings, operation_id="list_findings", responses=documented(422, 503))
async def list_findings(look: Annotated[Look, Query()], opened: Opened) -> Response:
    """Say what to look at: a poller that was down, who went down together, who is silent, what is missing."""
    found = await to_thread.run_sync(_found, look, opened, limiter=_one_at_a_time.limiter())
    return Response(found, media_type="application/json")


def _found(look: Look, opened: Services) -> str:
    # Slow to import, and only this needs it: a service that hands out reports stays small.
    from storewatch.answering.findings import find  # noqa: PLC0415
    from storewatch.domain.findings import Thresholds  # noqa: PLC0415

    thresholds = Thresholds(**look.model_dump(exclude={"as_of", "carry", "policy", "named"}))
    return json.dumps(find(opened.polls.open(), look.ask(), thresholds).values(look.named))
