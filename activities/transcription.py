"""One chunk of speech to words, by the engine that the plan fixed. Only processes with the model libraries import this."""

import asyncio
import threading
from pathlib import Path

from activities.base import Task, implements
from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.documents import Cues, Wording
from cutroom.contracts.speech import TRANSCRIBE_CHUNK, TranscribeInput
from cutroom.speech.recognise import at_hand
from cutroom.speech.transcribe import Hearing, transcribe
from cutroom.store.artifacts import Scope

VERSION = 4


@implements(TRANSCRIBE_CHUNK)
async def transcribe_chunk(task: Task, asked: TranscribeInput) -> ArtifactRef:
    """The words of a chunk. It belongs to the asset, so a second campaign on the same recording finds it done."""
    plan, chunk = asked.plan, asked.chunk
    vocabulary = (await task.read(plan.wording, Wording)).vocabulary if plan.wording else []
    loop = asyncio.get_running_loop()
    left = threading.Event()

    def told(share: float) -> None:
        if left.is_set():
            raise asyncio.CancelledError  # ends the thread, which nothing else does
        loop.call_soon_threadsafe(task.beat, share, 1.0)

    async def make(path: Path) -> None:
        hearing = Hearing(
            plan.speech_engine,
            plan.speech_model,
            plan.second_engine,
            plan.second_model,
            await task.read(asked.cues, Cues) if asked.cues else None,
            plan.language,
            tuple(vocabulary),
        )
        sound = await task.local(asked.sound)
        try:
            part = await asyncio.to_thread(transcribe, sound, chunk, hearing, told)
        finally:
            left.set()
        await asyncio.to_thread(path.write_text, part.model_dump_json())

    scope = Scope(org_id=plan.job.org_id, asset_id=plan.asset_id)
    params = {
        "engine": plan.speech_engine,
        "model": plan.speech_model,
        # What is done in its place while its weights are not here must not be found once they are.
        "second": [plan.second_engine, plan.second_model, at_hand(plan.second_engine, plan.second_model)],
        "language": plan.language,
        "vocabulary": vocabulary,
        "chunk": chunk.model_dump(exclude={"index"}),
    }
    inputs = [asked.sound, *([asked.cues] if asked.cues else [])]
    return await task.make_one(scope, VERSION, params, inputs, ".json", make, media_s=chunk.end_s - chunk.start_s)
