"""Which passages become clips: the step that reads a transcript, its sound and its shots, and writes `selection.json`."""

import asyncio
from pathlib import Path

from activities.base import Task, implements
from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.campaign import SELECT_CLIPS, SelectInput
from cutroom.contracts.documents import Shots, Transcript
from cutroom.media import selection
from cutroom.media.energy import relative_loudness
from cutroom.speech.sound import FRAME_S, loudness_of_file


@implements(SELECT_CLIPS)
async def select_clips(task: Task, asked: SelectInput) -> ArtifactRef:
    """`selection.json` of the job: it depends on the job's wishes."""
    plan, sound = asked.plan, asked.prepared.sound

    async def make(out: Path) -> None:
        transcript = await task.read(asked.transcript, Transcript)
        shots = await task.read(asked.shots, Shots)
        task.beat(1, 3)
        loudness = await asyncio.to_thread(_loudness, await task.local(sound), transcript) if sound else None
        task.beat(2, 3)
        chosen = await asyncio.to_thread(selection.select, transcript, shots, plan.wishes, plan.media.duration_s, loudness)
        await asyncio.to_thread(out.write_text, chosen.model_dump_json())

    inputs = [asked.transcript, asked.shots, *([sound] if sound else [])]
    return await task.make_one(task.job_scope, selection.VERSION, plan.wishes.model_dump(), inputs, ".json", make)


def _loudness(sound: Path, transcript: Transcript) -> list[float]:
    return relative_loudness(loudness_of_file(sound), FRAME_S, transcript.sentences)
