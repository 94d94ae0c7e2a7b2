"""The one place that builds everything from the settings, for the service, the worker and the command line.

Nothing is opened when this is imported, and each technology is imported only when it is opened: the
service's own process needs neither Polars nor the poll store.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from storewatch.config import make_home
from storewatch.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from storewatch.config import Settings
    from storewatch.ports.jobs import JobBoard
    from storewatch.ports.polls import PollStore
    from storewatch.ports.shelf import ReportShelf


def open_polls(settings: Settings, *, is_over: Callable[[], bool] = lambda: False) -> PollStore:
    """Open the poll store; what it waits for may be given up when `is_over`."""
    from storewatch.adapters import polls  # noqa: PLC0415  see above
    from storewatch.ports.polls import Waiting  # noqa: PLC0415  see above

    waiting = Waiting(seconds=settings.statement_seconds, is_over=is_over)

    address = _address(settings, settings.polls_url)
    if settings.polls_query is None:
        return polls.open_polls(address, waiting=waiting)
    queries = {
        name.removesuffix("_query"): query for name, query in settings if name.endswith("_query") and query
    }
    return polls.open_polls(address, queries, waiting, beside=settings.annotations_beside)


def open_board(settings: Settings) -> JobBoard:
    """Open the job board."""
    from storewatch.adapters import jobs  # noqa: PLC0415  see above

    return jobs.open_jobs(_address(settings, settings.jobs_url))


def is_board_embedded(settings: Settings) -> bool:
    """Say whether the job board answers at once, from a file of this machine."""
    from storewatch.adapters.location import scheme_of  # noqa: PLC0415  see above

    return scheme_of(settings.jobs_url.get_secret_value()) == "sqlite"


def open_shelf(settings: Settings) -> ReportShelf:
    """Open the report shelf."""
    from storewatch.adapters import shelf  # noqa: PLC0415  see above

    return shelf.open_shelf(
        _address(settings, settings.reports_url),
        public_endpoint=settings.reports_public_endpoint,
        ambient=settings.reports_ambient_credentials,
    )


def _address(settings: Settings, url: SecretStr) -> str:
    """Return where something is kept, having made the home folder if that is there."""
    address = url.get_secret_value()
    if unquote(address.partition(":")[2]).startswith(f"{settings.home}/"):
        make_home(settings)
    return address


def upgrade_polls(settings: Settings) -> list[str]:
    """Bring the poll store's schema up to date and return the names of what was applied.

    Raises:
        SettingsError: The poll store has no schema of ours.
    """
    if settings.polls_query is not None and not settings.annotations_beside:
        from storewatch.adapters.polls.postgres_tables import refuse  # noqa: PLC0415  see above

        refuse("db upgrade")
    if not _has_schema(settings):
        raise SettingsError(
            "db upgrade is for a poll store in PostgreSQL: a folder has no schema, nothing is to be done"
        )
    from storewatch.adapters.polls.postgres_schema import upgrade  # noqa: PLC0415  see above

    return upgrade(settings.polls_url.get_secret_value())


def migrations(settings: Settings) -> tuple[int, int] | None:
    """Return how many migrations the poll store has and should have; None if it has no schema of ours."""
    if not _has_schema(settings):
        return None
    from storewatch.adapters.polls.postgres_schema import applied  # noqa: PLC0415  see above

    return applied(settings.polls_url.get_secret_value())


def _has_schema(settings: Settings) -> bool:
    from storewatch.adapters.location import scheme_of  # noqa: PLC0415  see above

    scheme = scheme_of(settings.polls_url.get_secret_value())
    is_ours = settings.polls_query is None or settings.annotations_beside
    return is_ours and scheme in {"postgresql", "postgres"}
