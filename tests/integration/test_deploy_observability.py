"""Alert rules and dashboard: every expression parses, every metric in them is one that the program has."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from manifests import ROOT, labels_of, of_kind
from storewatch.adapters.jobs import open_jobs
from storewatch.metrics import Metrics
from storewatch.ports.jobs import ENDED, State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = ROOT / "deploy" / "observability"
DURATION = re.compile(r"[1-9]\d*[smhd]")

# Which figures there are, and by which labels: what src/storewatch/metrics.py is held against below.
METRICS: dict[str, set[str]] = {
    "storewatch_build_info": {"version"},
    "storewatch_requests_total": {"route", "method", "status"},
    "storewatch_request_seconds": {"route"},
    "storewatch_jobs": {"state"},
    "storewatch_oldest_queued_job_seconds": set(),
    "storewatch_queue_length": set(),
    "storewatch_reports_total": {"outcome"},
    "storewatch_stage_seconds": {"stage"},
    "storewatch_report_polls": set(),
    "storewatch_report_stores": set(),
    "storewatch_rejected_rows_total": {"reason"},
    "storewatch_adapter_errors_total": {"port"},
    "storewatch_live_workers": set(),
    "storewatch_evicting_redis": set(),
}
HISTOGRAMS = {"storewatch_request_seconds", "storewatch_stage_seconds"}
OF_PROMETHEUS = {"instance", "le"}  # labels that Prometheus adds
UP = {"up": {"job", "component", "pod"}}  # Prometheus' own figure, with the labels of scrape.yaml
ALL = METRICS | UP


def alerts() -> list[dict[str, Any]]:
    """Return the alert rules."""
    content = yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))
    assert set(content) == {"groups"}
    return [rule for group in content["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    found: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
    return found


def panels() -> list[dict[str, Any]]:
    """Return the panels that show something."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Yield where an expression is and what it is, with Grafana's variables filled in."""
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*")
            assert "$" not in text, panel["title"]
            yield panel["title"], text
    for scaler in of_kind("production", "ScaledObject"):
        for trigger in scaler["spec"]["triggers"]:
            yield "ScaledObject", trigger["metadata"]["query"]


def selectors(node: Any) -> Iterator[promql_parser.VectorSelector]:
    """Yield the selectors in a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("vector_selector", "expr", "param", "lhs", "rhs"):
        if (part := getattr(node, name, None)) is not None:
            yield from selectors(part)
    for part in getattr(node, "args", None) or []:
        yield from selectors(part)


def all_selectors() -> list[tuple[str, promql_parser.VectorSelector]]:
    """Return each selector of each expression."""
    return [(where, s) for where, text in expressions() for s in selectors(promql_parser.parse(text))]


def family(name: str) -> str:
    """Return the metric of a series: a histogram has three."""
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if base in HISTOGRAMS else name


def test_every_expression_parses_and_asks_for_something() -> None:
    for where, text in expressions():
        assert list(selectors(promql_parser.parse(text))), where


def test_the_walk_through_an_expression_finds_every_metric_in_its_text() -> None:
    for where, text in expressions():
        found = sorted(s.name or "" for s in selectors(promql_parser.parse(text)))
        assert found == sorted(re.findall(r"storewatch_\w+|\bup\b", text)), where


@pytest.mark.parametrize(
    "wrong",
    ["summ(storewatch_jobs)", "rate(storewatch_requests_total)", "max(storewatch_jobs", "max by state (x)"],
)
def test_a_wrong_expression_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        promql_parser.parse(wrong)


def test_every_metric_in_use_is_known_and_every_known_metric_is_in_use() -> None:
    assert {family(s.name or "") for _, s in all_selectors()} == {*METRICS, *UP}


def test_histograms_are_asked_for_their_series_only() -> None:
    for where, selector in all_selectors():
        assert selector.name not in HISTOGRAMS, where


def test_every_label_in_use_is_one_of_its_metric() -> None:
    for where, text in expressions():
        parsed = promql_parser.parse(text)
        allowed = OF_PROMETHEUS.union(*(ALL[family(s.name or "")] for s in selectors(parsed)))
        for selector in selectors(parsed):
            names = {matcher.name for matcher in selector.matchers.matchers}
            assert names <= ALL[family(selector.name or "")] | OF_PROMETHEUS, where
        for by in re.findall(r"\bby \(([^)]*)\)", text):
            assert {name.strip() for name in by.split(",")} <= allowed, where


def test_states_and_outcomes_are_spelt_as_the_program_spells_them() -> None:
    known = {"state": {str(state) for state in State}, "outcome": {str(state) for state in ENDED}}
    for where, selector in all_selectors():
        for matcher in selector.matchers.matchers:
            assert matcher.value in known.get(matcher.name, {matcher.value}), where


def test_figures_of_the_board_are_never_added_up_over_instances() -> None:
    shared = {name for name in METRICS if not name.endswith(("_total", "_seconds"))}
    shared |= {"storewatch_oldest_queued_job_seconds"}
    for where, text in expressions():
        for name in shared:
            assert not re.search(rf"\bsum\b[^)]*\(\s*{name}\b", text), where


def test_the_program_has_these_metrics_with_these_labels(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.watch(open_jobs(f"sqlite://{tmp_path}/jobs.sqlite"))
    metrics.request(route="/", method="GET", status=200, seconds=0)
    metrics.attempt(
        {"outcome": "Complete", "seconds": {"gather": 1}, "polls": 1, "stores": 1, "rejected": {"a": 1}}
    )
    found: dict[str, set[str]] = {}
    for of_one in text_string_to_metric_families(metrics.page().decode()):
        for sample in of_one.samples:
            if sample.name.startswith("storewatch_") and not sample.name.endswith("_created"):
                found.setdefault(family(sample.name), set()).update(set(sample.labels) - {"le"})
    assert found == METRICS


def test_the_labels_of_up_are_those_that_the_scrapes_give() -> None:
    scrape = yaml.safe_load((FOLDER / "scrape.yaml").read_text("utf-8"))
    given = {rule["target_label"] for rule in scrape["relabel_configs"] if "target_label" in rule}
    assert UP["up"] == {name for name in given if not name.startswith("__")} | {"job"}
    (namespace,) = scrape["kubernetes_sd_configs"][0]["namespaces"]["names"]
    parts = {labels_of(m)["app.kubernetes.io/component"] for m in of_kind("minimal", "Deployment")}
    for where, selector in all_selectors():
        for matcher in selector.matchers.matchers if selector.name == "up" else []:
            known = {"job": {scrape["job_name"]}, "component": parts}
            assert matcher.value in known[matcher.name], where
    assert {m["metadata"].get("namespace") for m in of_kind("minimal", "Deployment")} == {namespace}


def test_a_job_that_the_board_itself_has_ended_is_alerted_of() -> None:
    (fail,) = [rule for rule in alerts() if rule["alert"] == "StorewatchReportsFail"]
    found = {s.name for s in selectors(promql_parser.parse(fail["expr"]))}
    assert found == {"storewatch_reports_total", "storewatch_jobs"}


def test_an_api_that_is_there_is_not_called_gone_while_the_board_is_away() -> None:
    (gone,) = [rule for rule in alerts() if rule["alert"] == "StorewatchGone"]
    assert {s.name for s in selectors(promql_parser.parse(gone["expr"]))} == {"up"}


def test_every_alert_says_how_bad_what_it_means_and_what_to_look_at() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert sorted(set(names)) == sorted(names)
    for rule in alerts():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert rule["alert"].startswith("Storewatch")
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "description"}
        assert DURATION.fullmatch(rule.get("for", "1m"))


def test_templates_of_alerts_name_labels_that_the_expression_keeps() -> None:
    for rule in alerts():
        used = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        kept = {n.strip() for by in re.findall(r"\bby \(([^)]*)\)", rule["expr"]) for n in by.split(",")}
        assert used <= kept - {"le"}, rule["alert"]


def test_panels_have_a_number_of_their_own_a_title_and_a_sentence() -> None:
    numbers = [panel["id"] for panel in dashboard()["panels"]]
    assert sorted(set(numbers)) == sorted(numbers)
    for panel in panels():
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["targets"]


def test_panels_take_their_data_source_from_the_variable() -> None:
    source = {"type": "prometheus", "uid": "${datasource}"}
    variables = {v["name"]: v for v in dashboard()["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["instance"]["datasource"] == source
    for panel in panels():
        assert panel["datasource"] == source
        assert all(target["datasource"] == source for target in panel["targets"])


def test_no_two_panels_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not taken & cells, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
