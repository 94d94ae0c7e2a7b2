"""What the routes use, and how they ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import structlog
from fastapi import Depends, Request
from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from storewatch.entrypoints.http.hosts import Hosts
    from storewatch.entrypoints.http.intake import Intake
    from storewatch.entrypoints.http.kept import KeptPages
    from storewatch.entrypoints.http.links import Links
    from storewatch.entrypoints.http.on_demand import PollsOnDemand
    from storewatch.entrypoints.http.sessions import Sessions
    from storewatch.errors import UnavailableError
    from storewatch.metrics import Metrics
    from storewatch.ports.jobs import Jobs, Keeper
    from storewatch.ports.shelf import ReportShelf
    from storewatch.processes.supervisor import Supervisor

POLL_SECONDS = "1"  # between two looks at a running report, as we ask of clients

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the routes use."""

    board: Jobs
    keeper: Keeper
    is_board_embedded: bool
    shelf: ReportShelf
    links: Links
    is_direct: bool  # links lead to the shelf, where that can sign them
    supervisor: Supervisor
    metrics: Metrics
    polls: PollsOnDemand
    public_url: str | None
    sessions: Sessions | None  # None: whoever reaches the service may do all
    hosts: Hosts
    intake: Intake
    pages: KeptPages
    contact: str | None  # whom to ask about wrong figures
    body_limit: int  # bytes


def services(request: Request) -> Services:
    """Return what the app opened when it started; 503 before and after."""
    opened: Services | None = request.app.state.services
    if opened is None:
        raise HTTPException(503, "the service is starting or ending")
    return opened


def note_unanswered(request: Request, error: UnavailableError) -> None:
    """Log and count a call that was not answered; who asked is not told by which part, nor where."""
    log.warning("not available", error=str(error))
    services(request).metrics.unanswered(error.port)


Opened = Annotated[Services, Depends(services)]
