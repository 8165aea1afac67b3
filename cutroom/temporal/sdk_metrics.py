"""What the Temporal SDK measures of itself (`temporal_*`), shown among this process's metrics.

The SDK serves them from its own core, over HTTP only; so it does on a port of loopback that nobody else is told of.
"""

import socket
from collections.abc import Iterable

import httpx
import structlog
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from cutroom.telemetry.metrics import REGISTRY

log = structlog.get_logger(__name__)


class SdkMetrics(Collector):
    def __init__(self, url: str) -> None:
        self._url = url

    def collect(self) -> Iterable[Metric]:
        """Nothing where the core does not answer: our own metrics are told all the same."""
        try:
            told = httpx.get(self._url, timeout=2, trust_env=False).raise_for_status().text
        except httpx.HTTPError as error:
            log.warning("sdk_metrics_missing", error=type(error).__name__)
            return []
        return text_string_to_metric_families(told)


def measure() -> None:
    """Let the SDK measure from now on; to be called once, before the process's first client."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    metrics = PrometheusConfig(address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True)
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(metrics=metrics)))
    REGISTRY.register(SdkMetrics(f"http://{address}/metrics"))
