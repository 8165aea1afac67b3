"""From prepared sound to a transcript: planned, heard chunk by chunk at once, joined. Every engine that needs words uses it."""

from collections.abc import Coroutine
from typing import Any

from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.media import PreparedSound
from cutroom.contracts.speech import (
    JOIN_TRANSCRIPT,
    PLAN_SPEECH,
    TRANSCRIBE_CHUNK,
    JoinTranscriptInput,
    SourcePlan,
    SpeechPlan,
    SpeechPlanInput,
    TranscribeInput,
)
from workflows.job import JobFlow
from workflows.steps import together


async def transcribe(flow: JobFlow, plan: SourcePlan, prepared: PreparedSound) -> ArtifactRef:
    """The transcript of the recording. Raises as `JobFlow.run`."""
    async with flow.stage("transcribe"):
        speech = await flow.run(PLAN_SPEECH, SpeechPlanInput(plan=plan, prepared=prepared))
        parts = await together(*_chunks(flow, plan, prepared, speech))
        return await flow.run(JOIN_TRANSCRIPT, JoinTranscriptInput(plan=plan, parts=parts, sound=prepared.sound))


def _chunks(flow: JobFlow, plan: SourcePlan, prepared: PreparedSound, speech: SpeechPlan) -> list[Coroutine[Any, Any, ArtifactRef]]:
    if prepared.sound is None:
        return []
    return [
        flow.run(TRANSCRIBE_CHUNK, TranscribeInput(plan=plan, sound=prepared.sound, chunk=chunk, cues=speech.cues))
        for chunk in speech.chunks
    ]
