"""A theatre of faults: real workflows, real payment steps, the stand-in; each job's step dies once at a place of its own.

A death is an exception between one outside call or commit and the next: what was done is done, and nobody noted it. The next
attempt knows no more than a new process would. Work on media is played by fakes that ask Stripe whether it is authorised yet.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import stripe
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import jobs as job_steps
from activities import payments as payment_steps
from activities import summaries
from activities.base import Resources
from activities.resources import open_resources
from api.requests import NewSummary
from cutroom.contracts.base import ArtifactRef, JobRef
from cutroom.contracts.documents import Summary as SummaryDocument
from cutroom.contracts.documents import Transcript
from cutroom.contracts.ids import new_id
from cutroom.contracts.ingest import PREPARE_SOUND
from cutroom.contracts.jobs import TERMINAL
from cutroom.contracts.media import MediaFacts, PreparedSound, SpeechChunk
from cutroom.contracts.speech import JOIN_TRANSCRIPT, PLAN_SPEECH, TRANSCRIBE_CHUNK, SpeechPlan
from cutroom.contracts.steps import Queue, Step
from cutroom.contracts.summary import CHOOSE_RECOGNISER, SUMMARISE, SummaryFiles, SummaryInput, SummaryPlanInput
from cutroom.errors import CutroomError, Unreachable
from cutroom.money.cards import Cards, unclear
from cutroom.money.prices import quote
from cutroom.settings import Settings
from cutroom.store import identity, jobs, payments
from cutroom.store.database import Database
from cutroom.store.tables import Asset, Job
from cutroom.temporal.connection import connect
from workflows.summary import Summary

PRICE = quote("summary", source_s=1200, currency="usd")
MEDIA = MediaFacts(container="mp4", duration_s=1200, width=640, height=360, fps=30, video_codec="h264", has_audio=True)
NOWHERE = ArtifactRef(key="org/nobody/nothing", sha256="0" * 64, size=1)
WITHIN_S = 900.0  # for a loaded machine
LOOK_EVERY_S = 0.5
AT_ONCE = 16


class Died(CutroomError):
    """The process is gone."""

    retryable = True
    default_code = "died"


@dataclass(frozen=True)
class Fault:
    """Where a job's step dies. `point`: a call to Stripe, or `commit N` of the step. `moment`: before | after | unanswered.

    `ending`: succeeded | released (nothing is said in the recording) | refunded (what was paid for cannot be handed over).
    """

    step: str
    point: str
    moment: str
    ending: str

    def __str__(self) -> str:
        return f"{self.step}-{self.moment}-{self.point.replace(' ', '-')}-{self.ending}"


@dataclass
class Played:
    """What became of a job. `worked`: states of its payment at each step of work; `intents`: Stripe's own record."""

    fault: Fault
    job: JobRef
    met: bool = False
    status: str = ""
    worked: list[str] = field(default_factory=list)
    intents: list[dict[str, Any]] = field(default_factory=list)
    customers: int = 0

    @property
    def charged(self) -> int:
        """Minor units taken and not given back."""
        charges = [intent["latest_charge"] for intent in self.intents if intent["latest_charge"]]
        return sum(charge["amount"] - charge["amount_refunded"] for charge in charges if charge["captured"])

    @property
    def taken(self) -> int:
        return sum(intent["amount_received"] for intent in self.intents)

    @property
    def held(self) -> int:
        return sum(intent["amount_capturable"] for intent in self.intents)


class Faults:
    """Lets each job's step die where its fault says, once."""

    def __init__(self) -> None:
        self.jobs: dict[str, Played] = {}
        self._commits: Counter[tuple[str, str, int]] = Counter()

    def commit(self) -> str:
        """The name of the transaction that begins: `commit 1` is a step's first."""
        bound = structlog.contextvars.get_contextvars()
        key = (bound.get("job_id", ""), bound.get("step", ""), bound.get("attempt", 0))
        self._commits[key] += 1
        return f"commit {self._commits[key]}"

    def meet(self, point: str, moment: str) -> None:
        bound = structlog.contextvars.get_contextvars()
        played = self.jobs.get(bound.get("job_id", ""))
        if played is None or played.met:
            return
        fault = played.fault
        if (bound["step"], point, moment) == (fault.step, fault.point, fault.moment):
            played.met = True
            raise unclear() if moment == "unanswered" else Died(str(fault))


class FaultyCards(Cards):
    faults: Faults

    async def ask(self, operation: str, call: Callable[["stripe.StripeClient"], Awaitable[Any]]) -> Any:
        self.faults.meet(operation, "before")
        answer = await super().ask(operation, call)
        self.faults.meet(operation, "unanswered")
        self.faults.meet(operation, "after")
        return answer


class FaultyDatabase(Database):
    faults: Faults

    @asynccontextmanager
    async def transaction(self, org_id: str | None) -> AsyncIterator[AsyncSession]:
        name = self.faults.commit()
        async with super().transaction(org_id) as session:
            yield session
            self.faults.meet(name, "before")
        self.faults.meet(name, "after")


async def play(settings: Settings, sdk: stripe.StripeClient, faults: Sequence[Fault]) -> list[Played]:
    """All of them at once."""
    made = Faults()
    async with open_resources(settings) as opened, AsyncExitStack() as stack:
        database = FaultyDatabase(settings.database_url.get_secret_value(), pool_size=10)
        database.faults = made
        stack.push_async_callback(database.close)
        resources = Resources(settings, database, opened.system, opened.objects, opened.artifacts, opened.files, opened.engine)
        cards = FaultyCards(settings, "test")
        cards.faults = made
        resources.__dict__["cards"] = lambda mode: cards
        client = await connect(settings)
        files = await _documents(resources, settings.home)
        for fault in faults:
            job = await _asked(resources)
            made.jobs[job.job_id] = Played(fault, job)
        work = _work(opened, made, sdk, files)
        real = {
            Queue.CONTROL: [job_steps.record_event, summaries.resolve_summary, summaries.record_summary],
            Queue.OUTBOUND: [
                payment_steps.open_payment,
                payment_steps.look_at_payment,
                payment_steps.capture_payment,
                payment_steps.release_payment,
            ],
        }
        for queue in Queue:
            done: list[Callable[..., Any]] = [implementation.bind(resources) for implementation in real.get(queue, ())]
            done += [fake for step, fake in work if step.queue is queue]
            workflows = [Summary] if queue is Queue.CONTROL else []
            runner = UnsandboxedWorkflowRunner()
            await stack.enter_async_context(
                Worker(client, task_queue=queue, activities=done, workflows=workflows, workflow_runner=runner)
            )
        async with asyncio.timeout(WITHIN_S):
            gate = asyncio.Semaphore(AT_ONCE)
            await asyncio.gather(*(_conduct(opened, client, sdk, played, gate) for played in made.jobs.values()))
        await _audit(sdk, made)
    return list(made.jobs.values())


async def _audit(sdk: stripe.StripeClient, faults: Faults) -> None:
    """Stripe's own record of what each job made there."""
    intents = await sdk.v1.payment_intents.list_async({"limit": 100, "expand": ["data.latest_charge"]})
    async for intent in intents.auto_paging_iter():
        named = intent.to_dict()
        if named["metadata"].get("job") in faults.jobs:
            faults.jobs[named["metadata"]["job"]].intents.append(named)
    owners = {played.job.org_id: played for played in faults.jobs.values()}
    customers = await sdk.v1.customers.list_async({"limit": 100})
    async for customer in customers.auto_paging_iter():
        org_id = customer.to_dict()["metadata"].get("organisation")
        if org_id in owners:
            owners[org_id].customers += 1


async def _conduct(resources: Resources, client: Any, sdk: stripe.StripeClient, played: Played, gate: asyncio.Semaphore) -> None:
    """Start the job, pay as a browser would, tell of it as Stripe's event would, and wait for the end."""
    async with gate:
        await _paid(resources, client, sdk, played)


async def _paid(resources: Resources, client: Any, sdk: stripe.StripeClient, played: Played) -> None:
    job = played.job
    given = SummaryInput(org_id=job.org_id, job_id=job.job_id)
    handle = await client.start_workflow("summary", given, id=f"summary/{job.job_id}", task_queue=Queue.CONTROL)
    while not (intent_id := await _intent_of(resources, job)):
        await asyncio.sleep(LOOK_EVERY_S)
    await sdk.v1.payment_intents.confirm_async(intent_id, {"payment_method": "pm_card_visa"})
    await handle.signal("payment_changed")
    while (status := await _status_of(resources, job)) not in TERMINAL:
        await asyncio.sleep(LOOK_EVERY_S)
    played.status = status


async def _intent_of(resources: Resources, job: JobRef) -> str:
    """Only once its answer was noted, as the API tells it; empty too where a loaded machine's database does not answer."""
    with suppress(Unreachable):
        async with resources.all_organisations.transaction(None) as session:
            return (await payments.of_job(session, job)).intent_id
    return ""


async def _status_of(resources: Resources, job: JobRef) -> str:
    with suppress(Unreachable):
        async with resources.all_organisations.transaction(None) as session:
            return (await jobs.get(session, job.job_id)).status
    return ""


async def _asked(resources: Resources) -> JobRef:
    """A summary as the API leaves it, of an organisation of its own."""
    job, asset_id, mode = JobRef(org_id=new_id("org"), job_id=new_id("sum")), new_id("ast"), "test"
    asked = NewSummary(asset_id=asset_id).model_dump(mode="json", exclude={"metadata", "external_id", "quote_id"})
    async with resources.all_organisations.transaction(None) as session:
        await identity.create_organisation(session, "test", job.org_id)
        asset = Asset(id=asset_id, org_id=job.org_id, kind="video", status="ready", filename="talk.mp4", size=1)
        asset.source_key, asset.sha256, asset.media = NOWHERE.key, NOWHERE.sha256, MEDIA.model_dump(mode="json")
        session.add(asset)
        await session.flush()
        row = Job(
            id=job.job_id,
            org_id=job.org_id,
            kind="summary",
            mode=mode,
            status="pending",
            asset_id=asset_id,
            request=asked,
            price=PRICE.model_dump(),
        )
        await jobs.create(session, row)
        await payments.begin(session, job, "test", PRICE.total, PRICE.unit)
    return job


async def _documents(resources: Resources, folder: Path) -> tuple[ArtifactRef, SummaryFiles]:
    """A transcript and a summary in the store."""
    transcript = Transcript(engine="none", language="en", duration_s=1, words=[], sentences=[])
    document = SummaryDocument(summary=[], key_points=[], chapters=[], highlights=[], language="en", engine="extractive")
    heard, told = [await _stored(resources, folder, each.model_dump_json()) for each in (transcript, document)]
    return heard, SummaryFiles(json_file=told, markdown=told, docx=told, chapters=told)


async def _stored(resources: Resources, folder: Path, text: str) -> ArtifactRef:
    path, sha256 = folder / "document", hashlib.sha256(text.encode()).hexdigest()
    await asyncio.to_thread(path.write_text, text)
    key = f"org/faults/{sha256}"
    await resources.objects.put_once(key, path, sha256, "application/json")
    return ArtifactRef(key=key, sha256=sha256, size=len(text))


async def _standing(resources: Resources, sdk: stripe.StripeClient, job: JobRef) -> str:
    """Stripe's word on the job's payment at this moment."""
    return (await sdk.v1.payment_intents.retrieve_async(await _intent_of(resources, job))).status


def _work(
    resources: Resources, faults: Faults, sdk: stripe.StripeClient, files: tuple[ArtifactRef, SummaryFiles]
) -> list[tuple[Step[Any, Any], Callable[..., Any]]]:
    """Fakes of the steps between authorisation and capture."""
    heard, made = files
    lost = SummaryFiles(json_file=NOWHERE, markdown=NOWHERE, docx=NOWHERE, chapters=NOWHERE)

    def answer(step: Step[Any, Any], given: Any, played: Played) -> Any:
        if step is SUMMARISE and played.fault.ending == "released":
            raise ApplicationError("Nothing is said.", type="no_speech", non_retryable=True)
        answers = {
            PREPARE_SOUND.name: PreparedSound(sound=heard),
            PLAN_SPEECH.name: SpeechPlan(chunks=[SpeechChunk(index=0, start_s=0, end_s=1)]),
            SUMMARISE.name: lost if played.fault.ending == "refunded" else made,
        }
        return given.plan if isinstance(given, SummaryPlanInput) and step is CHOOSE_RECOGNISER else answers.get(step.name, heard)

    def fake(step: Step[Any, Any]) -> Callable[..., Any]:
        async def run(input: Any) -> Any:
            played = faults.jobs.get(input.owner.job_id)
            if played is None:
                raise ApplicationError("another test's job", type="not_ours", non_retryable=True)
            played.worked.append(await _standing(resources, sdk, played.job))
            return answer(step, input, played)

        run.__annotations__ = {"input": step.takes, "return": step.gives}
        return activity.defn(name=step.name)(run)

    steps = (CHOOSE_RECOGNISER, PREPARE_SOUND, PLAN_SPEECH, TRANSCRIBE_CHUNK, JOIN_TRANSCRIPT, SUMMARISE)
    return [(step, fake(step)) for step in steps]
