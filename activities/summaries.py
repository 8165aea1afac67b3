"""The steps of a summary: what was asked, the summary itself with and without a language model, and handing it over."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from activities.base import Task, implements
from activities.jobs import source_of, wording_of
from activities.language import waiting
from cutroom.contracts.base import JobRef, Nothing
from cutroom.contracts.campaign import CampaignPlan, ClipWishes
from cutroom.contracts.documents import Summary, Transcript
from cutroom.contracts.media import MediaFacts
from cutroom.contracts.summary import (
    RECORD_SUMMARY,
    REEL_FILE,
    RESOLVE_SUMMARY,
    SUMMARISE,
    WRITE_SUMMARY,
    RecordSummaryInput,
    Reel,
    SummariseInput,
    SummaryFiles,
    SummaryPlan,
    SummaryWishes,
)
from cutroom.language import exports, summary, summary_llm
from cutroom.language.endpoint import Endpoint
from cutroom.speech.language import base_language
from cutroom.store import jobs
from cutroom.store.tables import Job

SUFFIXES = {"json_file": ".json", "markdown": ".md", "docx": ".docx", "chapters": ".vtt"}


@implements(RESOLVE_SUMMARY)
async def resolve_summary(task: Task, job: JobRef) -> SummaryPlan:
    """What was asked for, as ids and numbers; the customer's own words as an artifact."""
    settings = task.resources.settings
    async with task.resources.database.transaction(job.org_id) as session:
        found = await jobs.plan_inputs(session, job.job_id)
    asked = found.job.request
    heard: dict[str, Any] = {
        "job": job,
        "asset_id": found.asset.id,
        "source": source_of(found.asset),
        "media": MediaFacts.model_validate(found.asset.media),
        "captions": source_of(found.captions) if found.captions else None,
        "language": asked["captions"].get("language") or (found.captions.language if found.captions else ""),
        "wording": await wording_of(task, asked["captions"]),
    }
    return SummaryPlan(
        **heard,
        wishes=SummaryWishes(
            length=asked["length"],
            key_points=asked["key_points"],
            highlights=asked["highlights"],
            language=base_language(asked.get("language") or ""),
        ),
        writer=settings.language_model if settings.language_url else "",
        reel=_plan_of_clips(found.job, heard) if asked.get("reel") else None,
    )


def _plan_of_clips(job: Job, heard: dict[str, Any]) -> CampaignPlan:
    """Clips of any length: what they show is not chosen among passages, but by the summary."""
    reel, highlights = job.request["reel"], job.request["highlights"]
    any_length = {"count": highlights, "min_s": 0.0, "max_s": heard["media"].duration_s}
    wishes = ClipWishes(**any_length, aspect=reel["aspect"], resolution=reel["resolution"])
    return CampaignPlan(**heard, wishes=wishes, caption_style=reel["caption_style"], watermark=job.watermark)


@implements(SUMMARISE)
async def summarise(task: Task, asked: SummariseInput) -> SummaryFiles:
    """Out of the recording's own sentences. Raises BadInput (`no_speech`)."""

    async def write(transcript: Transcript) -> Summary:
        return await asyncio.to_thread(summary.summarise, transcript, asked.plan.wishes)

    return await _files(task, asked, summary.VERSION, write)


@implements(WRITE_SUMMARY)
async def write_summary(task: Task, asked: SummariseInput) -> SummaryFiles:
    """By a language model, every word held against the transcript; out of its own sentences where the model is no help."""
    settings = task.resources.settings

    async def write(transcript: Transcript) -> Summary:
        key = settings.language_api_key.get_secret_value()
        async with Endpoint(settings.language_url, asked.plan.writer, key, settings.language_timeout_s) as endpoint, waiting(task):
            return await summary_llm.write(endpoint, asked.plan.writer, transcript, asked.plan.wishes)

    return await _files(task, asked, summary_llm.VERSION, write)


async def _files(
    task: Task, asked: SummariseInput, version: int, write: Callable[[Transcript], Awaitable[Summary]]
) -> SummaryFiles:
    async def make(paths: dict[str, Path]) -> dict[str, Any]:
        made = await write(await task.read(asked.transcript, Transcript))
        await asyncio.to_thread(_save, made, paths)
        return {}

    params = {"model": asked.plan.writer, "wishes": asked.plan.wishes.model_dump()}
    produced = await task.make(task.job_scope, version, params, [asked.transcript], SUFFIXES, make)
    return SummaryFiles.model_validate(produced.refs)


def _save(made: Summary, paths: dict[str, Path]) -> None:
    paths["json_file"].write_text(exports.as_json(made), "utf-8")
    paths["markdown"].write_text(exports.as_markdown(made), "utf-8")
    paths["docx"].write_bytes(exports.as_docx(made))
    paths["chapters"].write_text(exports.as_chapters(made), "utf-8")


@implements(RECORD_SUMMARY)
async def record_summary(task: Task, made: RecordSummaryInput) -> Nothing:
    """Let people read what they paid for."""
    transcript = await task.read(made.transcript, Transcript)
    summed = made.files
    result = await task.read(summed.json_file, Summary)
    files = {
        "summary": summed.json_file,
        "summary.md": summed.markdown,
        "summary.docx": summed.docx,
        "chapters.vtt": summed.chapters,
    }
    if made.reel is not None and made.reel.video is not None:
        files[REEL_FILE] = made.reel.video
    async with task.resources.database.transaction(made.job.org_id) as session:
        await jobs.record_files(session, made.job, {"transcript": made.transcript, **files})
        await jobs.add_warnings(session, made.job.job_id, [*transcript.warnings, *result.warnings, *_reel_warnings(made.reel)])
    return Nothing()


def _reel_warnings(reel: Reel | None) -> list[str]:
    if reel is None or reel.video is not None:
        return []
    if reel.error_code == "no_highlights":
        return ["There is no reel, since the recording has no highlights; it was not charged."]
    return [f"There is no reel: a step of it failed with {reel.error_code}. It was not charged."]
