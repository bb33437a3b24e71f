"""Counters and histograms over all processes: the database has their sums.

A process counts in memory, with Prometheus' own client, and adds what is new to the table every
few seconds. So every web process shows the same figures, also those of workers and of processes
that ended. A process that is killed takes the counts of these seconds with it.
"""

import json
import threading
from collections.abc import Iterator

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import Metric

from sequin_admin.core.availability import is_told
from sequin_admin.core.models import MetricSum

log = structlog.get_logger(__name__)
counted = CollectorRegistry()
RENEWALS = Counter(
    "sequin_admin_renewals",
    "Attempts to renew a token, by kind and who must act after it.",
    ["kind", "outcome"],
    registry=counted,
)
PROBES = Counter(
    "sequin_admin_probes",
    "Probes of credentials, by kind and who must act after it.",
    ["kind", "outcome"],
    registry=counted,
)
DELIVERIES = Counter(
    "sequin_admin_deliveries",
    "Attempts to deliver a message, by channel and what became of it.",
    ["channel", "outcome"],
    registry=counted,
)
PERMITS = Counter(
    "sequin_admin_permits",
    "Rate-limit permits: granted ones, and requests that were refused.",
    ["outcome"],
    registry=counted,
)
REQUESTS = Histogram(
    "sequin_admin_request_duration_seconds",
    "HTTP requests by area and class of the status, and how long they took.",
    ["area", "status"],
    buckets=(0.05, 0.25, 1, 5, 25),
    registry=counted,
)
# When a series began, which the client adds: not of this process alone.
LEFT_OUT = "_created"

_lock = threading.Lock()
_added: dict[tuple[str, str], float] = {}


def flush() -> None:
    """Add what was counted since the last time. Errors of the database are logged, and the counts
    kept."""
    with _lock:
        now = dict(current_samples())
        # Also the zeros of new series: every bucket of a histogram is there from the start.
        news = {key: now[key] - _added.get(key, 0) for key in now if now[key] != _added.get(key)}
        try:
            add_to_sums(news)
        except DatabaseError as error:
            if not is_told(error):
                log.warning("metrics not written", exc_info=True)
        else:
            _added.update(now)


def current_samples() -> Iterator[tuple[tuple[str, str], float]]:
    """Name, labels as JSON, and value of what this process has counted."""
    for metric in counted.collect():
        for sample in metric.samples:
            if not sample.name.endswith(LEFT_OUT):
                labels = json.dumps(sample.labels, sort_keys=True)
                yield (sample.name, labels), sample.value


def add_to_sums(gains: dict[tuple[str, str], float]) -> None:
    """In one order everywhere, so that no two processes wait for each other."""
    with transaction.atomic():
        for (name, labels), gain in sorted(gains.items()):
            row = MetricSum.objects.filter(name=name, labels=labels)
            if row.update(value=F("value") + gain):
                continue
            MetricSum.objects.bulk_create(
                [MetricSum(name=name, labels=labels, value=0)], ignore_conflicts=True
            )
            row.update(value=F("value") + gain)


class SummedMetrics:
    """Collector of the sums over all processes."""

    def collect(self) -> Iterator[Metric]:
        stored = MetricSum.objects.values_list("name", "labels", "value")
        sums = [(name, json.loads(labels), value) for name, labels, value in stored]
        sums.sort(key=lambda sample: place(*sample[:2]))
        for metric in counted.collect():
            names = {metric.name + ending for ending in ("_total", "_bucket", "_count", "_sum")}
            summed = Metric(metric.name, metric.documentation, metric.type)
            for name, labels, value in sums:
                if name in names:
                    summed.add_sample(name, labels, value)
            yield summed


def place(name: str, labels: dict[str, str]) -> tuple[list[str], str, float]:
    """Prometheus wants a series as a whole, and its buckets by their bounds."""
    series = [value for label, value in sorted(labels.items()) if label != "le"]
    return series, name, float(labels.get("le", 0))
