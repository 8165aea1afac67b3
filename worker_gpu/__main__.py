"""`python -m worker_gpu`: polls the queue `gpu`."""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from activities import engines, transcription, vision
from activities.base import Implementation
from activities.resources import open_resources
from cutroom import process
from cutroom.contracts.steps import Queue
from cutroom.settings import get_settings
from cutroom.temporal.worker import make_worker, run_until_stopped

GPU: Sequence[Implementation[Any, Any]] = (
    engines.choose_engines,
    engines.choose_recogniser,
    transcription.transcribe_chunk,
    vision.detect_shots_chunk,
    vision.reframe_clip,
)


async def main() -> None:
    """Poll until asked to stop, `gpu_slots` steps at a time, so that words and pictures go side by side."""
    settings = get_settings()
    process.begin(settings, "gpu")
    async with open_resources(settings) as resources:
        worker = make_worker(
            await resources.engine.client(),
            Queue.GPU,
            [implementation.bind(resources) for implementation in GPU],
            slots=settings.gpu_slots,
            drain_s=settings.drain_s,
        )
        await run_until_stopped(worker, Queue.GPU, settings)


if __name__ == "__main__":
    # Before any model loads torch: threads that spin while they wait take the cores from the encoder next door, and from
    # each other, which makes them twice as slow.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    asyncio.run(main())
