"""The command line as people meet it: on a terminal of 80 columns, with slips of the hand, cut short."""

from __future__ import annotations

import os
import pty
import re
import socket
import subprocess
import sys
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

import click
import pytest

from storewatch.domain.instant import WINDOWS
from storewatch.entrypoints.cli import commands
from storewatch.entrypoints.cli.show import folded

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "storewatch.entrypoints.cli"]
IDS = ["store-" + "9" * 60, *(str(uuid.UUID(int=n << 96)) for n in range(12))]


@pytest.fixture(name="data", scope="module")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with long ids, stores that are down, and rows that cannot be used."""
    folder = tmp_path_factory.mktemp("a folder with quite a long name")
    polls = [
        f"{store},{'active' if hour % (number + 2) else 'inactive'},"
        f"2023-01-{25 - hour // 24:02} {hour % 24:02}:05:00 UTC"
        for number, store in enumerate(IDS)
        for hour in range(0, 8 * 24, 3)
    ]
    hours = [f"{IDS[0]},{day},05:00,23:59" for day in range(7)]
    files = {
        "store_status.csv": ["store_id,status,timestamp_utc", *polls, "x,gone,never"],
        "menu_hours.csv": ["store_id,day,start_time_local,end_time_local", *hours, f"{IDS[1]},9,05:00,06:00"],
    }
    for name, lines in files.items():
        (folder / name).write_text("\n".join([*lines, ""]))
    return folder


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "STOREWATCH_HOME": str(home), "TERM": "xterm", "COLUMNS": "80"}


def on_terminal(*arguments: object, home: Path) -> list[str]:
    """Run a command on a terminal of 80 columns; return its lines, of stdout and stderr."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(home)
    )
    os.close(theirs)
    told = b""
    with suppress(OSError):  # the terminal is closed by who wrote to it
        while piece := os.read(ours, 65_536):
            told += piece
    os.close(ours)
    process.wait(timeout=120)
    return told.decode().replace("\r", "").splitlines()


def run(*arguments: object, home: Path, code: int) -> str:
    """Run a command; return its stderr."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def too_wide(lines: list[str]) -> list[str]:
    """Return the lines that a terminal would wrap, though they have more than one word."""
    return [line for line in lines if len(line) > 80 and len(line.split()) > 1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["report"],
        ["explain", IDS[0]],
        ["explain", IDS[-1], "--policy", "last-observation"],
        ["status"],
        ["explain", "--help"],
    ],
    ids=" ".join,
)
def test_nothing_is_wider_than_80_columns(arguments: list[str], data: Path, tmp_path: Path) -> None:
    given = ["--data", data] if arguments[0] in {"report", "explain"} else []
    lines = on_terminal(*arguments, *given, home=tmp_path / "home")

    assert len(lines) > 3
    assert too_wide(lines) == []


def test_load_and_verify_are_no_wider_than_80_columns(data: Path, tmp_path: Path) -> None:
    lines = [
        *on_terminal("load", data, home=tmp_path),
        *on_terminal("load", data, home=tmp_path),
        *on_terminal("verify", data, "--jobs", 1, home=tmp_path),
    ]

    assert any("loaded" in line for line in lines)
    assert any("kernel and reference agree" in line for line in lines)
    assert too_wide(lines) == []


def test_ids_are_whole_in_the_summary_however_long(data: Path, tmp_path: Path) -> None:
    lines = on_terminal("report", "--data", data, home=tmp_path)

    assert IDS[0] in lines
    assert any(line.startswith(IDS[1] + " ") for line in lines)
    assert [line.split()[1] for line in lines if line.startswith("last ")] == list(WINDOWS)


@pytest.mark.parametrize("width", [30, 80])
def test_a_long_line_is_parted_at_spaces_and_nothing_is_lost(width: int) -> None:
    line = "  12,345  some stores have " + "a-word-that-is-rather-long " * 9 + "end"
    parts = folded(line, width)

    assert " ".join(parts).split() == line.split()
    assert all(len(part) <= width or len(part.split()) == 1 for part in parts)
    assert all(part.startswith("    ") for part in parts[1:])


def test_no_sentence_of_the_help_is_cut() -> None:
    groups = [("", commands), *((n, c) for n, c in commands.commands.items() if isinstance(c, click.Group))]
    for name, group in groups:
        with click.Context(group, info_name=name, terminal_width=80) as context:
            assert "..." not in group.get_help(context).partition("Commands:")[2]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (["report", "{data}"], "`--data {data}`"),
        (["explain", "a", "{data}"], "`--data {data}`"),
        (["verify", "--data", "{data}"], "verify DIR`"),
        (["load", "--data", "{data}"], "load PATH…`"),
        (["sample", "--out", "made"], "sample DIR`"),
        (["explain", "--store", "a"], "explain STORE`"),
        (["{data}"], "`storewatch report --data {data}`"),
        (["repotr"], "Did you mean 'report'?"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_the_wrong_form_is_answered_with_the_right_one(
    wrong: list[str], right: str, data: Path, tmp_path: Path
) -> None:
    err = run(*(word.format(data=data) for word in wrong), home=tmp_path, code=2)

    assert right.format(data=data) in err


def test_what_would_steer_the_terminal_is_escaped(data: Path, tmp_path: Path) -> None:
    err = run("explain", "--data", data, "\x1b[31mred\u202e", home=tmp_path, code=1)

    assert r"\x1b[31mred\u202e" in err


@pytest.mark.parametrize("name", ["report", "sample", "load", "verify", "gc"])
def test_an_interrupted_command_says_what_it_left(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands.commands[name], "callback", interrupt)
    monkeypatch.setattr(commands.commands[name], "params", [])

    assert commands.main([name], standalone_mode=False) == 130
    said = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"storewatch: interrupted: (nothing|no file|what it said)", said)


def test_a_reader_that_has_seen_enough_is_no_error(data: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "report", "--data", data],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()

    assert process.returncode == 141
    assert "Broken pipe" not in err
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_an_error_that_names_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        err = run("serve", "--port", port, "--workers", 0, home=tmp_path, code=1)

    assert f"the port {port} of 127.0.0.1 cannot be opened" in err


def test_a_variable_that_is_no_setting_is_a_line_on_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOREWATCH_HOEM", "elsewhere")
    said = run("report", home=tmp_path, code=1).splitlines()[0]

    assert said == "storewatch: STOREWATCH_HOEM is no setting and does nothing: is it STOREWATCH_HOME?"
