"""What is mended after the fact: credits of a job refunded, corrected by hand, or taken back with the money that paid for them.

Operations of the ledger like all others: keyed, appended, under the organisation's lock. See docs/money.md.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

from cutroom.contracts.base import JobRef
from cutroom.errors import InvalidRequest, NotFound
from cutroom.store.ledger import grant
from cutroom.store.postings import Operation, Posting, differs, expire, lock, move, record, require_positive, take
from cutroom.store.tables import Grant


async def refund(
    session: AsyncSession, job: JobRef, amount: int, reason: str, operation_id: str, *, now: datetime | None = None
) -> None:
    """Give back credits that a job spent, for GRACE where their grant has ended; those that end last come back first.

    The same call again adds nothing. Raises InvalidRequest (`amount_invalid`) for more than is left of what it spent, Conflict
    (`operation_differs`) for another call under one `operation_id`.
    """
    require_positive(amount)
    clock = await lock(session, job.org_id)
    done = await _done(session, job.org_id, operation_id, "refund")
    if done is not None:
        if (done.job_id, done.available, done.reason) != (job.job_id, amount, reason):
            raise differs()
        return
    parts = (await session.execute(_SPENT_PARTS, job.model_dump())).all()
    if sum(part.spent for part in parts) < amount:
        raise InvalidRequest("A job gets back no more than it spent, less what it got back already.", code="amount_invalid")
    postings: list[Posting] = []
    left = amount
    for part in parts:
        taken = min(left, part.spent)
        postings += move(part.grant_id, "spent", "available", taken)
        left -= taken
    operation = Operation(job.org_id, operation_id, "refund", parts[0].mode, now or clock, job.job_id, reason)
    await record(session, operation, postings)


async def adjust(
    session: AsyncSession, org_id: str, mode: str, amount: int, reason: str, operation_id: str, *, now: datetime | None = None
) -> None:
    """Correct the credits by hand: up by a grant without end, down out of the grants that end soonest, never below zero.

    The same call again adds nothing. Raises InsufficientCredits where fewer can be taken, InvalidRequest (`amount_invalid`)
    for 0, Conflict (`operation_differs`) for another call under one `operation_id`.
    """
    if amount == 0:
        raise InvalidRequest("A correction by nothing is none.", code="amount_invalid", field="amount")
    clock = await lock(session, org_id)
    done = await _done(session, org_id, operation_id, "adjust")
    if done is not None:
        if (done.mode, done.available, done.reason) != (mode, amount, reason):
            raise differs()
        return
    if amount > 0:
        await grant(session, org_id, mode, amount, reason, operation_id, now=now)
        return
    if await _done(session, org_id, operation_id, "grant") is not None:
        raise differs()
    at = now or clock
    found = await expire(session, org_id, mode, at)
    postings = take(found, -amount, "revoked")
    await record(session, Operation(org_id, operation_id, "adjust", mode, at, reason=reason), postings)


async def revoke(
    session: AsyncSession,
    org_id: str,
    grant_ids: Sequence[str],
    *,
    amount: int | None = None,
    operation_id: str | None = None,
    now: datetime | None = None,
) -> int:
    """Take grants of one mode back, in this order, `amount` of them or all, but not what expired; answers how many credits.

    What was spent of them stays spent, so that `available` falls below zero by as much. `operation_id`: the refund's or the
    dispute's; without one, the first grant's own. Again, it answers the same. Raises NotFound (`grant_unknown`), InvalidRequest
    (`amount_invalid`), Conflict (`operation_differs`) for other grants, or less, under one `operation_id`.
    """
    if amount is not None:
        require_positive(amount)
    clock = await lock(session, org_id)
    at = now or clock
    rows = [row for grant_id in grant_ids if (row := await session.get(Grant, grant_id, populate_existing=True))]
    if len(rows) < len(grant_ids) or any(row.org_id != org_id for row in rows):
        raise NotFound("There is no such grant in this organisation.", code="grant_unknown")
    operation_id = operation_id or grant_ids[0]
    done = await _done(session, org_id, operation_id, "revoke")
    if done is not None:
        if not {*done.grants} <= {*grant_ids} or (amount is not None and amount < done.revoked):
            raise differs()
        return int(done.revoked)
    await expire(session, org_id, rows[0].mode, at)
    postings: list[Posting] = []
    total = 0
    for row in rows:
        await session.refresh(row)
        left = row.granted - row.expired - row.revoked
        taken = left if amount is None else min(amount - total, left)
        postings += move(row.id, "available", "revoked", taken)
        total += taken
    if postings:
        await record(session, Operation(org_id, operation_id, "revoke", rows[0].mode, at), postings)
    return total


async def booked(session: AsyncSession, org_id: str, operation_ids: Sequence[str]) -> dict[str, int]:
    """Those of these operations that granted or revoked credits, and how many; nobody adds to them until the transaction ends."""
    await lock(session, org_id)
    rows = await session.execute(_BOOKED, {"org_id": org_id, "operation_ids": list(operation_ids)})
    return {row.operation_id: int(row.amount) for row in rows}


async def _done(session: AsyncSession, org_id: str, operation_id: str, phase: str) -> Row[Any] | None:
    """What an operation did, or None: mode, job_id, reason, the grants it touched, and what it moved to available and revoked."""
    key = {"org_id": org_id, "operation_id": operation_id, "phase": phase}
    return (await session.execute(_DONE, key)).one_or_none()


_DONE = text("""
    select o.mode, o.job_id, o.reason, array_agg(distinct p.grant_id) as grants,
        coalesce(sum(p.amount) filter (where p.account = 'available'), 0) as available,
        coalesce(sum(p.amount) filter (where p.account = 'revoked'), 0) as revoked
    from ledger_operations o join ledger_postings p using (org_id, operation_id, phase)
    where o.org_id = :org_id and o.operation_id = :operation_id and o.phase = :phase
    group by o.mode, o.job_id, o.reason
""")

_BOOKED = text("""
    select operation_id, abs(sum(amount)) as amount from ledger_postings
    where org_id = :org_id and operation_id = any(:operation_ids) and phase in ('grant', 'revoke') and account = 'available'
    group by operation_id
""")

_SPENT_PARTS = text("""
    select p.grant_id, o.mode, sum(p.amount) as spent
    from ledger_operations o join ledger_postings p using (org_id, operation_id, phase)
        join grants g on g.org_id = p.org_id and g.id = p.grant_id
    where o.org_id = :org_id and o.job_id = :job_id and o.phase in ('settle', 'refund') and p.account = 'spent'
    group by p.grant_id, o.mode, g.expires_at, g.id
    having sum(p.amount) > 0
    order by g.expires_at desc nulls first, g.id desc
""")
