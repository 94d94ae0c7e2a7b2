"""The tutorials are typed as they are, on a terminal, and show what they say."""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from service import free_port

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial"
BLOCK = re.compile(r"(?:as `(?P<file>[^`]+)`:\n\n)?```(?P<kind>csv|console)\n(?P<text>.*?)```", re.DOTALL)
MARK = "=== {} ==="  # written after each command's output


def script(page: str) -> tuple[list[str], list[str]]:
    """Return the shell lines of a page, and what it says that each command shows."""
    lines = ["set -u"]
    shown: list[str] = []
    for block in BLOCK.finditer(page):
        if block["kind"] == "csv":
            lines.append(f"cat > '{block['file']}' <<'END'\n{block['text']}END")
        else:
            for command in re.split(r"^\$ ", block["text"], flags=re.MULTILINE)[1:]:
                typed, _, expected = command.partition("\n")
                lines += [typed, *ready(typed), f"echo '{MARK.format(len(shown))}'"]
                shown.append(expected)
    return lines, shown


def ready(typed: str) -> list[str]:
    """Return what waits for a service that a command has started."""
    if not typed.endswith("&"):
        return []
    return ["for _ in $(seq 600); do curl -sf 127.0.0.1:8000/readyz > answer && break; sleep 0.1; done"]


def on_terminal(text: str, folder: Path) -> str:
    """Run a shell script on a terminal and return what it shows, without colours."""
    program = folder / "bin" / "storewatch"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m storewatch.entrypoints.cli "$@"\n')
    program.chmod(0o755)
    ours, theirs = pty.openpty()
    path = f"{program.parent}:{os.environ['PATH']}"
    with subprocess.Popen(
        ["bash", "-c", text],  # noqa: S607  wherever it is
        cwd=folder,
        env=os.environ | {"PATH": path, "TERM": "dumb", "COLUMNS": "110"},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as shell:
        os.close(theirs)
        try:
            seen = b"".join(iter(lambda: read(ours), b""))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)  # a page that hangs leaves no service behind
    os.close(ours)
    return re.sub(r"\x1b\[[0-9;]*m", "", seen.decode().replace("\r\n", "\n"))


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so when all who could write have ended
        return b""


def pattern(expected: str) -> str:
    """Return what matches a text in which … stands for anything; on a line of its own, for any lines."""
    lines = [
        r"(?s:.*)" if line == "…" else ".*".join(map(re.escape, line.split("…")))
        for line in expected.splitlines()
    ]
    return "\n".join(lines)


def play(name: str, folder: Path, port: int) -> None:
    """Type a page's commands and compare what each of them shows."""
    page = (TUTORIAL / name).read_text(encoding="utf-8")
    lines, shown = script(page)
    text = (
        "\n".join(lines)
        .replace("8000", str(port))
        .replace("storewatch serve", f"storewatch serve --port {port}")
    )
    rest = on_terminal(text, folder)
    for number, expected in enumerate(shown):
        seen, mark, rest = rest.partition(MARK.format(number) + "\n")
        wanted = pattern(expected.replace("8000", str(port)))
        assert mark, f"command {number} of {name} did not end:\n{seen}"
        assert re.fullmatch(wanted, seen.rstrip("\n")), f"{name} says\n{expected}\nbut it shows\n{seen}"


def test_the_tutorials_show_what_they_say(tmp_path: Path) -> None:
    port = free_port()
    play("first-report.md", tmp_path, port)
    if shutil.which("curl") is None:
        pytest.skip("the second page is typed with curl")
    play("over-http.md", tmp_path, port)


def test_every_tutorial_is_typed_here() -> None:
    assert {path.name for path in TUTORIAL.glob("*.md")} == {"first-report.md", "over-http.md"}
