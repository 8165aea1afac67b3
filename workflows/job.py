"""What every job's workflow has: signals, recorded events, stages, attention, and one way to end.

A job's status is derived from what its workflow is doing; `_keep_status` records each change, so that no step has to.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ApplicationError

from cutroom.contracts.base import Frozen, JobRef
from cutroom.contracts.jobs import RECORD_EVENT, EventInput, JobStatus
from cutroom.contracts.steps import In, Out, Step
from workflows.saga import Compensations
from workflows.steps import ARTIFACT_MISSING, Expired, Flow, StepError, call, guarded, to_the_end

ATTENTION_LIMIT = timedelta(days=7)
STATUS_ATTRIBUTE = SearchAttributeKey.for_keyword("JobStatus")


class JobProgress(Frozen):
    """Answer of the query `progress`."""

    status: JobStatus
    stages: list[str]


class JobOutcome(Frozen):
    """Result of a job's workflow; what people read is in the database."""

    status: JobStatus


@dataclass(frozen=True)
class Ending:
    status: JobStatus
    code: str = ""
    detail: str = ""


class JobFlow(Flow):
    """The flow of one job, which also tells the database what happens.

    `going_as`: its status while nothing holds it up; `pending` until it is paid for, where it is not paid beforehand.
    """

    def __init__(self) -> None:
        super().__init__()
        self.job = JobRef(org_id="", job_id="")
        self.seq = 0
        self.status = JobStatus.QUEUED
        self.stages: list[str] = []
        self.going_as = JobStatus.PROCESSING
        self.waiting_for_help = 0
        self.helped = 0
        self.over = False
        self.telling = asyncio.Lock()
        self.compensations = Compensations()

    async def record(self, kind: str, step: str = "", code: str = "", detail: str = "", **data: Any) -> None:
        """Append one event to the job's history. One at a time: who follows the history never sees a later one first."""
        async with self.telling:
            self.seq += 1
            event = EventInput(
                job=self.job,
                seq=self.seq,
                kind=kind,
                status=self.status,
                step=step,
                error_code=code,
                error_detail=detail,
                data=data,
            )
            await call(RECORD_EVENT, event)

    @asynccontextmanager
    async def stage(self, name: str, parts: int = 1) -> AsyncIterator[None]:
        """A named part of the work, as people see it; its start and end are recorded."""
        await self.gate()
        self.stages.append(name)
        await self.record("step_started", name, parts=parts)
        try:
            yield
        finally:
            self.stages.remove(name)
        await self.record("step_ended", name)

    async def run(self, step: Step[In, Out], input: In) -> Out:
        """Run one step; where its attempts are spent for a reason that is not the input's, ask for help and try again.

        Raises StepError (final, or a missing artifact), CancelledError, Expired.
        """
        while True:
            try:
                return await self.execute(step, input)
            except StepError as error:
                if error.final or error.code == ARTIFACT_MISSING:
                    raise
                await self.attention(error)

    async def attention(self, error: StepError) -> None:
        """Wait until somebody resumes the job. Raises CancelledError, and Expired after 7 days."""
        seen = self.helped
        self.waiting_for_help += 1
        try:
            await self.record("attention", error.step, error.code, error.detail, who="operator")
            await workflow.wait_condition(lambda: self.helped > seen or self.cancel_requested, timeout=ATTENTION_LIMIT)
        except TimeoutError:
            raise Expired("attention_expired", f"Nobody resumed the job within 7 days: {error.detail}") from None
        finally:
            self.waiting_for_help -= 1

    async def conduct(self, job: JobRef, last_seq: int, body: Callable[[], Awaitable[None]]) -> JobOutcome:
        """Run the job's body and end the job, whatever happens: compensate, then record the final status once."""
        self.job, self.seq = job, last_seq
        self._move_to(self.going_as)
        keeper = asyncio.create_task(self._keep_status())
        ending = await self._ending_of(body)
        self.over = True
        await to_the_end(asyncio.create_task(self._close(ending, keeper)), self)
        if ending.status is JobStatus.CANCELED and self.canceled_by_temporal:
            raise asyncio.CancelledError
        if ending.status in (JobStatus.FAILED, JobStatus.EXPIRED):
            raise ApplicationError(ending.detail, type=ending.code, non_retryable=True)
        return JobOutcome(status=ending.status)

    async def _ending_of(self, body: Callable[[], Awaitable[None]]) -> Ending:
        try:
            await guarded(self, self._begin(body))
        except asyncio.CancelledError:
            return Ending(JobStatus.CANCELED)
        except StepError as error:
            return Ending(JobStatus.FAILED, error.code, error.detail)
        except Expired as error:
            return Ending(JobStatus.EXPIRED, error.code, error.detail)
        return Ending(JobStatus.SUCCEEDED)

    async def _begin(self, body: Callable[[], Awaitable[None]]) -> None:
        await self.record("status")
        await body()

    async def _close(self, ending: Ending, keeper: asyncio.Task[None]) -> None:
        await workflow.wait([keeper])
        for failure in await self.compensations.run():
            await self.record("compensation_failed", failure.step, failure.code, failure.detail)
        self._move_to(ending.status)
        await self.record("status", code=ending.code, detail=ending.detail)

    async def _keep_status(self) -> None:
        while not self.over:
            await workflow.wait_condition(lambda: self.over or self._state() != self.status)
            if not self.over:
                self._move_to(self._state())
                await self.record("status")

    def _state(self) -> JobStatus:
        if self.waiting_for_help:
            return JobStatus.ATTENTION
        if self.paused:
            return JobStatus.PAUSING if self.running else JobStatus.PAUSED
        return self.going_as

    def _move_to(self, status: JobStatus) -> None:
        self.status = status
        workflow.upsert_search_attributes([STATUS_ATTRIBUTE.value_set(status)])


class JobWorkflow:
    """Signals and the query of every job's workflow."""

    def __init__(self) -> None:
        self.flow = JobFlow()

    @workflow.signal
    def cancel(self) -> None:
        self.flow.cancel_requested = True

    @workflow.signal
    def pause(self) -> None:
        self.flow.paused = True

    @workflow.signal
    def resume(self) -> None:
        self.flow.paused = False
        self.flow.helped += 1

    @workflow.query
    def progress(self) -> JobProgress:
        return JobProgress(status=self.flow.status, stages=list(self.flow.stages))
