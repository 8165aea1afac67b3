"""Stripe's customers of organisations, and the events that Stripe sent. Events are the system role's alone to write."""

from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.contracts.cards import CardEventInput, Mode
from cutroom.store.tables import CardCustomer, CardEvent, Job


async def customer_of(session: AsyncSession, org_id: str, mode: Mode) -> str | None:
    """Stripe's id of the organisation, or None where it has none yet."""
    query = select(col(CardCustomer.customer_id)).where(col(CardCustomer.org_id) == org_id, col(CardCustomer.mode) == mode)
    customer: str | None = await session.scalar(query)
    return customer


async def keep_customer(session: AsyncSession, org_id: str, mode: Mode, customer_id: str) -> str:
    """Note the organisation's customer; answers the one that was noted first."""
    row = insert(CardCustomer).values(org_id=org_id, mode=mode, customer_id=customer_id)
    await session.execute(row.on_conflict_do_nothing(index_elements=["org_id", "mode"]))
    return await customer_of(session, org_id, mode) or customer_id


async def owner_of(session: AsyncSession, customer_id: str, mode: Mode) -> str | None:
    """The organisation whose customer this is, in this mode; None where it is nobody's here. For the system role."""
    query = select(col(CardCustomer.org_id)).where(col(CardCustomer.customer_id) == customer_id, col(CardCustomer.mode) == mode)
    org_id: str | None = await session.scalar(query)
    return org_id


async def owners_of(session: AsyncSession, customer_ids: Sequence[str], mode: Mode) -> dict[str, str]:
    """Customer -> organisation, of those that are somebody's here. For the system role."""
    query = select(CardCustomer).where(col(CardCustomer.customer_id).in_(customer_ids), col(CardCustomer.mode) == mode)
    return {customer.customer_id: customer.org_id for customer in await session.scalars(query)}


async def add(session: AsyncSession, event: CardEventInput, org_id: str | None) -> bool:
    """Keep an event once; answers whether it is new."""
    row = insert(CardEvent).values(id=event.event_id, org_id=org_id, mode=event.mode, kind=event.kind, object_id=event.object_id)
    return await session.scalar(row.on_conflict_do_nothing().returning(col(CardEvent.id))) is not None


async def mark(session: AsyncSession, event_id: str, org_id: str | None, outcome: str) -> None:
    """Note what came of an event, and whose it was where that is known by now."""
    told = {"outcome": outcome, "handled_at": func.now(), "org_id": org_id}
    await session.execute(update(CardEvent).where(col(CardEvent.id) == event_id).values(told))


async def job_of(session: AsyncSession, job_id: str, org_id: str, mode: Mode) -> Job | None:
    """The job, where it is this organisation's and of this mode; else None."""
    mine = (col(Job.id) == job_id, col(Job.org_id) == org_id, col(Job.mode) == mode)
    job: Job | None = await session.scalar(select(Job).where(*mine))
    return job
