"""The schedules that Cutroom owns: created where missing, repaired where they differ."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
)

from cutroom.contracts.steps import Queue
from cutroom.temporal.engine import OURS

RECONCILIATION = "reconciliation"
RECONCILE_EVERY = timedelta(seconds=60)


def reconciliation_schedule() -> Schedule:
    """Every minute, never two at once; runs missed while Temporal was down are not made up for beyond ten minutes."""
    return Schedule(
        action=ScheduleActionStartWorkflow(
            RECONCILIATION, id=RECONCILIATION, task_queue=Queue.CONTROL, priority=OURS, execution_timeout=timedelta(minutes=15)
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=RECONCILE_EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=10)),
    )


async def ensure_schedules(client: Client) -> None:
    """Create our schedules, or bring them to what the code says."""
    schedule = reconciliation_schedule()
    try:
        await client.create_schedule(RECONCILIATION, schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(RECONCILIATION).update(lambda _: ScheduleUpdate(schedule=schedule))
