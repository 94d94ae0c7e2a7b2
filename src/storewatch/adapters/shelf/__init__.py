"""Report shelves, opened by URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewatch.adapters.location import local_path, scheme_of, unknown_scheme

if TYPE_CHECKING:
    from storewatch.ports import ReportShelf


def open_shelf(url: str) -> ReportShelf:
    """Open the report shelf at `url`, making it if it is not there.

    - `file:///abs/path` or `file:relative/path`: a folder.

    Raises SettingsError for another scheme, UnavailableError if the shelf cannot be opened.
    """
    if scheme_of(url) == "file":
        from storewatch.adapters.shelf.objects import open_folder  # noqa: PLC0415 - only the driver in use

        return open_folder(local_path(url))
    raise unknown_scheme("report shelf", url, ["file"])
