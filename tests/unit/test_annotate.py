"""Annotations from the command line: each is a load, kept with who and when, and nothing is edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from engines import polled
from storewatch.adapters.polls import open_polls
from storewatch.answering.annotate import all_annotations
from storewatch.answering.explain import explain_store
from storewatch.domain.ask import Ask
from storewatch.entrypoints.cli import commands
from storewatch.ports.polls import Load
from strategies import HOUR, facts_of, instant

if TYPE_CHECKING:
    from pathlib import Path

    from storewatch.ports.polls import PollStore

SAID = (
    "--from",
    "2023-01-25T02:00:00Z",
    "--to",
    "2023-01-25T04:00:00Z",
    "--as",
    "excluded",
    "--reason",
    "moving",
)
LABELS = [("a", "brand", "x=1"), ("b", "brand", "y")]


@pytest.fixture
def polls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PollStore:
    """A poll store in the home folder, with two stores in it."""
    monkeypatch.setenv("STOREWATCH_HOME", str(tmp_path))
    found = open_polls(f"delta://{tmp_path}/polls")
    seen = polled(("2023-01-25 01:30", True), ("2023-01-25 05:30", True))
    found.load(Load(name="l", facts=facts_of(seen, zones={"a": "UTC", "b": "UTC"}, labels=LABELS)))
    return found


def run(*arguments: str, code: int = 0) -> str:
    done = CliRunner().invoke(commands, arguments)
    assert done.exit_code == code, done.output
    return done.output


def excluded(polls: PollStore) -> list[int]:
    """The excluded seconds of both stores."""
    ask = Ask(as_of=instant("2023-01-25 06:00"), windows=("day",))
    return [explain_store(polls, name, ask).figures["excluded"] for name in ("a", "b")]


@pytest.mark.parametrize(
    ("about", "seconds"),
    [
        (["--store", "a"], [2 * HOUR, 0]),
        (["--label", "brand=x=1"], [2 * HOUR, 0]),
        (["--label", "Brand=y"], [0, 2 * HOUR]),
        (["--all"], [2 * HOUR, 2 * HOUR]),
    ],
)
def test_it_is_about_whom_it_says_until_it_is_withdrawn(
    polls: PollStore, about: list[str], seconds: list[int]
) -> None:
    name = run("annotate", *about, *SAID, "--author", "ann").strip()
    assert excluded(polls) == seconds
    assert f"annotation {name} by ann: moving" in run("annotations", "list")
    run("annotations", "withdraw", name)
    assert excluded(polls) == [0, 0]
    assert "; withdrawn 20" in run("annotations", "list")


def test_without_an_author_it_is_who_runs_the_command(
    polls: PollStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "operator")
    run("annotate", "--all", *SAID)
    assert all_annotations(polls)["author"].to_list() == ["operator"]


def test_a_store_that_nothing_names_is_said(polls: PollStore) -> None:
    assert "no input names the store ghost" in run("annotate", "--store", "ghost", *SAID)
    assert all_annotations(polls)["store_id"].to_list() == ["ghost"]


def test_an_id_is_taken_once(polls: PollStore) -> None:
    assert run("annotate", "--all", *SAID, "--id", "n") == "n\n"
    again = CliRunner().invoke(commands, ["annotate", "--store", "a", *SAID, "--id", "n"])
    assert "there is an annotation n already" in str(again.exception)
    assert all_annotations(polls)["label"].to_list() == ["*"]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ([], "whom is it about"),
        (["--store", "a", "--all"], "whom is it about"),
        (["--all", "--from", "2023-01-25 02:00"], "has no time zone"),
        (["--all", "--as", "closed"], "closed"),
        (["--label", "brand"], "like brand=x"),
    ],
)
def test_wrong_usage_is_said(polls: PollStore, wrong: list[str], text: str) -> None:
    assert text in run("annotate", *SAID, *wrong, code=2)
    assert all_annotations(polls).is_empty()


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        (["--label", "=x"], "give a store_id, or a label and its value"),
        (["--store", ""], "give a store_id, or a label and its value"),
        (["--to", "2023-01-25T02:00:00Z"], "an end is after its start"),
    ],
)
def test_what_is_no_annotation_is_refused_with_what_to_do(
    polls: PollStore, wrong: list[str], advice: str
) -> None:
    about = [] if wrong[0] in ("--label", "--store") else ["--all"]
    done = CliRunner().invoke(commands, ["annotate", *about, *SAID, *wrong])
    assert "this is no annotation: " in str(done.exception)
    assert advice in str(done.exception)
    assert all_annotations(polls).is_empty()


def test_one_that_nobody_made_cannot_be_withdrawn(polls: PollStore) -> None:
    assert polls
    done = CliRunner().invoke(commands, ["annotations", "withdraw", "nobody"])
    assert "there is no annotation nobody" in str(done.exception)
