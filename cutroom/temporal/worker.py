"""Running one worker process: poll a queue until a signal asks to stop, then drain."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from cutroom.contracts.steps import Queue
from cutroom.settings import Settings
from cutroom.telemetry import page

log = structlog.get_logger(__name__)


def make_worker(
    client: Client,
    queue: Queue,
    activities: Sequence[Callable[..., Any]],
    workflows: Sequence[type] = (),
    *,
    slots: int = 20,
    drain_s: float,
) -> Worker:
    """A worker of one queue with `slots` activities at a time. Heartbeats go out twice a second, so a resume loses little.

    Once it is asked to stop it takes nothing new; what still runs after `drain_s` seconds is canceled, which costs the step
    an attempt.
    """
    return Worker(
        client,
        task_queue=queue,
        activities=activities,
        workflows=workflows,
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(
                "cutroom.contracts", "pydantic_core", "annotated_types"
            )
        ),
        max_concurrent_activities=slots,
        max_heartbeat_throttle_interval=timedelta(seconds=0.5),
        default_heartbeat_throttle_interval=timedelta(seconds=0.5),
        graceful_shutdown_timeout=timedelta(seconds=drain_s),
    )


async def run_until_stopped(worker: Worker, queue: Queue, settings: Settings) -> None:
    """Poll until SIGTERM or SIGINT, then let running activities end for a while.

    Once it polls it touches CUTROOM_READY_FILE, and serves metrics and health until it has drained: healthy is who asks for
    work. Raises SetupError where these cannot be served.

    A second signal changes nothing: whoever cannot wait kills.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as until_drained, worker:
        await until_drained.enter_async_context(page.serving(settings))
        log.info("polling", queue=queue)
        _say_ready()
        await stop.wait()
        log.info("draining", queue=queue)


def _say_ready() -> None:
    ready = os.environ.get("CUTROOM_READY_FILE")
    if ready:
        Path(ready).touch()
