"""Which model does what, asked on the machine that has the models, once per job."""

import asyncio

from activities.base import Task, implements
from cutroom.contracts.campaign import CHOOSE_ENGINES, CampaignPlan, PlanInput


@implements(CHOOSE_ENGINES)
async def choose_engines(task: Task, asked: PlanInput) -> CampaignPlan:
    """Fix engine, model and version of every later step."""
    from cutroom.speech.recognise import choose_engine
    from cutroom.vision import faces, shots

    plan, settings = asked.plan, task.resources.settings
    engine, model = await asyncio.to_thread(choose_engine, plan.captions is not None, plan.media.has_audio, settings)
    return plan.model_copy(
        update={
            "speech_engine": engine,
            "speech_model": model,
            "shots_engine": shots.ENGINE,
            "faces_engine": faces.engine_name(settings),
        }
    )
