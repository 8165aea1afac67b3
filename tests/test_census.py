"""What the control worker tells of the whole system, and what it keeps to itself where a part does not answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import structlog
from rich.console import Console
from sqlalchemy import func, update
from sqlmodel import col
from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.contracts.steps import Queue
from cutroom.local import temporal as embedded
from cutroom.local.ports import free_port
from cutroom.local.temporal import Temporal
from cutroom.local.tools import TEMPORAL, ensure
from cutroom.settings import Settings
from cutroom.store import identity, jobs, ledger, outbox
from cutroom.store.database import Database
from cutroom.store.objects import ObjectStore
from cutroom.store.postings import Operation, lock, move, record
from cutroom.store.tables import Job, Outbox
from cutroom.telemetry import metrics
from cutroom.temporal import queues
from cutroom.temporal.connection import connect
from cutroom.temporal.engine import Engine
from tests.conftest import serving
from worker_cpu import census
from worker_cpu.census import Part, parts, take

DEADLINE_S = 60.0
GAUGES = (
    metrics.PART_UP,
    metrics.JOBS,
    metrics.OUTBOX_WAITING,
    metrics.OUTBOX_AGE,
    metrics.HOLDS_WITHOUT_JOB,
    metrics.CREDITS,
    metrics.QUEUE_BACKLOG,
    metrics.QUEUE_BACKLOG_AGE,
    metrics.QUEUE_POLLERS,
)


@workflow.defn
class Asking:
    """Wants one step of a queue that nobody may be polling."""

    @workflow.run
    async def run(self, queue: str) -> None:
        await workflow.execute_activity("step", task_queue=queue, start_to_close_timeout=timedelta(minutes=5))


@activity.defn
async def step() -> None:
    """Does nothing."""


def shown(name: str, **labels: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(f"cutroom_{name}", labels)


def told() -> set[str]:
    """Names of the census' gauges that have a value."""
    return {sample.name for gauge in GAUGES for family in gauge.collect() for sample in family.samples}


@pytest.fixture(autouse=True)
def nothing_shown() -> Iterator[None]:
    for gauge in GAUGES:
        gauge.clear()
    yield
    for gauge in GAUGES:
        gauge.clear()


@pytest.fixture(scope="module")
def own_temporal(servers_folder: Path) -> Iterator[str]:
    """The address of a server on whose queues nobody else has left anything."""
    server = Temporal(ensure(TEMPORAL, Console(stderr=True)), servers_folder / "census", free_port(), free_port())
    with serving(server, embedded.environment(), servers_folder / "census.log"):
        yield server.address


@pytest.fixture
def own_settings(settings: Settings, own_temporal: str) -> Settings:
    return settings.model_copy(update={"temporal_address": own_temporal})


@pytest.fixture
async def system(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings.database_system_url.get_secret_value())
    yield database
    await database.close()


@pytest.fixture
def engine(own_settings: Settings) -> Engine:
    return Engine(own_settings)


@pytest.fixture
def everything(own_settings: Settings, system: Database, engine: Engine) -> list[Part]:
    return parts(system, ObjectStore(own_settings), engine)


@pytest.fixture
async def org_id(system: Database) -> str:
    async with system.transaction(None) as session:
        return await identity.create_organisation(session, "census")


class Relay:
    """Stands before a server and passes everything on, unless it is told to be silent or to leave."""

    def __init__(self, address: str) -> None:
        self._host, _, self._port = address.rpartition(":")
        self._speaking = asyncio.Event()
        self._speaking.set()
        self._writers: list[asyncio.StreamWriter] = []
        self._joined: list[asyncio.Task[None]] = []
        self.connections = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def speak(self) -> None:
        self._speaking.set()

    def be_silent(self) -> None:
        """Still takes connections and what they say."""
        self._speaking.clear()

    def leave(self) -> None:
        """Breaks every connection and takes no more."""
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._speaking.set()

    async def end(self) -> None:
        self.leave()
        await asyncio.gather(*self._joined)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        behind_reader, behind_writer = await asyncio.open_connection(self._host, int(self._port))
        self._writers += [writer, behind_writer]
        self._joined += [
            asyncio.create_task(self._copy(reader, behind_writer)),
            asyncio.create_task(self._copy(behind_reader, writer)),
        ]

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._speaking.wait()
                writer.write(data)
                await writer.drain()
        except OSError:  # the other end is gone
            pass
        finally:
            writer.close()


async def add_job(system: Database, org_id: str, status: str) -> JobRef:
    job = Job(id=new_id("cmp"), org_id=org_id, kind="campaign", mode="live", status=status)
    async with system.transaction(None) as session:
        await jobs.create(session, job)
    return JobRef(org_id=org_id, job_id=job.id)


async def end(system: Database, job: JobRef) -> None:
    async with system.transaction(None) as session:
        await jobs.record_event(session, EventInput(job=job, seq=9, kind="status", status=JobStatus.CANCELED))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():
            await asyncio.sleep(0.05)


async def taken_until(asked: list[Part], condition: Callable[[], bool]) -> None:
    """Takes the census until it shows what is waited for."""
    async with asyncio.timeout(DEADLINE_S):
        await take(asked)
        while not condition():
            await asyncio.sleep(0.1)
            await take(asked)


async def test_open_jobs_are_counted_by_status_and_a_status_that_has_gone_is_0(
    everything: list[Part], system: Database, org_id: str
) -> None:
    queued = [await add_job(system, org_id, "queued") for _ in range(2)]
    await add_job(system, org_id, "processing")
    await add_job(system, org_id, "succeeded")
    await take(everything)
    assert shown("jobs", kind="campaign", status="queued") == 2
    assert shown("jobs", kind="campaign", status="processing") == 1
    assert shown("jobs", kind="campaign", status="paused") == 0
    assert shown("jobs", kind="campaign", status="succeeded") is None
    for job in queued:
        await end(system, job)
    await take(everything)
    assert shown("jobs", kind="campaign", status="queued") == 0


async def test_the_outbox_is_as_old_as_its_oldest_row_that_waits(everything: list[Part], system: Database, org_id: str) -> None:
    async with system.transaction(None) as session:
        old = await outbox.add(session, org_id, "start", f"campaign/{new_id('cmp')}", {})
        await outbox.add(session, org_id, "start", f"campaign/{new_id('cmp')}", {})
        age = func.now() - timedelta(minutes=5)
        await session.execute(update(Outbox).where(col(Outbox.id) == old.id).values(created_at=age))
    await take(everything)
    assert shown("outbox_waiting", kind="start") == 2
    assert shown("outbox_age_seconds", kind="start") == pytest.approx(330, abs=30)
    assert (shown("outbox_waiting", kind="signal"), shown("outbox_age_seconds", kind="signal")) == (0, 0)
    async with system.transaction(None) as session:
        await session.execute(update(Outbox).values(done_at=func.now()))
    await take(everything)
    assert (shown("outbox_waiting", kind="start"), shown("outbox_age_seconds", kind="start")) == (0, 0)


async def test_a_hold_counts_once_its_job_has_ended_until_it_is_settled(
    everything: list[Part], system: Database, org_id: str
) -> None:
    ended, live = await add_job(system, org_id, "processing"), await add_job(system, org_id, "processing")
    async with system.transaction(None) as session:
        await ledger.grant(session, org_id, "live", 100, "test", new_id("grt"))
        for job in (ended, live):
            await ledger.hold(session, job, "live", 16)
    await take(everything)
    assert shown("holds_without_job", mode="live") == 0
    await end(system, ended)
    await take(everything)
    assert (shown("holds_without_job", mode="live"), shown("holds_without_job", mode="test")) == (1, 0)
    async with system.transaction(None) as session:
        await ledger.settle(session, ended, 0)
    await take(everything)
    assert shown("holds_without_job", mode="live") == 0


async def test_a_hold_of_a_job_that_does_not_exist_counts(everything: list[Part], system: Database, org_id: str) -> None:
    gone = new_id("cmp")
    async with system.transaction(None) as session:
        grant_id = await ledger.grant(session, org_id, "test", 100, "test", new_id("grt"))
        hold = Operation(org_id, gone, "hold", "test", await lock(session, org_id))
        await record(session, hold, move(grant_id, "available", "held", 7))
    await take(everything)
    assert shown("holds_without_job", mode="test") == 1
    async with system.transaction(None) as session:
        settle = Operation(org_id, gone, "settle", "test", await lock(session, org_id))
        await record(session, settle, move(grant_id, "held", "available", 7))
    await take(everything)
    assert shown("holds_without_job", mode="test") == 0


async def test_credits_are_summed_by_account_and_mode(everything: list[Part], system: Database, org_id: str) -> None:
    def credits() -> dict[str, float | None]:
        return {account: shown("credits", account=account, mode="live") for account in ("available", "held", "spent", "granted")}

    await take(everything)
    before, tests_before = credits(), shown("credits", account="granted", mode="test")
    spending, holding = await add_job(system, org_id, "processing"), await add_job(system, org_id, "processing")
    async with system.transaction(None) as session:
        await ledger.grant(session, org_id, "live", 100, "test", new_id("grt"))
        await ledger.hold(session, spending, "live", 10)
        await ledger.settle(session, spending, 6)
        await ledger.hold(session, holding, "live", 30)
    await take(everything)
    change = {"available": 64, "held": 30, "spent": 6, "granted": 100}
    assert credits() == {account: (before[account] or 0) + amount for account, amount in change.items()}
    assert shown("credits", account="granted", mode="test") == tests_before


async def test_a_queue_without_worker_shows_what_waits_and_for_how_long(everything: list[Part], engine: Engine) -> None:
    job_id = new_id("cmp")
    await engine.start("campaign", job_id, "org_1", {})
    await taken_until(everything, lambda: shown("queue_backlog", queue=Queue.CONTROL) == 1)
    first = shown("queue_backlog_age_seconds", queue=Queue.CONTROL) or 0
    await taken_until(everything, lambda: (shown("queue_backlog_age_seconds", queue=Queue.CONTROL) or 0) > max(1, first))
    assert shown("queue_pollers", queue=Queue.CONTROL) == 0
    assert shown("queue_backlog", queue=Queue.OUTBOUND) == shown("queue_backlog_age_seconds", queue=Queue.OUTBOUND) == 0


async def test_a_step_waits_until_a_worker_comes_and_each_worker_counts_once(
    everything: list[Part], engine: Engine, own_settings: Settings
) -> None:
    client = await engine.client()
    async with Worker(client, task_queue="asking", workflows=[Asking], workflow_runner=UnsandboxedWorkflowRunner()):
        asking = await client.start_workflow(Asking.run, Queue.GPU, id=uuid4().hex, task_queue="asking")
        await taken_until(everything, lambda: shown("queue_backlog", queue=Queue.GPU) == 1)
        assert shown("queue_pollers", queue=Queue.GPU) == 0
        async with Worker(client, task_queue=Queue.GPU, activities=[step], identity="first"):
            await taken_until(everything, lambda: shown("queue_pollers", queue=Queue.GPU) == 1)
            await asking.result()
            await taken_until(everything, lambda: shown("queue_backlog", queue=Queue.GPU) == 0)
            async with Worker(await connect(own_settings), task_queue=Queue.GPU, activities=[step], identity="second"):
                await taken_until(everything, lambda: shown("queue_pollers", queue=Queue.GPU) == 2)


async def test_a_worker_that_polls_for_workflows_and_steps_is_one_until_it_was_not_heard_of_for_long(
    everything: list[Part], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await engine.client()
    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue=Queue.OUTBOUND, workflows=[Asking], activities=[step], workflow_runner=runner):
        await taken_until(everything, lambda: shown("queue_pollers", queue=Queue.OUTBOUND) == 1)
    await take(everything)
    assert shown("queue_pollers", queue=Queue.OUTBOUND) == 1
    monkeypatch.setattr(queues, "HEARD_OF_WITHIN", timedelta(seconds=1))
    await taken_until(everything, lambda: shown("queue_pollers", queue=Queue.OUTBOUND) == 0)


@pytest.fixture
async def relays(own_settings: Settings) -> AsyncIterator[dict[str, Relay]]:
    """Part -> what stands before its server."""
    database = urlsplit(own_settings.database_system_url.get_secret_value())
    made = {
        "database": Relay(f"{database.hostname}:{database.port}"),
        "store": Relay(urlsplit(own_settings.s3_endpoint).netloc),
        "temporal": Relay(own_settings.temporal_address),
    }
    for relay in made.values():
        await relay.start()
    yield made
    for relay in made.values():
        await relay.end()


@pytest.fixture
async def servers(own_settings: Settings, relays: dict[str, Relay]) -> AsyncIterator[tuple[Database, ObjectStore, Engine]]:
    """The three servers, through their relays."""
    url = urlsplit(own_settings.database_system_url.get_secret_value())
    account = url.netloc.rpartition("@")[0]
    database = Database(url._replace(netloc=f"{account}@{relays['database'].address}").geturl())
    changed = {"s3_endpoint": f"http://{relays['store'].address}", "temporal_address": relays["temporal"].address}
    settings = own_settings.model_copy(update=changed)
    yield database, ObjectStore(settings), Engine(settings)
    for relay in relays.values():
        relay.leave()
    await database.close()


OF_PART = {
    "database": {
        "cutroom_jobs",
        "cutroom_outbox_waiting",
        "cutroom_outbox_age_seconds",
        "cutroom_holds_without_job",
        "cutroom_credits",
    },
    "store": set(),
    "temporal": {"cutroom_queue_backlog", "cutroom_queue_backlog_age_seconds", "cutroom_queue_pollers"},
}
ALL = {"cutroom_part_up"}.union(*OF_PART.values())


def up() -> set[str]:
    """The parts that answer."""
    return {part for part in OF_PART if shown("part_up", part=part) == 1}


@pytest.mark.parametrize("how", [Relay.be_silent, Relay.leave], ids=["silent", "away"])
@pytest.mark.parametrize("part", OF_PART)
async def test_a_part_that_does_not_answer_is_0_and_its_gauges_are_gone_while_the_others_tell_on(
    part: str,
    how: Callable[[Relay], None],
    servers: tuple[Database, ObjectStore, Engine],
    relays: dict[str, Relay],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(census, "ANSWER_WITHIN_S", 1.0)
    asked = parts(*servers)
    await taken_until(asked, lambda: up() == set(OF_PART))
    assert told() == ALL
    how(relays[part])
    await taken_until(asked, lambda: up() == set(OF_PART) - {part})
    assert shown("part_up", part=part) == 0
    assert told() == ALL - OF_PART[part]


@pytest.mark.parametrize("part", OF_PART)
async def test_a_part_that_is_silent_is_not_asked_again_before_it_answers_and_tells_again_then(
    part: str, servers: tuple[Database, ObjectStore, Engine], relays: dict[str, Relay], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "ANSWER_WITHIN_S", 0.5)
    asked = parts(*servers)
    await taken_until(asked, lambda: up() == set(OF_PART))
    relays[part].be_silent()
    connections = []
    for _ in range(3):
        await take(asked)
        assert shown("part_up", part=part) == 0
        connections.append(relays[part].connections)
    assert len(set(connections)) == 1
    relays[part].speak()
    await taken_until(asked, lambda: up() == set(OF_PART))
    assert told() == ALL


async def test_servers_that_take_the_connection_and_say_nothing_are_0_within_seconds(
    servers: tuple[Database, ObjectStore, Engine], relays: dict[str, Relay]
) -> None:
    for relay in relays.values():
        relay.be_silent()
    began = time.monotonic()
    await take(parts(*servers))
    assert time.monotonic() - began < 2 * census.ANSWER_WITHIN_S
    assert told() == {"cutroom_part_up"}
    assert up() == set()


async def test_the_census_goes_on_whatever_comes_and_goes(
    servers: tuple[Database, ObjectStore, Engine], relays: dict[str, Relay], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "ANSWER_WITHIN_S", 1.0)
    monkeypatch.setattr(census, "EVERY_S", 0.05)
    relays["store"].be_silent()
    taking = asyncio.create_task(census.take_forever(*servers))
    await until(lambda: up() == {"database", "temporal"})
    relays["store"].speak()
    await until(lambda: up() == set(OF_PART))
    relays["temporal"].leave()
    await until(lambda: up() == {"database", "store"})
    assert not taking.done()
    taking.cancel()


async def test_a_defect_is_logged_and_its_part_is_0() -> None:
    async def broken() -> census.Reading:
        raise ZeroDivisionError

    with structlog.testing.capture_logs() as logs:
        await take([Part("database", broken)])
    assert shown("part_up", part="database") == 0
    assert [(line["event"], line["part"], line["log_level"]) for line in logs] == [("census_failed", "database", "error")]
