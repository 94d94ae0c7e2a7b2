"""A third statement of the rules, in SQL, against the kernel on fleets as large as it works on in blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from benchmarks.baselines import duckdb_rules

import storewatch
from storewatch import sample
from storewatch.domain.counted import BLOCK
from storewatch.domain.instant import DAY, HOUR, WINDOWS
from storewatch.domain.zone import offset_spans
from strategies import instant

if TYPE_CHECKING:
    from pathlib import Path

STORES = 2_000
KINDS = {"up": "uptime", "down": "downtime", "unknown": "unknown"}
ODD = ("America/St_Johns", "America/Havana", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham")


@pytest.mark.filterwarnings("ignore::storewatch.errors.StorewatchWarning")  # odd zones, stores without hours
@pytest.mark.parametrize(
    ("as_of", "carry", "seed"),
    [("2023-03-15 18:13:22", 7 * DAY, 1), ("2023-11-08 06:00", 12 * HOUR + 2_057, 2)],
    ids=["clocks go forward", "clocks go back"],
)
def test_kernel_and_sql_agree_on_every_figure_of_a_fleet(
    as_of: str, carry: int, seed: int, tmp_path: Path
) -> None:
    end = instant(as_of)
    polls, hours, zones = sample.fleet(stores=STORES, days=16, seed=seed, end=end)
    coins = np.random.default_rng(seed).integers(2, size=len(polls))  # so that no poll can be lost unseen
    polls = polls.with_columns(status=pl.Series(np.array(["active", "inactive"])[coins]))
    odd = pl.Series(np.arange(len(zones)) % 10 == 0)
    named = pl.Series(np.resize(ODD, len(zones)))
    zones = zones.with_columns(timezone_str=pl.when(odd).then(named).otherwise("timezone_str"))
    for frame, name in ((polls, "store_status"), (hours, "menu_hours"), (zones, "timezones")):
        frame.write_csv(tmp_path / f"{name}.csv")
    con = duckdb_rules.connect(2)
    duckdb_rules.load(con, tmp_path)
    assert duckdb_rules.newest(con) == end
    duckdb_rules.run(con, end, carry)
    by_sql = con.sql("from result join names using (store) order by store_id").fetchnumpy()

    found = storewatch.report(polls, hours, zones, carry=f"{carry}s").rows

    assert len(polls) > 4 * BLOCK
    assert len(offset_spans("America/Chicago", end - WINDOWS["week"], end)) == 2  # the clock change
    assert found["store_id"].to_list() == by_sql["store_id"].tolist()
    assert len(found) >= STORES
    for window in WINDOWS:
        for short, kind in KINDS.items():
            mine = found[f"{kind}_seconds_last_{window}"].to_numpy()
            assert mine.tolist() == by_sql[f"{short}_{window}"].tolist(), f"{kind} of the last {window}"
            assert window == "hour" or mine.any()
