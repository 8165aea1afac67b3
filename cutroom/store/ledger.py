"""The credit ledger: double entry, append-only, every operation keyed (organisation, operation id, phase).

An operation's postings sum to zero. Each grant carries the sums of its postings, so that
`available + held + spent + expired + revoked = granted` holds per grant and per organisation after every operation; only
`record` writes, and it writes operation, postings and sums in one statement. See docs/money.md.

All of an organisation's operations queue at one lock (`lock`), taken after any row the caller locks itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import Settled
from cutroom.errors import Conflict, InsufficientCredits, InvalidRequest, NotFound
from cutroom.store.postings import GRACE, WITH_LAPSED, Operation, Posting, Purse, expire, lock, move, record
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
    _require_positive(amount)
    clock = await lock(session, org_id)
    done = (await session.execute(_GRANT_OF, {"org_id": org_id, "operation_id": operation_id})).one_or_none()
    if done is not None:
        if (done.mode, done.granted, done.reason, done.expires_at) != (mode, amount, reason, expires_at):
            raise _differs()
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
    _require_positive(amount)
    clock = await lock(session, job.org_id)
    at = now or clock
    done = await _phases(session, job)
    if "hold" in done:
        if (done["hold"].mode, done["hold"].held) != (mode, amount):
            raise _differs()
        return
    if "settle" in done:
        return
    postings = _take(await expire(session, job.org_id, mode, at), amount, "held")
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
            raise _differs()
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


async def refund(
    session: AsyncSession, job: JobRef, amount: int, reason: str, operation_id: str, *, now: datetime | None = None
) -> None:
    """Give back credits that a job spent, for GRACE where their grant has ended; those that end last come back first.

    The same call again adds nothing. Raises InvalidRequest (`amount_invalid`) for more than is left of what it spent, Conflict
    (`operation_differs`) for another call under one `operation_id`.
    """
    _require_positive(amount)
    clock = await lock(session, job.org_id)
    done = await _done(session, job.org_id, operation_id, "refund")
    if done is not None:
        if (done.job_id, done.available, done.reason) != (job.job_id, amount, reason):
            raise _differs()
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
            raise _differs()
        return
    if amount > 0:
        await grant(session, org_id, mode, amount, reason, operation_id, now=now)
        return
    if await _done(session, org_id, operation_id, "grant") is not None:
        raise _differs()
    at = now or clock
    found = await expire(session, org_id, mode, at)
    postings = _take(found, -amount, "revoked")
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
        _require_positive(amount)
    clock = await lock(session, org_id)
    at = now or clock
    rows = [row for grant_id in grant_ids if (row := await session.get(Grant, grant_id, populate_existing=True))]
    if len(rows) < len(grant_ids) or any(row.org_id != org_id for row in rows):
        raise NotFound("There is no such grant in this organisation.", code="grant_unknown")
    operation_id = operation_id or grant_ids[0]
    done = await _done(session, org_id, operation_id, "revoke")
    if done is not None:
        if not {*done.grants} <= {*grant_ids} or (amount is not None and amount < done.revoked):
            raise _differs()
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


def _take(found: list[Purse], amount: int, account: str) -> list[Posting]:
    """Move `amount` from `available` to `account`, out of the purses that come first. Raises InsufficientCredits."""
    if sum(purse.spendable for purse in found) < amount:
        raise InsufficientCredits("There are too few credits for this; buy more, or ask for less.")
    postings: list[Posting] = []
    for purse in found:
        taken = min(amount, max(0, purse.spendable))
        postings += move(purse.grant_id, "available", account, taken)
        amount -= taken
    return postings


async def _done(session: AsyncSession, org_id: str, operation_id: str, phase: str) -> Row[Any] | None:
    """What an operation did, or None: mode, job_id, reason, the grants it touched, and what it moved to available and revoked."""
    key = {"org_id": org_id, "operation_id": operation_id, "phase": phase}
    return (await session.execute(_DONE, key)).one_or_none()


def _require_positive(amount: int) -> None:
    if amount < 1:
        raise InvalidRequest("The amount must be at least one credit.", code="amount_invalid", field="amount")


def _differs() -> Conflict:
    return Conflict("This was done before, with other amounts; nothing was changed.", code="operation_differs")


_GRANT_OF = text("""
    select g.id, g.mode, g.granted, g.reason, g.expires_at
    from ledger_postings p join grants g on g.org_id = p.org_id and g.id = p.grant_id
    where p.org_id = :org_id and p.operation_id = :operation_id and p.phase = 'grant' and p.account = 'issued'
""")

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

_SPENT_PARTS = text("""
    select p.grant_id, o.mode, sum(p.amount) as spent
    from ledger_operations o join ledger_postings p using (org_id, operation_id, phase)
        join grants g on g.org_id = p.org_id and g.id = p.grant_id
    where o.org_id = :org_id and o.job_id = :job_id and o.phase in ('settle', 'refund') and p.account = 'spent'
    group by p.grant_id, o.mode, g.expires_at, g.id
    having sum(p.amount) > 0
    order by g.expires_at desc nulls first, g.id desc
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
