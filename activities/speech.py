"""Speech to words: planned and joined here, without any model library; each chunk is written down by `transcription.py`."""

import asyncio
from pathlib import Path

from activities.base import Task, implements
from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.campaign import JOIN_TRANSCRIPT, PLAN_SPEECH, JoinTranscriptInput, SpeechPlan, SpeechPlanInput
from cutroom.contracts.documents import Cues, TranscriptPart
from cutroom.errors import BadInput
from cutroom.speech.captions_file import read_captions
from cutroom.speech.chunks import chunks_around_cues, chunks_at_silences
from cutroom.speech.join import join_parts
from cutroom.speech.sound import loudness_of_file
from cutroom.speech.voices import name_speakers
from cutroom.store.artifacts import Scope

CUES_VERSION = 1
JOIN_VERSION = 2


@implements(PLAN_SPEECH)
async def plan_speech(task: Task, asked: SpeechPlanInput) -> SpeechPlan:
    """Pieces of work around captions, or at silences; none where there is no sound or no speech."""
    plan, prepared = asked.plan, asked.prepared
    if plan.speech_engine == "none" or prepared.sound is None:
        return SpeechPlan(chunks=[])
    if plan.captions is not None:
        cues = await parsed_cues(task, asked, plan.captions)
        known = await task.read(cues, Cues)
        return SpeechPlan(chunks=chunks_around_cues(known), cues=cues)
    loudness = await asyncio.to_thread(loudness_of_file, await task.local(prepared.sound))
    return SpeechPlan(chunks=chunks_at_silences(loudness))


async def parsed_cues(task: Task, asked: SpeechPlanInput, captions: ArtifactRef) -> ArtifactRef:
    """The captions that begin within the recording, as cues. Raises BadInput (`captions_unreadable`, `captions_empty`)."""
    plan = asked.plan

    async def make(path: Path) -> None:
        cues = await asyncio.to_thread(read_captions, await task.local(captions))
        within = [cue for cue in cues.cues if cue.start_s < plan.media.duration_s]
        if not within:
            raise BadInput(
                "All captions begin after the end of the recording; give the captions of this one.", code="captions_empty"
            )
        if len(within) < len(cues.cues):
            task.note(f"{len(cues.cues) - len(within)} of {len(cues.cues)} captions begin after the end of the recording.")
        await asyncio.to_thread(path.write_text, Cues(cues=within).model_dump_json())

    scope = Scope(org_id=plan.job.org_id, asset_id=plan.asset_id)
    return await task.make_one(scope, CUES_VERSION, {"duration_s": plan.media.duration_s}, [captions], ".json", make)


@implements(JOIN_TRANSCRIPT)
async def join_transcript(task: Task, asked: JoinTranscriptInput) -> ArtifactRef:
    """The transcript of all parts; without parts, one without words."""
    plan = asked.plan

    async def make(path: Path) -> None:
        parts = [await task.read(ref, TranscriptPart) for ref in asked.parts]
        joined = await asyncio.to_thread(join_parts, plan.speech_engine, plan.language, plan.media.duration_s, parts)
        if asked.sound is not None:
            joined = await asyncio.to_thread(name_speakers, joined, await task.local(asked.sound))
        await asyncio.to_thread(path.write_text, joined.model_dump_json())

    scope = Scope(org_id=plan.job.org_id, asset_id=plan.asset_id)
    inputs = [*asked.parts, *([asked.sound] if asked.sound else [])]
    params = {"engine": plan.speech_engine, "language": plan.language, "duration_s": plan.media.duration_s}
    return await task.make_one(scope, JOIN_VERSION, params, inputs, ".json", make)
