"""Which engine a URL names, and what is said of those that there are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service import AS_OF, small_facts
from storewatch import __version__
from storewatch.bootstrap import open_polls, open_shelf
from storewatch.config import load_settings
from storewatch.domain.ask import Ask
from storewatch.domain.slices import Slice
from storewatch.engines import open_engine, ray
from storewatch.engines.local import LocalEngine
from storewatch.engines.part import make_part
from storewatch.engines.ray import RayEngine
from storewatch.engines.ray_task import Shelved, SliceTask, compute, plain
from storewatch.errors import EngineError, SettingsError
from storewatch.ports.polls import Load

if TYPE_CHECKING:
    from pathlib import Path

    from storewatch.engines.part import Engine


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have Ray installed, as far as is looked at here."""
    monkeypatch.setattr(ray, "find_spec", lambda _name: object())
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def opened(url: str) -> Engine:
    return open_engine(load_settings(engine_url=url))


def test_slices_are_computed_on_this_machine_unless_said_otherwise() -> None:
    assert open_engine(load_settings()) == opened("local:") == LocalEngine()


@pytest.mark.parametrize(("url", "workers"), [("ray:auto", None), ("ray:local?workers=12", 12)])
def test_a_cluster_is_joined_or_started(url: str, workers: int | None) -> None:
    engine = opened(url)
    assert isinstance(engine, RayEngine)
    assert engine.workers == workers


@pytest.mark.parametrize("url", ["dask:auto", "local", "local:4", "", "ray"])
def test_an_unknown_engine_is_refused_with_those_that_there_are(url: str) -> None:
    with pytest.raises(SettingsError, match="write local:, ray:auto or ray:local\\?workers=2"):
        opened(url)


@pytest.mark.parametrize(
    "url", ["ray:", "ray:local", "ray:local?workers=0", "ray:local?cores=2", "ray:auto?x=1"]
)
def test_another_form_of_ray_is_refused_with_those_that_there_are(url: str) -> None:
    with pytest.raises(SettingsError, match="write ray:auto or ray:local\\?workers=2"):
        opened(url)


def test_ray_client_is_refused_with_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"advises against.*--num-cpus=0.*ray:auto"):
        opened("ray://head:10001")
    monkeypatch.setenv("RAY_ADDRESS", "ray://head:10001")
    with pytest.raises(SettingsError, match="Ray Client"):
        opened("ray:auto")


def test_without_ray_it_is_said_how_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match=r"pip install 'storewatch\[ray\]'"):
        opened("ray:auto")


@pytest.mark.parametrize("within", [None, ["b", "a"], Slice(first="a", after="b"), Slice(after="é")])
def test_what_to_compute_is_told_in_plain_values(within: Slice | list[str] | None) -> None:
    told = plain(within)
    assert (Slice(**told) if isinstance(told, dict) else told) == within


def test_a_task_of_another_version_is_refused_whatever_else_it_says() -> None:
    outcome = compute({"software": "0.0.1", "what": "nobody knows"})  # type: ignore[typeddict-item]
    assert isinstance(outcome, dict)
    assert "0.0.1" in outcome["told"]


def test_a_node_that_has_not_the_poll_store_makes_no_part(tmp_path: Path) -> None:
    """An empty folder is a poll store without stores: its part would be missing in silence."""
    task = SliceTask(
        software=__version__,
        settings=ray._anywhere(load_settings(home=tmp_path / "nowhere")),
        version="delta:0",
        ask=Ask(as_of=1_674_670_320).values(),
        within=None,
        folder="report/1/parts",
    )
    outcome = compute(task)
    assert isinstance(outcome, dict)
    assert "has it the same poll store" in outcome["told"]
    assert str(tmp_path) not in outcome["told"]


def test_a_part_comes_back_from_the_shelf_as_it_was_made(tmp_path: Path) -> None:
    settings, ask = load_settings(home=tmp_path), Ask(as_of=AS_OF, by="brand")
    polls = open_polls(settings)
    polls.load(Load(name="a", facts=small_facts()))
    with polls.at() as snapshot:
        made = make_part(snapshot, ask, None)
        outcome = compute(
            SliceTask(
                software=__version__,
                settings=ray._anywhere(settings),
                version=snapshot.shared,
                ask=ask.values(),
                within=None,
                folder="report/1/parts",
            )
        )
    assert isinstance(outcome, Shelved)
    part = outcome.load(open_shelf(settings))
    assert part.rows.equals(made.rows)
    assert part.groups is not None
    assert made.groups is not None
    assert part.groups.equals(made.groups)


def test_folders_are_named_by_their_whole_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Ray worker has a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    told = ray._anywhere(load_settings(home="a home", polls_url="postgresql://host/name"))
    assert told["STOREWATCH_REPORTS_URL"] == f"file:{tmp_path}/a%20home/reports"
    assert told["STOREWATCH_POLLS_URL"] == "postgresql://host/name"


def test_a_head_that_nobody_hears_at_is_found_out_at_once() -> None:
    with pytest.raises(EngineError, match=r"no Ray head at 127\.0\.0\.1:1: "):
        ray._dial("127.0.0.1:1")
    ray._dial("auto")
    ray._dial("")
