"""The route of the overview: how the whole fleet does, what changed, and where to look first."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from storewatch.entrypoints.http.pages.current import Pin, before_the_first, current
from storewatch.entrypoints.http.pages.heat import Look, heat_map
from storewatch.entrypoints.http.pages.history import job_view
from storewatch.entrypoints.http.pages.rendering import PageRoute, page
from storewatch.entrypoints.http.services import Opened  # noqa: TC001 - FastAPI reads it

RECENT = 3  # reports

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
def overview(opened: Opened, pinned: Pin, look: Annotated[Look, Depends()]) -> Response:
    """Show the fleet's figures and what to look at; before there are any, what to do."""
    now = current(opened, pinned)
    if now is None:
        return before_the_first(opened)
    from storewatch.entrypoints.http.pages.counts import overview_of  # noqa: PLC0415 - slow to import

    return page(
        "overview",
        {
            "whole": overview_of(now),
            "heat": heat_map(now.overview, look, now.report.as_of, now.query) if now.overview else None,
            "made": job_view(now.job, now=time.time()),
            "reports": [job_view(job, now=time.time()) for job in opened.board.recent(RECENT)],
            **now.content(),
        },
    )
