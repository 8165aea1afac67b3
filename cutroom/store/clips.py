"""Clips and their versions. A clip is chosen once and made once; a version never changes."""

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.contracts.base import JobRef
from cutroom.contracts.campaign import FinishClipInput, PackagedClip
from cutroom.contracts.documents import ClipChoice
from cutroom.contracts.ids import new_id
from cutroom.errors import NotFound
from cutroom.store import announcements
from cutroom.store.jobs import LIVE
from cutroom.store.tables import Clip, ClipVersion, Job


async def get(session: AsyncSession, clip_id: str) -> Clip:
    """Raises NotFound (`clip_unknown`)."""
    clip = await session.get(Clip, clip_id)
    if clip is None:
        raise NotFound("There is no such clip in this organisation.", code="clip_unknown")
    return clip


async def of_jobs(session: AsyncSession, job_ids: list[str]) -> list[Clip]:
    """The clips of these jobs, best first within each."""
    query = select(Clip).where(col(Clip.job_id).in_(job_ids)).order_by(col(Clip.job_id), col(Clip.ordinal))
    return list((await session.scalars(query)).all())


async def current_versions(session: AsyncSession, clip_ids: list[str]) -> dict[str, ClipVersion]:
    """Clip id -> the version people get; clips without one are left out."""
    query = select(ClipVersion).join(Clip, (col(Clip.org_id) == ClipVersion.org_id) & (col(Clip.id) == ClipVersion.clip_id))
    query = query.where(col(Clip.id).in_(clip_ids), col(ClipVersion.version) == Clip.current_version)
    return {version.clip_id: version for version in (await session.scalars(query)).all()}


async def record_clips(session: AsyncSession, job: JobRef, choices: list[ClipChoice]) -> list[Clip]:
    """The job's clips, best first: made at the first call, the same ones at each later call."""
    rows = [
        {
            "id": new_id("clp"),
            "org_id": job.org_id,
            "job_id": job.job_id,
            "ordinal": choice.ordinal,
            "status": "processing",
            "title": choice.title,
            "text": choice.text,
            "start_s": choice.start_s,
            "end_s": choice.end_s,
            "score": {"total": choice.score, "parts": choice.score_parts, "why": choice.why},
            "current_version": 0,
            "error_code": "",
            "error_detail": "",
        }
        for choice in choices
    ]
    if rows:
        await session.execute(insert(Clip).values(rows).on_conflict_do_nothing(index_elements=["org_id", "job_id", "ordinal"]))
    return await of_jobs(session, [job.job_id])


async def finish_clip(session: AsyncSession, finished: FinishClipInput) -> None:
    """Close a clip: its first version with files, or the reason why there is none. Safe to repeat.

    A clip that failed can still be made, when its campaign is resumed; one that is ready stays so. Once the campaign has
    ended, and is settled, nothing changes; nor does it for a clip of a reel, which is on no list.
    """
    if finished.packaged is not None:
        outcome = {"status": "ready", "current_version": 1, "error_code": "", "error_detail": ""}
    else:
        outcome = {"status": "failed", "error_code": finished.error_code, "error_detail": finished.error_detail}
    mine = (col(Job.id) == finished.job.job_id, col(Job.status).in_(LIVE))
    if await session.scalar(select(col(Job.id)).where(*mine).with_for_update(read=True)) is None:
        return
    unmade = (col(Clip.id) == finished.clip_id, col(Clip.status) != "ready")
    closed = await session.scalar(update(Clip).where(*unmade).values(outcome).returning(col(Clip.id)))
    if closed is not None and finished.packaged is not None:
        session.add(_first_version(finished.job.org_id, finished.clip_id, finished.packaged))
        await announcements.of_clip(session, finished.clip_id)


def _first_version(org_id: str, clip_id: str, packaged: PackagedClip) -> ClipVersion:
    refs = {
        "video": packaged.video,
        "subtitles": packaged.subtitles,
        "thumbnail": packaged.thumbnail,
        "framing": packaged.framing,
    }
    files = {name: ref.model_dump() for name, ref in refs.items() if ref is not None}
    return ClipVersion(org_id=org_id, clip_id=clip_id, version=1, duration_s=packaged.duration_s, files=files)


async def close_unfinished(session: AsyncSession, job: JobRef, error_code: str, error_detail: str) -> None:
    """Fail the clips that nobody works on any more, when their job ends early."""
    await session.execute(
        update(Clip)
        .where(col(Clip.job_id) == job.job_id, col(Clip.status) == "processing")
        .values(status="failed", error_code=error_code, error_detail=error_detail)
    )
