"""`cutroom doctor` on a Temporal elsewhere: what it lacks, what mends that, and who works there."""

import asyncio
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.api.workflowservice.v1 import UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.worker import Worker

from cutroom.contracts.steps import Queue
from cutroom.local.elsewhere import examine_temporal
from cutroom.local.finding import Finding
from cutroom.settings import Settings
from cutroom.temporal.connection import connect
from cutroom.temporal.namespace import mend_namespace
from cutroom.temporal.schedules import SCHEDULES, ensure_schedules
from tests.conftest import TemporalServer

RECONCILIATION = "schedule cutroom-reconciliation"


@activity.defn(name="idle")
async def idle() -> None:
    """Nothing calls it: a worker has to have something."""


@pytest.fixture
def settings(temporal_server: TemporalServer) -> Settings:
    """Of a namespace that nobody has made yet."""
    return Settings(temporal_address=temporal_server.address, temporal_namespace=f"test-{uuid4().hex}")


async def prepared(settings: Settings) -> Client:
    client = await connect(settings)
    await mend_namespace(client, settings.temporal_address)
    await ensure_schedules(client)
    return client


async def examined(settings: Settings) -> dict[str, Finding]:
    """By part, asked from a thread as the command does."""
    return {finding.part: finding for finding in await asyncio.to_thread(examine_temporal, settings)}


async def test_a_namespace_that_is_not_there_is_named_with_both_ways_to_make_it(settings: Settings) -> None:
    found = await examined(settings)
    assert [*found] == ["temporal", "temporal namespace"]
    assert (found["temporal"].state, found["temporal"].version[:2]) == ("ok", "1.")
    assert found["temporal namespace"].state == "missing"
    assert "`cutroom prepare` or `temporal operator namespace create " in found["temporal namespace"].advice


async def test_a_prepared_one_is_fine_but_for_its_workers(settings: Settings) -> None:
    await prepared(settings)
    found = await examined(settings)
    assert found["temporal namespace"].used == f"{settings.temporal_namespace}, keeps what has ended for 30 days"
    assert [found[f"schedule {id}"].state for id in SCHEDULES] == ["ok"] * len(SCHEDULES)
    assert {part: each.state for part, each in found.items() if each.state != "ok"} == {
        f"queue {queue}": "warning" for queue in Queue
    }


async def test_workers_are_counted_on_their_queue(settings: Settings) -> None:
    client = await prepared(settings)
    async with Worker(client, task_queue=Queue.GPU, activities=[idle]), asyncio.timeout(30):
        while (found := await examined(settings))["queue gpu"].state != "ok":
            await asyncio.sleep(0.1)
    assert found["queue gpu"].used == "1 at work, nothing waits"
    assert found["queue control"].state == "warning"


async def test_what_an_operator_changed_is_named_with_the_command_that_mends_it(settings: Settings) -> None:
    client = await prepared(settings)
    short = UpdateNamespaceRequest(namespace=settings.temporal_namespace)
    short.config.workflow_execution_retention_ttl.FromTimedelta(timedelta(days=3))
    await client.workflow_service.update_namespace(short)
    await client.get_schedule_handle("cutroom-reconciliation").pause(note="the store moves")
    async with asyncio.timeout(30):
        while (found := await examined(settings))[RECONCILIATION].state == "ok":
            await asyncio.sleep(0.1)
    assert found["temporal retention"].state == "warning"
    assert "after 3 days, not 30" in found["temporal retention"].advice
    assert found[RECONCILIATION].used == "paused: the store moves"
    assert "`cutroom temporal schedules --unpause`" in found[RECONCILIATION].advice
    await client.get_schedule_handle("cutroom-reconciliation").delete()
    found = await examined(settings)
    assert "`cutroom temporal schedules --repair`" in found[RECONCILIATION].advice


async def test_a_server_that_is_silent_does_not_hold_the_doctor_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cutroom.local.elsewhere.LIMIT_S", 0.5)
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        began = time.monotonic()
        found = await examined(Settings(temporal_address=f"127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        ended.set()
    assert [*found] == ["temporal"]
    assert "did not answer within 0.5 s" in found["temporal"].advice
    assert time.monotonic() - began < 10
