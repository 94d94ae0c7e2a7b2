"""Who may talk to whom: network policies, and Istio's routes and authorization."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from manifests import (
    API,
    KUSTOMIZE,
    OVERLAYS,
    Manifest,
    deployment,
    label,
    labels_of,
    named,
    of_kind,
    selects,
    workloads,
)
from storewatch.entrypoints.http.app import ROUTERS
from storewatch.entrypoints.http.pages.rendering import PageRoute
from storewatch.main import app

OVERLAY = pytest.mark.parametrize("overlay", OVERLAYS)
MESH = pytest.mark.parametrize("overlay", ["istio", "production"])
PRIVATE = {"/healthz", "/readyz", "/metrics"}  # for the kubelet and Prometheus, not for callers
PAGES = {"/docs", "/openapi.json"}  # FastAPI's own, not in its OpenAPI document


def routes() -> dict[str, set[str]]:
    """Return the app's paths and their methods, those of the pages too."""
    paths: dict[str, Any] = app.openapi()["paths"]
    found = {path: {method.upper() for method in methods} for path, methods in paths.items()}
    for route in (each for router in ROUTERS for each in router.routes):
        if isinstance(route, PageRoute):
            found.setdefault(route.path, set()).update(route.methods or ())
    return found


def policies(overlay: str, direction: str, labels: dict[str, str]) -> list[Manifest]:
    """Return the rules of that direction (ingress, egress) that hold for pods with these labels."""
    return [
        rule
        for policy in of_kind(overlay, "NetworkPolicy")
        if selects(policy["spec"]["podSelector"], labels)
        for rule in policy["spec"].get(direction, [])
    ]


@OVERLAY
def test_nothing_is_allowed_but_what_is_named(overlay: str) -> None:
    everything = named(overlay, "NetworkPolicy", "nothing-else")["spec"]
    assert everything == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for policy in of_kind(overlay, "NetworkPolicy"):
        for direction, peers in (("ingress", "from"), ("egress", "to")):
            rules = policy["spec"].get(direction, [])
            assert all(rule.get(peers) and rule.get("ports") for rule in rules), label(policy)
            assert not rules or direction.capitalize() in policy["spec"]["policyTypes"], label(policy)


@OVERLAY
def test_every_network_policy_is_about_pods_that_exist(overlay: str) -> None:
    pods = [template["metadata"]["labels"] for _, template in workloads(overlay)]
    for policy in of_kind(overlay, "NetworkPolicy"):
        assert any(selects(policy["spec"]["podSelector"], labels) for labels in pods), label(policy)


@OVERLAY
def test_all_pods_may_look_up_names(overlay: str) -> None:
    for _, template in workloads(overlay):
        rules = policies(overlay, "egress", template["metadata"]["labels"])
        assert any({p["port"] for p in rule["ports"]} == {53} for rule in rules)


@OVERLAY
@pytest.mark.parametrize("part", ["poll-handler", "report-generation-handler", "worker"])
def test_what_uses_the_stores_may_reach_them(overlay: str, part: str) -> None:
    (labels,) = [t["metadata"]["labels"] for w, t in workloads(overlay) if w["metadata"]["name"] == part]
    reached = {port["port"] for rule in policies(overlay, "egress", labels) for port in rule["ports"]}
    assert {5432, 6379, 443 if overlay == "production" else 8333} <= reached


RAY_NODES = {"NetworkPolicy/ray-nodes"}
MONITORING = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}


@OVERLAY
def test_a_worker_is_called_by_prometheus_alone_and_as_a_node_by_nodes_of_its_cluster(overlay: str) -> None:
    rules = policies(overlay, "ingress", labels_of(deployment(overlay, "worker")))
    others = [peer["podSelector"] for rule in rules for peer in rule["from"] if peer != MONITORING]
    nodes = [m["spec"]["podSelector"] for m in of_kind(overlay, "NetworkPolicy") if label(m) in RAY_NODES]
    assert others == nodes


@OVERLAY
def test_prometheus_reaches_figures_and_behind_a_mesh_no_port_of_the_program(overlay: str) -> None:
    """The proxy's own port gives the figures there: 15020."""
    for workload in of_kind(overlay, "Deployment"):
        rules = policies(overlay, "ingress", labels_of(workload))
        reached = {p["port"] for rule in rules if MONITORING in rule["from"] for p in rule["ports"]}
        own = int(workload["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"])
        assert own in reached if overlay == "ray" else reached == {own if overlay == "minimal" else 15020}


@MESH
def test_the_gateway_may_call_the_api(overlay: str) -> None:
    for name in API:
        rules = policies(overlay, "ingress", labels_of(deployment(overlay, name)))
        gateways = [
            p
            for rule in rules
            for p in rule["from"]
            if p.get("podSelector") == {"matchLabels": {"istio": "ingressgateway"}}
        ]
        assert gateways


def routed(overlay: str, method: str, path: str) -> Manifest:
    """Return the route that a request takes: the first whose match it meets."""
    for route in named(overlay, "VirtualService", "storewatch")["spec"]["http"]:
        matches = route.get("match", [{}])
        if any(
            m.get("uri", {"exact": path}) == {"exact": path}
            and m.get("method", {"exact": method}) == {"exact": method}
            for m in matches
        ):
            found: Manifest = route
            return found
    raise LookupError(f"no route for {method} {path}")


def subset(route: Manifest) -> str:
    (target,) = route["route"]
    name: str = target["destination"]["subset"]
    return name


@MESH
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/trigger_report"), ("GET", "/trigger_report"), ("POST", "/v1/reports"), ("POST", "/reports")],
)
def test_triggers_go_to_report_generation_and_are_never_sent_twice(
    overlay: str, method: str, path: str
) -> None:
    route = routed(overlay, method, path)
    assert subset(route) == "report-generation-handler"
    assert route["retries"] == {"attempts": 0}


@MESH
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/get_report"),
        ("GET", "/v1/reports"),
        ("GET", "/reports/x/y.csv"),
        ("GET", "/docs"),
    ],
)
def test_everything_else_goes_to_polling(overlay: str, method: str, path: str) -> None:
    route = routed(overlay, method, path)
    assert subset(route) == "poll-handler"
    assert set(route["retries"]["retryOn"].split(",")) <= {"connect-failure", "refused-stream"}


@MESH
def test_each_subset_is_one_deployment_behind_the_service(overlay: str) -> None:
    rule = named(overlay, "DestinationRule", "storewatch")["spec"]
    found = {
        s["name"]: [
            m["metadata"]["name"]
            for m in of_kind(overlay, "Deployment")
            if selects(s["labels"], labels_of(m))
        ]
        for s in rule["subsets"]
    }
    assert found == {name: [name] for name in API}
    balancing = {s["name"]: s["trafficPolicy"]["loadBalancer"]["simple"] for s in rule["subsets"]}
    assert balancing == {"poll-handler": "RANDOM", "report-generation-handler": "ROUND_ROBIN"}


@MESH
def test_routes_gateway_and_rule_name_what_exists(overlay: str) -> None:
    routes_ = named(overlay, "VirtualService", "storewatch")["spec"]
    (gateway,) = of_kind(overlay, "Gateway")
    service = named(overlay, "Service", "storewatch")
    assert routes_["gateways"] == [gateway["metadata"]["name"]]
    assert {host for server in gateway["spec"]["servers"] for host in server["hosts"]} == set(
        routes_["hosts"]
    )
    assert named(overlay, "DestinationRule", "storewatch")["spec"]["host"] == service["metadata"]["name"]
    subsets = {s["name"] for s in named(overlay, "DestinationRule", "storewatch")["spec"]["subsets"]}
    for route in routes_["http"]:
        (target,) = route["route"]
        assert target["destination"]["host"] == service["metadata"]["name"]
        assert target["destination"]["port"]["number"] in {port["port"] for port in service["spec"]["ports"]}
        assert target["destination"]["subset"] in subsets


GATEWAY = "cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account"
MORNING_REPORT = "cluster.local/ns/storewatch/sa/morning-report"


def is_allowed(overlay: str, method: str, path: str, *, caller: str | None) -> bool:
    """Say whether the API's authorization policy lets a request of an identity pass."""
    policy = named(overlay, "AuthorizationPolicy", "public-calls")
    assert policy["spec"]["action"] == "ALLOW"
    for rule in policy["spec"]["rules"]:
        known = [p for source in rule.get("from", []) for p in source["source"]["principals"]]
        if "from" in rule and not any(caller and caller.endswith(p.removeprefix("*")) for p in known):
            continue
        for to in rule["to"]:
            operation = to["operation"]
            if method in operation.get("methods", [method]) and any(
                _matches(p, path) for p in operation["paths"]
            ):
                return True
    return False


def _matches(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


@MESH
def test_outside_callers_reach_every_public_call_and_no_other(overlay: str) -> None:
    asked = {(method, path) for path, methods in routes().items() for method in methods}
    asked |= {("GET", path) for path in PAGES | PRIVATE}
    for method, path in sorted(asked):
        filled = re.sub(r"{[^}]+}", "x", path)
        assert is_allowed(overlay, method, filled, caller=GATEWAY) == (path not in PRIVATE), (
            method,
            path,
        )


def calls_of(overlay: str, caller: str | None) -> set[tuple[str, str]]:
    """Return the methods and paths that the policy lets an identity ask for."""
    asked = {(method, path) for path, methods in routes().items() for method in methods}
    return {(m, path) for m, path in asked if is_allowed(overlay, m, path, caller=caller)}


@MESH
def test_the_morning_report_may_ask_for_a_report_and_look_at_it(overlay: str) -> None:
    assert calls_of(overlay, MORNING_REPORT) == {("POST", "/trigger_report"), ("GET", "/get_report")}


@MESH
@pytest.mark.parametrize("caller", [None, "cluster.local/ns/istio-system/sa/other", GATEWAY + "-2"])
def test_who_is_not_known_may_ask_for_nothing(overlay: str, caller: str | None) -> None:
    assert calls_of(overlay, caller) == set()


@MESH
def test_the_morning_report_has_an_identity_of_its_own_and_a_proxy_that_proves_it(overlay: str) -> None:
    """Under STRICT nothing is heard that has none."""
    (mode,) = [m["spec"]["mtls"]["mode"] for m in of_kind(overlay, "PeerAuthentication")]
    assert mode == "STRICT"
    (pod,) = [t for w, t in workloads(overlay) if w["kind"] == "CronJob"]
    (namespace,) = of_kind(overlay, "Namespace")
    account = f"ns/{namespace['metadata']['name']}/sa/{pod['spec']['serviceAccountName']}"
    assert MORNING_REPORT.endswith(account)
    others = {t["spec"].get("serviceAccountName") for w, t in workloads(overlay) if w["kind"] != "CronJob"}
    assert pod["spec"]["serviceAccountName"] not in others
    istiod = [
        r
        for r in policies(overlay, "egress", pod["metadata"]["labels"])
        if {"protocol": "TCP", "port": 15012} in r["ports"]
    ]
    assert istiod


def test_in_production_the_gateway_passes_no_write_of_v1_without_a_token() -> None:
    """A policy that denies goes before those that allow."""
    policy = named("production", "AuthorizationPolicy", "no-writes-without-a-token")["spec"]
    assert policy["action"] == "DENY"
    (rule,) = policy["rules"]
    (gateway,) = [p for source in rule["from"] for p in source["source"]["principals"]]
    assert GATEWAY.endswith(gateway.removeprefix("*"))
    (operation,) = [to["operation"] for to in rule["to"]]
    writes = {(m, path) for path, methods in routes().items() for m in methods if path.startswith("/v1/")}
    writes -= {(m, path) for m, path in writes if m in operation["notMethods"]}
    assert {m for m, _ in writes} >= {"POST", "DELETE"}
    assert all(any(_matches(p, path) for p in operation["paths"]) for _, path in writes)
    assert rule["when"] == [{"key": "request.headers[authorization]", "notValues": ["Bearer *"]}]


@MESH
def test_the_policies_hold_for_both_api_deployments(overlay: str) -> None:
    for policy in of_kind(overlay, "AuthorizationPolicy"):
        held = [
            m["metadata"]["name"]
            for m in of_kind(overlay, "Deployment")
            if selects(policy["spec"]["selector"], labels_of(m))
        ]
        assert sorted(held) == sorted(API)


@MESH
def test_the_namespace_injects_proxies_that_start_before_the_program_and_end_after_it(overlay: str) -> None:
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["istio-injection"] == "enabled"
    for workload in of_kind(overlay, "Deployment"):
        notes = workload["spec"]["template"]["metadata"]["annotations"]
        assert notes["sidecar.istio.io/nativeSidecar"] == "true"
        assert "prometheus.io/port" in notes  # the patch adds to what was there


def test_in_production_the_mesh_knows_each_store_by_its_name() -> None:
    """Where only what is registered may be called, S3 too has to be."""
    known = {host for entry in of_kind("production", "ServiceEntry") for host in entry["spec"]["hosts"]}
    (settings,) = [m for m in of_kind("production", "ConfigMap") if "settings" in m["metadata"]["name"]]
    secrets = (KUSTOMIZE / "overlays" / "production" / "secrets.env.example").read_text("utf-8")
    named_ = {urlsplit(url).hostname for url in re.findall(r"(?m)_URL=(\S+)$", secrets)}
    assert known == named_ | {f"s3.{settings['data']['AWS_REGION']}.amazonaws.com"}
    assert "AWS_ENDPOINT_URL" not in settings["data"]
