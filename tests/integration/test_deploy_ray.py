"""The overlay with a Ray cluster: who computes, who drives, and how they find one another."""

from __future__ import annotations

import re
from typing import Any

import storewatch
from manifests import ROOT, containers, deployment, named, of_kind, selects, workloads

MOST_OF_THE_OBJECT_STORE = 0.1  # of a pod's memory; Ray would take 0.3
UNITS = {"Mi": 1 << 20, "Gi": 1 << 30}


def cluster() -> dict[str, Any]:
    """Return what the cluster is to be."""
    spec: dict[str, Any] = named("ray", "RayCluster", "ray")["spec"]
    return spec


def driver() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the worker's own container and the Ray node beside it."""
    pod = deployment("ray", "worker")["spec"]["template"]["spec"]
    (program,) = pod["containers"]
    (node,) = [each for each in pod["initContainers"] if each.get("restartPolicy") == "Always"]
    return program, node


def size(text: str) -> int:
    """Return the bytes of a quantity."""
    return int(text[:-2]) * UNITS[text[-2:]]


def test_no_slice_is_computed_at_the_head_or_beside_a_driver() -> None:
    assert cluster()["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert "--num-cpus=0" in driver()[1]["command"]


def test_nodes_for_slices_come_and_go_and_have_the_cpus_that_they_say() -> None:
    (group,) = cluster()["workerGroupSpecs"]
    assert cluster()["enableInTreeAutoscaling"] is True
    assert 0 <= group["minReplicas"] <= group["replicas"] < group["maxReplicas"]
    (container,) = group["template"]["spec"]["containers"]
    assert container["resources"]["requests"]["cpu"] == group["rayStartParams"]["num-cpus"]


def test_the_object_store_is_small_and_stated_at_each_node() -> None:
    groups = [cluster()["headGroupSpec"], *cluster()["workerGroupSpecs"]]
    stated = [
        (int(group["rayStartParams"]["object-store-memory"]), group["template"]["spec"]["containers"][0])
        for group in groups
    ]
    (option,) = [word for word in driver()[1]["command"] if word.startswith("--object-store-memory=")]
    stated.append((int(option.partition("=")[2]), driver()[1]))
    for store, container in stated:
        assert store <= MOST_OF_THE_OBJECT_STORE * size(container["resources"]["limits"]["memory"])


def test_a_driver_joins_the_cluster_whose_node_it_is_with_the_token_of_all() -> None:
    program, node = driver()
    environment = {each["name"]: each for each in program["env"]}
    (joined,) = [word for word in node["command"] if word.startswith("--address=")]
    name = of_kind("ray", "RayCluster")[0]["metadata"]["name"]
    assert environment["RAY_ADDRESS"]["value"] == joined.partition("=")[2] == f"{name}-head-svc:6379"
    assert cluster()["authOptions"] == {"mode": "token"}
    assert environment["RAY_AUTH_MODE"]["value"] == "token"
    token = environment["RAY_AUTH_TOKEN"]["valueFrom"]["secretKeyRef"]
    assert token == {"name": name, "key": "auth_token"}  # as KubeRay makes it
    assert [each for each in node["env"] if each["name"].startswith("RAY_")] == [
        each for each in program["env"] if each["name"].startswith("RAY_")
    ]


def test_driver_and_its_node_see_the_same_sockets_and_processes() -> None:
    pod = deployment("ray", "worker")["spec"]["template"]["spec"]
    mounted = [{m["mountPath"]: m["name"] for m in each["volumeMounts"]}["/tmp"] for each in driver()]  # noqa: S108
    assert mounted[0] == mounted[1]
    assert pod["shareProcessNamespace"] is True


def test_the_node_beside_a_driver_is_started_anew_when_it_is_not_healthy() -> None:
    """It ends some time after the head did, and the worker is to go on."""
    _, node = driver()
    assert node["livenessProbe"]["httpGet"] == node["startupProbe"]["httpGet"]
    assert node["livenessProbe"]["httpGet"] == {"path": "/api/healthz", "port": 52365}


def test_every_pod_has_the_same_program_and_the_ray_that_was_tested() -> None:
    ours = {
        each["image"]
        for _, template in workloads("ray")
        for each in containers(template["spec"])
        if each["image"].startswith("storewatch")
    }
    assert ours == {f"storewatch:{storewatch.__version__}-ray"}
    for name in ("requirements-dev.txt", "requirements-ray.txt"):
        text = (ROOT / name).read_text("utf-8")
        (locked,) = re.findall(r"^ray(?:\[default\])?==(\S+)", text, re.MULTILINE)
        assert cluster()["rayVersion"] == locked


def test_nodes_for_slices_reach_the_stores_and_one_another() -> None:
    (group,) = cluster()["workerGroupSpecs"]
    labels = group["template"]["metadata"]["labels"]
    rules = [
        rule
        for policy in of_kind("ray", "NetworkPolicy")
        if selects(policy["spec"]["podSelector"], labels)
        for rule in policy["spec"].get("egress", [])
    ]
    reached = {port["port"] for rule in rules for port in rule["ports"]}
    assert {5432, 8333} <= reached
    assert any({"protocol": "TCP", "port": 1024, "endPort": 65535} in rule["ports"] for rule in rules)
