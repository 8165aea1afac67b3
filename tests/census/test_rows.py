"""What the census tells of jobs, outbox, holds and credits."""

from datetime import timedelta

import pytest
from sqlalchemy import func, update
from sqlmodel import col

from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.store import jobs, ledger, outbox
from cutroom.store.database import Database
from cutroom.store.postings import Operation, lock, move, record
from cutroom.store.tables import Job, Outbox
from tests.census.gauges import shown
from worker_cpu.census import Part, take


async def add_job(system: Database, org_id: str, status: str) -> JobRef:
    job = Job(id=new_id("cmp"), org_id=org_id, kind="campaign", mode="live", status=status)
    async with system.transaction(None) as session:
        await jobs.create(session, job)
    return JobRef(org_id=org_id, job_id=job.id)


async def end(system: Database, job: JobRef) -> None:
    async with system.transaction(None) as session:
        await jobs.record_event(session, EventInput(job=job, seq=9, kind="status", status=JobStatus.CANCELED))


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
