"""What every process of ours does first: how it is ended, its logs, its metrics, its traces."""

import os
import signal

import cutroom
from cutroom import logs
from cutroom.settings import Settings
from cutroom.telemetry import metrics, tracing
from cutroom.temporal import sdk_metrics


def begin(settings: Settings, name: str) -> None:
    """`name`: api, control, outbound, media, gpu. To be called once, before anything connects; in the main thread.

    Who is asked to end while it still waits for its servers ends at once, with 0: to end as asked is no failure. Later the
    API and the workers drain first.
    """
    # There is nothing to clear up yet. An exception would not do: raised where Python ignores them, it would be lost.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    logs.configure(settings.log_format)
    metrics.BUILD.info({"version": cutroom.__version__, "process": name})
    sdk_metrics.measure()
    tracing.start(settings, name)
