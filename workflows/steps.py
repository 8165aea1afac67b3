"""How a workflow runs one step: pass the gate, call the activity, translate what went wrong.

`Flow` is the little that a workflow must remember to be paused and canceled. `guarded` gives the `cancel` signal and
Temporal's own cancel one and the same way out.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from cutroom.contracts.steps import In, Out, Step

T = TypeVar("T")

PAUSE_LIMIT = timedelta(days=30)
ARTIFACT_MISSING = "artifact_missing"


class StepError(Exception):
    """A step ended without a result. `final`: trying again cannot help, because the reason is the input's."""

    def __init__(self, step: str, code: str, detail: str, final: bool) -> None:
        super().__init__(f"{step}: {code}")
        self.step = step
        self.code = code
        self.detail = detail
        self.final = final


class Expired(Exception):
    """The job waited for somebody longer than it may."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class Flow:
    """Whether the work may go on. A step starts only through `execute`, so nothing starts while paused or canceled."""

    def __init__(self) -> None:
        self.cancel_requested = False
        self.canceled_by_temporal = False
        self.paused = False
        self.running = 0

    async def gate(self) -> None:
        """Wait while paused. Raises CancelledError once a cancel is asked for, Expired after 30 days."""
        if self.paused and not self.cancel_requested:
            await self.tell_waiting(True)
            try:
                await workflow.wait_condition(lambda: not self.paused or self.cancel_requested, timeout=PAUSE_LIMIT)
            except TimeoutError:
                raise Expired("pause_expired", "The job stayed paused for 30 days.") from None
            await self.tell_waiting(False)
        if self.cancel_requested:
            raise asyncio.CancelledError

    def has_changed_from(self, paused: bool) -> Callable[[], bool]:
        """A condition: the pause was asked for, or taken back, since it was `paused`."""
        return lambda: self.paused != paused

    async def tell_waiting(self, waiting: bool) -> None:
        """Called when the gate begins and ends to hold the work back."""

    async def execute(self, step: Step[In, Out], input: In) -> Out:
        """Pass the gate and run one step. Raises StepError, CancelledError, Expired."""
        await self.gate()
        self.running += 1
        try:
            return await call(step, input)
        finally:
            self.running -= 1


async def call(step: Step[In, Out], input: In) -> Out:
    """Run one step now, whatever the gate says. Raises StepError once its attempts are spent, CancelledError."""
    try:
        result: Out = await workflow.execute_activity(
            step.name,
            input,
            task_queue=step.queue,
            result_type=step.gives,
            start_to_close_timeout=timedelta(seconds=step.start_to_close_s),
            heartbeat_timeout=timedelta(seconds=step.heartbeat_s) if step.heartbeat_s else None,
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=20), maximum_attempts=step.attempts
            ),
            cancellation_type=(
                workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
                if step.must_stop
                else workflow.ActivityCancellationType.TRY_CANCEL
            ),
            summary=input.part or None,
        )
    except ActivityError as error:
        if is_cancelled_exception(error) or _canceled():
            raise asyncio.CancelledError from error
        cause = error.cause
        if isinstance(cause, ApplicationError):
            raise StepError(step.name, cause.type or "internal_error", cause.message, cause.non_retryable) from error
        raise StepError(step.name, "step_timed_out", f"The step {step.name} did not answer in time.", False) from error
    if _canceled():
        raise asyncio.CancelledError
    return result


def _canceled() -> bool:
    """Whether this task was asked to stop. An activity that ends by itself all the same keeps the task from hearing of it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def guarded(flow: Flow, body: Coroutine[Any, Any, T]) -> T:
    """Run `body` until it ends or a cancel is asked for, by signal or by Temporal; the body then ends with CancelledError."""
    work = asyncio.create_task(body)
    try:
        await workflow.wait_condition(lambda: flow.cancel_requested or work.done())
    except asyncio.CancelledError:
        flow.cancel_requested = flow.canceled_by_temporal = True
    if not work.done():
        work.cancel()
    return await to_the_end(work, flow)


async def to_the_end(work: asyncio.Task[T], flow: Flow) -> T:
    """Await `work` even where Temporal's cancel interrupts the waiting; the cancel is remembered in `flow`."""
    while not work.done():
        try:
            await workflow.wait_condition(work.done)
        except asyncio.CancelledError:
            flow.cancel_requested = flow.canceled_by_temporal = True
    return work.result()


async def together(*bodies: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run all at once and return their results in order. Where one fails the others are canceled, awaited, and it is raised."""
    tasks = [asyncio.create_task(body) for body in bodies]
    if not tasks:
        return []
    try:
        await workflow.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    except asyncio.CancelledError:
        await _stop(tasks)
        raise
    await _stop(tasks)
    for task in tasks:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            raise error
    return [task.result() for task in tasks]


async def _stop(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancel what still runs and wait until it ended."""
    unfinished = [task for task in tasks if not task.done()]
    for task in unfinished:
        task.cancel()
    if unfinished:
        await workflow.wait(unfinished)


async def remaking(body: Callable[[], Coroutine[Any, Any, T]], times: int = 3) -> T:
    """Run `body` again where a step misses an artifact: every step finds what still exists, and makes what is gone."""
    for _ in range(times - 1):
        try:
            return await body()
        except StepError as error:
            if error.code != ARTIFACT_MISSING:
                raise
    return await body()
