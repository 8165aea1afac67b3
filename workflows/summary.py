"""A summary of one recording, paid by card: authorised before any work, captured once the result exists.

Open the payment, wait until the card's bank holds the amount, hear the words, sum them up, make a reel of the highlights where
one is wanted, capture, hand over. Whatever ends the job before the hand-over gives the authorisation back.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow

from cutroom.contracts.base import ArtifactRef, JobRef
from cutroom.contracts.campaign import ClipInput
from cutroom.contracts.ingest import PREPARE_MEDIA, PREPARE_SOUND, SourceInput
from cutroom.contracts.jobs import JobStatus
from cutroom.contracts.summary import (
    CAPTURE_PAYMENT,
    CHOOSE_RECOGNISER,
    JOIN_REEL,
    LOOK_AT_PAYMENT,
    OPEN_PAYMENT,
    PLAN_REEL,
    RECORD_SUMMARY,
    RELEASE_PAYMENT,
    RESOLVE_SUMMARY,
    SUMMARISE,
    WRITE_SUMMARY,
    Authorisation,
    CaptureInput,
    JoinReelInput,
    RecordSummaryInput,
    Reel,
    ReelInput,
    SummariseInput,
    SummaryFiles,
    SummaryInput,
    SummaryPlan,
    SummaryPlanInput,
)
from workflows.clips import ClipsWorkflow
from workflows.job import JobOutcome
from workflows.scenes import detect_scenes
from workflows.steps import ARTIFACT_MISSING, Expired, StepError, call, remaking, to_the_end, together
from workflows.transcription import transcribe

T = TypeVar("T")

PAID_WITHIN = timedelta(hours=24)
LOOK_EVERY = timedelta(minutes=5)
BEFORE_IT_LAPSES = timedelta(hours=2)  # left for the capture itself, should the card processor be away


@workflow.defn(name="summary")
class Summary(ClipsWorkflow):
    """`summary/sum_...`"""

    def __init__(self) -> None:
        super().__init__()
        self.news = 0
        self.reel_by: datetime | None = None

    @workflow.run
    async def run(self, summary: SummaryInput) -> JobOutcome:
        job = JobRef(org_id=summary.org_id, job_id=summary.job_id)
        self.flow.going_as = JobStatus.PENDING
        self.flow.compensations.register(RELEASE_PAYMENT, job)
        return await self.flow.conduct(job, summary.last_seq, lambda: self._summary(job))

    @workflow.signal
    def payment_changed(self) -> None:
        """The card processor told of the job's payment."""
        self.news += 1

    async def _summary(self, job: JobRef) -> None:
        flow = self.flow
        capture_before = (await self._authorised(job)).capture_before
        flow.going_as = JobStatus.PROCESSING
        left_s = (capture_before - workflow.now() - BEFORE_IT_LAPSES).total_seconds() if capture_before else None
        # The other half is the summary's own, so that no reel, however slow, costs anybody the summary.
        self.reel_by = None if left_s is None else workflow.now() + timedelta(seconds=left_s / 2)
        try:
            async with asyncio.timeout(left_s):
                result = await remaking(lambda: self._made(job))
                await flow.gate()
        except TimeoutError:
            raise Expired(
                "authorisation_lapsed", "The card's authorisation was about to lapse before the summary was done."
            ) from None
        # Once a capture is asked for, a cancel comes too late: what was paid for is handed over.
        await to_the_end(asyncio.create_task(self._hand_over(job, result)), flow)
        flow.compensations.clear()

    async def _authorised(self, job: JobRef) -> Authorisation:
        """The payment, once its whole amount is held. Raises Expired after 24 hours, whatever keeps the job from looking."""
        known, told = self.news, ""
        try:
            async with asyncio.timeout(PAID_WITHIN.total_seconds()), self.flow.stage("confirm_payment"):
                payment = await self.flow.run(OPEN_PAYMENT, job)
                while not payment.held:
                    if payment.reason != told:
                        told = payment.reason
                        await self.flow.record("payment", reason=told)
                    with contextlib.suppress(TimeoutError):
                        await workflow.wait_condition(self._news_after(known), timeout=LOOK_EVERY)
                    known = self.news
                    payment = await self.flow.run(LOOK_AT_PAYMENT, job)
                return payment
        except TimeoutError:
            raise Expired("payment_expired", "The payment was not authorised within 24 hours.") from None

    def _news_after(self, known: int) -> Callable[[], bool]:
        return lambda: self.news > known

    async def _made(self, job: JobRef) -> RecordSummaryInput:
        flow = self.flow
        async with flow.stage("resolve_plan"):
            asked = await flow.run(RESOLVE_SUMMARY, job)
            plan = await flow.run(CHOOSE_RECOGNISER, SummaryPlanInput(plan=asked))
        source = SourceInput(org_id=job.org_id, asset_id=plan.asset_id, job_id=job.job_id, source=plan.source, media=plan.media)
        if plan.reel is None and workflow.patched("sound-alone"):
            async with flow.stage("prepare_sound"):
                sound = await flow.run(PREPARE_SOUND, source)
            transcript = await transcribe(flow, plan, sound)
            return RecordSummaryInput(job=job, transcript=transcript, files=await self._written(plan, transcript))
        async with flow.stage("prepare_media"):
            prepared = await flow.run(PREPARE_MEDIA, source)
        words = transcribe(flow, plan, prepared)
        if plan.reel is None:
            transcript = await words
            return RecordSummaryInput(job=job, transcript=transcript, files=await self._written(plan, transcript))
        seen = detect_scenes(flow, flow.execute, plan.reel, prepared)
        transcript, shots = await together(words, self._for_the_reel(seen))
        files = await self._written(plan, transcript)
        reel: Reel
        if isinstance(shots, Reel):
            reel = shots
        else:
            shown = ReelInput(plan=plan.reel, prepared=prepared, transcript=transcript, shots=shots, summary=files.json_file)
            reel = await self._for_the_reel(self._joined(shown))
        return RecordSummaryInput(job=job, transcript=transcript, files=files, reel=reel)

    async def _written(self, plan: SummaryPlan, transcript: ArtifactRef) -> SummaryFiles:
        async with self.flow.stage("summarise"):
            step = WRITE_SUMMARY if plan.writer else SUMMARISE
            return await self.flow.run(step, SummariseInput(plan=plan, transcript=transcript))

    async def _for_the_reel(self, work: Coroutine[Any, Any, T]) -> T | Reel:
        """What it makes, or why there is no reel. The summary is handed over without one too, so nobody is asked for help."""
        left_s = None if self.reel_by is None else max(0.0, (self.reel_by - workflow.now()).total_seconds())
        try:
            async with asyncio.timeout(left_s):
                return await work
        except TimeoutError:
            return Reel(error_code="step_timed_out")
        except StepError as error:
            if error.code == ARTIFACT_MISSING:
                raise
            return Reel(error_code=error.code)

    async def _joined(self, shown: ReelInput) -> Reel:
        """Whole, or not at all."""
        flow, plan, prepared = self.flow, shown.plan, shown.prepared
        async with flow.stage("score"):
            places = (await flow.execute(PLAN_REEL, shown)).clips
        if not places:
            return Reel(error_code="no_highlights")
        async with flow.stage("clips", parts=len(places)):
            outcomes = await self.make_clips(
                [ClipInput(plan=plan, prepared=prepared, transcript=shown.transcript, shots=shown.shots, place=p) for p in places]
            )
        videos = [outcome.packaged.video for outcome in outcomes if outcome.packaged is not None]
        if len(videos) < len(places):
            return Reel(error_code=next(outcome.error_code for outcome in outcomes if outcome.packaged is None))
        async with flow.stage("join_reel"):
            return Reel(video=await flow.execute(JOIN_REEL, JoinReelInput(plan=plan, places=places, videos=videos)))

    async def _hand_over(self, job: JobRef, made: RecordSummaryInput) -> None:
        reel = made.reel is not None and made.reel.video is not None
        await call(CAPTURE_PAYMENT, CaptureInput(job=job, reel=reel))
        await call(RECORD_SUMMARY, made)
