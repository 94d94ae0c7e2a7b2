"""Poll stores that the first version left behind, made by its own code: `tests/earlier/loads`.

Each holds the same three loads: as a folder, and as a dump of the database.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from sources import newest_of, polls_of, scan, stores_of
from storewatch.adapters.polls import open_polls
from storewatch.adapters.polls.postgres_schema import applied, migrations, upgrade
from storewatch.ports.polls import Load
from strategies import facts_of, micros, of_day

if TYPE_CHECKING:
    from storewatch.ports.polls import PollStore
    from strategies import Row

EARLIER = Path(__file__).parents[1] / "earlier" / "loads"
NOON, NEWEST = micros("2023-01-18 12:00"), micros("2023-01-25 18:12")
OLDEST = ('x,"é"', micros("2023-01-02 00:00"), True)
FIRST_POLLS = [("a", NOON + 1, True), ("b", NOON, False), OLDEST]
POLLS = [("a", NOON + 1, False), ("b", NOON, False), ("c", NEWEST, True), OLDEST]
NIGHT: Row = ("b", 6, of_day("22:00"), of_day("02:00"))
FIRST_HOURS = [*(("a", day, of_day("09:00"), of_day("17:00")) for day in (0, 1)), NIGHT]
HOURS: list[Row] = [("a", 2, 0, 86_400), NIGHT]
LAST_HOURS: list[Row] = [*HOURS, ("c", 3, of_day("10:00"), of_day("23:59"))]
KATHMANDU = ("only a zone", "Asia/Kathmandu")
TOKYO, DENVER = [("a", "Asia/Tokyo"), KATHMANDU], [("a", "America/Denver"), KATHMANDU]
VERSIONS = [(FIRST_POLLS, FIRST_HOURS, TOKYO), (POLLS, HOURS, DENVER), (POLLS, LAST_HOURS, DENVER)]


@pytest.fixture(params=["delta", "postgresql"])
def polls(request: pytest.FixtureRequest, tmp_path: Path) -> PollStore:
    """A store of the first version, of PostgreSQL after `storewatch db upgrade`."""
    if request.param == "delta":
        shutil.copytree(EARLIER / "delta", tmp_path / "polls")
        return open_polls(f"delta://{tmp_path}/polls")
    url: str = request.getfixturevalue("postgres_url")
    with psycopg.connect(url) as connection:
        connection.execute((EARLIER / "postgresql.sql").read_bytes())
    done, _ = applied(url)
    assert upgrade(url) == [name for name, _ in migrations()[done:]]
    return open_polls(url)


def state(polls: PollStore, version: str | None = None) -> tuple[object, object, object]:
    facts = scan(polls, version, since=None, until=NEWEST)
    return polls_of(facts), sorted(facts.hours.rows()), sorted(facts.zones.rows())


def test_every_version_of_an_earlier_store_reads_as_it_was(polls: PollStore) -> None:
    kind, _, last = polls.version().partition(":")
    for number, (polled, hours, zones) in enumerate(VERSIONS, start=int(last) - 2):
        assert state(polls, f"{kind}:{number}") == (polled, sorted(hours), zones)
    assert newest_of(polls) == NEWEST
    assert stores_of(polls) == ["a", "b", "c", "only a zone", 'x,"é"']


def test_an_earlier_store_takes_loads(polls: PollStore) -> None:
    before = polls.version()
    polls.load(Load(name="the same", facts=facts_of(POLLS, LAST_HOURS, dict(DENVER))))
    assert polls.version() == before
    polls.load(Load(name="more", facts=facts_of([("b", NOON + 2, True)], [("a", 0, 1, 2)], {"b": "UTC"})))
    hours = [("a", 0, 1, 2), *LAST_HOURS[1:]]
    assert state(polls) == (
        sorted([*POLLS, ("b", NOON + 2, True)]),
        hours,
        [DENVER[0], ("b", "UTC"), KATHMANDU],
    )
    assert state(polls, before) == (POLLS, LAST_HOURS, DENVER)
