"""Which of the things that are recorded are told to others: webhooks, and mail at a job's end."""

from sqlalchemy.ext.asyncio import AsyncSession

from cutroom.contracts.jobs import TERMINAL, EventInput
from cutroom.store import deliveries, mail
from cutroom.store.tables import Clip, Job
from cutroom.webhooks import events


async def of_job(session: AsyncSession, event: EventInput, kind: str, mode: str, external_id: str | None) -> None:
    """Tell of an event that moved its job, in the same transaction."""
    ended = event.kind == "status" and event.status in TERMINAL
    if not ended and event.kind != "attention":
        return
    data = {
        "id": event.job.job_id,
        "kind": kind,
        "mode": mode,
        "status": event.status.value,
        "seq": event.seq,
        "external_id": external_id,
        "error_code": event.error_code or None,
    }
    type = f"{kind}.{event.status.value}" if ended else events.ATTENTION
    await deliveries.announce(session, event.job.org_id, mode, type, data)
    if ended:
        await mail.ask(session, event.job.org_id, event.job.job_id)


async def of_clip(session: AsyncSession, clip_id: str) -> None:
    """Tell that a clip can be downloaded, in the transaction that makes it so."""
    clip = await session.get_one(Clip, clip_id)
    job = await session.get_one(Job, clip.job_id)
    data = {
        "id": clip.id,
        "job_id": job.id,
        "mode": job.mode,
        "status": "ready",
        "ordinal": clip.ordinal,
        "external_id": clip.external_id,
    }
    await deliveries.announce(session, clip.org_id, job.mode, events.CLIP_READY, data)
