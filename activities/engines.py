"""Which model does what, asked on the machine that has the models, once per job."""

import asyncio

from activities.base import Task, implements
from cutroom.contracts.campaign import CHOOSE_ENGINES, CampaignPlan, PlanInput
from cutroom.contracts.speech import SourcePlan
from cutroom.contracts.summary import CHOOSE_RECOGNISER, SummaryPlan, SummaryPlanInput
from cutroom.settings import Settings


@implements(CHOOSE_ENGINES)
async def choose_engines(task: Task, asked: PlanInput) -> CampaignPlan:
    """Fix engine, model and version of every later step."""
    settings = task.resources.settings
    return asked.plan.model_copy(update=await _recognisers(asked.plan, settings) | _viewers(settings))


@implements(CHOOSE_RECOGNISER)
async def choose_recogniser(task: Task, asked: SummaryPlanInput) -> SummaryPlan:
    """The same for a summary, and for the clips of its reel where one is wanted."""
    settings, reel = task.resources.settings, asked.plan.reel
    heard = await _recognisers(asked.plan, settings)
    seen = reel and reel.model_copy(update=heard | _viewers(settings))
    return asked.plan.model_copy(update={**heard, "reel": seen})


def _viewers(settings: Settings) -> dict[str, str]:
    from cutroom.vision import faces, shots

    return {"shots_engine": shots.ENGINE, "faces_engine": faces.engine_name(settings)}


async def _recognisers(plan: SourcePlan, settings: Settings) -> dict[str, str]:
    from cutroom.speech.recognise import choose_engine, choose_second

    captioned = plan.captions is not None or plan.media.embedded_subtitles
    engine, model = await asyncio.to_thread(choose_engine, captioned, plan.media.has_audio, settings)
    second, second_model = choose_second(settings) if engine == "captions" else ("none", "")
    return {"speech_engine": engine, "speech_model": model, "second_engine": second, "second_model": second_model}
