"""Which model does what, asked on the machine that has the models, once per job."""

import asyncio

from activities.base import Task, implements
from cutroom.contracts.campaign import CHOOSE_ENGINES, CampaignPlan, PlanInput


@implements(CHOOSE_ENGINES)
async def choose_engines(task: Task, asked: PlanInput) -> CampaignPlan:
    """Fix engine, model and version of every later step."""
    from cutroom.speech.recognise import choose_engine, choose_second
    from cutroom.vision import faces, shots

    plan, settings = asked.plan, task.resources.settings
    captioned = plan.captions is not None or plan.media.embedded_subtitles
    engine, model = await asyncio.to_thread(choose_engine, captioned, plan.media.has_audio, settings)
    second, second_model = choose_second(settings) if engine == "captions" else ("none", "")
    return plan.model_copy(
        update={
            "speech_engine": engine,
            "speech_model": model,
            "second_engine": second,
            "second_model": second_model,
            "shots_engine": shots.ENGINE,
            "faces_engine": faces.engine_name(settings),
        }
    )
