"""A real Temporal with our real workflows; the activities are fakes that carry the steps' real names and record calls."""

import asyncio
import contextlib
import itertools
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import workflows.steps
from cutroom.contracts import campaign, jobs
from cutroom.contracts.base import ArtifactRef, JobRef, Nothing, StepInput
from cutroom.contracts.campaign import CampaignPlan, ClipPlace, ClipPlaces, ClipWishes, PackagedClip, RenderedClip
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import Settled
from cutroom.contracts.media import MediaFacts, PreparedMedia, PreparedSound, SpeechChunk
from cutroom.contracts.speech import SpeechPlan
from cutroom.contracts.steps import Queue, Step
from cutroom.settings import Settings
from cutroom.temporal.connection import connect
from tests.steps import STEPS
from workflows.campaign import Campaign
from workflows.clip import Clip
from workflows.delivery import Delivery, Mail
from workflows.ingest import Ingest
from workflows.payment_reconciliation import PaymentReconciliation
from workflows.reconciliation import Reconciliation
from workflows.summary import Summary

WORKFLOWS = [Campaign, Clip, Delivery, Ingest, Mail, PaymentReconciliation, Reconciliation, Summary]
REF = ArtifactRef(key="org/o/x", sha256="0" * 64, size=1)
MEDIA = MediaFacts(container="mp4", duration_s=60, width=640, height=360, fps=30, video_codec="h264", has_audio=True)
PREPARED = PreparedMedia(sound=REF, frames=REF, frame_rate=30, frame_count=7000, proxy=REF, proxy_fps=5)
MACHINE = re.compile(r'("(?:stackTrace|identity)": )"(?:[^"\\]|\\.)*"')  # what a history says of where it was made
CLIP_IDS = ["clp_1", "clp_2"]


def plan_of(job: JobRef) -> CampaignPlan:
    wishes = ClipWishes(count=2, min_s=5, max_s=20)
    return CampaignPlan(job=job, asset_id="ast_1", source=REF, media=MEDIA, captions=None, wishes=wishes)


def places_of(job: JobRef) -> list[ClipPlace]:
    return [ClipPlace(clip_id=f"{c}_{job.job_id}", ordinal=n, start_s=n * 20, end_s=n * 20 + 10) for n, c in enumerate(CLIP_IDS)]


def answers(job: JobRef) -> dict[str, Any]:
    """What each step answers when all goes well."""
    chunks = [SpeechChunk(index=n, start_s=n * 30, end_s=n * 30 + 30) for n in range(2)]
    return {
        "resolve_plan": plan_of(job),
        "choose_engines": plan_of(job),
        "prepare_media": PREPARED,
        "prepare_sound": PreparedSound(sound=REF, loudness=REF),
        "plan_speech": SpeechPlan(chunks=chunks),
        "record_clips": ClipPlaces(clips=places_of(job)),
        "render_clip": RenderedClip(video=REF, captions_ass=None),
        "package_clip": PackagedClip(video=REF, subtitles=None, thumbnail=REF, framing=REF, duration_s=10),
        "settle_credits": Settled(spent=11, released=0),
    }


class Theatre:
    """One job played by fakes. `calls`: (step, part) in the order they began, events excluded; `events`: what was recorded.

    `given`: step -> its inputs. `started`: ids of the workflows that the test has started.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.job = JobRef(org_id=new_id("org"), job_id=new_id("cmp"))
        self.calls: list[tuple[str, str]] = []
        self.given: dict[str, list[Any]] = {}
        self.events: list[jobs.EventInput] = []
        self.started: list[str] = []
        self.acts: dict[str, Callable[[StepInput], Awaitable[Any]]] = {}
        self.answers = answers(self.job)

    @property
    def steps(self) -> list[str]:
        return [step for step, _ in self.calls]

    @property
    def last(self) -> jobs.EventInput:
        return max(self.events, key=lambda event: event.seq)

    @property
    def statuses(self) -> list[str]:
        """The states of the job, in the order that the workflow gave them."""
        in_order = sorted(self.events, key=lambda event: event.seq)
        return [status for status, _ in itertools.groupby(event.status.value for event in in_order)]

    async def play(self, step: Step[Any, Any], input: StepInput) -> Any:
        if isinstance(input, jobs.EventInput):
            if step.name in self.acts:
                await self.acts[step.name](input)
            self.events.append(input)
            return Nothing()
        self.calls.append((step.name, input.part))
        self.given.setdefault(step.name, []).append(input)
        if step.name in self.acts:
            answer = await self.acts[step.name](input)
            if answer is not None:
                return answer
        return self.answers.get(step.name, REF if step.gives is ArtifactRef else Nothing())

    def fail(self, step: str, code: str, *, final: bool, times: int = 10**6) -> None:
        """Let a step fail so many times; not final ones are out of retries at once."""
        left = itertools.count(times, -1)

        async def act(_: StepInput) -> None:
            if next(left) > 0:
                raise ApplicationError(code, type=code, non_retryable=final)

        self.acts[step] = act

    def hold(self, step: str) -> tuple[asyncio.Event, asyncio.Event]:
        """Let a step wait inside: (it has begun, let it end). It heartbeats meanwhile, so a cancel reaches it."""
        begun, end = asyncio.Event(), asyncio.Event()

        async def act(_: StepInput) -> None:
            begun.set()
            while not end.is_set():
                activity.heartbeat()
                await asyncio.wait([asyncio.create_task(end.wait())], timeout=0.1)

        self.acts[step] = act
        return begun, end

    async def start(self, start_signal: str | None = None) -> WorkflowHandle[Any, Any]:
        campaign_input = campaign.CampaignInput(org_id=self.job.org_id, job_id=self.job.job_id)
        self.started.append(f"campaign/{self.job.job_id}")
        return await self.client.start_workflow(
            "campaign",
            campaign_input,
            id=f"campaign/{self.job.job_id}",
            task_queue=Queue.CONTROL,
            start_signal=start_signal,
        )


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    """Wait for a condition, or fail."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


async def keep_histories(client: Client, stage: Theatre) -> None:
    """With CUTROOM_RECORD_HISTORIES=folder, keep what the workflows did, for tests/replay to hold later code to."""
    folder = os.environ.get("CUTROOM_RECORD_HISTORIES")
    if folder is None:
        return
    test = os.environ["PYTEST_CURRENT_TEST"].split("::")[-1].split(" ")[0]
    for workflow_id in [*stage.started, *(f"clip/{clip}_{stage.job.job_id}" for clip in CLIP_IDS)]:
        with contextlib.suppress(RPCError):  # this test came to no clips
            history = await client.get_workflow_handle(workflow_id).fetch_history()
            name = re.sub(r"\W+|_+", "-", f"{workflow_id.split('/')[0]} {test.removeprefix('test_')}").strip("-")
            (Path(folder) / f"{name}.json").write_text(MACHINE.sub(r'\1""', history.to_json()))


@pytest.fixture
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that fails is out of retries at once."""
    policy = workflows.steps.RetryPolicy

    def single(**settings: Any) -> Any:
        return policy(**{**settings, "maximum_attempts": 1})

    monkeypatch.setattr(workflows.steps, "RetryPolicy", single)


@pytest.fixture
async def theatre(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Theatre]:
    """Workers on every queue, their activities played by the theatre; retries are spent after one attempt."""
    client = await connect(settings)
    stage = Theatre(client)

    def fake(step: Step[Any, Any]) -> Callable[..., Any]:
        async def run(input: Any) -> Any:
            if input.owner.org_id in ("", stage.job.org_id):  # of no organisation: reconciliation
                return await stage.play(step, input)
            raise ApplicationError("another test's job", type="not_ours", non_retryable=True)

        run.__annotations__ = {"input": step.takes, "return": step.gives}
        return activity.defn(name=step.name)(run)

    async with AsyncExitStack() as stack:
        for queue in Queue:
            await stack.enter_async_context(
                Worker(
                    client,
                    task_queue=queue,
                    activities=[fake(step) for step in STEPS if step.queue is queue],
                    workflows=WORKFLOWS if queue is Queue.CONTROL else [],
                    workflow_runner=UnsandboxedWorkflowRunner(),
                    max_heartbeat_throttle_interval=timedelta(seconds=0.1),  # a heartbeat is how a step hears of a cancel
                    default_heartbeat_throttle_interval=timedelta(seconds=0.1),
                )
            )
        yield stage
        await keep_histories(client, stage)
