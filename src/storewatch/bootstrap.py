"""The one place that builds everything from the settings, for the service, the worker and the command line.

Nothing is opened when this is imported, and each technology is imported only when it is opened: the
service's own process needs neither Polars nor the poll store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storewatch.config import Settings
    from storewatch.ports import JobBoard, PollStore, ReportShelf


def open_polls(settings: Settings) -> PollStore:
    """Open the poll store."""
    from storewatch.adapters import polls  # noqa: PLC0415  see above

    return polls.open_polls(settings.polls_url)


def open_board(settings: Settings) -> JobBoard:
    """Open the job board."""
    from storewatch.adapters import jobs  # noqa: PLC0415  see above

    return jobs.open_jobs(settings.jobs_url)


def open_shelf(settings: Settings) -> ReportShelf:
    """Open the report shelf."""
    from storewatch.adapters import shelf  # noqa: PLC0415  see above

    return shelf.open_shelf(
        settings.reports_url,
        public_endpoint=settings.reports_public_endpoint,
        ambient=settings.reports_ambient_credentials,
    )
