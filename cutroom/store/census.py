"""What the census counts across all organisations (system role): what is open now, and the sums that grants carry."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.store.jobs import LIVE
from cutroom.store.tables import Grant, Job, Outbox

MODES = ("live", "test")
ACCOUNTS = ("available", "held", "spent", "expired", "revoked", "granted")
HAND_OVERS = ("start", "signal")


@dataclass(frozen=True)
class Waiting:
    """How many rows of the outbox are still to arrive, and the age of the oldest in seconds."""

    count: int = 0
    oldest_s: float = 0.0


async def open_jobs(session: AsyncSession, kinds: Iterable[str]) -> dict[tuple[str, str], int]:
    """(kind, status) -> jobs that have not ended, 0 where one of `kinds` has none."""
    query = select(col(Job.kind), col(Job.status), func.count()).where(col(Job.status).in_(LIVE))
    rows = await session.execute(query.group_by(col(Job.kind), col(Job.status)))
    return dict.fromkeys(product(kinds, LIVE), 0) | {(kind, status): count for kind, status, count in rows}


async def outbox_waiting(session: AsyncSession) -> dict[str, Waiting]:
    """start and signal -> what has not reached Temporal."""
    oldest_s = func.extract("epoch", func.now() - func.min(Outbox.created_at))
    query = select(col(Outbox.kind), func.count(), oldest_s).where(col(Outbox.done_at).is_(None))
    rows = await session.execute(query.group_by(col(Outbox.kind)))
    return dict.fromkeys(HAND_OVERS, Waiting()) | {kind: Waiting(count, float(age_s)) for kind, count, age_s in rows}


async def credits(session: AsyncSession) -> dict[tuple[str, str], int]:
    """(account, mode) -> credits of all organisations, as the ledger has them: what lapsed counts as expired once it is swept."""
    sums = [func.sum(col(getattr(Grant, account))) for account in ACCOUNTS]
    rows = await session.execute(select(col(Grant.mode), *sums).group_by(col(Grant.mode)))
    found = {(account, mode): int(amount) for mode, *amounts in rows for account, amount in zip(ACCOUNTS, amounts, strict=True)}
    return dict.fromkeys(product(ACCOUNTS, MODES), 0) | found


async def holds_without_job(session: AsyncSession) -> dict[str, int]:
    """Mode -> holds that nobody settled and whose job has ended or does not exist.

    The ledger, which only grows, is gone through only where the grants hold more than the open jobs do.
    """
    found: dict[str, int] = {}
    if await session.scalar(_HELD_BEYOND_JOBS, {"live": list(LIVE)}):
        found = {mode: count for mode, count in await session.execute(_HOLDS_WITHOUT_JOB, {"live": list(LIVE)})}
    return dict.fromkeys(MODES, 0) | found


_HELD_BEYOND_JOBS = text("""
    select (select coalesce(sum(held), 0) from grants where held > 0) > (
        select coalesce(sum(p.amount), 0)
        from jobs j join ledger_postings p on p.org_id = j.org_id and p.operation_id = j.id
        where j.status = any(:live) and p.phase = 'hold' and p.account = 'held' and not exists (
            select 1 from ledger_operations s
            where s.org_id = j.org_id and s.operation_id = j.id and s.phase = 'settle'
        )
    )
""")

_HOLDS_WITHOUT_JOB = text("""
    select h.mode, count(*)
    from ledger_operations h
    where h.phase = 'hold' and not exists (
        select 1 from ledger_operations s
        where s.org_id = h.org_id and s.operation_id = h.operation_id and s.phase = 'settle'
    ) and not exists (
        select 1 from jobs j where j.org_id = h.org_id and j.id = h.operation_id and j.status = any(:live)
    )
    group by h.mode
""")
