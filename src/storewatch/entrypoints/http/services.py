"""What the routes use, and how they ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from storewatch.entrypoints.http.links import Links
    from storewatch.entrypoints.http.on_demand import PollsOnDemand
    from storewatch.metrics import Metrics
    from storewatch.ports.jobs import JobBoard
    from storewatch.ports.shelf import ReportShelf
    from storewatch.processes.supervisor import Supervisor

POLL_SECONDS = "1"  # between two looks at a running report, as we ask of clients
NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the routes use."""

    board: JobBoard
    is_board_embedded: bool
    shelf: ReportShelf
    links: Links
    is_direct: bool  # links lead to the shelf, where that can sign them
    supervisor: Supervisor
    metrics: Metrics
    polls: PollsOnDemand
    public_url: str | None


def services(request: Request) -> Services:
    """Return what the app opened when it started; 503 before and after."""
    opened: Services | None = request.app.state.services
    if opened is None:
        raise HTTPException(503, "the service is starting or ending")
    return opened


Opened = Annotated[Services, Depends(services)]
