"""How long a job's files are kept: so many days after its end, by the plan of when it was made.

That moment alone decides whether anybody is still given them, and it never moves. So they can be deleted afterwards, in any
number of tries: the note that they are gone comes last.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.contracts.base import JobRef
from cutroom.store import artifacts
from cutroom.store.artifacts import Scope
from cutroom.store.jobs import LIVE
from cutroom.store.tables import Job

# Longer than a URL is good for that was given out in the last moment.
GRACE = timedelta(hours=1)


def files_expire_at(job: Job) -> datetime | None:
    """When its files expire; None while it has not ended, and where they stay."""
    if job.ended_at is None or job.retention_days is None:
        return None
    return job.ended_at + timedelta(hours=24 * job.retention_days)


async def expired_jobs(session: AsyncSession, periods: Iterable[int], limit: int) -> list[JobRef]:
    """Ended jobs whose files expired a while ago and were not deleted yet, the first ended first. For the system role.

    `periods`: each number of days that a plan ever kept files for, so that the index finds those that are over.
    """
    over = [
        and_(col(Job.retention_days) == days, col(Job.ended_at) < func.now() - GRACE - timedelta(hours=24 * days))
        for days in periods
    ]
    there = (col(Job.retention_days).is_not(None), col(Job.files_deleted_at).is_(None), col(Job.status).not_in(LIVE))
    query = select(col(Job.org_id), col(Job.id)).where(*there, or_(*over)).order_by(col(Job.ended_at)).limit(limit)
    return [JobRef(org_id=org_id, job_id=job_id) for org_id, job_id in await session.execute(query)]


async def note_deleted(session: AsyncSession, job: JobRef) -> None:
    """Note that the job's objects are gone. Safe to repeat."""
    await artifacts.forget(session, Scope(job.org_id, job_id=job.job_id))
    await session.execute(update(Job).where(col(Job.id) == job.job_id).values(files_deleted_at=func.now()))
