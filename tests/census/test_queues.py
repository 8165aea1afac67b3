"""What the census tells of queues: what waits, how long, and who polls."""

from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from cutroom.contracts.ids import new_id
from cutroom.contracts.steps import Queue
from cutroom.settings import Settings
from cutroom.temporal import queues
from cutroom.temporal.connection import connect
from cutroom.temporal.engine import Engine
from tests.census.gauges import shown, taken_until
from worker_cpu.census import Part, take


@workflow.defn
class Asking:
    """Wants one step of a queue that nobody may be polling."""

    @workflow.run
    async def run(self, queue: str) -> None:
        await workflow.execute_activity("step", task_queue=queue, start_to_close_timeout=timedelta(minutes=5))


@activity.defn
async def step() -> None:
    """Does nothing."""


async def test_a_queue_without_worker_shows_what_waits_and_for_how_long(everything: list[Part], engine: Engine) -> None:
    job_id = new_id("cmp")
    await engine.start("campaign", job_id, "org_1", {})
    await taken_until(everything, lambda: shown("queue_backlog", queue=Queue.CONTROL) == 1)
    first = shown("queue_backlog_age_seconds", queue=Queue.CONTROL) or 0
    await taken_until(everything, lambda: (shown("queue_backlog_age_seconds", queue=Queue.CONTROL) or 0) > max(1, first))
    assert shown("queue_pollers", queue=Queue.CONTROL) == 0
    assert shown("queue_backlog", queue=Queue.OUTBOUND) == shown("queue_backlog_age_seconds", queue=Queue.OUTBOUND) == 0


async def test_a_step_waits_until_a_worker_comes_and_each_worker_counts_once(
    everything: list[Part], engine: Engine, settings: Settings
) -> None:
    client = await engine.client()
    async with Worker(client, task_queue="asking", workflows=[Asking], workflow_runner=UnsandboxedWorkflowRunner()):
        asking = await client.start_workflow(Asking.run, Queue.GPU, id=uuid4().hex, task_queue="asking")
        await taken_until(everything, lambda: shown("queue_backlog", queue=Queue.GPU) == 1)
        assert shown("queue_pollers", queue=Queue.GPU) == 0
        async with Worker(client, task_queue=Queue.GPU, activities=[step], identity="first"):
            await taken_until(everything, lambda: shown("queue_pollers", queue=Queue.GPU) == 1)
            await asking.result()
            await taken_until(everything, lambda: shown("queue_backlog", queue=Queue.GPU) == 0)
            async with Worker(await connect(settings), task_queue=Queue.GPU, activities=[step], identity="second"):
                await taken_until(everything, lambda: shown("queue_pollers", queue=Queue.GPU) == 2)


async def test_a_worker_that_polls_for_workflows_and_steps_is_one_until_it_was_not_heard_of_for_long(
    everything: list[Part], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await engine.client()
    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue=Queue.OUTBOUND, workflows=[Asking], activities=[step], workflow_runner=runner):
        await taken_until(everything, lambda: shown("queue_pollers", queue=Queue.OUTBOUND) == 1)
    await take(everything)
    assert shown("queue_pollers", queue=Queue.OUTBOUND) == 1
    monkeypatch.setattr(queues, "HEARD_OF_WITHIN", timedelta(seconds=1))
    await taken_until(everything, lambda: shown("queue_pollers", queue=Queue.OUTBOUND) == 0)
