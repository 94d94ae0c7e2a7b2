"""Tokens: how they are made, kept, found and removed."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from storewatch.entrypoints.http.tokens import Scope, Tokens
from storewatch.errors import InputError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_token_is_found_by_its_letters_which_nothing_keeps(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "new" / "tokens")
    secret = tokens.new("ci", Scope.TRIGGER)
    found = tokens.of(secret)
    assert found is not None
    assert (found.name, found.scope) == ("ci", Scope.TRIGGER)
    assert len(secret) >= 43  # 256 bits
    assert tokens.of(secret[:-1]) is None
    assert tokens.of("") is None
    assert tokens.of("\ud800") is None
    path = tmp_path / "new" / "tokens"
    assert secret not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["tokens"]


def test_a_change_by_another_process_is_seen_at_once(tmp_path: Path) -> None:
    here, there = Tokens(tmp_path / "tokens"), Tokens(tmp_path / "tokens")
    assert here.all() == []
    secret = there.new("a", Scope.READ)
    assert here.of(secret)
    there.remove("a")
    assert here.of(secret) is None
    there.new("a", Scope.READ)
    (tmp_path / "tokens").unlink()
    assert here.all() == []


def test_many_changes_at_once_lose_none(tmp_path: Path) -> None:
    def add(number: int) -> None:
        Tokens(tmp_path / "tokens").new(f"t{number}", Scope.READ)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(24)))
    assert {token.name for token in Tokens(tmp_path / "tokens").all()} == {f"t{n}" for n in range(24)}


@pytest.mark.parametrize("name", ["", "a b", "a\nb", "-a", "ü", "x" * 65])
def test_a_name_that_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="is no name"):
        Tokens(tmp_path / "tokens").new(name, Scope.READ)


def test_a_name_is_taken_once_and_removed_once(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens")
    tokens.new("x" * 64, Scope.READ)
    with pytest.raises(InputError, match="already"):
        tokens.new("x" * 64, Scope.ADMIN)
    tokens.remove("x" * 64)
    with pytest.raises(InputError, match="there is no token"):
        tokens.remove("x" * 64)


@pytest.mark.parametrize("line", ["a", "a read", "a write " + "0" * 64 + " t", "a read 00 t", "a read "])
def test_a_line_that_is_no_token_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "tokens"
    Tokens(path).new("good", Scope.READ)
    path.write_text(path.read_text() + "\n" + line + "\n")
    with pytest.raises(SettingsError, match="line 3 of the tokens"):
        Tokens(path).all()


def test_a_file_that_cannot_be_read_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Tokens(tmp_path).all()
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="cannot be written"):
        Tokens(tmp_path / "file" / "tokens").new("a", Scope.READ)
