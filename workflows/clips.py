"""Clips as children of a job's workflow: started, told of its pauses, and counted as its work while they do not wait themselves."""

import asyncio
import contextlib
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ChildWorkflowError, is_cancelled_exception

from cutroom.contracts.campaign import ClipIdle, ClipInput, ClipOutcome
from workflows.job import JobWorkflow
from workflows.steps import ARTIFACT_MISSING, StepError, together


class ClipsWorkflow(JobWorkflow):
    """A job's workflow that has clips made."""

    def __init__(self) -> None:
        super().__init__()
        self.idle_clips: set[str] = set()

    @workflow.signal
    def clip_idle(self, clip: ClipIdle) -> None:
        """A clip waits at its gate, or goes on."""
        if clip.idle and clip.clip_id not in self.idle_clips:
            self.idle_clips.add(clip.clip_id)
            self.flow.running -= 1
        elif not clip.idle and clip.clip_id in self.idle_clips:
            self.idle_clips.remove(clip.clip_id)
            self.flow.running += 1

    async def make_clips(self, clips: list[ClipInput]) -> list[ClipOutcome]:
        """All clips at once, ready or not. Raises StepError where one misses an artifact, CancelledError, Expired."""
        outcomes = await together(*(self._clip(clip) for clip in clips))
        if any(outcome.error_code == ARTIFACT_MISSING for outcome in outcomes):
            raise StepError("clips", ARTIFACT_MISSING, "An artifact that a clip needs is gone.", False)
        return outcomes

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
