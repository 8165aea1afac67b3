"""What is committed reaches Temporal once, whatever was away."""

import pytest
from sqlalchemy import select
from sqlmodel import col

from cutroom.contracts.ids import new_id
from cutroom.settings import Settings
from cutroom.store import identity, outbox
from cutroom.store.database import Database
from cutroom.store.tables import Outbox
from cutroom.temporal.connection import connect
from cutroom.temporal.engine import Engine, RunState
from cutroom.temporal.outbox import sweep_once


@pytest.fixture
async def org_id(system: Database) -> str:
    org = new_id("org")
    async with system.transaction(None) as session:
        await identity.create_organisation(session, "outbox", org)
    return org


async def add(system: Database, owner: str, kind: str, target: str, **payload: str) -> None:
    async with system.transaction(None) as session:
        await outbox.add(session, owner, kind, target, payload)


async def undone(system: Database, target: str) -> int:
    async with system.transaction(None) as session:
        rows = await session.scalars(select(Outbox).where(col(Outbox.target) == target, col(Outbox.done_at).is_(None)))
        return len(rows.all())


async def test_a_committed_start_becomes_a_workflow_with_its_organisation_as_fairness_key(
    settings: Settings, system: Database, org_id: str
) -> None:
    job_id = new_id("cmp")
    target = f"campaign/{job_id}"
    await add(system, org_id, "start", target, org_id=org_id, job_id=job_id)
    engine = Engine(settings)
    await sweep_once(system, engine)
    assert await engine.state(target) is RunState.RUNNING
    assert await undone(system, target) == 0
    started = await (await engine.client()).get_workflow_handle(target).fetch_history()
    begun = started.events[0].workflow_execution_started_event_attributes
    assert begun.priority.fairness_key == org_id
    assert begun.priority.priority_key == 3


async def test_delivering_a_start_twice_is_one_run(settings: Settings, org_id: str) -> None:
    engine, job_id = Engine(settings), new_id("cmp")
    campaign = (await engine.client()).get_workflow_handle(f"campaign/{job_id}")
    runs = set()
    for _ in range(3):
        await engine.start("campaign", job_id, org_id, {"org_id": org_id, "job_id": job_id})
        runs.add((await campaign.describe()).run_id)
    assert len(runs) == 1


async def test_with_temporal_away_the_row_waits(settings: Settings, system: Database, org_id: str) -> None:
    job_id = new_id("cmp")
    target = f"campaign/{job_id}"
    await add(system, org_id, "start", target, org_id=org_id, job_id=job_id)
    await sweep_once(system, Engine(settings.model_copy(update={"temporal_address": "127.0.0.1:9"})))
    assert await undone(system, target) == 1


async def test_a_signal_waits_for_its_workflow_to_be_started(settings: Settings, system: Database, org_id: str) -> None:
    engine, job_id = Engine(settings), new_id("cmp")
    target = f"campaign/{job_id}"
    await add(system, org_id, "signal", target, signal="cancel")
    await sweep_once(system, engine)
    assert await undone(system, target) == 1


async def test_a_signal_to_an_ended_workflow_is_done(settings: Settings, system: Database, org_id: str) -> None:
    engine, job_id = Engine(settings), new_id("cmp")
    target = f"campaign/{job_id}"
    await engine.start("campaign", job_id, org_id, {"org_id": org_id, "job_id": job_id})
    await (await connect(settings)).get_workflow_handle(target).terminate()
    assert await engine.state(target) is RunState.TERMINATED
    await add(system, org_id, "signal", target, signal="cancel")
    await sweep_once(system, engine)
    assert await undone(system, target) == 0
