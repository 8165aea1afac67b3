"""What the Temporal SDK measures of itself (`temporal_*`), shown among this process's metrics.

The SDK serves them from its own core, over HTTP only; so it does on a port of loopback that nobody else is told of.
"""

import socket
from collections.abc import Iterable

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from cutroom.telemetry.metrics import REGISTRY


class SdkMetrics(Collector):
    def __init__(self, url: str) -> None:
        self._url = url

    def collect(self) -> Iterable[Metric]:
        return text_string_to_metric_families(httpx.get(self._url, timeout=2).text)


def measure() -> None:
    """Let the SDK measure from now on; to be called once, before the process's first client."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    metrics = PrometheusConfig(address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True)
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(metrics=metrics)))
    REGISTRY.register(SdkMetrics(f"http://{address}/metrics"))
