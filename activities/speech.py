"""Speech to words: planned and joined here, without any model library; each chunk is written down by `transcription.py`."""

import asyncio
from pathlib import Path

from activities.base import Task, implements
from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.documents import Cues, TranscriptPart
from cutroom.contracts.media import Span, SpeechChunk
from cutroom.contracts.speech import JOIN_TRANSCRIPT, PLAN_SPEECH, JoinTranscriptInput, SpeechPlan, SpeechPlanInput
from cutroom.errors import BadInput, ToolFailed
from cutroom.media import ffmpeg
from cutroom.media.subtitles import chosen, plan_subtitles, subtitles_of
from cutroom.speech.captions_file import read_captions
from cutroom.speech.chunks import LONGEST_S, chunks_around_cues, chunks_of_speech, chunks_untold, in_order_of_time, untold
from cutroom.speech.join import join_parts
from cutroom.speech.language import base_language
from cutroom.speech.offset import in_step
from cutroom.speech.sound import RATE, kept_loudness
from cutroom.speech.vad import speech_in_file
from cutroom.speech.voices import name_speakers
from cutroom.store.artifacts import Scope
from cutroom.store.files import LONG

CUES_VERSION = 4
EMBEDDED_VERSION = 1
JOIN_VERSION = 4
# Windows for a batch; what hears them reports after each, and whisper and pocketsphinx only at the end or as they go.
LONG_CHUNK_S = 120.0


@implements(PLAN_SPEECH)
async def plan_speech(task: Task, asked: SpeechPlanInput) -> SpeechPlan:
    """Pieces of work around captions, and at pauses where captions tell nothing; none where there is no sound or no speech."""
    plan, prepared = asked.plan, asked.prepared
    if plan.speech_engine == "none" or prepared.sound is None:
        return SpeechPlan(chunks=[])
    if plan.captions:
        cues: ArtifactRef | None = await parsed_cues(task, asked, plan.captions)
    else:
        cues = await embedded_cues(task, asked) if plan.speech_engine == "captions" else None
    known = await task.read(cues, Cues) if cues else Cues(cues=[])
    heard: list[SpeechChunk] = []
    hears = plan.second_engine if plan.speech_engine == "captions" else plan.speech_engine
    if hears != "none":
        sound = await task.local(prepared.sound)
        longest_s = LONG_CHUNK_S if hears == "faster_whisper" else LONGEST_S
        stretches = untold(known, plan.media.duration_s) if known.cues else [Span(start_s=0.0, end_s=plan.media.duration_s)]
        told = task.arrivals(round(plan.media.duration_s * RATE))
        for stretch in stretches:
            speech = await asyncio.to_thread(speech_in_file, sound, stretch, told)
            heard += chunks_untold(speech, stretch, longest_s) if known.cues else chunks_of_speech(speech, longest_s)
            task.beat(stretch.end_s, plan.media.duration_s)
    return SpeechPlan(chunks=in_order_of_time([*chunks_around_cues(known, heard), *heard]), cues=cues)


async def embedded_cues(task: Task, asked: SpeechPlanInput) -> ArtifactRef | None:
    """The recording's own subtitles as cues; None where they are of no use, which is no fault of who asked for clips."""
    try:
        captions = await embedded_captions(task, asked)
        return await parsed_cues(task, asked, captions) if captions else None
    except (BadInput, ToolFailed) as error:
        task.note(f"The recording's own subtitles are not used: {error.detail}")
        return None


async def embedded_captions(task: Task, asked: SpeechPlanInput) -> ArtifactRef | None:
    """The recording's own subtitles as SRT, in the wished language where there are several; None where none is text."""
    plan = asked.plan
    if not plan.media.embedded_subtitles:
        return None
    source = await task.local(plan.source, stays_s=LONG)
    streams = await subtitles_of(source, plan.media.container)
    stream = chosen(streams, base_language(plan.language))
    if stream is None:
        task.note(f"None of {len(streams)} subtitle streams tells all words in a wanted language; what is said is recognised.")
        return None

    async def make(path: Path) -> None:
        run = plan_subtitles(source, plan.media.container, plan.media.duration_s, stream, path)
        await ffmpeg.run(run, on_progress=lambda done: task.beat(done, plan.media.duration_s), note=task.note)

    scope = Scope(org_id=plan.job.org_id, asset_id=plan.asset_id)
    return await task.make_one(scope, EMBEDDED_VERSION, {"subtitles": stream.place}, [plan.source], ".srt", make)


async def parsed_cues(task: Task, asked: SpeechPlanInput, captions: ArtifactRef) -> ArtifactRef:
    """The captions that begin within the recording, as cues, in step with its sound.

    Raises BadInput (`captions_unreadable`, `captions_empty`).
    """
    plan, loudness = asked.plan, asked.prepared.loudness

    async def make(path: Path) -> None:
        cues = await asyncio.to_thread(read_captions, await task.local(captions))
        if loudness is not None:
            heard = await asyncio.to_thread(kept_loudness, await task.local(loudness), 0.0, plan.media.duration_s)
            cues = await asyncio.to_thread(in_step, cues, heard)
        within = [cue for cue in cues.cues if cue.start_s < plan.media.duration_s]
        if not within:
            raise BadInput(
                "All captions begin after the end of the recording; give the captions of this one.", code="captions_empty"
            )
        if len(within) < len(cues.cues):
            task.note(f"{len(cues.cues) - len(within)} of {len(cues.cues)} captions begin after the end of the recording.")
        await asyncio.to_thread(path.write_text, cues.model_copy(update={"cues": within}).model_dump_json())

    scope = Scope(org_id=plan.job.org_id, asset_id=plan.asset_id)
    inputs = [captions, *([loudness] if loudness else [])]
    return await task.make_one(scope, CUES_VERSION, {"duration_s": plan.media.duration_s}, inputs, ".json", make)


@implements(JOIN_TRANSCRIPT)
async def join_transcript(task: Task, asked: JoinTranscriptInput) -> ArtifactRef:
    """The transcript of all parts; without parts, one without words."""
    plan = asked.plan

    async def make(path: Path) -> None:
        parts = [await task.read(ref, TranscriptPart) for ref in asked.parts]
        joined = await asyncio.to_thread(join_parts, plan.speech_engine, plan.language, plan.media.duration_s, parts)
        if asked.sound is not None:
            told = task.arrivals(len(joined.sentences))
            joined = await asyncio.to_thread(name_speakers, joined, await task.local(asked.sound), told)
        await asyncio.to_thread(path.write_text, joined.model_dump_json())

    scope = Scope(org_id=plan.job.org_id, asset_id=plan.asset_id)
    inputs = [*asked.parts, *([asked.sound] if asked.sound else [])]
    params = {"engine": plan.speech_engine, "language": plan.language, "duration_s": plan.media.duration_s}
    return await task.make_one(scope, JOIN_VERSION, params, inputs, ".json", make)
