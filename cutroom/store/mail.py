"""Who is told by mail, and asking for it in the transaction of what it is about."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.store import outbox
from cutroom.store.tables import Member


async def recipients(session: AsyncSession, org_id: str) -> list[str]:
    """Addresses of the organisation's owners who want mail."""
    wanting = select(col(Member.email)).where(*_wanting(org_id)).order_by(col(Member.id))
    return list(await session.scalars(wanting))


async def ask(session: AsyncSession, org_id: str, about: str) -> None:
    """Have a mail sent about a job or an endpoint, where somebody wants one; again, where there was one before."""
    if await session.scalar(select(col(Member.id)).where(*_wanting(org_id)).limit(1)) is not None:
        payload = {"org_id": org_id, "about": about, "anew": True}
        await outbox.add(session, org_id, "start", f"mail/{about}", payload)


def _wanting(org_id: str) -> tuple[Any, ...]:
    return (col(Member.org_id) == org_id, col(Member.role) == "admin", col(Member.wants_mail))
