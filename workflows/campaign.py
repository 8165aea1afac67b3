"""A campaign: one long recording becomes vertical clips, paid from credits.

Plan, hold the credits, prepare the media, hear the words and see the shots at once, choose the clips, make each of them
in a child workflow, settle. Whatever ends the campaign, what can be downloaded is paid for and the rest is given back.
"""

from temporalio import workflow

from cutroom.contracts.base import JobRef
from cutroom.contracts.campaign import (
    CHOOSE_ENGINES,
    RECORD_CLIPS,
    RECORD_FILES,
    RERANK_CLIPS,
    RESOLVE_PLAN,
    SELECT_CLIPS,
    CampaignInput,
    CampaignPlan,
    ClipInput,
    PlanInput,
    RecordClipsInput,
    RecordFilesInput,
    RerankInput,
    SelectInput,
)
from cutroom.contracts.ingest import PREPARE_MEDIA, SourceInput
from cutroom.contracts.jobs import HOLD_CREDITS, SETTLE_CREDITS
from workflows.clips import ClipsWorkflow
from workflows.job import JobOutcome
from workflows.scenes import detect_scenes
from workflows.steps import StepError, remaking, together
from workflows.transcription import transcribe


@workflow.defn(name="campaign")
class Campaign(ClipsWorkflow):
    """`campaign/cmp_...`"""

    @workflow.run
    async def run(self, campaign: CampaignInput) -> JobOutcome:
        job = JobRef(org_id=campaign.org_id, job_id=campaign.job_id)
        # The API has made the hold, so even a cancel that comes before the first step has something to give back.
        self.flow.compensations.register(SETTLE_CREDITS, job)
        return await self.flow.conduct(job, campaign.last_seq, lambda: self._campaign(job))

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
        transcript, shots = await together(transcribe(flow, plan, prepared), detect_scenes(flow, flow.run, plan, prepared))
        await flow.run(RECORD_FILES, RecordFilesInput(job=plan.job, transcript=transcript, shots=shots))
        async with flow.stage("score"):
            chosen = SelectInput(plan=plan, prepared=prepared, transcript=transcript, shots=shots)
            selection = await flow.run(SELECT_CLIPS, chosen)
            if plan.ranker:
                ranked = RerankInput(plan=plan, transcript=transcript, selection=selection)
                selection = await flow.run(RERANK_CLIPS, ranked)
            places = await flow.run(RECORD_CLIPS, RecordClipsInput(job=plan.job, selection=selection))
        async with flow.stage("clips", parts=len(places.clips)):
            await self._some_clips(
                [ClipInput(plan=plan, prepared=prepared, transcript=transcript, shots=shots, place=p) for p in places.clips]
            )

    async def _some_clips(self, clips: list[ClipInput]) -> None:
        """Make all clips at once. One that fails is left out; where none is ready, somebody is asked for help."""
        while clips:
            outcomes = await self.make_clips(clips)
            if any(outcome.ready for outcome in outcomes):
                return
            await self.flow.attention(StepError("clips", outcomes[0].error_code, "No clip could be made.", False))
