"""Instants and lengths of time as pandas holds them: `datetime64[us, UTC]`, `timedelta`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import numpy as np

DAY = 86_400  # seconds
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = pd.Timedelta(seconds=1)
HOUR = pd.Timedelta(hours=1)


def seconds(at: pd.Timestamp) -> int:
    """Return the whole seconds since 1970 UTC."""
    return int((at - pd.Timestamp(EPOCH)) // SECOND)


def instants(since_1970: np.ndarray[tuple[int], np.dtype[np.int64]]) -> pd.DatetimeIndex:
    """Return instants given in whole seconds since 1970 UTC."""
    return pd.DatetimeIndex(since_1970.astype("datetime64[s]").astype("datetime64[us]"), tz="UTC")


def lasting(length: int) -> pd.Timedelta:
    """Return a length in seconds as pandas can hold it: 100,000 days reach from 2200 to before 1970."""
    return pd.Timedelta(days=min(length // DAY, 100_000), seconds=length % DAY)
