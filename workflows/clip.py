"""One clip of a campaign, or of a summary's reel: reframe, render, package. It never waits for help itself; its job decides."""

from temporalio import workflow

from cutroom.contracts.campaign import (
    FINISH_CLIP,
    PACKAGE_CLIP,
    REFRAME_CLIP,
    RENDER_CLIP,
    ClipIdle,
    ClipInput,
    ClipOutcome,
    FinishClipInput,
    PackagedClip,
    PackageInput,
    ReframeInput,
    RenderInput,
)
from workflows.steps import ARTIFACT_MISSING, Expired, Flow, StepError, call, guarded


class ClipFlow(Flow):
    """A flow that tells the job while it waits."""

    def __init__(self, clip_id: str, paused: bool) -> None:
        super().__init__()
        self.clip_id = clip_id
        self.paused = paused

    async def tell_waiting(self, waiting: bool) -> None:
        parent = workflow.info().parent
        if parent is not None:
            job = workflow.get_external_workflow_handle(parent.workflow_id)
            await job.signal("clip_idle", ClipIdle(clip_id=self.clip_id, idle=waiting))


@workflow.defn(name="clip", failure_exception_types=[StepError, Expired])
class Clip:
    """`clip/clp_...`"""

    @workflow.init
    def __init__(self, clip: ClipInput) -> None:
        self.flow = ClipFlow(clip.place.clip_id, clip.paused)

    @workflow.run
    async def run(self, clip: ClipInput) -> ClipOutcome:
        return await guarded(self.flow, self._clip(clip))

    @workflow.signal
    def pause(self) -> None:
        self.flow.paused = True

    @workflow.signal
    def resume(self) -> None:
        self.flow.paused = False

    async def _clip(self, clip: ClipInput) -> ClipOutcome:
        job, clip_id = clip.plan.job, clip.place.clip_id
        try:
            packaged = await self._make(clip)
        except StepError as error:
            if error.code != ARTIFACT_MISSING:
                failed = FinishClipInput(job=job, clip_id=clip_id, error_code=error.code, error_detail=error.detail)
                await call(FINISH_CLIP, failed)
            return ClipOutcome(clip_id=clip_id, ready=False, error_code=error.code)
        await call(FINISH_CLIP, FinishClipInput(job=job, clip_id=clip_id, packaged=packaged))
        return ClipOutcome(clip_id=clip_id, ready=True, packaged=packaged)

    async def _make(self, clip: ClipInput) -> PackagedClip:
        framing = await self.flow.execute(REFRAME_CLIP, ReframeInput(clip=clip))
        rendered = await self.flow.execute(RENDER_CLIP, RenderInput(clip=clip, framing=framing))
        return await self.flow.execute(PACKAGE_CLIP, PackageInput(clip=clip, framing=framing, rendered=rendered))
