"""The census' gauges as Prometheus would read them, and waiting for them."""

import asyncio
from collections.abc import Callable

from cutroom.telemetry import metrics
from worker_cpu.census import Part, take

DEADLINE_S = 60.0
GAUGES = (
    metrics.PART_UP,
    metrics.JOBS,
    metrics.OUTBOX_WAITING,
    metrics.OUTBOX_AGE,
    metrics.HOLDS_WITHOUT_JOB,
    metrics.CREDITS,
    metrics.QUEUE_BACKLOG,
    metrics.QUEUE_BACKLOG_AGE,
    metrics.QUEUE_POLLERS,
)


def shown(name: str, **labels: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(f"cutroom_{name}", labels)


def told() -> set[str]:
    """Names of the census' gauges that have a value."""
    return {sample.name for gauge in GAUGES for family in gauge.collect() for sample in family.samples}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.05)


async def taken_until(asked: list[Part], condition: Callable[[], bool]) -> None:
    """Takes the census until it shows what is waited for."""
    async with asyncio.timeout(DEADLINE_S):
        await take(asked)
        while not condition():
            await asyncio.sleep(0.1)
            await take(asked)
