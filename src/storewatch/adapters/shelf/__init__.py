"""Report shelves, opened by URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewatch.adapters.location import local_path, scheme_of, unknown_scheme
from storewatch.errors import SettingsError

if TYPE_CHECKING:
    from storewatch.ports.shelf import ReportShelf

_SCHEMES = ("file", "s3", "gs", "az")


def open_shelf(url: str, *, public_endpoint: str | None = None, ambient: bool = False) -> ReportShelf:
    """Open the report shelf at `url`; a folder is made if it is not there, a bucket is not.

    - `file:///abs/path` or `file:relative/path`: a folder.
    - `s3://bucket/prefix`: S3 or a server that speaks it. `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
      `AWS_SESSION_TOKEN`, `AWS_REGION` and `AWS_ENDPOINT_URL` of the environment are used.
    - `gs://bucket/prefix`, `az://container/prefix`: the same, untested.

    A cloud is not asked for anything yet: one that does not answer is an UnavailableError at the first use.

    Args:
        url: Where the shelf is.
        public_endpoint: Where clients reach the S3 server, if not at AWS_ENDPOINT_URL.
        ambient: Let the cloud's metadata service be asked for credentials if none are given.

    Raises:
        SettingsError: Another scheme, no credentials, or an endpoint that cannot be used.
        UnavailableError: The folder cannot be opened.
    """
    scheme = scheme_of(url)
    if scheme not in _SCHEMES:
        raise unknown_scheme("report shelf", url, _SCHEMES)
    if public_endpoint and scheme != "s3":
        raise SettingsError(f"a public endpoint is for s3:// alone: {scheme}: has none")
    # Only the driver in use is imported.
    if scheme == "file":
        from storewatch.adapters.shelf.objects import open_folder  # noqa: PLC0415

        return open_folder(local_path(url))
    from storewatch.adapters.shelf.cloud import open_cloud, open_s3  # noqa: PLC0415

    if scheme == "s3":
        return open_s3(url, public_endpoint=public_endpoint, ambient=ambient)
    return open_cloud(url, ambient=ambient)
