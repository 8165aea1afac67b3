"""Deliveries that no workflow works on: found after a while, started anew where they were, or given up."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from activities import deliveries as activity
from activities.base import Task
from cutroom.contracts.base import JobRef
from cutroom.contracts.reconciliation import EveryOrganisation
from cutroom.store import deliveries
from cutroom.store.tables import Finding, Outbox, WebhookDelivery
from tests.webhooks.conftest import Sender
from tests.webhooks.receiver import Receiver, answers


@pytest.fixture
async def overdue(sender: Sender, receiver: Receiver) -> WebhookDelivery:
    """A delivery that was tried once and whose second try was due eleven minutes ago."""
    await sender.endpoint(receiver.at("/x", answers(500)))
    (delivery,) = await sender.announce()
    await sender.attempt(delivery)
    async with sender.resources.database.transaction(sender.org_id) as session:
        late = datetime.now(UTC) - timedelta(minutes=11)
        await session.execute(update(WebhookDelivery).where(col(WebhookDelivery.id) == delivery.id).values(next_at=late))
    return delivery


async def reconcile(sender: Sender, folder: Path) -> None:
    task = Task(sender.resources, "reconcile_deliveries", JobRef(org_id="", job_id=""), "", "test", 1, folder)
    await activity.reconcile_deliveries(task, EveryOrganisation())


async def found(sender: Sender) -> list[str]:
    async with sender.resources.database.transaction(sender.org_id) as session:
        return list(await session.scalars(select(col(Finding.kind))))


async def starts(sender: Sender, *, told: bool = False) -> list[Outbox]:
    """What waits to be started; `told`: Temporal is taken to have heard of all of it."""
    async with sender.resources.database.transaction(sender.org_id) as session:
        waiting = list(await session.scalars(select(Outbox).where(col(Outbox.done_at).is_(None))))
        if told:
            await session.execute(update(Outbox).values(done_at=datetime.now(UTC)))
    return waiting


async def test_what_temporal_has_forgotten_goes_on_where_it_was(sender: Sender, overdue: WebhookDelivery, tmp_path: Path) -> None:
    await reconcile(sender, tmp_path)
    assert await found(sender) == []  # its start is still on its way
    await starts(sender, told=True)
    for _ in range(2):
        await reconcile(sender, tmp_path)
    (row,) = await starts(sender)
    assert row.target == deliveries.target_of(overdue)
    assert row.payload == {"org_id": sender.org_id, "delivery_id": overdue.id, "tried": 1, "anew": True}
    assert await found(sender) == ["lost_delivery"]


async def test_what_somebody_terminated_is_canceled(sender: Sender, overdue: WebhookDelivery, tmp_path: Path) -> None:
    await starts(sender, told=True)
    engine = sender.resources.engine
    await engine.start("delivery", deliveries.target_of(overdue).removeprefix("delivery/"), sender.org_id, {})
    await reconcile(sender, tmp_path)
    assert await found(sender) == []  # it runs
    await (await engine.client()).get_workflow_handle(deliveries.target_of(overdue)).terminate()
    await reconcile(sender, tmp_path)
    ended = await sender.delivery(overdue)
    assert (ended.status, ended.error_code, ended.next_at) == ("canceled", "workflow_terminated", None)
    assert await found(sender) == ["stopped_delivery"]


async def test_what_is_not_overdue_is_left_alone(sender: Sender, receiver: Receiver, tmp_path: Path) -> None:
    await sender.endpoint(f"{receiver.url}/x")
    await sender.announce()
    await starts(sender, told=True)
    await reconcile(sender, tmp_path)
    assert await found(sender) == []
