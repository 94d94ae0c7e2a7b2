"""The figures that Prometheus is told.

One `Metrics`, with a registry of its own, is built where a process is put together. What worker processes do
is told to their parent, which counts it here: a pod has one page of figures, however many processes it has.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypedDict

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from storewatch import __version__
from storewatch.errors import Port, UnavailableError
from storewatch.ports.jobs import State
from storewatch.ports.risks import Risk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from storewatch.ports.jobs import Jobs

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})  # others are told as one

_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_STAGE_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)


class Attempt(TypedDict):
    """How an attempt at a report went."""

    outcome: str | None  # the state in which its job has ended by it; None: it has not
    seconds: Mapping[str, float]  # of each stage that came to its end
    polls: int | None  # read; None: it did not come so far
    stores: int | None  # that have a row
    rejected: Mapping[str, int]  # input rows that could not be used, by reason


class Metrics:
    """All figures of a process. For its threads."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        counter = partial(Counter, registry=self._registry)
        gauge = partial(Gauge, registry=self._registry)
        histogram = partial(Histogram, registry=self._registry)
        self._requests = counter(
            "storewatch_requests_total", "Requests by route.", ["route", "method", "status"]
        )
        self._request_seconds = histogram(
            "storewatch_request_seconds", "Time to answer.", ["route"], buckets=_REQUEST_SECONDS
        )
        self._reports = counter("storewatch_reports_total", "Report jobs that ended here.", ["outcome"])
        self._stage_seconds = histogram(
            "storewatch_stage_seconds", "Time for a stage of a report.", ["stage"], buckets=_STAGE_SECONDS
        )
        self._polls = gauge("storewatch_report_polls", "Polls read for the last report.")
        self._stores = gauge("storewatch_report_stores", "Stores in the last report.")
        self._rejected = counter(
            "storewatch_rejected_rows_total", "Input rows that reports could not use.", ["reason"]
        )
        self._errors = counter(
            "storewatch_adapter_errors_total", "Calls that a part of the service did not answer.", ["port"]
        )
        for port in Port:
            self._errors.labels(port)
        for outcome in (State.COMPLETE, State.FAILED):
            self._reports.labels(outcome)
        Info("storewatch_build", "What runs here.", registry=self._registry).info({"version": __version__})
        ProcessCollector(registry=self._registry)

    def watch(self, board: Jobs) -> None:
        """Tell how a board stands too; it is asked whenever somebody looks."""
        self._registry.register(_BoardFigures(board, self.unanswered))

    def request(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request; `route` is the route's template, never the path."""
        self._requests.labels(route, method if method in METHODS else "other", status).inc()
        self._request_seconds.labels(route).observe(seconds)

    def attempt(self, attempt: Attempt) -> None:
        """Count an attempt at a report."""
        if attempt["outcome"] is not None:
            self.ended(attempt["outcome"])
        for stage, seconds in attempt["seconds"].items():
            self._stage_seconds.labels(stage).observe(seconds)
        if attempt["polls"] is not None:
            self._polls.set(attempt["polls"])
        if attempt["stores"] is not None:
            self._stores.set(attempt["stores"])
        for reason, rows in attempt["rejected"].items():
            self._rejected.labels(reason).inc(rows)

    def ended(self, outcome: str) -> None:
        """Count a job that has ended in a state."""
        self._reports.labels(outcome).inc()

    def unanswered(self, port: Port) -> None:
        """Count a call that a port did not answer."""
        self._errors.labels(port).inc()

    def page(self) -> bytes:
        """Return all figures as MEDIA_TYPE; those of a board that does not answer are left out."""
        return generate_latest(self._registry)


class _BoardFigures(Collector):
    """How the job board stands, asked at each look."""

    def __init__(self, board: Jobs, unanswered: Callable[[Port], None]) -> None:
        self._board = board
        self._unanswered = unanswered

    def collect(self) -> Iterator[Metric]:
        try:
            overview = self._board.overview()
            warnings = self._board.warnings()
        except UnavailableError as error:
            self._unanswered(error.port)
            return
        jobs = GaugeMetricFamily("storewatch_jobs", "Report jobs on the board.", labels=["state"])
        for state, count in overview.jobs.items():
            jobs.add_metric([state], count)
        yield jobs
        waited = overview.oldest_queued_seconds or 0.0
        queued = overview.jobs[State.QUEUED]
        yield _gauge("storewatch_oldest_queued_job_seconds", "How long the oldest one has waited.", waited)
        yield _gauge("storewatch_queue_length", "Report jobs that wait for a worker.", queued)
        yield _gauge("storewatch_live_workers", "Worker processes that are alive.", overview.live_workers)
        if Risk.UNCHECKED not in warnings:
            evicts = int(Risk.EVICTS in warnings)
            yield _gauge("storewatch_evicting_redis", "1: the board may throw jobs out.", evicts)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)
