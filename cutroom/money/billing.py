"""What a job pays. A clip is billable once it can be downloaded, the analysis once the first clip is; a reel where it was made.

Every way out of a job that is paid from credits (success, failure, cancellation, reconciliation) ends in `settle_job`, which
charges that much of the hold and releases the rest.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from cutroom.contracts.base import JobRef
from cutroom.contracts.jobs import Settled
from cutroom.errors import Conflict
from cutroom.money.prices import Quote
from cutroom.store import jobs, ledger, postings


def billable(price: Quote, ready_clips: int) -> int:
    """Credits that a job owes with `ready_clips` finished clips; never more than it was quoted."""
    if ready_clips == 0:
        return 0
    return sum(min(ready_clips, line.quantity) * line.each if line.kind == "clip" else line.amount for line in price.lines)


def chargeable(price: Quote, reel: bool) -> int:
    """Minor units that the card of a summary pays, with or without a reel that was made; never more than it was quoted."""
    return sum(line.amount for line in price.lines if reel or line.kind != "reel")


async def hold_job(session: AsyncSession, job: JobRef) -> None:
    """Hold what the job was quoted. A second call adds nothing, nor does a call after settling.

    Raises NotFound (`job_unknown`), Conflict (`job_ended`), so that nothing is made for a job that ended, and InsufficientCredits.
    """
    row = await jobs.get(session, job.job_id)
    if row.status not in jobs.LIVE:
        raise Conflict("This job has ended; start a new one.", code="job_ended")
    await ledger.hold(session, job, row.mode, Quote.model_validate(row.price).total)


async def settle_job(session: AsyncSession, job: JobRef) -> Settled:
    """Charge what the job delivered and release the rest of its hold. The first call decides; others get its answer.

    Raises NotFound (`job_unknown`).
    """
    await postings.lock(session, job.org_id)
    settled = await ledger.settled(session, job)
    if settled is not None:
        return settled
    row = await jobs.get(session, job.job_id)
    ready = await ledger.ready_clips(session, job)
    return await ledger.settle(session, job, billable(Quote.model_validate(row.price), ready))
