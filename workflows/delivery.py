"""Telling others: one event is delivered to one endpoint, by the schedule, with Temporal's timers; one mail is sent.

There are many of these and each does little, so they run outside the sandbox, which loads its modules anew for each run.
"""

from datetime import timedelta

from temporalio import workflow

from cutroom.contracts.deliveries import DELIVER, JITTER, SCHEDULE_S, SEND_MAIL, DeliveryInput, MailInput, Tried, TryInput
from workflows.steps import StepError, call


@workflow.defn(name="delivery", sandboxed=False, failure_exception_types=[StepError])
class Delivery:
    """`delivery/evt_.../whe_...`"""

    @workflow.run
    async def run(self, delivery: DeliveryInput) -> None:
        for number in range(delivery.tried + 1, len(SCHEDULE_S) + 1):
            wait_s = SCHEDULE_S[number] * workflow.random().uniform(1, 1 + JITTER) if number < len(SCHEDULE_S) else None
            wanted = TryInput(org_id=delivery.org_id, delivery_id=delivery.delivery_id, number=number, wait_s=wait_s)
            tried = await self._try(wanted)
            if tried.over:
                return
            await workflow.sleep(timedelta(seconds=tried.wait_s))

    async def _try(self, wanted: TryInput) -> Tried:
        """The try, once the endpoint's lane has room for it."""
        while True:
            tried = await call(DELIVER, wanted)
            if tried.counted:
                return tried
            await workflow.sleep(timedelta(seconds=tried.wait_s))


@workflow.defn(name="mail", sandboxed=False, failure_exception_types=[StepError])
class Mail:
    """`mail/<id of what it is about>`. A workflow of its own: a mail that cannot be sent fails nothing else."""

    @workflow.run
    async def run(self, wanted: MailInput) -> None:
        await call(SEND_MAIL, wanted)
