"""Rows that nobody needs any more, of all organisations, a batch at a time. For the system role."""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Table -> what of it may go. An outbox row has long arrived; an `Idempotency-Key` is promised for so long and no longer; a quote
# that became no job says nothing any more, and one that did stays with its job.
PURGED: Mapping[str, str] = {
    "outbox": "done_at < now() - interval '7 days'",
    "idempotency_keys": "created_at < now() - interval '30 days'",
    "quotes": "expires_at < now() - interval '30 days' and job_id is null",
}


async def purge(session: AsyncSession, table: str, limit: int) -> int:
    """Delete up to `limit` rows of one of PURGED that may go; answers how many. What others are writing to is left alone."""
    going = f"select ctid from {table} where {PURGED[table]} limit :limit for update skip locked"
    deleted = await session.execute(text(f"delete from {table} where ctid = any(array({going})) returning 1"), {"limit": limit})
    return len(deleted.all())
