"""Where the slices of a report are computed, opened by URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storewatch.adapters.location import scheme_of
from storewatch.errors import SettingsError

if TYPE_CHECKING:
    from storewatch.config import Settings
    from storewatch.engines.part import Engine


def open_engine(settings: Settings) -> Engine:
    """Return what computes slices; nothing is started before a report needs it.

    - `local:`: the cores of this machine.
    - `ray:auto`: the Ray cluster that this machine is a node of.
    - `ray:local?workers=2`: a Ray cluster on this machine, for one report; to try it out.

    Raises:
        SettingsError: It is another one, or what it needs is not installed.
    """
    url = settings.engine_url
    if scheme_of(url) == "ray":
        from storewatch.engines.ray import ray_engine  # noqa: PLC0415  only what is in use

        return ray_engine(settings)
    if url != "local:":
        from storewatch.config import ENGINES  # noqa: PLC0415  slow to import, and a folder's report needs none

        raise SettingsError(f"there is no engine {url!r}: write {ENGINES}")
    from storewatch.engines.local import LocalEngine  # noqa: PLC0415  the same

    return LocalEngine()
