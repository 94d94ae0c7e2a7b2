"""A load that is killed leaves the poll store as it was, or has finished."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from sources import scan
from storewatch.adapters.polls.delta import DeltaPollStore
from storewatch.adapters.polls.delta_table import open_version
from storewatch.ports.polls import Load
from strategies import facts_of, micros

if TYPE_CHECKING:
    from pathlib import Path

POLLS = 12_000  # of each load
STORES = 300
KILLS = 10

# Load k adds POLLS polls over eight days, sets the opening of all stores to k, and names store `own<k>`.
_LOADER = """
import sys
from pathlib import Path
import numpy as np
import polars as pl
from storewatch.adapters.polls.delta import DeltaPollStore
from storewatch.domain.facts import Facts
from storewatch.domain.kinds import HOURS, POLLS, ZONES
from storewatch.ports.polls import Load

polls, stores = int(sys.argv[2]), int(sys.argv[3])
store = DeltaPollStore(Path(sys.argv[1]))
with store.at() as snapshot:
    done = len(snapshot.scan(since=None, until=0).zones)
print("ready", flush=True)
ids = pl.Series([f"s{i}" for i in range(stores)])
for k in range(done, done + 1000):
    at = 1_674_000_000_000_000 + np.arange(polls) * (8 * 86_400_000_000 // polls) + k
    frame = pl.DataFrame({"store_id": ids.gather(np.arange(polls) % stores), "at": at, "active": True})
    facts = Facts(
        polls=frame.cast(pl.Schema(POLLS.schema)),
        others={
            "hours": HOURS.frame((name, 0, k, 80_000) for name in ids),
            "zones": ZONES.frame([(f"own{k}", "UTC")]),
        },
    )
    store.load(Load(name=str(k), facts=facts))
    print("loaded", flush=True)
"""


def whole_loads(store: DeltaPollStore) -> int:
    """Return how many loads the store holds, having checked that it holds nothing but all of each."""
    facts = scan(store, since=None, until=micros("2200-01-01 00:00"))
    loads = len(facts.zones)
    assert set(facts.zones["store_id"]) == {f"own{k}" for k in range(loads)}
    assert len(facts.polls) == loads * POLLS
    assert facts.hours.select("store_id", "start").rows() == (
        sorted((f"s{i}", loads - 1) for i in range(STORES)) if loads else []
    )
    return loads


def kill_while_loading(root: Path, after: float, *, loads: int = 0) -> None:
    """Start a process that loads again and again, and kill it some seconds after it has done some loads."""
    command = [sys.executable, "-c", _LOADER, str(root), str(POLLS), str(STORES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(1 + loads)] == ["ready\n", *["loaded\n"] * loads]
        with pytest.raises(subprocess.TimeoutExpired):  # it goes on for much longer
            process.wait(timeout=after)
        os.killpg(process.pid, signal.SIGKILL)


def files_of_all_versions(root: Path, newest: int) -> set[str]:
    return {file.path for version in range(newest + 1) for file in open_version(root, version).files}


def test_a_load_killed_at_any_moment_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    moments = random.Random(0)  # noqa: S311 - any moments will do, the same ones each time
    store, loads = DeltaPollStore(tmp_path), 0
    for kill in range(KILLS):
        if kill < KILLS // 3:  # these hit the making of the table
            kill_while_loading(tmp_path, moments.uniform(0, 0.05))
        else:
            kill_while_loading(tmp_path, moments.uniform(0, 0.3), loads=1)
        before, loads = loads, whole_loads(store)
        assert loads >= before
    assert loads > 0


def test_the_load_after_a_killed_one_works_and_removes_what_it_left(tmp_path: Path) -> None:
    kill_while_loading(tmp_path, 0.3)
    store = DeltaPollStore(tmp_path)
    loads = whole_loads(store)
    (tmp_path / f"polls-2023-01-18-{loads:010}-0123456789ab.parquet").write_bytes(b"half a file")
    store.load(Load(name="next", facts=facts_of([("s0", 1, True)])))
    facts = scan(store, since=None, until=1)
    assert facts.polls.cast({"store_id": pl.String})["store_id"].to_list() == ["s0"]
    newest = int(re.sub(r"\D", "", store.version()))
    assert {path.name for path in tmp_path.glob("*.parquet")} == files_of_all_versions(tmp_path, newest)
    assert not [path.name for path in (tmp_path / "_delta_log").iterdir() if path.suffix == ".tmp"]
