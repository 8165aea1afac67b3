"""The mechanics of double entry: the lock, writing an operation, what can still be spent of each grant, and taking it.

`record` is the only writer of the ledger: operation, postings and the grants' sums in one statement.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from cutroom.errors import Conflict, InsufficientCredits, InvalidRequest
from cutroom.store.database import after_commit
from cutroom.telemetry import metrics

# What is released after its grant's end can be spent for this long.
GRACE = timedelta(days=7)

# The grants of an organisation and mode with what has lapsed of each. Credits leave a grant oldest first, so what is left
# of an ended one is what was released last: all of it that exceeds the releases of the last GRACE has lapsed.
WITH_LAPSED = """
    select g.*, case when g.expires_at <= :now then greatest(g.available - coalesce(released.amount, 0), 0) else 0 end as lapsed
    from grants g left join lateral (
        select sum(p.amount) as amount
        from ledger_postings p join ledger_operations o using (org_id, operation_id, phase)
        where p.org_id = g.org_id and p.grant_id = g.id and p.phase in ('settle', 'refund') and p.account = 'available'
            and o.at >= g.expires_at and o.at > :grace_began
    ) released on g.expires_at <= :now and g.available > 0
    where g.org_id = :org_id and g.mode = :mode
"""


@dataclass(frozen=True)
class Posting:
    """account: issued | available | held | spent | expired | revoked."""

    grant_id: str
    account: str
    amount: int


@dataclass(frozen=True)
class Operation:
    """phase: grant | hold | settle | refund | adjust | expire | revoke. Its postings sum to zero."""

    org_id: str
    operation_id: str
    phase: str
    mode: str
    at: datetime
    job_id: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Purse:
    """A grant with something in it, or owing. `lapsed` credits of `available` can no longer be spent."""

    grant_id: str
    available: int
    lapsed: int

    @property
    def spendable(self) -> int:
        return self.available - self.lapsed


async def lock(session: AsyncSession, org_id: str) -> datetime:
    """Wait for the organisation's other operations, until this transaction ends; answers the database's time then.

    May be taken again. The time is read under the lock and from one clock, so that operations are in its order.
    """
    locked = await session.execute(_LOCK, {"key": f"ledger/{org_id}"})
    return cast(datetime, locked.scalar_one())


def move(grant_id: str, source: str, target: str, amount: int) -> list[Posting]:
    """The two postings that move credits between accounts of one grant; none where there is nothing to move."""
    return [Posting(grant_id, source, -amount), Posting(grant_id, target, amount)] if amount else []


async def record(session: AsyncSession, operation: Operation, postings: list[Posting]) -> None:
    """Write an operation with its postings, and add these to their grants' sums.

    A grant's own operation adds nothing: its row is made with the credits in it. Where an operation that must leave no grant
    below zero would, which only a caller without the lock can meet, it raises InsufficientCredits: nothing stays then.
    """
    values = {
        **asdict(operation),
        "grants": [posting.grant_id for posting in postings],
        "accounts": [posting.account for posting in postings],
        "amounts": [posting.amount for posting in postings],
    }
    moved = await session.execute(_RECORD, values)
    if operation.phase != "grant" and len(moved.all()) < len({posting.grant_id for posting in postings}):
        raise InsufficientCredits("There are too few credits for this; buy more, or ask for less.")
    after_commit(session, lambda: _count(operation, postings))


def _count(operation: Operation, postings: list[Posting]) -> None:
    metrics.LEDGER_OPERATIONS.labels(operation.phase, operation.mode).inc()
    for posting in postings:
        if posting.amount > 0:
            metrics.LEDGER_CREDITS.labels(posting.account, operation.mode).inc(posting.amount)


async def purses(session: AsyncSession, org_id: str, mode: str, now: datetime) -> list[Purse]:
    """The organisation's purses of one mode, soonest end first."""
    values = {"org_id": org_id, "mode": mode, "now": now, "grace_began": now - GRACE}
    rows = await session.execute(_PURSES, values)
    return [Purse(row.grant_id, int(row.available), int(row.lapsed)) for row in rows]


async def expire(session: AsyncSession, org_id: str, mode: str, now: datetime) -> list[Purse]:
    """Expire what lapsed in these grants; answers them as they were before."""
    found = await purses(session, org_id, mode, now)
    for purse in found:
        if purse.lapsed:
            operation = Operation(org_id, f"{purse.grant_id}@{now.isoformat()}", "expire", mode, now)
            await record(session, operation, move(purse.grant_id, "available", "expired", purse.lapsed))
    return found


def take(found: list[Purse], amount: int, account: str) -> list[Posting]:
    """Move `amount` from `available` to `account`, out of the purses that come first. Raises InsufficientCredits."""
    if sum(purse.spendable for purse in found) < amount:
        raise InsufficientCredits("There are too few credits for this; buy more, or ask for less.")
    postings: list[Posting] = []
    for purse in found:
        taken = min(amount, max(0, purse.spendable))
        postings += move(purse.grant_id, "available", account, taken)
        amount -= taken
    return postings


def require_positive(amount: int) -> None:
    """Raises InvalidRequest (`amount_invalid`)."""
    if amount < 1:
        raise InvalidRequest("The amount must be at least one credit.", code="amount_invalid", field="amount")


def differs() -> Conflict:
    """Another call under one operation id."""
    return Conflict("This was done before, with other amounts; nothing was changed.", code="operation_differs")


_LOCK = text("""
    with locked as materialized (select pg_advisory_xact_lock(hashtextextended(:key, 0)))
    select clock_timestamp() from locked
""")

_RECORD = text("""
    with operation as (
        insert into ledger_operations (org_id, operation_id, phase, mode, job_id, at, reason)
        values (:org_id, :operation_id, :phase, :mode, :job_id, :at, :reason)
    ), posted as (
        insert into ledger_postings (org_id, operation_id, phase, grant_id, account, amount)
        select :org_id, :operation_id, :phase, grant_id, account, sum(amount)
        from unnest(cast(:grants as text[]), cast(:accounts as text[]), cast(:amounts as integer[]))
            as move (grant_id, account, amount)
        group by grant_id, account
        returning grant_id, account, amount
    ), moved as (
        select grant_id,
            coalesce(sum(amount) filter (where account = 'available'), 0) as available,
            coalesce(sum(amount) filter (where account = 'held'), 0) as held,
            coalesce(sum(amount) filter (where account = 'spent'), 0) as spent,
            coalesce(sum(amount) filter (where account = 'expired'), 0) as expired,
            coalesce(sum(amount) filter (where account = 'revoked'), 0) as revoked
        from posted group by grant_id
    )
    update grants set
        available = grants.available + moved.available,
        held = grants.held + moved.held,
        spent = grants.spent + moved.spent,
        expired = grants.expired + moved.expired,
        revoked = grants.revoked + moved.revoked
    from moved
    where grants.org_id = :org_id and grants.id = moved.grant_id and :phase <> 'grant'
        and (:phase not in ('hold', 'adjust') or grants.available + moved.available >= 0)
    returning grants.id
""")

_PURSES = text(f"""
    select id as grant_id, available, lapsed from ({WITH_LAPSED}) purse
    where available <> 0 order by expires_at nulls last, id
""")
