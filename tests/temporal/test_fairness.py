"""Organisations take turns: who comes last with one job does not wait for all jobs of who came first."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import Priority
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from cutroom.settings import Settings
from cutroom.temporal.connection import connect
from cutroom.temporal.engine import OURS

STEPS = "fairness-steps"
STARTS = "fairness-starts"

done: list[str] = []


@activity.defn
async def step(owner: str) -> None:
    done.append(owner)


@workflow.defn
class OneStep:
    @workflow.run
    async def run(self, owner: str) -> None:
        await workflow.execute_activity(step, owner, task_queue=STEPS, start_to_close_timeout=timedelta(seconds=30))


async def test_organisations_take_turns_and_our_own_housekeeping_goes_first(settings: Settings) -> None:
    client = await connect(settings)
    of = {name: Priority(priority_key=3, fairness_key=name) for name in ("many", "one")} | {"ours": OURS}
    async with Worker(client, task_queue=STARTS, workflows=[OneStep], workflow_runner=UnsandboxedWorkflowRunner()):
        started = []
        for number, owner in enumerate(["many"] * 20 + ["one", "ours"]):
            name = f"fairness-{number}-{owner}"
            started.append(await client.start_workflow(OneStep.run, owner, id=name, task_queue=STARTS, priority=of[owner]))
            async with asyncio.timeout(30):  # each waits in the queue of steps before the next one comes
                while not (await started[-1].describe()).raw_description.pending_activities:
                    await asyncio.sleep(0.02)
        async with Worker(client, task_queue=STEPS, activities=[step], max_concurrent_activities=1):
            await asyncio.gather(*(handle.result() for handle in started))
    assert len(done) == 22
    # In the order of their coming they would be the last two. A few may have been on their way to a worker before.
    assert done.index("ours") <= 5
    assert done.index("one") <= 5
