"""The credit ledger: double entry, append-only, every operation keyed (organisation, operation id, phase).

An operation's postings sum to zero. Each grant carries the sums of its postings, so that
`available + held + spent + expired + revoked = granted` holds per grant and per organisation after every operation; only
`record` writes, and it writes operation, postings and sums in one statement. See docs/money.md.

All of an organisation's operations queue at one lock (`lock`), taken after any row the caller locks itself.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import Settled
from cutroom.errors import InvalidRequest
from cutroom.store.postings import (
    GRACE,
    WITH_LAPSED,
    Operation,
    Posting,
    differs,
    expire,
    lock,
    move,
    record,
    require_positive,
    take,
)
from cutroom.store.tables import Clip, Grant


@dataclass(frozen=True)
class Balance:
    """Credits of one organisation in one mode. `available` is below zero only after a revoked grant was spent."""

    available: int
    held: int
    spent: int
    expired: int
    revoked: int
    granted: int


@dataclass(frozen=True)
class OpenHold:
    """A hold that nobody settled yet."""

    org_id: str
    operation_id: str
    amount: int
    since: datetime


async def grant(
    session: AsyncSession,
    org_id: str,
    mode: str,
    amount: int,
    reason: str,
    operation_id: str,
    expires_at: datetime | None = None,
    *,
    now: datetime | None = None,
) -> str:
    """Give credits; answers the grant's id. The same call again answers the same grant.

    Raises InvalidRequest (`amount_invalid`), Conflict (`operation_differs`) for another call under one `operation_id`.
    """
    require_positive(amount)
    clock = await lock(session, org_id)
    done = (await session.execute(_GRANT_OF, {"org_id": org_id, "operation_id": operation_id})).one_or_none()
    if done is not None:
        if (done.mode, done.granted, done.reason, done.expires_at) != (mode, amount, reason, expires_at):
            raise differs()
        return str(done.id)
    at = now or clock
    grant_id = new_id("grt")
    row = insert(Grant).values(
        id=grant_id, org_id=org_id, mode=mode, reason=reason, granted=amount, available=amount, expires_at=expires_at, created_at=at
    )
    await session.execute(row.values(held=0, spent=0, expired=0, revoked=0))
    postings = [Posting(grant_id, "issued", -amount), Posting(grant_id, "available", amount)]
    await record(session, Operation(org_id, operation_id, "grant", mode, at, reason=reason), postings)
    return grant_id


async def hold(session: AsyncSession, job: JobRef, mode: str, amount: int, *, now: datetime | None = None) -> None:
    """Set credits aside for a job, from the grants that end soonest.

    The same call again adds nothing; after `settle` it holds nothing. Raises InsufficientCredits, InvalidRequest
    (`amount_invalid`), Conflict (`operation_differs`) for another amount or mode under the same job.
    """
    require_positive(amount)
    clock = await lock(session, job.org_id)
    at = now or clock
    done = await _phases(session, job)
    if "hold" in done:
        if (done["hold"].mode, done["hold"].held) != (mode, amount):
            raise differs()
        return
    if "settle" in done:
        return
    postings = take(await expire(session, job.org_id, mode, at), amount, "held")
    await record(session, Operation(job.org_id, job.job_id, "hold", mode, at, job.job_id), postings)


async def settle(session: AsyncSession, job: JobRef, spent: int, *, now: datetime | None = None) -> Settled:
    """End a job's hold: `spent` of it is spent, the rest is available again, for GRACE where its grant has ended.

    The same call again answers the same. Where nothing was held nothing moves, and nothing can be held any more.
    Raises InvalidRequest (`amount_invalid`) below zero or over the hold, Conflict (`operation_differs`) for another amount.
    """
    clock = await lock(session, job.org_id)
    at = now or clock
    done = await _phases(session, job)
    if "hold" not in done:
        await session.execute(_SETTLE_UNHELD, {**job.model_dump(), "now": at})
        return Settled(spent=0, released=0)
    if "settle" in done:
        if done["settle"].spent != spent:
            raise differs()
        return Settled(spent=spent, released=done["settle"].released)
    held, mode = done["hold"].held, done["hold"].mode
    if not 0 <= spent <= held:
        raise InvalidRequest("A job can spend no more than it holds, and no less than nothing.", code="amount_invalid")
    postings: list[Posting] = []
    left = spent
    for grant_id, part in await session.execute(_HELD_PARTS, job.model_dump()):
        used = min(left, part)
        postings += move(grant_id, "held", "spent", used) + move(grant_id, "held", "available", part - used)
        left -= used
    await record(session, Operation(job.org_id, job.job_id, "settle", mode, at, job.job_id), postings)
    return Settled(spent=spent, released=held - spent)


async def settled(session: AsyncSession, job: JobRef) -> Settled | None:
    """How the job was settled, or None where it was not."""
    done = (await _phases(session, job)).get("settle")
    return Settled(spent=done.spent, released=done.released) if done is not None else None


async def expire_due(session: AsyncSession, now: datetime | None = None) -> int:
    """Expire, in all organisations that the session sees, what can no longer be spent; answers how many credits."""
    at = now or datetime.now(UTC)
    due = select(col(Grant.org_id), col(Grant.mode)).where(col(Grant.expires_at) <= at, col(Grant.available) > 0).distinct()
    expired = 0
    # Sorted, so that two of these at once take the organisations' locks in one order.
    for org_id, mode in sorted(tuple(row) for row in await session.execute(due)):
        await lock(session, org_id)
        expired += sum(purse.lapsed for purse in await expire(session, org_id, mode, at))
    return expired


async def balance(session: AsyncSession, org_id: str, mode: str, *, now: datetime | None = None) -> Balance:
    """What the organisation has. What can no longer be spent counts as expired, swept or not."""
    at = now or datetime.now(UTC)
    row = await session.execute(_BALANCE, {"org_id": org_id, "mode": mode, "now": at, "grace_began": at - GRACE})
    return Balance(*(int(amount) for amount in row.one()))


async def open_holds(session: AsyncSession) -> list[OpenHold]:
    """Every hold that was not settled, oldest first, of all organisations that the session sees."""
    rows = await session.execute(_OPEN_HOLDS)
    return [OpenHold(row.org_id, row.operation_id, int(row.amount), row.at) for row in rows]


async def ready_clips(session: AsyncSession, job: JobRef) -> int:
    """How many of the job's clips can be downloaded."""
    ready = (col(Clip.org_id) == job.org_id, col(Clip.job_id) == job.job_id, col(Clip.status) == "ready")
    return await session.scalar(select(func.count()).select_from(Clip).where(*ready)) or 0


async def _phases(session: AsyncSession, job: JobRef) -> dict[str, Row[Any]]:
    """What was done for this job: phase -> its mode and what it moved to held, spent and available."""
    return {row.phase: row for row in await session.execute(_PHASES, job.model_dump())}


_GRANT_OF = text("""
    select g.id, g.mode, g.granted, g.reason, g.expires_at
    from ledger_postings p join grants g on g.org_id = p.org_id and g.id = p.grant_id
    where p.org_id = :org_id and p.operation_id = :operation_id and p.phase = 'grant' and p.account = 'issued'
""")

_BALANCE = text(f"""
    select
        coalesce(sum(available - lapsed), 0), coalesce(sum(held), 0), coalesce(sum(spent), 0),
        coalesce(sum(expired + lapsed), 0), coalesce(sum(revoked), 0), coalesce(sum(granted), 0)
    from ({WITH_LAPSED}) purse
""")

_PHASES = text("""
    select o.phase, o.mode,
        coalesce(sum(p.amount) filter (where p.account = 'held'), 0) as held,
        coalesce(sum(p.amount) filter (where p.account = 'spent'), 0) as spent,
        coalesce(sum(p.amount) filter (where p.account = 'available'), 0) as released
    from ledger_operations o left join ledger_postings p using (org_id, operation_id, phase)
    where o.org_id = :org_id and o.operation_id = :job_id and o.phase in ('hold', 'settle')
    group by o.phase, o.mode
""")

_HELD_PARTS = text("""
    select p.grant_id, p.amount
    from ledger_postings p join grants g on g.org_id = p.org_id and g.id = p.grant_id
    where p.org_id = :org_id and p.operation_id = :job_id and p.phase = 'hold' and p.account = 'held'
    order by g.expires_at nulls last, g.id
""")

_SETTLE_UNHELD = text("""
    insert into ledger_operations (org_id, operation_id, phase, mode, job_id, at)
    select org_id, id, 'settle', mode, id, :now from jobs where org_id = :org_id and id = :job_id
    on conflict do nothing
""")

_OPEN_HOLDS = text("""
    select o.org_id, o.operation_id, o.at, sum(p.amount) as amount
    from ledger_operations o join ledger_postings p using (org_id, operation_id, phase)
    where o.phase = 'hold' and p.account = 'held' and not exists (
        select 1 from ledger_operations s
        where s.org_id = o.org_id and s.operation_id = o.operation_id and s.phase = 'settle'
    )
    group by o.org_id, o.operation_id, o.phase
    order by o.at, o.operation_id
""")
