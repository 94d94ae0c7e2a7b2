"""Every manifest is right by the strict schemas, and a planted mistake of any kind is refused."""

from __future__ import annotations

import copy
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from manifests import KUSTOMIZE, OVERLAYS, Manifest, build, complaints, label, named, of_kind, tool

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = (
    "AuthorizationPolicy", "ConfigMap", "CronJob", "Deployment", "DestinationRule", "Gateway",
    "HorizontalPodAutoscaler", "Job", "Namespace", "NetworkPolicy", "PeerAuthentication",
    "PodDisruptionBudget", "RayCluster", "ScaledObject", "Secret", "Service", "ServiceAccount",
    "ServiceEntry", "StatefulSet", "VirtualService",
)  # fmt: skip

# Below these, any name is a good one.
FREE = {
    "annotations", "data", "labels", "limits", "matchLabels", "metadata of a trigger", "rayStartParams",
    "requests",    "selector of a Service",
}  # fmt: skip

Path = tuple[str | int, ...]


def test_the_kinds_in_use_are_those_that_mistakes_are_planted_in() -> None:
    assert {manifest["kind"] for overlay in OVERLAYS for manifest in build(overlay)} == set(KINDS)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_manifest_is_right_by_its_strict_schema(overlay: str) -> None:
    assert [text for manifest in build(overlay) for text in complaints(manifest)] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_two_manifests_have_the_same_kind_and_name(overlay: str) -> None:
    labels = [label(manifest) for manifest in build(overlay)]
    assert sorted(set(labels)) == sorted(labels)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_lies_in_one_namespace(overlay: str) -> None:
    (namespace,) = of_kind(overlay, "Namespace")
    others = [m for m in build(overlay) if m["kind"] != "Namespace"]
    assert {m["metadata"]["namespace"] for m in others} == {namespace["metadata"]["name"]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_misspelt_field_is_refused(kind: str) -> None:
    spots = list(_spots(kind))
    assert spots
    assert [path for manifest, path in spots if not complaints(_misspelt(manifest, path))] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_of_a_wrong_type_is_refused(kind: str) -> None:
    spots = [(m, path) for m, path in _spots(kind, free=True) if not isinstance(_at(m, path), dict | list)]
    assert spots
    assert [path for manifest, path in spots if not complaints(_with(manifest, path, {"wrong": []}))] == []


def test_a_manifest_of_a_kind_without_a_schema_is_refused() -> None:
    meta = {"name": "unknown"}
    assert complaints({"apiVersion": "example.org/v1", "kind": "Unknown", "metadata": meta, "spec": {}})
    assert complaints({"apiVersion": "networking.example.org/v1", "kind": "NetworkPolicy", "metadata": meta})


@pytest.mark.parametrize("duration", ["fast", "10", "10 s", "1d", "-1s", ""])
def test_what_istio_cannot_read_as_a_duration_is_refused(duration: str) -> None:
    routes = named("istio", "VirtualService", "storewatch")
    assert complaints(_with(routes, ("spec", "http", 0, "timeout"), duration))


@pytest.mark.parametrize("name", ["poll_handler", "PollHandler", "-poll", "p" * 64, ""])
def test_a_subset_name_that_is_no_dns_label_is_refused(name: str) -> None:
    rule = named("istio", "DestinationRule", "storewatch")
    assert complaints(_with(rule, ("spec", "subsets", 0, "name"), name))
    routes = named("istio", "VirtualService", "storewatch")
    assert complaints(_with(routes, ("spec", "http", 0, "route", 0, "destination", "subset"), name))


@pytest.mark.parametrize("policy", ["round_robin", "ROUNDROBIN", "RANDOMLY"])
def test_a_load_balancer_that_istio_does_not_know_is_refused(policy: str) -> None:
    rule = named("istio", "DestinationRule", "storewatch")
    assert complaints(_with(rule, ("spec", "subsets", 0, "trafficPolicy", "loadBalancer", "simple"), policy))


def test_a_misspelt_field_of_a_kustomization_does_not_build(tmp_path: Any) -> None:
    text = (KUSTOMIZE / "components" / "pod" / "kustomization.yaml").read_text("utf-8")
    content = yaml.safe_load(text)
    content["images"][0]["newTagg"] = content["images"][0].pop("newTag")
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(content), "utf-8")
    command = [tool("kubectl"), "kustomize", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "newTagg" in done.stderr


def _spots(kind: str, *, free: bool = False) -> Iterator[tuple[Manifest, Path]]:
    """Yield every field of that kind's manifests once; the places of a list are not told apart."""
    seen = set()
    for manifest in (m for overlay in OVERLAYS for m in of_kind(overlay, kind)):
        for path in _paths(manifest, free=free):
            shape = tuple("item" if isinstance(step, int) else step for step in path)
            if shape not in seen:
                seen.add(shape)
                yield manifest, path


def _paths(manifest: Manifest, node: Any = None, path: Path = (), *, free: bool) -> Iterator[Path]:
    node = manifest if node is None else node
    for step, value in node.items() if isinstance(node, dict) else enumerate(node):
        here = (*path, step)
        if isinstance(step, str) and (free or not _is_free(manifest, path)):
            yield here
        if isinstance(value, dict | list):
            yield from _paths(manifest, value, here, free=free)


def _is_free(manifest: Manifest, path: Path) -> bool:
    if not path:
        return False
    name = path[-1]
    if manifest["kind"] == "Service" and name == "selector":
        name = "selector of a Service"
    if manifest["kind"] == "Gateway" and name == "selector":
        return True
    if "triggers" in path and name == "metadata":
        name = "metadata of a trigger"
    return name in FREE


def _at(manifest: Manifest, path: Path) -> Any:
    node: Any = manifest
    for step in path:
        node = node[step]
    return node


def _with(manifest: Manifest, path: Path, value: Any) -> Manifest:
    changed = copy.deepcopy(manifest)
    _at(changed, path[:-1])[path[-1]] = value
    return changed


def _misspelt(manifest: Manifest, path: Path) -> Manifest:
    changed = copy.deepcopy(manifest)
    parent = _at(changed, path[:-1])
    parent[f"{path[-1]}x"] = parent.pop(path[-1])
    return changed
