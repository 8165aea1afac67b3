"""Steps of money: holding what a job was quoted, and settling what it delivered. Both may be repeated freely."""

from activities.base import Task, implements
from cutroom.contracts.base import JobRef, Nothing
from cutroom.contracts.jobs import HOLD_CREDITS, SETTLE_CREDITS, Settled
from cutroom.money import billing


@implements(HOLD_CREDITS)
async def hold_credits(task: Task, job: JobRef) -> Nothing:
    """Reasserts the hold that the job was created with."""
    async with task.resources.database.transaction(job.org_id) as session:
        await billing.hold_job(session, job)
    return Nothing()


@implements(SETTLE_CREDITS)
async def settle_credits(task: Task, job: JobRef) -> Settled:
    """Charges what can be downloaded and releases the rest."""
    async with task.resources.database.transaction(job.org_id) as session:
        return await billing.settle_job(session, job)
