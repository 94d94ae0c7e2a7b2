"""What all tests start from: no settings of the machine, a zone that is not UTC, sizes for Hypothesis."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from engines import Engine

pytest_plugins = ["servers", "boards"]

for name in list(os.environ):
    if name.startswith("STOREWATCH_") and not name.startswith("STOREWATCH_TEST_"):
        del os.environ[name]
os.environ.setdefault("TZ", "Australia/Adelaide")  # a server in UTC hides naive clocks (TRAPS 4)
time.tzset()

for part in ("connect", "read", "write", "pool"):  # 5 s would be a verdict on the machine
    setattr(DEFAULT_TIMEOUT_CONFIG, part, 60.0)

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]  # shared runners are
settings.register_profile("default", max_examples=15, deadline=None, suppress_health_check=_SLOW)
settings.register_profile("ci", max_examples=400, deadline=None, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


_LONG = ("test_topology.py", "property")  # files, folders; the first takes longest, and mostly waits


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that would otherwise be the last to end; files run side by side."""
    items.sort(key=lambda item: [long not in item.path.parts for long in _LONG])


@pytest.fixture(params=["reference", "kernel"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each implementation of the rules in turn."""
    from engines import ENGINES  # noqa: PLC0415 - the engines are slow to import, and most tests need none

    return ENGINES[request.param]
