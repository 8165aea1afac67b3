"""What reconciliation reads across all organisations (system role), and the findings that it leaves."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.store.database import after_commit
from cutroom.store.jobs import LIVE
from cutroom.store.pages import Page, read_page
from cutroom.store.tables import Finding, Job, JobEvent, Outbox
from cutroom.telemetry import metrics


@dataclass(frozen=True)
class OpenJob:
    """A job that has not ended. `quiet`: nothing happened to it for longer than a step may take."""

    ref: JobRef
    kind: str
    last_seq: int
    cancel_requested: bool
    quiet: bool
    traceparent: str


async def open_jobs(session: AsyncSession, quiet_after: timedelta) -> list[OpenJob]:
    """Jobs that have not ended, oldest first."""
    mine = (col(JobEvent.job_id) == Job.id, col(JobEvent.org_id) == Job.org_id)
    newest = select(func.max(JobEvent.at)).where(*mine).scalar_subquery()
    quiet = (func.coalesce(newest, Job.created_at) < func.now() - quiet_after) & (col(Job.status) == "processing")
    query = select(Job, quiet).where(col(Job.status).in_(LIVE))
    rows = await session.execute(query.order_by(col(Job.created_at)))
    return [
        OpenJob(
            ref=JobRef(org_id=job.org_id, job_id=job.id),
            kind=job.kind,
            last_seq=job.last_seq,
            cancel_requested=job.cancel_requested_at is not None,
            quiet=bool(is_quiet),
            traceparent=job.traceparent,
        )
        for job, is_quiet in rows
    ]


async def is_live(session: AsyncSession, job: JobRef) -> bool:
    """Whether the job has not ended; keeps it so until the transaction ends."""
    status = await session.scalar(select(col(Job.status)).where(col(Job.id) == job.job_id).with_for_update())
    return status in LIVE


async def waits_in_outbox(session: AsyncSession, target: str) -> bool:
    """Whether a start of workflow id `target` is still to be delivered."""
    waiting = select(col(Outbox.id)).where(col(Outbox.target) == target, col(Outbox.kind) == "start", col(Outbox.done_at).is_(None))
    return await session.scalar(waiting.limit(1)) is not None


async def add_finding(session: AsyncSession, org_id: str, kind: str, subject: str, detail: str, action: str) -> bool:
    """Note what was found; False where the same was noted within a day."""
    recent = select(col(Finding.id)).where(
        col(Finding.kind) == kind, col(Finding.subject) == subject, col(Finding.at) > func.now() - timedelta(days=1)
    )
    if await session.scalar(recent.limit(1)) is not None:
        return False
    session.add(Finding(id=new_id("fnd"), org_id=org_id, kind=kind, subject=subject, detail=detail, action=action))
    after_commit(session, metrics.FINDINGS.labels(kind).inc)
    return True


async def findings(session: AsyncSession, cursor: str | None, limit: int) -> Page[Finding]:
    """Newest first."""
    return await read_page(session, select(Finding), Finding.at, Finding.id, cursor, limit)
