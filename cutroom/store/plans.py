"""Subscriptions as the card processor tells them, and which plan an organisation has by them."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.store.tables import Subscription

# A plan is kept while its renewal is late by so much: longer than any card processor's webhooks are.
LATE_RENEWAL = timedelta(days=3)
ENTITLING = ("active", "trialing", "past_due")


async def set_subscription(
    session: AsyncSession,
    org_id: str,
    mode: str,
    *,
    provider_id: str,
    plan: str,
    status: str,
    period_end: datetime,
    as_of: datetime,
) -> None:
    """Note how a subscription stood at `as_of`. What is older than what is known changes nothing, so order does not matter.

    `provider_id`: the card processor's id of it. `status`: the card processor's word.
    """
    told = {"plan": plan, "status": status, "period_end": period_end, "as_of": as_of}
    row = insert(Subscription).values(org_id=org_id, mode=mode, provider_id=provider_id, **told)
    newer = col(Subscription.as_of) <= row.excluded.as_of
    await session.execute(row.on_conflict_do_update(index_elements=["org_id", "mode", "provider_id"], set_=told, where=newer))


async def running(session: AsyncSession, org_id: str, mode: str) -> list[str]:
    """The subscriptions that the organisation pays for, in the card processor's ids; more than one is one too many."""
    return list(await session.scalars(select(col(Subscription.provider_id)).where(*_running(org_id, mode))))


async def plan_of(session: AsyncSession, org_id: str, mode: str) -> str | None:
    """The plan that the organisation subscribes to, or None. Of several the one that is paid for longest."""
    query = select(col(Subscription.plan)).where(*_running(org_id, mode)).order_by(col(Subscription.period_end).desc()).limit(1)
    plan: str | None = await session.scalar(query)
    return plan


def _running(org_id: str, mode: str) -> tuple[ColumnElement[bool], ...]:
    mine = (col(Subscription.org_id) == org_id, col(Subscription.mode) == mode, col(Subscription.status).in_(ENTITLING))
    return (*mine, col(Subscription.period_end) > func.now() - LATE_RENEWAL)
