"""What every activity is built on: `@implements(STEP)`, and the `Task` that an activity is given.

An activity is a plain async function `(task, input) -> output`. This module turns it into a Temporal activity: it gives
it a scratch folder, reports its progress, keeps what its tools said as the job's log, and translates errors so that
Temporal retries what may pass and never what cannot.
"""

import asyncio
import contextvars
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog
from opentelemetry import trace
from temporalio import activity
from temporalio.exceptions import ApplicationError

from cutroom.contracts.base import ArtifactRef, Frozen, JobRef
from cutroom.contracts.steps import In, Out, Step
from cutroom.errors import CutroomError, Unreachable
from cutroom.money.cards import CardModes
from cutroom.settings import Settings
from cutroom.store import jobs
from cutroom.store.artifacts import Artifacts, Produced, Scope, fingerprint
from cutroom.store.database import Database
from cutroom.store.files import PASSING_S, LocalFiles
from cutroom.store.objects import ObjectStore
from cutroom.telemetry import metrics
from cutroom.temporal.engine import Engine

log = structlog.get_logger(__name__)

Document = TypeVar("Document", bound=Frozen)

PROGRESS_EVERY_S = 0.5


@dataclass(frozen=True)
class Resources:
    """What a worker process may reach. `system` is None where it has no right to see all organisations."""

    settings: Settings
    database: Database
    system: Database | None
    objects: ObjectStore
    artifacts: Artifacts
    files: LocalFiles
    engine: Engine

    @cached_property
    def cards(self) -> CardModes:
        """Card payments; only the outbound worker has the keys."""
        return CardModes(self.settings)

    @property
    def all_organisations(self) -> Database:
        """The system role; only the control worker has it."""
        if self.system is None:
            raise RuntimeError("this process has no right to the system role")
        return self.system


@dataclass
class Task:
    """One attempt of one step. `who` names the step's execution, the same for each of its attempts."""

    resources: Resources
    step: str
    owner: JobRef
    part: str
    who: str
    attempt: int
    scratch: Path
    _notes: list[str] = field(default_factory=list)
    _told_at: float = 0.0
    _telling: asyncio.Task[None] | None = None

    def beat(self, done: float, total: float) -> None:
        """Report progress in any unit; call it only when work was really done since the last call."""
        self.alive(done, total)
        now = time.monotonic()
        idle = self._telling is None or self._telling.done()
        if self.owner.job_id and idle and now - self._told_at >= PROGRESS_EVERY_S:
            self._told_at = now
            self._telling = asyncio.create_task(self._tell(min(1.0, done / total) if total > 0 else 0.0))

    def alive(self, *details: float) -> None:
        """A heartbeat without progress, for waiting on another caller's work."""
        if activity.in_activity():
            activity.heartbeat(*details)

    def note(self, text: str) -> None:
        """Keep what a tool said."""
        self._notes.append(text)

    async def local(self, ref: ArtifactRef, *, stays_s: float = PASSING_S) -> Path:
        """A verified local copy, good until the end of this attempt; for later ones it stays at least `stays_s` if there is room.

        Raises ArtifactMissing, Unreachable.
        """
        return await self.resources.files.ensure_local(ref, self.scratch, self.arrivals(ref.size), stays_s=stays_s)

    async def read(self, ref: ArtifactRef, document: type[Document]) -> Document:
        """A JSON document of `cutroom.contracts.documents`. Raises ArtifactMissing, Unreachable."""
        return document.model_validate_json((await self.local(ref)).read_bytes())

    def arrivals(self, size: int) -> Callable[[int], None]:
        """A callback for other threads that beats with each piece of `size` bytes that arrived."""
        loop, context, arrived = asyncio.get_running_loop(), contextvars.copy_context(), 0

        def beat(count: int) -> None:
            nonlocal arrived
            arrived += count
            loop.call_soon_threadsafe(self.alive, arrived, size, context=context)

        return beat

    async def make(
        self,
        scope: Scope,
        version: int,
        params: Mapping[str, Any],
        inputs: list[ArtifactRef],
        suffixes: Mapping[str, str],
        make: Callable[[dict[str, Path]], Awaitable[dict[str, Any]]],
        *,
        media_s: float = 0.0,
    ) -> Produced:
        """The artifacts of this step, found or made. `make` writes the named files and returns facts (JSON) to keep.

        `media_s`: seconds of recording that `make` goes through, where it goes through one.
        """
        outcome = "found"

        async def measured(paths: dict[str, Path]) -> dict[str, Any]:
            nonlocal outcome
            began = time.monotonic()
            facts = await make(paths)
            outcome = "made"
            if media_s:
                metrics.MEDIA_SECONDS.labels(self.step).inc(media_s)
                metrics.MEDIA_WORK_SECONDS.labels(self.step).inc(time.monotonic() - began)
            return facts

        produced = await self.resources.artifacts.produce(
            scope,
            self.step,
            fingerprint(self.step, version, dict(params), inputs),
            dict(suffixes),
            measured,
            owner=self.who,
            scratch=self.scratch,
            waiting=self.alive,
        )
        metrics.ARTIFACTS.labels(self.step, outcome).inc()
        return produced

    async def make_one(
        self,
        scope: Scope,
        version: int,
        params: Mapping[str, Any],
        inputs: list[ArtifactRef],
        suffix: str,
        make: Callable[[Path], Awaitable[None]],
        *,
        media_s: float = 0.0,
    ) -> ArtifactRef:
        """The single artifact of this step, found or made."""

        async def write(paths: dict[str, Path]) -> dict[str, Any]:
            await make(paths["file"])
            return {}

        produced = await self.make(scope, version, params, inputs, {"file": suffix}, write, media_s=media_s)
        return produced.refs["file"]

    @property
    def job_scope(self) -> Scope:
        """For what depends on this job's wishes."""
        return Scope(org_id=self.owner.org_id, job_id=self.owner.job_id)

    async def _tell(self, fraction: float) -> None:
        key = f"{self.step}/{self.part}" if self.part else self.step
        try:
            async with self.resources.database.transaction(self.owner.org_id) as session:
                await jobs.set_progress(session, self.owner.job_id, key, fraction)
        except Unreachable:
            log.warning("progress_not_told", step=self.step)

    async def _finish(self) -> None:
        """Wait for the last progress and keep the notes as this attempt's log."""
        if self._telling is not None:
            await asyncio.wait([self._telling])
        if not (self._notes and self.owner.job_id):
            return

        async def write(paths: dict[str, Path]) -> dict[str, Any]:
            paths["log"].write_text("\n".join(self._notes))
            return {"step": self.step, "part": self.part, "attempt": self.attempt}

        name = fingerprint("log", 1, {"step": self.step, "part": self.part, "who": self.who, "attempt": self.attempt}, [])
        try:
            await self.resources.artifacts.produce(
                self.job_scope, "log", name, {"log": ".txt"}, write, owner=self.who, scratch=self.scratch, waiting=self.alive
            )
        except CutroomError as error:
            log.warning("log_not_kept", step=self.step, code=error.code)


@dataclass(frozen=True)
class Implementation(Generic[In, Out]):
    """A step and the function that does it."""

    step: Step[In, Out]
    function: Callable[[Task, In], Awaitable[Out]]

    async def __call__(self, task: Task, input: In) -> Out:
        return await self.function(task, input)

    def bind(self, resources: Resources) -> Callable[..., Any]:
        """The Temporal activity of this step, for a worker with these resources."""

        async def run(input: In) -> Out:
            info = activity.info()
            waited = (info.started_time - info.current_attempt_scheduled_time).total_seconds()
            metrics.QUEUE_DELAY.labels(self.step.queue).observe(max(0.0, waited))
            trace.get_current_span().set_attribute("waited_s", waited)
            who = f"{info.workflow_id}/{info.workflow_run_id}/{info.activity_id}"
            async with attempt(resources, self.step, input, who, info.attempt) as task:
                return await self.function(task, input)

        run.__annotations__ = {"input": self.step.takes, "return": self.step.gives}
        return activity.defn(name=self.step.name)(run)


def implements(step: Step[In, Out]) -> Callable[[Callable[[Task, In], Awaitable[Out]]], Implementation[In, Out]]:
    """Make an async function the implementation of a step."""

    def wrap(function: Callable[[Task, In], Awaitable[Out]]) -> Implementation[In, Out]:
        return Implementation(step, function)

    return wrap


@asynccontextmanager
async def attempt(resources: Resources, step: Step[In, Out], input: In, who: str, number: int) -> AsyncIterator[Task]:
    """One attempt, with its scratch folder, logs and translated errors."""
    owner = input.owner
    trace.get_current_span().set_attributes({"job_id": owner.job_id, "part": input.part, "attempt": number})
    bound = {"step": step.name, "org_id": owner.org_id, "job_id": owner.job_id, "part": input.part, "attempt": number}
    with structlog.contextvars.bound_contextvars(**bound), resources.files.scratch() as scratch:
        started, outcome = time.monotonic(), "canceled"
        task = Task(resources, step.name, owner, input.part, who, number, scratch)
        try:
            yield task
        except CutroomError as error:
            outcome = "failed" if error.retryable else "refused"
            log.warning("step_failed", code=error.code, detail=error.detail, seconds=round(time.monotonic() - started, 3))
            raise ApplicationError(error.detail, type=error.code, non_retryable=not error.retryable) from None
        except Exception as error:
            # The message may quote user text, and a history cannot be erased: it stays in this process's log.
            outcome = "failed"
            log.exception("step_broke", seconds=round(time.monotonic() - started, 3))
            raise ApplicationError(f"{type(error).__name__} in {step.name}", type="internal_error") from None
        else:
            outcome = "ok"
            log.info("step_ended", seconds=round(time.monotonic() - started, 3))
        finally:
            metrics.STEP_SECONDS.labels(step.name, outcome).observe(time.monotonic() - started)
            await task._finish()
