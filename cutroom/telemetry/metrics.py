"""Every metric of Cutroom, by its name and labels: a contract, documented in docs/metrics.md and held to it by tests.

Labels have few values that the code knows beforehand (a step, a queue, a route's template); never an id, a name or a path.
Seconds and bytes are base units, as Prometheus asks for. What the Temporal SDK measures comes beside these, as `temporal_*`.
"""

import math
import shutil
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

_REQUEST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_WORK_S = (0.05, 0.25, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_WAIT_S = (0.05, 0.25, 1, 5, 15, 30, 60, 180, 600, 1800)


def _counter(name: str, what: str, *labels: str) -> Counter:
    return Counter(name, what, labels, registry=REGISTRY)


def _gauge(name: str, what: str, *labels: str) -> Gauge:
    return Gauge(name, what, labels, registry=REGISTRY)


def _histogram(name: str, what: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
    return Histogram(name, what, labels, buckets=buckets, registry=REGISTRY)


# Every process.
BUILD = Info("cutroom_build", "Version and part of this process: api, control, outbound, media, gpu.", registry=REGISTRY)
CALL_SECONDS = _histogram(
    "cutroom_call_seconds",
    "Seconds of a call to another server, retries included. outcome: ok, refused (it said no), unreachable.",
    _REQUEST_S,
    "service",
    "operation",
    "outcome",
)

# The API.
HTTP_SECONDS = _histogram(
    "cutroom_http_request_seconds",
    "Seconds of an HTTP request, by the template of its route; streams of events count until they end.",
    _REQUEST_S,
    "method",
    "route",
    "status",
)

# Workers, as they work.
STEP_SECONDS = _histogram(
    "cutroom_step_seconds",
    "Seconds of one attempt of a step. outcome: ok, refused (will not be retried), failed (will be), canceled.",
    _WORK_S,
    "step",
    "outcome",
)
QUEUE_DELAY = _histogram(
    "cutroom_queue_delay_seconds", "Seconds that a step waited for a worker, schedule to start.", _WAIT_S, "queue"
)
MEDIA_SECONDS = _counter("cutroom_media_seconds", "Seconds of recording that a step went through.", "step")
MEDIA_WORK_SECONDS = _counter(
    "cutroom_media_work_seconds", "Seconds spent on that; the quotient of the two is the speed of a step.", "step"
)
ARTIFACTS = _counter("cutroom_artifacts", "Artifacts that steps asked for. outcome: found, made.", "step", "outcome")
JOBS_ENDED = _counter(
    "cutroom_jobs_ended", "Jobs that ended, with the code of docs/errors.md where they failed.", "kind", "status", "code"
)
LEDGER_OPERATIONS = _counter("cutroom_ledger_operations", "Operations that were written to the ledger.", "phase", "mode")
LEDGER_CREDITS = _counter("cutroom_ledger_credits", "Credits that these operations moved into an account.", "account", "mode")
FINDINGS = _counter("cutroom_findings", "What reconciliation found and mended.", "kind")
WEBHOOK_TRIES = _counter(
    "cutroom_webhook_tries", "Tries to deliver an event. outcome: ok, refused (it answered no), unreachable.", "outcome"
)
WEBHOOK_DELAY = _histogram(
    "cutroom_webhook_delay_seconds", "Seconds from an event to the first try of each delivery.", _WAIT_S, "outcome"
)
WEBHOOKS_DISABLED = _counter("cutroom_webhook_endpoints_disabled", "Endpoints that were turned off. code: gone, failing.", "code")
DISK_FREE = _gauge("cutroom_disk_free_bytes", "Free bytes where this worker keeps its files. folder: home.", "folder")
DISK_SIZE = _gauge("cutroom_disk_size_bytes", "Size of that disk.", "folder")

# The census: what the control worker reads of the whole, every few seconds. Two control workers tell the same. Each has a
# label, so that a process which cannot tell, tells nothing: without labels a gauge is 0 from the start.
PART_UP = _gauge("cutroom_part_up", "Whether database, store and temporal answer the control worker.", "part")
JOBS = _gauge("cutroom_jobs", "Jobs that have not ended.", "kind", "status")
OUTBOX_WAITING = _gauge(
    "cutroom_outbox_waiting", "Committed starts and signals that have not reached Temporal. kind: start, signal.", "kind"
)
OUTBOX_AGE = _gauge("cutroom_outbox_age_seconds", "Age of the oldest of them; 0 where there is none.", "kind")
HOLDS_WITHOUT_JOB = _gauge("cutroom_holds_without_job", "Holds of credits whose job has ended or does not exist.", "mode")
CREDITS = _gauge("cutroom_credits", "Credits of all organisations.", "account", "mode")
QUEUE_BACKLOG = _gauge("cutroom_queue_backlog", "Steps that wait for a worker, about.", "queue")
QUEUE_BACKLOG_AGE = _gauge(
    "cutroom_queue_backlog_age_seconds", "How long the oldest of them waits; 0 where there is none.", "queue"
)
QUEUE_POLLERS = _gauge(
    "cutroom_queue_pollers", "Workers that asked this queue for work within the last minute and a half.", "queue"
)


def watch_disk(folder: Path) -> None:
    """Tell of the disk that `folder` is on whenever somebody asks; NaN where the folder is gone."""

    def bytes_of(kind: Literal["free", "total"]) -> float:
        try:
            return float(getattr(shutil.disk_usage(folder), kind))
        except OSError:
            return math.nan

    DISK_FREE.labels("home").set_function(lambda: bytes_of("free"))
    DISK_SIZE.labels("home").set_function(lambda: bytes_of("total"))
