"""A campaign: one long recording becomes vertical clips, paid from credits.

Plan, hold the credits, prepare the media, hear the words and see the shots at once, choose the clips, make each of them
in a child workflow, settle. Whatever ends the campaign, what can be downloaded is paid for and the rest is given back.
"""

import asyncio
import contextlib
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ChildWorkflowError, is_cancelled_exception

from cutroom.contracts.base import ArtifactRef, JobRef
from cutroom.contracts.campaign import (
    CHOOSE_ENGINES,
    DETECT_SHOTS_CHUNK,
    JOIN_SHOTS,
    RECORD_CLIPS,
    RECORD_FILES,
    RERANK_CLIPS,
    RESOLVE_PLAN,
    SELECT_CLIPS,
    CampaignInput,
    CampaignPlan,
    ClipIdle,
    ClipInput,
    ClipOutcome,
    JoinShotsInput,
    PlanInput,
    RecordClipsInput,
    RecordFilesInput,
    RerankInput,
    SelectInput,
    ShotsInput,
)
from cutroom.contracts.ingest import PREPARE_MEDIA, SourceInput
from cutroom.contracts.jobs import HOLD_CREDITS, SETTLE_CREDITS
from cutroom.contracts.media import PreparedMedia
from workflows.job import JobOutcome, JobWorkflow
from workflows.steps import ARTIFACT_MISSING, StepError, remaking, together
from workflows.transcription import transcribe


@workflow.defn(name="campaign")
class Campaign(JobWorkflow):
    """`campaign/cmp_...`"""

    def __init__(self) -> None:
        super().__init__()
        self.idle_clips: set[str] = set()

    @workflow.run
    async def run(self, campaign: CampaignInput) -> JobOutcome:
        job = JobRef(org_id=campaign.org_id, job_id=campaign.job_id)
        # The API has made the hold, so even a cancel that comes before the first step has something to give back.
        self.flow.compensations.register(SETTLE_CREDITS, job)
        return await self.flow.conduct(job, campaign.last_seq, lambda: self._campaign(job))

    @workflow.signal
    def clip_idle(self, clip: ClipIdle) -> None:
        """A clip waits at its gate, or goes on."""
        if clip.idle and clip.clip_id not in self.idle_clips:
            self.idle_clips.add(clip.clip_id)
            self.flow.running -= 1
        elif not clip.idle and clip.clip_id in self.idle_clips:
            self.idle_clips.remove(clip.clip_id)
            self.flow.running += 1

    async def _campaign(self, job: JobRef) -> None:
        flow = self.flow
        async with flow.stage("confirm_payment"):
            await flow.run(HOLD_CREDITS, job)
        async with flow.stage("resolve_plan"):
            asked = await flow.run(RESOLVE_PLAN, job)
            plan = await flow.run(CHOOSE_ENGINES, PlanInput(plan=asked))
        await remaking(lambda: self._clips_of(plan))
        async with flow.stage("settle"):
            await flow.run(SETTLE_CREDITS, job)
        flow.compensations.clear()

    async def _clips_of(self, plan: CampaignPlan) -> None:
        flow = self.flow
        source = SourceInput(
            org_id=plan.job.org_id, asset_id=plan.asset_id, job_id=plan.job.job_id, source=plan.source, media=plan.media
        )
        async with flow.stage("prepare_media"):
            prepared = await flow.run(PREPARE_MEDIA, source)
        transcript, shots = await together(transcribe(flow, plan, prepared), self._detect_scenes(plan, prepared))
        await flow.run(RECORD_FILES, RecordFilesInput(job=plan.job, transcript=transcript, shots=shots))
        async with flow.stage("score"):
            chosen = SelectInput(plan=plan, prepared=prepared, transcript=transcript, shots=shots)
            selection = await flow.run(SELECT_CLIPS, chosen)
            if plan.ranker:
                ranked = RerankInput(plan=plan, transcript=transcript, selection=selection)
                selection = await flow.run(RERANK_CLIPS, ranked)
            places = await flow.run(RECORD_CLIPS, RecordClipsInput(job=plan.job, selection=selection))
        async with flow.stage("clips", parts=len(places.clips)):
            await self._make_clips(
                [ClipInput(plan=plan, prepared=prepared, transcript=transcript, shots=shots, place=p) for p in places.clips]
            )

    async def _detect_scenes(self, plan: CampaignPlan, prepared: PreparedMedia) -> ArtifactRef:
        async with self.flow.stage("detect_scenes"):
            chunks = shot_chunks(prepared.frame_count)
            parts = await together(
                *(
                    self.flow.run(DETECT_SHOTS_CHUNK, ShotsInput(plan=plan, prepared=prepared, first_frame=first, last_frame=last))
                    for first, last in chunks
                )
            )
            return await self.flow.run(JOIN_SHOTS, JoinShotsInput(plan=plan, prepared=prepared, parts=parts))

    async def _make_clips(self, clips: list[ClipInput]) -> None:
        """Make all clips at once. One that fails is left out; where none is ready, somebody is asked for help."""
        while clips:
            outcomes = await together(*(self._clip(clip) for clip in clips))
            if any(outcome.error_code == ARTIFACT_MISSING for outcome in outcomes):
                raise StepError("clips", ARTIFACT_MISSING, "An artifact that a clip needs is gone.", False)
            if any(outcome.ready for outcome in outcomes):
                return
            await self.flow.attention(StepError("clips", outcomes[0].error_code, "No clip could be made.", False))

    async def _clip(self, clip: ClipInput) -> ClipOutcome:
        """One child workflow to its end. It counts as running while it is not idle."""
        flow, clip_id = self.flow, clip.place.clip_id
        await flow.gate()
        flow.running += 1
        try:
            told = flow.paused
            child = await workflow.start_child_workflow(
                "clip",
                clip.model_copy(update={"paused": told}),
                id=f"clip/{clip_id}",
                result_type=ClipOutcome,
                parent_close_policy=workflow.ParentClosePolicy.REQUEST_CANCEL,
                cancellation_type=workflow.ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
            )
            telling = asyncio.create_task(self._tell_of_pauses(child, told))
            try:
                outcome: ClipOutcome = await child
                return outcome
            finally:
                telling.cancel()
        except ChildWorkflowError as error:
            if flow.cancel_requested and is_cancelled_exception(error):
                raise asyncio.CancelledError from error
            return ClipOutcome(clip_id=clip_id, ready=False, error_code="clip_stopped")
        finally:
            flow.running -= clip_id not in self.idle_clips
            self.idle_clips.discard(clip_id)

    async def _tell_of_pauses(self, child: workflow.ChildWorkflowHandle[Any, ClipOutcome], told: bool) -> None:
        while True:
            await workflow.wait_condition(self.flow.has_changed_from(told))
            told = not told
            with contextlib.suppress(ApplicationError):  # the clip has just ended: there is nobody to tell
                await child.signal("pause" if told else "resume")


def shot_chunks(frame_count: int, size: int = 3000) -> list[tuple[int, int]]:
    """Frame ranges `first:last` (past the end) that tile the video; a crash costs one of them."""
    return [(first, min(first + size, frame_count)) for first in range(0, frame_count, size)]
