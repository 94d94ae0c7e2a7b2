"""What `kubectl kustomize` builds, and what the schemas say of it; no cluster and no network is needed."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import kubernetes_validate  # type: ignore[import-untyped]  # it has no stubs
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

Manifest = dict[str, Any]

ROOT = Path(__file__).parents[1]
KUSTOMIZE = ROOT / "deploy" / "kustomize"
OVERLAYS = ("minimal", "istio", "production", "ray")
API = ("poll-handler", "report-generation-handler")
SCHEMAS = ROOT / "tests" / "schemas"
VERSIONS = ("1.31", "1.37")  # of Kubernetes: the oldest and the newest that the manifests are for

# What Istio takes for a duration, and in which fields; the schemas say only that these are texts.
DURATION = re.compile(r"(\d+(\.\d+)?(h|ms|m|s))+")
DURATION_FIELDS = {
    "baseEjectionTime", "connectTimeout", "consecutiveErrorsInterval", "idleTimeout", "interval",
    "perTryTimeout", "timeout",
}  # fmt: skip
DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

# The package reads a megabyte of definitions at each call.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)


def tool(name: str) -> str:
    """Return the path of a program that was installed with the tests' packages."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: install requirements-dev.txt")
    return str(path)


@functools.cache
def _built(overlay: str) -> str:
    command = [tool("kubectl"), "kustomize", str(KUSTOMIZE / "overlays" / overlay)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return json.dumps([manifest for manifest in yaml.safe_load_all(done.stdout) if manifest is not None])


def build(overlay: str) -> list[Manifest]:
    """Return the manifests of an overlay, each call its own copy."""
    manifests: list[Manifest] = json.loads(_built(overlay))
    return manifests


def of_kind(overlay: str, *kinds: str) -> list[Manifest]:
    """Return the manifests of these kinds in an overlay."""
    return [manifest for manifest in build(overlay) if manifest["kind"] in kinds]


def named(overlay: str, kind: str, name: str) -> Manifest:
    """Return the one manifest of that kind and name."""
    (found,) = [m for m in of_kind(overlay, kind) if m["metadata"]["name"] == name]
    return found


def label(manifest: Manifest) -> str:
    """Return kind and name, for messages."""
    return f"{manifest.get('kind')}/{manifest.get('metadata', {}).get('name')}"


def pod_template(manifest: Manifest) -> Manifest | None:
    """Return the pod template of a workload; None for anything else."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    template: Manifest | None = spec.get("template")
    return template


def workloads(overlay: str) -> Iterator[tuple[Manifest, Manifest]]:
    """Yield every workload with its pod template."""
    for manifest in build(overlay):
        template = pod_template(manifest)
        if manifest["kind"] == "RayCluster":
            groups = [manifest["spec"]["headGroupSpec"], *manifest["spec"]["workerGroupSpecs"]]
            yield from ((manifest, group["template"]) for group in groups)
        elif template is not None:
            yield manifest, template


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Say whether a label selector, or a Service's plain map, selects these labels."""
    is_plain = not selector.keys() <= {"matchLabels", "matchExpressions"}
    wanted = selector if is_plain else selector.get("matchLabels", {})
    expressions = [] if is_plain else selector.get("matchExpressions", [])
    assert all(e["operator"] == "In" for e in expressions), "the tests know no other operator"
    return all(labels.get(k) == v for k, v in wanted.items()) and all(
        labels.get(e["key"]) in e["values"] for e in expressions
    )


def complaints(manifest: Manifest) -> list[str]:
    """Return what is wrong with a manifest by the strict schemas; a kind without a schema is wrong."""
    schema = SCHEMAS / f"{manifest.get('kind')}.json"
    if schema.exists():
        return _by_our_schema(manifest, schema) + list(_wrong_texts(manifest))
    return [text for version in VERSIONS for text in _by_kubernetes(manifest, version)]


@functools.cache
def _validator(schema: Path) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(schema.read_text("utf-8")))


def _by_our_schema(manifest: Manifest, schema: Path) -> list[str]:
    return [f"{label(manifest)}: {error.message}" for error in _validator(schema).iter_errors(manifest)]


def _by_kubernetes(manifest: Manifest, version: str) -> Iterator[str]:
    if not all(isinstance(manifest.get(name), str) for name in ("kind", "apiVersion")):
        yield "kind and apiVersion must be there, as texts"
        return
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{label(manifest)}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        yield f"{label(manifest)}: {error.message}"


def _wrong_texts(node: Any, name: str = "") -> Iterator[str]:
    """Yield the durations and subset names that Istio would refuse."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _wrong_texts(value, "subset" if (name, key) == ("subsets", "name") else key)
    elif isinstance(node, list):
        for value in node:
            yield from _wrong_texts(value, name)
    elif name in DURATION_FIELDS and not DURATION.fullmatch(str(node)):
        yield f"{name}: {node} is no duration"
    elif name == "subset" and not DNS_LABEL.fullmatch(str(node)):
        yield f"{name}: {node} is no DNS label"


def is_ours(container: Manifest) -> bool:
    """Say whether a container runs our image."""
    return re.fullmatch(r"(.*/)?storewatch(:.*)?", container["image"]) is not None


def calls_of(words: list[str]) -> list[list[str]]:
    """Return the calls of `storewatch` in a container's words: the words, or the lines of a script."""
    if "\n" not in words[-1]:
        return [words]
    lines = [line.split() for line in words[-1].splitlines()]
    return [line[1:] for line in lines if line[:1] == ["storewatch"]]


def settings_in(text: str) -> set[str]:
    """Return the names of our settings that a text mentions."""
    return set(re.findall(r"\bSTOREWATCH_[A-Z_]*[A-Z]\b", text))


def deployment(overlay: str, name: str) -> Manifest:
    """Return a Deployment by its name."""
    return named(overlay, "Deployment", name)


def labels_of(workload: Manifest) -> dict[str, str]:
    """Return the labels of a workload's pods."""
    labels: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return labels


def our_pods(overlay: str) -> Iterator[tuple[Manifest, Manifest, Manifest]]:
    """Yield workload, pod and container of whatever runs our image."""
    for workload, template in workloads(overlay):
        for container in containers(template["spec"]):
            if is_ours(container):
                yield workload, template["spec"], container


def containers(pod: Manifest) -> list[Manifest]:
    """Return the containers of a pod, those that run first among them."""
    return [*pod.get("initContainers", []), *pod["containers"]]
