"""Jobs, their events and their files. The workflow gives each event its number; the job's row follows the newest one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Float, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.contracts.base import ArtifactRef, JobRef
from cutroom.contracts.jobs import TERMINAL, EventInput, JobStatus
from cutroom.errors import NotFound
from cutroom.store import announcements
from cutroom.store.database import after_commit
from cutroom.store.pages import Page, read_page
from cutroom.store.tables import Artifact, Asset, Job, JobEvent
from cutroom.telemetry import metrics

LIVE = tuple(status.value for status in JobStatus if status not in TERMINAL)


@dataclass(frozen=True)
class PlanInputs:
    """What `resolve_plan` reads: the job, its source and its captions file."""

    job: Job
    asset: Asset
    captions: Asset | None


async def create(session: AsyncSession, job: Job) -> None:
    """Add a new job."""
    session.add(job)
    await session.flush()
    await session.refresh(job)


async def get(session: AsyncSession, job_id: str, kind: str | None = None) -> Job:
    """The job, of any kind or of `kind`. Raises NotFound (`job_unknown`)."""
    job = await session.get(Job, job_id)
    if job is None or (kind is not None and job.kind != kind):
        raise NotFound("There is no such job in this organisation.", code="job_unknown")
    return job


async def read_list(session: AsyncSession, kind: str | None, status: str | None, cursor: str | None, limit: int) -> Page[Job]:
    """Jobs, newest first."""
    query = select(Job)
    if kind is not None:
        query = query.where(col(Job.kind) == kind)
    if status is not None:
        query = query.where(col(Job.status) == status)
    return await read_page(session, query, Job.created_at, Job.id, cursor, limit)


async def uses_asset(session: AsyncSession, asset_id: str) -> bool:
    """Whether a job that has not ended reads this asset."""
    reads = or_(col(Job.asset_id) == asset_id, col(Job.captions_asset_id) == asset_id)
    found = await session.scalar(select(col(Job.id)).where(reads, col(Job.status).in_(LIVE)).limit(1))
    return found is not None


async def count_running(session: AsyncSession, org_id: str, mode: str) -> int:
    """How many jobs are paid for and have not ended."""
    running = [status for status in LIVE if status != JobStatus.PENDING]
    ours = (col(Job.org_id) == org_id, col(Job.mode) == mode, col(Job.status).in_(running))
    return await session.scalar(select(func.count()).select_from(Job).where(*ours)) or 0


async def request_cancel(session: AsyncSession, job: Job) -> None:
    """Note that somebody wants this job to end; the first time counts."""
    asked = func.coalesce(Job.cancel_requested_at, func.now())
    await session.execute(update(Job).where(col(Job.id) == job.id, col(Job.status).in_(LIVE)).values(cancel_requested_at=asked))
    await session.refresh(job)


async def plan_inputs(session: AsyncSession, job_id: str) -> PlanInputs:
    """A job with its assets. Raises NotFound (`job_unknown`)."""
    job = await get(session, job_id)
    asset = await session.get_one(Asset, job.asset_id)
    captions = await session.get_one(Asset, job.captions_asset_id) if job.captions_asset_id else None
    return PlanInputs(job, asset, captions)


async def record_event(session: AsyncSession, event: EventInput) -> bool:
    """Write one line of a job's history and move its row, each at most once; answers whether the line is new.

    The row moves only to a newer `seq`, and an ended job stays ended. An event without a step keeps the last one. What an
    `attention` event says stays until a `status` event says that the job goes on. Who asked for it is told, by webhook or mail.
    """
    data: dict[str, Any] = {**event.data, "status": event.status.value}
    named = {"step": event.step, "error_code": event.error_code, "error_detail": event.error_detail}
    data.update({name: value for name, value in named.items() if value})
    line = insert(JobEvent).values(org_id=event.job.org_id, job_id=event.job.job_id, seq=event.seq, kind=event.kind, data=data)
    written = await session.scalar(line.on_conflict_do_nothing().returning(col(JobEvent.seq)))
    if written is None:
        return False
    moving = (
        update(Job)
        .where(
            col(Job.org_id) == event.job.org_id,
            col(Job.id) == event.job.job_id,
            col(Job.last_seq) < event.seq,
            col(Job.status).in_(LIVE),
        )
        .values(_moved(event))
        .returning(col(Job.kind), col(Job.mode), col(Job.external_id))
    )
    moved = (await session.execute(moving)).one_or_none()
    if moved is not None:
        await announcements.of_job(session, event, *moved)
        if event.status in TERMINAL:
            after_commit(session, metrics.JOBS_ENDED.labels(moved[0], event.status.value, event.error_code).inc)
    return True


def _moved(event: EventInput) -> dict[str, Any]:
    """The columns of a job's row after an event."""
    ended = event.status in TERMINAL
    begun = event.status not in (JobStatus.PENDING, JobStatus.QUEUED)
    return {
        "status": event.status.value,
        "step": event.step or col(Job.step),
        "last_seq": event.seq,
        "started_at": func.coalesce(Job.started_at, func.now()) if begun else col(Job.started_at),
        "ended_at": func.now() if ended else None,
        "error_code": event.error_code if ended else "",
        "error_detail": event.error_detail if ended else "",
        "attention": _attention(event),
    }


def _attention(event: EventInput) -> Any:
    if event.kind == "attention":
        return {"step": event.step, "code": event.error_code, "detail": event.error_detail, **event.data}
    if event.kind == "status" and event.status is not JobStatus.ATTENTION:
        return {}
    return col(Job.attention)


async def events_after(session: AsyncSession, job_id: str, seq: int) -> list[JobEvent]:
    """The job's events newer than `seq`, oldest first."""
    query = select(JobEvent).where(col(JobEvent.job_id) == job_id, col(JobEvent.seq) > seq).order_by(col(JobEvent.seq))
    return list((await session.scalars(query)).all())


async def timings(session: AsyncSession, job_ids: Iterable[str]) -> dict[str, dict[str, float]]:
    """Job id -> step -> seconds that its finished runs took; a run that was started again counts from its last start."""
    kinds = ("step_started", "step_ended")
    query = select(JobEvent).where(col(JobEvent.job_id).in_(list(job_ids)), col(JobEvent.kind).in_(kinds))
    began: dict[tuple[str, str], datetime] = {}
    took: dict[str, dict[str, float]] = {}
    for event in (await session.scalars(query.order_by(col(JobEvent.job_id), col(JobEvent.seq)))).all():
        step = (event.job_id, str(event.data.get("step", "")))
        if event.kind == "step_started":
            began[step] = event.at
        elif step in began:
            steps = took.setdefault(event.job_id, {})
            seconds = (event.at - began.pop(step)).total_seconds()
            steps[step[1]] = round(steps.get(step[1], 0.0) + seconds, 3)
    return took


async def set_progress(session: AsyncSession, job_id: str, step: str, fraction: float) -> None:
    """Show how far a step is, 0 to 1; nothing changes once the job has ended."""
    now = func.jsonb_build_object(step, cast(round(fraction, 4), Float))
    await session.execute(
        update(Job).where(col(Job.id) == job_id, col(Job.status).in_(LIVE)).values(progress=col(Job.progress).op("||")(now))
    )


async def record_files(session: AsyncSession, job: JobRef, files: dict[str, ArtifactRef]) -> None:
    """Give a job these files to read, by name; those it has already stay."""
    added = {name: ref.model_dump() for name, ref in files.items()}
    await session.execute(update(Job).where(col(Job.id) == job.job_id).values(files=col(Job.files).op("||")(cast(added, JSONB))))


async def add_warnings(session: AsyncSession, job_id: str, warnings: Sequence[str]) -> None:
    """Give a job these warnings to show, after those it has; none twice. Safe to repeat."""
    job = await session.get_one(Job, job_id, with_for_update=True)
    known = job.result.get("warnings", [])
    job.result = job.result | {"warnings": list(dict.fromkeys([*known, *warnings]))}


async def logs(session: AsyncSession, job_id: str) -> list[Artifact]:
    """What the tools of a job said, one artifact per attempt of a step, oldest first."""
    query = select(Artifact).where(col(Artifact.job_id) == job_id, col(Artifact.step) == "log", col(Artifact.key) != "")
    return list((await session.scalars(query.order_by(col(Artifact.created_at), col(Artifact.id)))).all())
