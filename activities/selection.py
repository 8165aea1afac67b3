"""Which passages become clips: the step that reads a transcript, its sound and its shots, and writes `selection.json`."""

import asyncio
from functools import partial
from pathlib import Path

from activities.base import Task, implements
from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.campaign import SELECT_CLIPS, SelectInput
from cutroom.contracts.documents import Shots, Transcript, Wording
from cutroom.media import selection
from cutroom.media.best_set import STEPS
from cutroom.speech.prosody import sentence_sounds


@implements(SELECT_CLIPS)
async def select_clips(task: Task, asked: SelectInput) -> ArtifactRef:
    """`selection.json` of the job: it depends on the job's wishes and words."""
    plan, sound = asked.plan, asked.prepared.sound

    async def make(out: Path) -> None:
        transcript = await task.read(asked.transcript, Transcript)
        shots = await task.read(asked.shots, Shots)
        topic = (await task.read(plan.wording, Wording)).topic if plan.wording else ""
        task.beat(1, 3)
        sounds = None
        if sound:
            heard = task.arrivals(len(transcript.sentences))
            sounds = await asyncio.to_thread(sentence_sounds, await task.local(sound), transcript.sentences, heard)
        task.beat(2, 3)
        searched, length_s = task.arrivals(STEPS), plan.media.duration_s
        select = partial(selection.select, transcript, shots, plan.wishes, length_s, sounds, topic, on_step=searched)
        chosen = await asyncio.to_thread(select)
        await asyncio.to_thread(out.write_text, chosen.model_dump_json())

    inputs = [asked.transcript, asked.shots, *([sound] if sound else []), *([plan.wording] if plan.wording else [])]
    return await task.make_one(task.job_scope, selection.VERSION, plan.wishes.model_dump(), inputs, ".json", make)
