"""What a worker does that is asked to stop, in a process of its own: it drains, another takes over."""

import asyncio
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from cutroom.local.leash import leashed
from tests.conftest import TemporalServer

DEADLINE_S = 60.0
HEARTBEAT = timedelta(seconds=2)


@workflow.defn
class Holding:
    """One step, held by the worker of the queue `queue`."""

    @workflow.run
    async def run(self, queue: str) -> list[int]:
        answer: list[int] = await workflow.execute_activity(
            "hold", task_queue=queue, start_to_close_timeout=timedelta(minutes=5), heartbeat_timeout=HEARTBEAT
        )
        return answer


@dataclass
class Scene:
    """One queue, the workflows that want a step of it, and the workers that are started for it."""

    client: Client
    address: str
    folder: Path
    queue: str

    @asynccontextmanager
    async def worker(self, drain_s: float) -> AsyncIterator[asyncio.subprocess.Process]:
        """A worker that polls."""
        ready = self.folder / f"ready-{uuid.uuid4().hex}"
        command = [sys.executable, "-m", "tests.temporal.holding_worker", self.address, self.queue, str(self.folder), str(drain_s)]
        process = await asyncio.create_subprocess_exec(*leashed(command), env={**os.environ, "CUTROOM_READY_FILE": str(ready)})
        try:
            await until(ready.exists)
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def start(self, name: str) -> WorkflowHandle[Holding, list[int]]:
        return await self.client.start_workflow(Holding.run, self.queue, id=f"{name}-{self.queue}", task_queue=f"{self.queue}-w")

    def left(self, name: str, attempt: int, ending: str) -> Path:
        return self.folder / f"{attempt}-{name}-{self.queue}.{ending}"

    def let_go(self) -> None:
        (self.folder / "let-go").touch()


@pytest.fixture
async def scene(temporal_server: TemporalServer, tmp_path: Path) -> AsyncIterator[Scene]:
    client = await Client.connect(temporal_server.address)
    queue = f"holding-{uuid.uuid4().hex}"
    async with Worker(client, task_queue=f"{queue}-w", workflows=[Holding], workflow_runner=UnsandboxedWorkflowRunner()):
        yield Scene(client, temporal_server.address, tmp_path, queue)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.02)


async def beats_after(handle: WorkflowHandle[Holding, list[int]], moment: datetime) -> None:
    """Returns once the server has had a heartbeat of the workflow's step that is later than `moment`."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            pending = (await handle.describe()).raw_description.pending_activities
            assert [step.attempt for step in pending] == [1]
            if pending[0].last_heartbeat_time.ToDatetime(UTC) > moment:
                return
            await asyncio.sleep(0.1)


async def test_a_draining_worker_ends_its_step_while_the_next_one_takes_all_others(scene: Scene) -> None:
    async with scene.worker(drain_s=DEADLINE_S) as old:
        first = await scene.start("first")
        await until(scene.left("first", 1, "begun").exists)
        old.send_signal(signal.SIGTERM)
        async with scene.worker(drain_s=DEADLINE_S) as new:
            second = await scene.start("second")
            await until(scene.left("second", 1, "begun").exists)
            old.send_signal(signal.SIGTERM)
            old.send_signal(signal.SIGINT)
            await beats_after(first, datetime.now(UTC) + 2 * HEARTBEAT)
            scene.let_go()
            assert await first.result() == [old.pid, 1]
            assert await second.result() == [new.pid, 1]
            async with asyncio.timeout(DEADLINE_S):
                assert await old.wait() == 0


async def test_a_step_that_outlasts_the_drain_is_tried_again_by_the_next_worker(scene: Scene) -> None:
    async with scene.worker(drain_s=0.2) as old:
        step = await scene.start("step")
        await until(scene.left("step", 1, "begun").exists)
        old.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            assert await old.wait() == 0
        assert scene.left("step", 1, "canceled").exists()
    scene.let_go()
    async with scene.worker(drain_s=0.2) as new:
        assert await step.result() == [new.pid, 2]
