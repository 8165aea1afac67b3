"""What is committed to the outbox is delivered by one sweeper at a time, later where it failed, and never after it arrived."""

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from cutroom.store import outbox
from cutroom.store.database import Database
from cutroom.store.tables import Outbox
from tests.store.conftest import Tenant


@pytest.fixture
async def waiting(system: Database, app: Database, tenant: Tenant) -> str:
    """The id of the only row that waits."""
    async with system.transaction(None) as session:
        await session.execute(update(Outbox).values(done_at=func.now()))
    async with app.transaction(tenant.org_id) as session:
        return (await outbox.add(session, tenant.org_id, "start", f"campaign/{tenant.job_id}", {"job_id": tenant.job_id})).id


async def test_a_row_is_claimed_by_one_sweeper_and_free_again_when_that_one_dies(system: Database, waiting: str) -> None:
    async with system.transaction(None) as first, system.transaction(None) as second:
        assert [row.id for row in await outbox.claim(first, 10)] == [waiting]
        assert await outbox.claim(second, 10) == []
    async with system.transaction(None) as third:
        assert [row.id for row in await outbox.claim(third, 10)] == [waiting]


async def test_what_arrived_is_not_claimed_again(system: Database, app: Database, tenant: Tenant, waiting: str) -> None:
    async with system.transaction(None) as session:
        (row,) = await outbox.claim(session, 1)
    async with app.transaction(tenant.org_id) as session:
        await outbox.done(session, row)
    async with system.transaction(None) as session:
        assert await outbox.claim(session, 1) == []


async def test_what_failed_waits_ever_longer_up_to_half_a_minute(system: Database, waiting: str) -> None:
    waits = []
    for _ in range(8):
        async with system.transaction(None) as session:
            await session.execute(update(Outbox).where(col(Outbox.id) == waiting).values(next_at=func.now()))
            (row,) = await outbox.claim(session, 1)
            await outbox.failed(session, row)
            wait_s = func.extract("epoch", col(Outbox.next_at) - func.now())
            waits.append(float((await session.scalars(select(wait_s).where(col(Outbox.id) == waiting))).one()))
        async with system.transaction(None) as session:
            assert await outbox.claim(session, 1) == []
    assert waits == pytest.approx([1, 2, 4, 8, 16, 30, 30, 30], abs=0.9)


async def test_a_transaction_that_fails_leaves_nothing_to_deliver(
    system: Database, app: Database, tenant: Tenant, waiting: str
) -> None:
    async with app.transaction(tenant.org_id) as session:
        await outbox.add(session, tenant.org_id, "start", "campaign/never", {})
        await session.rollback()
    async with system.transaction(None) as session:
        assert [row.id for row in await outbox.claim(session, 10)] == [waiting]


async def test_a_row_with_a_head_start_is_left_to_whoever_wrote_it_until_he_leaves_it(
    system: Database, app: Database, tenant: Tenant, waiting: str
) -> None:
    async with app.transaction(tenant.org_id) as session:
        mine = await outbox.add(session, tenant.org_id, "signal", "campaign/other", {"signal": "pause"}, head_start_s=30)
    async with system.transaction(None) as session:
        assert [row.id for row in await outbox.claim(session, 10)] == [waiting]
    async with app.transaction(tenant.org_id) as session:
        await outbox.leave(session, mine)
    async with system.transaction(None) as session:
        assert {row.id for row in await outbox.claim(session, 10)} == {waiting, mine.id}


async def test_what_is_meant_for_one_workflow_arrives_in_its_order(
    system: Database, app: Database, tenant: Tenant, waiting: str
) -> None:
    async with app.transaction(tenant.org_id) as session:
        mine = await outbox.add(session, tenant.org_id, "signal", f"campaign/{tenant.job_id}", {"signal": "pause"})
        other = await outbox.add(session, tenant.org_id, "signal", "campaign/other", {"signal": "pause"})
        assert not await outbox.is_next(session, mine)
        assert await outbox.is_next(session, other)
    async with system.transaction(None) as session:
        claimed = await outbox.claim(session, 10)
        assert {row.id for row in claimed} == {waiting, other.id}
        for row in claimed:
            await outbox.done(session, row)
    async with system.transaction(None) as session:
        assert [row.id for row in await outbox.claim(session, 10)] == [mine.id]
