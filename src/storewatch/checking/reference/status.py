"""The status of each hour by its polls, or from poll to poll (R4, R5, R15)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from storewatch.checking.reference.opening import WEEK
from storewatch.checking.reference.times import HOUR, instants, lasting, seconds

_STATUS = {True: "up", False: "down"}


def resample(counted: pd.DataFrame, until: pd.Timestamp, length: int = WEEK) -> pd.DataFrame:
    """Count the polls of each UTC hour that so many seconds up to the as-of touch, whole hours (R4).

    Returns:
        hour, polls, active (counts), latest (1 if the hour's latest poll is active, else 0).
    """
    begin = (until - pd.Timedelta(seconds=length)).floor("h")
    hours = instants(np.arange(seconds(begin), seconds(until), 3_600)).rename("hour")
    active = counted["active"].astype("int64").groupby(counted["at"].dt.floor("h"))
    counts = pd.DataFrame({"polls": active.size(), "active": active.sum(), "latest": active.last()})
    return counts.reindex(hours, fill_value=0).reset_index()


def majority(hourly: pd.DataFrame) -> pd.DataFrame:
    """Give each hour that has polls the status of most of them, on a tie of the latest (R4).

    Returns:
        The frame with status: up, down, or null where the hour has no polls.
    """
    up, down = hourly["active"], hourly["polls"] - hourly["active"]
    is_up = (up > down) | ((up == down) & (hourly["latest"] == 1))
    return hourly.assign(status=is_up.map(_STATUS).where(hourly["polls"] > 0))


def carry_forward(hourly: pd.DataFrame, counted: pd.DataFrame, carry: int | None) -> pd.DataFrame:
    """Give each hour without polls the status of the latest poll before it, if that is not too old (R5).

    Returns:
        The frame with status up, down or unknown in every hour, its bounds since and until, and the carried
        poll: at, before_active.
    """
    before = counted.rename(columns={"active": "before_active"})
    hourly = pd.merge_asof(hourly, before, left_on="hour", right_on="at", allow_exact_matches=False)
    known = hourly["at"].notna()
    if carry is not None:
        known &= hourly["at"] >= hourly["hour"] - lasting(carry)
    carried = hourly["before_active"].map(_STATUS).where(known, "unknown")
    return hourly.assign(
        status=hourly["status"].fillna(carried), since=hourly["hour"], until=hourly["hour"] + HOUR
    )


def observe(
    counted: pd.DataFrame, until: pd.Timestamp, carry: int | None, length: int = WEEK
) -> pd.DataFrame:
    """Let each poll's status hold from its second to the next poll, if that is not too far off (R15).

    Of two polls in one second the earlier one holds for no time at all.

    Returns:
        since, until, status (up, down or unknown) over so many seconds up to the as-of.
    """
    begin = until - pd.Timedelta(seconds=length)
    since = counted["at"].dt.floor("s")
    following = since.shift(-1).fillna(until)
    held = following if carry is None else following.clip(upper=since + lasting(carry))
    first = until if counted.empty else since.iloc[0]
    spans = pd.concat(
        [
            pd.DataFrame({"since": [begin], "until": [first], "status": "unknown"}),
            pd.DataFrame({"since": since, "until": held, "status": counted["active"].map(_STATUS)}),
            pd.DataFrame({"since": held, "until": following, "status": "unknown"}),
        ],
        ignore_index=True,
    )
    return spans[(spans["since"] < spans["until"]) & (spans["until"] > begin)]
