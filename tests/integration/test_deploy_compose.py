"""Image, compose file and load balancer: without lint, right by their schemas, in agreement with the code."""

from __future__ import annotations

import re
import shlex
import subprocess
from fnmatch import fnmatch
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import yaml

import storewatch
from manifests import ROOT, calls_of, named, settings_in, tool
from storewatch.config import load_settings
from storewatch.entrypoints.cli import commands
from storewatch.main import app

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = (ROOT / "compose.yaml").read_text("utf-8")
BALANCER = (ROOT / "deploy" / "load-balancer" / "haproxy.cfg").read_text("utf-8")
BUILD, FINAL = re.split(r"(?m)^(?=FROM )", DOCKERFILE)[1:]


def run(name: str, *words: str, text: str) -> subprocess.CompletedProcess[str]:
    """Run a checking tool on a text."""
    return subprocess.run(
        [tool(name), *words], input=text, check=False, capture_output=True, text=True, timeout=60
    )


def filled(text: str) -> str:
    """Return the compose file's text with the defaults of its variables, innermost first."""
    while (shorter := re.sub(r"\$\{[A-Z0-9_]+:-([^${}]*)\}", r"\1", text)) != text:
        text = shorter
    return text


def services() -> dict[str, Any]:
    """Return the services, with what nobody has set at its default."""
    found: dict[str, Any] = yaml.safe_load(filled(COMPOSE))["services"]
    return found


def ours() -> dict[str, Any]:
    """Return the services that run our image."""
    return {name: service for name, service in services().items() if "build" in service}


# --- the image


def test_the_dockerfile_has_no_lint() -> None:
    done = run("hadolint", "-", text=DOCKERFILE)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("planted", ["RUN apt-get install curl", "USERR 10001", "MAINTAINER me", "CMD serve"])
def test_a_mistake_in_the_dockerfile_is_found(planted: str) -> None:
    assert run("hadolint", "-", text=f"{DOCKERFILE}\n{planted}\n").returncode != 0


def test_the_last_stage_installs_nothing_and_takes_one_thing_over() -> None:
    assert "pip install" not in FINAL
    assert not re.search(r"\b(apt|apt-get|gcc|make|git|curl)\b", FINAL)
    assert re.findall(r"(?m)^(?:COPY|ADD) (.*)$", FINAL) == ["--from=build /opt/storewatch /opt/storewatch"]
    assert "pip uninstall --yes pip" in FINAL


def test_both_stages_have_the_same_python_with_a_pinned_version() -> None:
    (first, last) = re.findall(r"(?m)^FROM (\S+)", DOCKERFILE)
    assert first == last
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", first)


def test_dependencies_are_installed_by_their_hashes() -> None:
    installs = re.findall(r"pip \S+ \S+ install .*", BUILD)
    assert len(installs) == 2
    assert '--require-hashes -r "$REQUIREMENTS"' in installs[0]
    assert "ARG REQUIREMENTS=requirements.txt" in BUILD
    assert "--no-index" in installs[1]
    assert "--no-deps" in installs[1]


def test_the_image_runs_as_a_user_that_exists() -> None:
    (user,) = re.findall(r"(?m)^USER (.*)$", FINAL)
    uid, gid = user.split(":")
    assert int(uid) >= 10_000
    assert re.search(rf"groupadd --gid {gid} storewatch", FINAL)
    assert re.search(
        rf"useradd --uid {uid} --gid storewatch --create-home --home-dir /var/lib/storewatch ", FINAL
    )
    assert "STOREWATCH_HOME=/var/lib/storewatch" in FINAL


def test_the_images_health_check_asks_a_path_that_the_app_has_where_it_listens() -> None:
    (command,) = re.findall(r"(?m)^CMD (\[.*\])$", FINAL)
    words = yaml.safe_load(command)
    port = words[words.index("--port") + 1]
    assert f"HTTPConnection('127.0.0.1', {port}, " in FINAL
    (path,) = re.findall(r"request\('GET', '([^']+)'\)", FINAL)
    assert path == "/healthz"
    assert path in app.openapi()["paths"]
    assert re.findall(r"(?m)^EXPOSE (.*)$", FINAL) == [f"{port} 9000"]


@pytest.mark.parametrize("planted", ["", "raise OSError('refused')", "status = 503"])
def test_the_images_health_check_is_python_that_fails_when_it_should(planted: str) -> None:
    (line,) = re.findall(r"(?m)^\s+CMD (\[.*\])$", FINAL)
    _, _, code = yaml.safe_load(line)
    answering = (
        "class C:\n status = 200\n def __init__(self, *a, **k): pass\n"
        f" def request(self, *a): {planted if planted.startswith('raise') else 'pass'}\n"
        f" def getresponse(self): return self\n {planted if planted.startswith('status') else 'pass'}\n"
        "import http.client\nhttp.client.HTTPConnection = C\n"
    )
    done = run("python", "-c", answering + code, text="")
    assert (done.returncode == 0) == (planted == "")


def test_everything_that_is_copied_reaches_the_builder_and_nothing_else_does() -> None:
    lines = [
        x for x in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if x and not x.startswith("#")
    ]
    assert lines[0] == "*"
    allowed = {line[1:] for line in lines if line.startswith("!")}
    copied = [shlex.split(rest)[:-1] for rest in re.findall(r"(?m)^COPY (.*)$", BUILD)]
    assert {name for names in copied for name in names} == allowed
    assert all(
        fnmatch("src/storewatch/__pycache__", f"*{line[2:]}") for line in lines if line == "**/__pycache__"
    )


# --- compose


def checked(text: str) -> str:
    """Return what the compose file's schema says of a text."""
    words = ("--builtin-schema", "vendor.compose-spec", "--default-filetype", "yaml", "-")
    return run("check-jsonschema", *words, text=text).stdout


def test_the_compose_file_is_right_by_its_schema() -> None:
    assert checked(COMPOSE) == "ok -- validation done\n"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("depends_on", "depend_on"),
        ("healthcheck", "healtcheck"),
        ("restart: unless-stopped", "restart: [always]"),
    ],
)
def test_a_mistake_in_the_compose_file_is_found(right: str, wrong: str) -> None:
    assert right in COMPOSE
    assert "Schema validation errors were encountered" in checked(COMPOSE.replace(right, wrong, 1))


def test_there_are_two_apis_and_two_workers_behind_one_port() -> None:
    assert services()["api"]["deploy"]["replicas"] == services()["worker"]["deploy"]["replicas"] == 2
    published = {name: s["ports"] for name, s in services().items() if "ports" in s}
    assert published == {"balancer": ["127.0.0.1:8000:8000"]}


def test_every_dependency_is_a_service_that_can_meet_the_condition() -> None:
    for name, service in services().items():
        for other, how in service.get("depends_on", {}).items():
            needed = services()[other]
            if how["condition"] == "service_healthy":
                by_image = "build" in needed and not needed.get("healthcheck", {}).get("disable")
                assert "test" in needed.get("healthcheck", {}) or by_image, (name, other)
            else:
                assert how["condition"] == "service_completed_successfully"
                assert "restart" not in needed, (name, other)


def test_all_of_ours_is_one_image_of_the_programs_version() -> None:
    assert set(ours()) == {"api", "worker", "migrate", "sample", "load"}
    assert {service["image"] for service in ours().values()} == {f"storewatch:{storewatch.__version__}"}


def test_the_stores_are_the_same_images_as_in_kubernetes() -> None:
    for name in ("postgres", "valkey", "seaweedfs"):
        (container,) = named("minimal", "StatefulSet", name)["spec"]["template"]["spec"]["containers"]
        assert services()[name]["image"] == container["image"]
        words = services()[name].get("command", [])
        assert words == container.get("args", [])


def test_every_image_has_a_version() -> None:
    assert all(re.search(r":v?\d", service["image"]) for service in services().values())


def test_ours_runs_with_no_rights_beyond_its_own() -> None:
    for service in ours().values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", ["api", "sample"])
def test_its_commands_are_understood_by_the_command_line(name: str) -> None:
    for call in calls_of(services()[name]["command"]):
        command = commands.commands[call[0]]
        command.make_parser(click.Context(command)).parse_args(call[1:])


def test_workers_and_migrations_are_called_as_in_kubernetes() -> None:
    pod = named("minimal", "Deployment", "worker")["spec"]["template"]["spec"]
    for name, place in (("worker", "containers"), ("migrate", "initContainers")):
        (container,) = pod[place]
        assert services()[name]["command"] == container["args"]


def test_the_sample_is_loaded_only_once() -> None:
    script = services()["sample"]["command"][-1].splitlines()
    assert script[:2] == ['test "500" != 0 || exit 0', "test ! -e sample-loaded || exit 0"]
    assert script[-1] == "touch sample-loaded"
    assert services()["sample"]["volumes"] == ["home:/var/lib/storewatch"]


def test_what_redis_acknowledges_is_kept() -> None:
    words = services()["valkey"]["command"]
    given = dict(zip(words[1::2], words[2::2], strict=True))
    assert given["--appendonly"] == "yes"
    assert given["--appendfsync"] == "always"
    assert given["--maxmemory-policy"] == "noeviction"
    assert services()["valkey"]["volumes"] == ["valkey:/data"]


def test_the_s3_server_knows_all_its_options() -> None:
    _, mode, *options = services()["seaweedfs"]["command"]
    done = run("weed", mode, "-h", text="")
    known = set(re.findall(r"(?m)^  (-[\w.]+)", done.stdout + done.stderr))
    assert {option.partition("=")[0] for option in options} <= known


def test_each_store_keeps_its_data_in_a_volume() -> None:
    volumes = yaml.safe_load(COMPOSE)["volumes"]
    used = {
        v.split(":")[0] for s in services().values() for v in s.get("volumes", []) if not v.startswith(".")
    }
    assert used == set(volumes)


# --- settings


def environment() -> dict[str, str]:
    """Return the environment of our services; it is the same for all."""
    (first, *others) = [service["environment"] for service in ours().values()]
    assert all(other == first for other in others)
    found: dict[str, str] = first
    return found


def test_the_program_takes_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.jobs_url.get_secret_value() == "redis://valkey:6379/0"
    assert settings.public_url == "http://localhost:8000"


def test_the_stores_addresses_and_credentials_are_those_of_the_services() -> None:
    given = environment()
    polls, jobs, s3 = (
        urlsplit(given[n]) for n in ("STOREWATCH_POLLS_URL", "STOREWATCH_JOBS_URL", "AWS_ENDPOINT_URL")
    )
    database = services()["postgres"]["environment"]
    assert (polls.username, polls.password, polls.path) == (
        database["POSTGRES_USER"],
        database["POSTGRES_PASSWORD"],
        f"/{database['POSTGRES_DB']}",
    )
    assert {polls.hostname, jobs.hostname, s3.hostname} == {"postgres", "valkey", "seaweedfs"}
    assert (polls.port, jobs.port, s3.port) == (5432, 6379, 8333)
    keys = {
        name: value for name, value in given.items() if name in {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    }
    assert keys == services()["seaweedfs"]["environment"]


def test_links_lead_through_the_balancer_to_the_bucket_that_is_made() -> None:
    bucket = urlsplit(environment()["STOREWATCH_REPORTS_URL"]).hostname
    assert f"-bucket={bucket}" in services()["seaweedfs"]["command"]
    assert environment()["STOREWATCH_REPORTS_PUBLIC_ENDPOINT"] == environment()["STOREWATCH_PUBLIC_URL"]
    assert f"acl is_report path_beg /{bucket}/\n" in BALANCER
    assert not any(path.startswith(f"/{bucket}") for path in app.openapi()["paths"])


def test_only_what_the_image_sets_besides_is_a_setting_in_the_dockerfile() -> None:
    assert settings_in(DOCKERFILE) == {"STOREWATCH_HOME"}


# --- the load balancer


def sections() -> dict[str, str]:
    """Return the balancer's configuration by section."""
    parts = re.split(r"(?m)^(?=[a-z])", re.sub(r"(?m)^\s*#.*\n", "", BALANCER))
    return {part.splitlines()[0]: part for part in parts if part.strip()}


def test_the_balancer_listens_at_the_published_port_and_spreads_in_turn() -> None:
    assert "bind :8000\n" in sections()["frontend http"]
    assert "balance roundrobin\n" in sections()["backend api"]
    assert "default_backend api\n" in sections()["frontend http"]


def test_the_balancer_knows_the_services_by_name_port_and_health() -> None:
    command = services()["api"]["command"]
    port = command[command.index("--port") + 1]
    assert f" api:{port} check " in sections()["backend api"]
    assert " seaweedfs:8333 check " in sections()["backend reports"]
    (path,) = re.findall(r"option httpchk GET (\S+)", BALANCER)
    assert path in app.openapi()["paths"]
    (slots,) = re.findall(r"server-template api (\d+) ", BALANCER)
    assert int(slots) >= services()["api"]["deploy"]["replicas"]


def test_the_balancer_never_sends_a_trigger_twice_or_logs_a_link() -> None:
    assert "retry-on" not in BALANCER  # by default only where no connection came about
    assert "httplog" not in BALANCER
    assert "daemon notice" in BALANCER


def test_the_balancer_lets_callers_read_reports_but_not_write_them() -> None:
    assert "http-request deny deny_status 405 if is_report !METH_GET\n" in BALANCER


def test_the_balancers_configuration_is_where_its_image_looks() -> None:
    (mounted,) = services()["balancer"]["volumes"]
    assert mounted == "./deploy/load-balancer/haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro"
