"""Which manifest is about which: labels, Services, autoscalers, rights, jobs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from manifests import (
    API,
    KUSTOMIZE,
    OVERLAYS,
    ROOT,
    Manifest,
    build,
    containers,
    deployment,
    label,
    labels_of,
    named,
    of_kind,
    our_pods,
    selects,
    workloads,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

OVERLAY = pytest.mark.parametrize("overlay", OVERLAYS)


def test_the_documented_overlays_are_those_that_there_are() -> None:
    assert {path.name for path in (KUSTOMIZE / "overlays").iterdir()} == set(OVERLAYS)


@OVERLAY
def test_the_three_parts_are_deployments_of_their_own(overlay: str) -> None:
    names = {manifest["metadata"]["name"] for manifest in of_kind(overlay, "Deployment")}
    assert names == {*API, "worker"}


@OVERLAY
def test_the_service_is_over_both_api_deployments_and_nothing_else(overlay: str) -> None:
    selector = named(overlay, "Service", "storewatch")["spec"]["selector"]
    behind = {
        workload["metadata"]["name"]
        for workload, template in workloads(overlay)
        if selects(selector, template["metadata"]["labels"])
    }
    assert behind == set(API)


@OVERLAY
def test_every_service_reaches_pods_at_a_port_that_they_open(overlay: str) -> None:
    for service in of_kind(overlay, "Service"):
        behind = [
            template
            for _, template in workloads(overlay)
            if selects(service["spec"]["selector"], template["metadata"]["labels"])
        ]
        assert behind, label(service)
        for template in behind:
            opened = {port["name"] for c in template["spec"]["containers"] for port in c["ports"]}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= opened, label(service)


@OVERLAY
def test_every_workload_selects_its_own_pods_only(overlay: str) -> None:
    selecting = [(w, w["spec"]["selector"]) for w in of_kind(overlay, "Deployment", "StatefulSet")]
    for workload, selector in selecting:
        found = [w["metadata"]["name"] for w, _ in selecting if selects(selector, labels_of(w))]
        assert found == [workload["metadata"]["name"]]


@OVERLAY
def test_every_deployment_has_a_disruption_budget_of_its_own(overlay: str) -> None:
    budgets = of_kind(overlay, "PodDisruptionBudget")
    for workload in of_kind(overlay, "Deployment"):
        over = [b for b in budgets if selects(b["spec"]["selector"], labels_of(workload))]
        assert [b["metadata"]["name"] for b in over] == [workload["metadata"]["name"]]
        assert over[0]["spec"]["maxUnavailable"] == 1


@OVERLAY
def test_database_and_redis_ports_are_named_tcp(overlay: str) -> None:
    ports = [
        port
        for manifest in of_kind(overlay, "Service", "ServiceEntry")
        for port in manifest["spec"]["ports"]
        if port.get("port", port.get("number")) in {5432, 6379}
    ]
    assert {port["name"] for port in ports} == {"tcp-postgres", "tcp-redis"}


@OVERLAY
def test_no_deployment_has_two_autoscalers_and_each_target_is_there(overlay: str) -> None:
    scalers = of_kind(overlay, "HorizontalPodAutoscaler", "ScaledObject")
    targets = [scaler["spec"]["scaleTargetRef"]["name"] for scaler in scalers]
    wanted = [*API, "worker"] if overlay == "production" else [*API]
    assert sorted(targets) == sorted(wanted)


@OVERLAY
def test_an_autoscaled_deployment_fixes_no_number_of_replicas(overlay: str) -> None:
    scalers = of_kind(overlay, "HorizontalPodAutoscaler", "ScaledObject")
    targets = {scaler["spec"]["scaleTargetRef"]["name"] for scaler in scalers}
    fixed = {m["metadata"]["name"] for m in of_kind(overlay, "Deployment") if "replicas" in m["spec"]}
    assert not targets & fixed
    assert targets | fixed == {*API, "worker"}


def test_in_production_the_workers_follow_the_queue() -> None:
    (scaler,) = of_kind("production", "ScaledObject")
    (trigger,) = scaler["spec"]["triggers"]
    assert "storewatch_queue_length" in trigger["metadata"]["query"]
    assert scaler["spec"]["minReplicaCount"] >= 1  # with none, nobody notices a job until KEDA asks


@OVERLAY
def test_what_scales_by_cpu_asks_for_some(overlay: str) -> None:
    for scaler in of_kind(overlay, "HorizontalPodAutoscaler"):
        workload = deployment(overlay, scaler["spec"]["scaleTargetRef"]["name"])
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        assert container["resources"]["requests"]["cpu"]


def talks_to_kubernetes(template: Manifest) -> bool:
    """Say whether a pod has to: that of Ray's head, whose autoscaler asks for nodes."""
    return bool(template["metadata"]["labels"].get("app.kubernetes.io/component") == "ray-head")


@OVERLAY
def test_every_pod_meets_the_restricted_standard(overlay: str) -> None:
    for workload, template in workloads(overlay):
        pod = template["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True, label(workload)
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is talks_to_kubernetes(template)
        assert pod["enableServiceLinks"] is False
        assert all(set(v) - {"name"} <= {"emptyDir", "configMap", "secret"} for v in pod.get("volumes", []))
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}


@OVERLAY
def test_our_pods_run_as_the_user_of_the_image(overlay: str) -> None:
    users = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    for _, pod, _ in our_pods(overlay):
        context = pod["securityContext"]
        assert [(str(context["runAsUser"]), str(context["runAsGroup"]))] == users


@OVERLAY
def test_what_has_to_end_ends_though_the_namespace_injects_proxies(overlay: str) -> None:
    """A proxy as a native sidecar ends with its pod; one that is not needed is not there."""
    ending = {label(w): t for w, t in workloads(overlay) if w["kind"] in {"Job", "CronJob"}}
    assert {t["spec"]["restartPolicy"] for t in ending.values()} == {"Never"}
    metadata = ending.pop("CronJob/morning-report")["metadata"]
    is_meshed = bool(of_kind(overlay, "PeerAuthentication"))
    notes = metadata.get("annotations", {})
    assert (notes.get("sidecar.istio.io/nativeSidecar") == "true") == is_meshed
    assert "sidecar.istio.io/inject" not in metadata["labels"]
    for name, template in ending.items():
        assert template["metadata"]["labels"]["sidecar.istio.io/inject"] == "false", name


@OVERLAY
def test_a_worker_migrates_before_it_begins_and_nothing_has_to_be_removed_for_it(overlay: str) -> None:
    """A Job could not be applied again with another image or other settings."""
    first = {m["metadata"]["name"]: m["spec"]["template"]["spec"] for m in of_kind(overlay, "Deployment")}
    for pod in first.values():  # what goes on beside the rest does not run first
        pod["initContainers"] = [c for c in pod.get("initContainers", []) if "restartPolicy" not in c]
    migrating = {name: c["args"] for name, pod in first.items() for c in pod["initContainers"]}
    assert migrating == {"worker": ["db", "upgrade"]}
    ((image, environment),) = {
        (c["image"], str(c["envFrom"])) for c in containers(first["worker"])
    }  # the same program on the same database
    assert image
    assert "storewatch-secrets" in environment
    assert not [m for m in of_kind(overlay, "Job") if m["metadata"]["name"] != "sample-data"]


@OVERLAY
def test_a_new_pod_of_a_worker_has_to_stay_before_the_next_is_changed(overlay: str) -> None:
    assert deployment(overlay, "worker")["spec"]["minReadySeconds"] > 0


@OVERLAY
def test_the_morning_report_is_due_at_an_hour_of_a_real_zone(overlay: str) -> None:
    spec = named(overlay, "CronJob", "morning-report")["spec"]
    assert re.fullmatch(r"[0-5]?\d ([01]?\d|2[0-3]) \* \* \*", spec["schedule"])
    assert ZoneInfo(spec["timeZone"])
    assert spec["concurrencyPolicy"] == "Forbid"


@OVERLAY
def test_what_a_pod_refers_to_is_there(overlay: str) -> None:
    elsewhere = {
        "production": {"Secret/storewatch-secrets", "Secret/storewatch-tokens"},
        "ray": {f"Secret/{cluster['metadata']['name']}" for cluster in of_kind(overlay, "RayCluster")},
    }
    there = {label(m) for m in build(overlay)} | elsewhere.get(overlay, set())
    for workload, template in workloads(overlay):
        assert set(_references(template["spec"])) <= there, label(workload)


def _references(pod: Manifest) -> Iterator[str]:
    if "serviceAccountName" in pod:
        yield f"ServiceAccount/{pod['serviceAccountName']}"
    for volume in pod.get("volumes", []):
        if "configMap" in volume:
            yield f"ConfigMap/{volume['configMap']['name']}"
        if not volume.get("secret", {"optional": True}).get("optional"):
            yield f"Secret/{volume['secret']['secretName']}"
    for container in containers(pod):
        for source in container.get("envFrom", []):
            yield from (f"ConfigMap/{r['name']}" for k, r in source.items() if k == "configMapRef")
            yield from (f"Secret/{r['name']}" for k, r in source.items() if k == "secretRef")
        for variable in container.get("env", []):
            if "valueFrom" in variable:
                yield f"Secret/{variable['valueFrom']['secretKeyRef']['name']}"
