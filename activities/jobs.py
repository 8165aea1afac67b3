"""What a campaign's workflow reads and writes in the database: its plan, its events, its clips and files."""

import asyncio
from pathlib import Path
from typing import Any

from activities.base import Task, implements
from cutroom.contracts.base import ArtifactRef, JobRef, Nothing
from cutroom.contracts.campaign import (
    FINISH_CLIP,
    RECORD_CLIPS,
    RECORD_FILES,
    RESOLVE_PLAN,
    CampaignPlan,
    ClipPlace,
    ClipPlaces,
    ClipWishes,
    FinishClipInput,
    RecordClipsInput,
    RecordFilesInput,
)
from cutroom.contracts.documents import Selection, Transcript, Wording
from cutroom.contracts.jobs import RECORD_EVENT, TERMINAL, EventInput, JobStatus
from cutroom.contracts.media import MediaFacts
from cutroom.store import clips, jobs
from cutroom.store.tables import Asset

WORDING_VERSION = 1


@implements(RECORD_EVENT)
async def record_event(task: Task, event: EventInput) -> Nothing:
    """Append an event; at the last one, close the clips that nobody works on any more."""
    async with task.resources.database.transaction(event.job.org_id) as session:
        await jobs.record_event(session, event)
        if event.status in TERMINAL:
            code = "clip_stopped" if event.status is JobStatus.SUCCEEDED else event.error_code or event.status.value
            await clips.close_unfinished(session, event.job, code, "The job ended before this clip was ready.")
    return Nothing()


@implements(RESOLVE_PLAN)
async def resolve_plan(task: Task, job: JobRef) -> CampaignPlan:
    """What was asked for, as ids and numbers; the customer's own words as an artifact."""
    settings = task.resources.settings
    async with task.resources.database.transaction(job.org_id) as session:
        found = await jobs.plan_inputs(session, job.job_id)
    wanted, request = found.job.request["clips"], found.job.request
    return CampaignPlan(
        job=job,
        asset_id=found.asset.id,
        source=source_of(found.asset),
        media=MediaFacts.model_validate(found.asset.media),
        captions=source_of(found.captions) if found.captions else None,
        wishes=ClipWishes.model_validate(wanted),
        language=request["captions"].get("language") or (found.captions.language if found.captions else ""),
        caption_style=request["captions"]["style"],
        watermark=found.job.watermark,
        wording=await wording_of(task, request["captions"], request["clips"].get("topic") or ""),
        ranker=settings.language_model if settings.language_url else "",
    )


async def wording_of(task: Task, captions: dict[str, Any], topic: str = "") -> ArtifactRef | None:
    """The customer's own words, of what was asked of `captions`; None where there are none."""
    wording = Wording(topic=topic, vocabulary=captions.get("vocabulary", []))
    if not (wording.topic or wording.vocabulary):
        return None

    async def make(path: Path) -> None:
        await asyncio.to_thread(path.write_text, wording.model_dump_json(), "utf-8")

    return await task.make_one(task.job_scope, WORDING_VERSION, wording.model_dump(), [], ".json", make)


def source_of(asset: Asset) -> ArtifactRef:
    """Its bytes."""
    return ArtifactRef(key=asset.source_key, sha256=asset.sha256, size=asset.size)


@implements(RECORD_CLIPS)
async def record_clips(task: Task, chosen: RecordClipsInput) -> ClipPlaces:
    """Give each chosen span its clip."""
    selection = await task.read(chosen.selection, Selection)
    async with task.resources.database.transaction(chosen.job.org_id) as session:
        rows = await clips.record_clips(session, chosen.job, selection.clips)
        await jobs.record_files(session, chosen.job, {"selection": chosen.selection})
        await jobs.add_warnings(session, chosen.job.job_id, selection.warnings)
    return ClipPlaces(clips=[ClipPlace(clip_id=r.id, ordinal=r.ordinal, start_s=r.start_s, end_s=r.end_s) for r in rows])


@implements(RECORD_FILES)
async def record_files(task: Task, made: RecordFilesInput) -> Nothing:
    """Let people read what was heard and seen."""
    transcript = await task.read(made.transcript, Transcript)
    async with task.resources.database.transaction(made.job.org_id) as session:
        await jobs.record_files(session, made.job, {"transcript": made.transcript, "shots": made.shots})
        await jobs.add_warnings(session, made.job.job_id, transcript.warnings)
    return Nothing()


@implements(FINISH_CLIP)
async def finish_clip(task: Task, finished: FinishClipInput) -> Nothing:
    """Close a clip, ready or failed."""
    async with task.resources.database.transaction(finished.job.org_id) as session:
        await clips.finish_clip(session, finished)
    return Nothing()
