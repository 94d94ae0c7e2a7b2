"""Settings: where they come from, what is refused, what is never shown."""

from __future__ import annotations

import ast
import inspect
import stat
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from storewatch.bootstrap import open_board, open_polls, open_shelf
from storewatch.config import Settings, load_settings, signing_secrets, unknown_variables
from storewatch.errors import SettingsError, SettingsWarning

if TYPE_CHECKING:
    from collections.abc import Callable


def test_by_default_everything_is_kept_below_the_home_folder() -> None:
    settings = load_settings()
    assert settings.home == Path("storewatch-data")
    assert settings.polls_url.get_secret_value() == "delta:storewatch-data/polls"
    assert settings.jobs_url.get_secret_value() == "sqlite:storewatch-data/jobs.sqlite"
    assert settings.reports_url.get_secret_value() == "file:storewatch-data/reports"


def test_the_environment_sets_and_what_is_given_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREWATCH_WORKERS", "3")
    monkeypatch.setenv("STOREWATCH_HOME", "/srv/a b")
    assert load_settings().workers == 3
    assert load_settings(workers=2).workers == 2
    assert load_settings().jobs_url.get_secret_value() == "sqlite:/srv/a%20b/jobs.sqlite"


def test_an_empty_variable_is_as_if_it_were_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREWATCH_PUBLIC_URL", "")
    monkeypatch.setenv("STOREWATCH_WORKERS", "")
    assert load_settings() == Settings()


def test_variables_that_kubernetes_sets_for_a_service_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREWATCH_PORT", "tcp://10.0.0.1:80")
    load_settings()


@pytest.mark.parametrize(
    "name",
    [
        "PORT",
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT_8000_TCP",
        "PORT_8000_TCP_ADDR",
        "API_PORT",
    ],
)
def test_the_variables_of_kubernetes_are_known_for_what_they_are(name: str) -> None:
    assert list(unknown_variables([f"STOREWATCH_{name}"])) == []


def test_an_unknown_variable_is_warned_of_with_the_nearest_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREWATCH_POLL_URL", "delta:elsewhere")
    with pytest.warns(SettingsWarning, match=r"_POLL_URL is no setting .*: is it STOREWATCH_POLLS_URL\?"):
        assert load_settings() == Settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings().workers = 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("workers", "-1"),
        ("workers", "many"),
        ("lease_seconds", "0"),
        ("attempt_seconds", "0"),
        ("link_seconds", "604801"),
        ("public_url", "reports.example.org"),
        ("reports_links", "never"),
        ("reports_public_endpoint", "inside:8333"),
        ("public_url", "https://example.org/?a=1"),
        ("secret", "tooshort"),
        ("retention_seconds", "86399"),  # a link works for a day
        ("grace_seconds", "-1"),
        ("drain_seconds", "11"),  # of a grace of 20
        ("hours_query", "SELECT 1"),  # without one for polls
        ("zones_query", "SELECT 1"),
        ("labels_query", "SELECT 1"),
        ("annotations_beside", "true"),  # the same
        ("nonsense", "1"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(**{name: value})
    assert str(caught.value).startswith(f"STOREWATCH_{name.upper()}: ")
    assert "\n" not in str(caught.value)


def test_an_error_shows_no_values_since_they_may_be_secret() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(secret="hush-hush", public_url="ftp://user:hunter2@example.org", workers="x")  # noqa: S106  a test's
    assert "hush" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_not_set_does_not_go_to_workers() -> None:
    environment = load_settings(reports_ambient_credentials=True).environment()
    assert environment["STOREWATCH_REPORTS_AMBIENT_CREDENTIALS"] == "True"
    assert "STOREWATCH_REPORTS_PUBLIC_ENDPOINT" not in environment


def test_the_secret_does_not_show_and_does_not_go_to_workers() -> None:
    settings = load_settings(secret="a-secret-of-some-length")  # noqa: S106  a test's
    assert "a-secret" not in repr(settings)
    assert "a-secret" not in str(settings.environment())
    assert signing_secrets(settings) == ["a-secret-of-some-length"]


def test_a_worker_gets_the_same_settings_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(
        home="/srv/é", workers=4, lease_seconds=1.5, jobs_url="sqlite:/j", link_seconds=60
    )
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_every_setting_says_what_it_is() -> None:
    (model,) = ast.parse(inspect.getsource(Settings)).body
    assert isinstance(model, ast.ClassDef)
    follows = {
        field.target.id: ast.unparse(said)
        for field, said in pairwise(model.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
    }
    assert follows.keys() == Settings.model_fields.keys()
    assert [name for name, said in follows.items() if not said.startswith(("'", '"'))] == []


def test_without_a_secret_one_is_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "new")
    first = signing_secrets(settings)
    assert len(first[0]) >= 32
    assert signing_secrets(settings) == first
    (path,) = (tmp_path / "new").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    signing_secrets(settings)
    (tmp_path / "secret").chmod(0o640)
    signing_secrets(settings)
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(SettingsError, match=r"others can read .*secret.*: chmod 600 it"):
        signing_secrets(settings)


@pytest.mark.parametrize(("length", "is_enough"), [(15, False), (16, True)])
def test_a_kept_secret_has_at_least_16_characters(tmp_path: Path, length: int, is_enough: bool) -> None:  # noqa: FBT001
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text("x" * length + "\n")
    if is_enough:
        assert signing_secrets(load_settings(home=tmp_path)) == ["x" * length]
    else:
        with pytest.raises(SettingsError, match="fewer than 16 characters"):
            signing_secrets(load_settings(home=tmp_path))


def test_a_secret_is_changed_without_ending_what_the_old_one_signed(tmp_path: Path) -> None:
    (before,) = signing_secrets(load_settings(home=tmp_path))
    (tmp_path / "secret").rename(tmp_path / "secret.old")
    now, old = signing_secrets(load_settings(home=tmp_path))
    assert now != old == before
    given = load_settings(secret="the-new-secret-of-two", secret_old="the-old-secret-of-two")  # noqa: S106
    assert signing_secrets(given) == ["the-new-secret-of-two", "the-old-secret-of-two"]
    assert not [name for name in given.environment() if "SECRET" in name]


@pytest.mark.parametrize("open_port", [open_polls, open_board, open_shelf])
def test_the_home_is_made_for_its_owner_alone(
    tmp_path: Path, open_port: Callable[[Settings], object]
) -> None:
    open_port(load_settings(home=tmp_path / "a" / "home"))
    assert stat.S_IMODE((tmp_path / "a" / "home").stat().st_mode) == 0o700


def test_a_home_in_which_nothing_is_kept_is_not_made(tmp_path: Path) -> None:
    open_board(load_settings(home=tmp_path / "home", jobs_url=f"sqlite:{tmp_path}/jobs.sqlite"))
    assert not (tmp_path / "home").exists()


def test_services_that_start_at_once_share_one_secret(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: signing_secrets(settings)[0], range(32)))
    assert len(found) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_home_that_cannot_be_made_is_a_settings_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="STOREWATCH_HOME"):
        signing_secrets(load_settings(home=tmp_path / "file"))
