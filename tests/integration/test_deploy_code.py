"""The manifests agree with the code: version, ports, paths, commands, settings."""

from __future__ import annotations

import base64
import re
from urllib.parse import urlsplit

import click
import pytest

import storewatch
from manifests import (
    API,
    KUSTOMIZE,
    OVERLAYS,
    ROOT,
    calls_of,
    containers,
    deployment,
    named,
    of_kind,
    our_pods,
    settings_in,
    workloads,
)
from storewatch.config import PREFIX, Settings, load_settings
from storewatch.entrypoints.cli import commands
from storewatch.errors import SettingsError
from storewatch.main import app

PAGES = ("kubernetes.md", "compose.md", "ray.md")
OVERLAY = pytest.mark.parametrize("overlay", OVERLAYS)
COMMANDS = [["serve"], ["sample"], ["load"], ["worker"], ["db", "upgrade"]]  # that the manifests use


def environment(overlay: str) -> dict[str, str]:
    """Return what the settings and secrets of an overlay set."""
    (settings,) = [m for m in of_kind(overlay, "ConfigMap") if "storewatch-settings" in m["metadata"]["name"]]
    found = dict(settings["data"])
    for secret in of_kind(overlay, "Secret"):
        if "storewatch-secrets" in secret["metadata"]["name"]:
            found |= {k: base64.b64decode(v).decode() for k, v in secret["data"].items()}
    return found


def example() -> dict[str, str]:
    """Return the example of the secrets that production wants."""
    text = (KUSTOMIZE / "overlays" / "production" / "secrets.env.example").read_text("utf-8")
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.mark.parametrize("overlay", ["minimal", "istio"])
def test_our_image_has_the_version_of_the_program(overlay: str) -> None:
    tags = {container["image"].rpartition(":")[2] for _, _, container in our_pods(overlay)}
    assert tags == {storewatch.__version__}


def test_in_production_every_image_is_fixed_by_its_digest() -> None:
    images = {c["image"] for _, template in workloads("production") for c in containers(template["spec"])}
    assert [image for image in images if not re.fullmatch(r"[^:@]+@sha256:[0-9a-f]{64}", image)] == []
    assert images


@OVERLAY
def test_the_api_listens_where_its_port_and_probes_are(overlay: str) -> None:
    for name in API:
        (container,) = deployment(overlay, name)["spec"]["template"]["spec"]["containers"]
        args = container["args"]
        assert args[args.index("--workers") + 1] == "0"
        assert args[args.index("--host") + 1] == "0.0.0.0"  # noqa: S104  inside a pod
        assert {port["name"]: str(port["containerPort"]) for port in container["ports"]} == {
            "http": args[args.index("--port") + 1],
            "http-metrics": args[args.index("--metrics-port") + 1],
        }


def test_production_asks_for_tokens_where_they_are_mounted() -> None:
    for name in API:
        spec = deployment("production", name)["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        settings = environment("production")
        assert settings["STOREWATCH_AUTH"] == "tokens"
        (mounted,) = (m["mountPath"] for m in container["volumeMounts"] if m["name"] == "tokens")
        assert settings["STOREWATCH_TOKENS_FILE"] == f"{mounted}/tokens"
        assert {"storewatch.example.org", "storewatch"} == set(settings["STOREWATCH_HOSTS"].split(","))


@OVERLAY
@pytest.mark.parametrize("name", API)
def test_the_api_is_probed_at_paths_that_the_app_has(overlay: str, name: str) -> None:
    (container,) = deployment(overlay, name)["spec"]["template"]["spec"]["containers"]
    probes = {
        kind: container[kind]["httpGet"] for kind in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert {probe["port"] for probe in probes.values()} == {"http"}
    assert probes["readinessProbe"]["path"] == "/readyz"
    assert probes["livenessProbe"]["path"] == probes["startupProbe"]["path"] == "/healthz"
    assert {probe["path"] for probe in probes.values()} <= set(app.openapi()["paths"])


@OVERLAY
def test_the_worker_is_probed_and_watched_at_the_port_that_it_opens(overlay: str) -> None:
    template = deployment(overlay, "worker")["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (port,) = container["ports"]
    given = container["args"][container["args"].index("--metrics-port") + 1]
    assert str(port["containerPort"]) == given == template["metadata"]["annotations"]["prometheus.io/port"]
    assert container["livenessProbe"]["httpGet"] == {"path": "/metrics", "port": port["name"]}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": port["name"]}


@OVERLAY
def test_prometheus_is_pointed_at_a_port_that_is_open(overlay: str) -> None:
    for workload in of_kind(overlay, "Deployment"):
        template = workload["spec"]["template"]
        (container,) = template["spec"]["containers"]
        notes = template["metadata"]["annotations"]
        assert notes["prometheus.io/scrape"] == "true"
        assert notes["prometheus.io/path"] == "/metrics"
        assert int(notes["prometheus.io/port"]) in {port["containerPort"] for port in container["ports"]}


def calls() -> list[list[str]]:
    """Return every call of `storewatch` in the overlays."""
    containers = [c for overlay in OVERLAYS for _, _, c in our_pods(overlay) if "args" in c]
    return [call for c in containers for call in calls_of(c["args"])]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_in_use_is_understood_by_the_command_line(name: list[str]) -> None:
    found = [call for call in calls() if call[: len(name)] == name]
    assert found
    command: click.Command = commands
    for word in name:
        if not isinstance(command, click.Group) or word not in command.commands:
            raise LookupError(f"there is no command {' '.join(name)}")
        command = command.commands[word]
    for call in found:  # raises what it does not know
        command.make_parser(click.Context(command)).parse_args(call[len(name) :])


def test_no_other_command_is_in_use() -> None:
    known = {("serve",), ("sample",), ("load",), ("worker",), ("db", "upgrade")}
    assert {tuple(call[:2]) if call[0] == "db" else (call[0],) for call in calls()} == known


def test_every_setting_in_use_is_one_of_the_program() -> None:
    manifests = sorted(path for path in KUSTOMIZE.rglob("*") if path.is_file())
    pages = [ROOT / "docs" / "how-to" / page for page in PAGES]
    files = [*manifests, *pages, ROOT / "compose.yaml", ROOT / "Dockerfile"]
    used = set().union(*(settings_in(path.read_text("utf-8")) for path in files))
    assert used >= {"STOREWATCH_POLLS_URL", "STOREWATCH_JOBS_URL", "STOREWATCH_REPORTS_URL"}
    assert used - {PREFIX + name.upper() for name in Settings.model_fields} == set()


@OVERLAY
def test_the_program_takes_the_settings_of_each_overlay(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(overlay).items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert settings.reports_url.get_secret_value() == environment(overlay)["STOREWATCH_REPORTS_URL"]


def test_production_brings_no_secret_and_its_example_names_those_of_the_trial() -> None:
    assert of_kind("production", "Secret") == []
    trial = set(environment("minimal")) - {k for m in of_kind("minimal", "ConfigMap") for k in m["data"]}
    assert set(example()) == trial


def test_the_example_of_the_secrets_is_refused_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREWATCH_SECRET", example()["STOREWATCH_SECRET"])
    with pytest.raises(SettingsError, match="STOREWATCH_SECRET"):
        load_settings()


def test_trial_stores_and_program_have_the_same_credentials_addresses_and_bucket() -> None:
    (stores,) = [m for m in of_kind("minimal", "Secret") if "stores-secrets" in m["metadata"]["name"]]
    theirs = {k: base64.b64decode(v).decode() for k, v in stores["data"].items()}
    ours = environment("minimal")
    assert urlsplit(ours["STOREWATCH_POLLS_URL"]).password == theirs["POSTGRES_PASSWORD"]
    assert {k: ours[k] for k in theirs if k.startswith("AWS_")} == {
        k: v for k, v in theirs.items() if "AWS" in k
    }
    for url in (ours["STOREWATCH_POLLS_URL"], ours["STOREWATCH_JOBS_URL"], ours["AWS_ENDPOINT_URL"]):
        parts = urlsplit(url)
        service = named("minimal", "Service", str(parts.hostname))
        assert [port["port"] for port in service["spec"]["ports"]] == [parts.port]
    (server,) = named("minimal", "StatefulSet", "seaweedfs")["spec"]["template"]["spec"]["containers"]
    assert f"-bucket={urlsplit(ours['STOREWATCH_REPORTS_URL']).hostname}" in server["args"]


# --- the pages about it


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_files_overlays_and_an_image_that_exist(page: str) -> None:
    text = (ROOT / "docs" / "how-to" / page).read_text("utf-8")
    paths = re.findall(r"\bdeploy/[\w/.-]*\w", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert set(re.findall(r"storewatch:(\d[\w.]*)", text)) <= {storewatch.__version__}


def test_the_compose_page_lists_every_variable_of_the_compose_file() -> None:
    text = (ROOT / "docs" / "how-to" / "compose.md").read_text("utf-8")
    variables = set(re.findall(r"\$\{([A-Z_0-9]+):-", (ROOT / "compose.yaml").read_text("utf-8")))
    rows = re.findall(r"(?m)^\| (`.*?) \|", text)
    assert {name for row in rows for name in re.findall(r"`([A-Z_0-9]+)`", row)} == variables
