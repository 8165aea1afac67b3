"""What a language model is asked: the one step whose bytes leave the house, and only where settings name an endpoint."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from activities.base import Task, implements
from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.campaign import RERANK_CLIPS, RerankInput
from cutroom.contracts.documents import Selection, Transcript, Wording
from cutroom.language.endpoint import Endpoint
from cutroom.language.rerank import VERSION, rerank
from cutroom.media.selection import chosen_again

BEAT_S = 5.0


@implements(RERANK_CLIPS)
async def rerank_clips(task: Task, asked: RerankInput) -> ArtifactRef:
    """`selection.json` again, its clips chosen anew from its candidates; as it was, with a warning, where the model is no help."""
    plan, settings = asked.plan, task.resources.settings

    async def make(out: Path) -> None:
        selection = await task.read(asked.selection, Selection)
        transcript = await task.read(asked.transcript, Transcript)
        topic = (await task.read(plan.wording, Wording)).topic if plan.wording else ""
        key = settings.language_api_key.get_secret_value()
        async with Endpoint(settings.language_url, plan.ranker, key, settings.language_timeout_s) as endpoint, waiting(task):
            chosen = await rerank(endpoint, transcript, selection, plan.wishes, topic, chosen_again)
        await asyncio.to_thread(out.write_text, chosen.model_dump_json(), "utf-8")

    inputs = [asked.selection, asked.transcript, *([plan.wording] if plan.wording else [])]
    params = {"model": plan.ranker, "wishes": plan.wishes.model_dump()}
    return await task.make_one(task.job_scope, VERSION, params, inputs, ".json", make)


@asynccontextmanager
async def waiting(task: Task) -> AsyncIterator[None]:
    """Beats meanwhile, so that a cancel is heard and a dead worker noticed; the endpoint's patience ends what it waits for."""

    async def beat() -> None:
        while True:
            task.alive()
            await asyncio.sleep(BEAT_S)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
