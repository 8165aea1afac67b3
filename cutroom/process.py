"""What every process of ours does first: its logs, its metrics, its traces."""

import cutroom
from cutroom import logs
from cutroom.settings import Settings
from cutroom.telemetry import metrics, tracing
from cutroom.temporal import sdk_metrics


def begin(settings: Settings, name: str) -> None:
    """`name`: api, control, outbound, media, gpu. To be called once, before anything connects."""
    logs.configure(settings.log_format)
    metrics.BUILD.info({"version": cutroom.__version__, "process": name})
    sdk_metrics.measure()
    tracing.start(settings, name)
