"""The ledger as its owner reads it: each operation, and a statement of a period that adds up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.errors import InvalidRequest
from cutroom.store.pages import Page, read_page
from cutroom.store.postings import lock
from cutroom.store.tables import Grant, LedgerOperation, LedgerPosting

LONGEST_PERIOD = timedelta(days=366)  # a leap year
# In this order `granted` is the sum of the others.
ACCOUNTS = ("available", "held", "spent", "expired", "revoked", "granted")


@dataclass(frozen=True)
class Entry:
    """One operation. `amounts`: account -> change in credits. `reason`: why, where somebody gave one."""

    operation_id: str
    phase: str
    mode: str
    job_id: str | None
    at: datetime
    reason: str
    amounts: dict[str, int]


@dataclass(frozen=True)
class Statement:
    """What was in each of ACCOUNTS at `since`, what happened then, oldest first, and what was in them at
    `until`, which is itself not in it. `opening` and the entries' amounts add up to `closing`."""

    since: datetime
    until: datetime
    opening: dict[str, int]
    entries: list[Entry]
    closing: dict[str, int]


async def entries(session: AsyncSession, org_id: str, mode: str, cursor: str | None, limit: int) -> Page[Entry]:
    """The organisation's operations, newest first. Raises InvalidRequest (`cursor_invalid`)."""
    mine = select(LedgerOperation).where(col(LedgerOperation.org_id) == org_id, col(LedgerOperation.mode) == mode)
    page = await read_page(session, mine, LedgerOperation.at, LedgerOperation.operation_id, cursor, limit)
    posted = (col(LedgerPosting.operation_id), col(LedgerPosting.phase), col(LedgerPosting.account))
    shown = posted[0].in_([operation.operation_id for operation in page.items]) & (posted[2] != "issued")
    sums = select(*posted, func.sum(LedgerPosting.amount)).where(col(LedgerPosting.org_id) == org_id, shown).group_by(*posted)
    amounts: dict[tuple[str, str], dict[str, int]] = {}
    for operation_id, phase, account, amount in await session.execute(sums):
        amounts.setdefault((operation_id, phase), {})[account] = int(amount)
    items = [
        Entry(row.operation_id, row.phase, row.mode, row.job_id, row.at, row.reason, amounts.get((row.operation_id, row.phase), {}))
        for row in page.items
    ]
    return Page(items, page.next_cursor)


async def statement(
    session: AsyncSession, org_id: str, mode: str, since: datetime | None = None, until: datetime | None = None
) -> Statement:
    """What was booked from `since` on and before `until`, at the latest now: what may still be booked is in no statement.

    Without `since`, as far back as a statement may reach. It waits for operations that are being written, so that the next period
    opens with what this one closed with. Raises InvalidRequest (`period_invalid`, `period_too_long`).
    """
    clock = await lock(session, org_id)
    end = clock if until is None else min(until, clock)
    since = end - LONGEST_PERIOD if since is None else since
    if since > end:
        raise InvalidRequest("The period must begin before it ends, and before now.", code="period_invalid", field="from")
    if end - since > LONGEST_PERIOD:
        detail = f"A statement is of {LONGEST_PERIOD.days} days at most; ask for several, one after the other."
        raise InvalidRequest(detail, code="period_too_long", field="from")
    mine = {"org_id": org_id, "mode": mode, "since": since, "until": end}
    before = await session.execute(_OPENING, mine)
    opening = _amounts(before.one())
    found = [
        Entry(row.operation_id, row.phase, mode, row.job_id, row.at, row.reason, _amounts(row[-len(ACCOUNTS) :]))
        for row in await session.execute(_BOOKED, mine)
    ]
    closing = {name: opening[name] + sum(entry.amounts[name] for entry in found) for name in ACCOUNTS}
    return Statement(since, end, opening, found, closing)


async def grants_named(session: AsyncSession, operation_ids: Sequence[str]) -> dict[str, list[Grant]]:
    """Operation -> the grants under it, of every organisation and mode that the session sees."""
    own = (col(Grant.org_id) == col(LedgerPosting.org_id)) & (col(Grant.id) == col(LedgerPosting.grant_id))
    query = select(LedgerPosting, Grant).join(Grant, own).where(col(LedgerPosting.account) == "issued", *_named(operation_ids))
    found: dict[str, list[Grant]] = {}
    for posting, grant in (await session.execute(query)).all():
        found.setdefault(posting.operation_id, []).append(grant)
    return found


async def booked_anywhere(session: AsyncSession, operation_ids: Sequence[str]) -> set[str]:
    """Those of these operations that granted or revoked something, in any organisation that the session sees."""
    return set(await session.scalars(select(col(LedgerPosting.operation_id)).where(*_named(operation_ids)).distinct()))


async def purchases_granted(
    session: AsyncSession, mode: str, since: datetime, until: datetime, cursor: str | None, limit: int
) -> Page[LedgerOperation]:
    """Grants for invoices and Checkout sessions, booked from `since` to before `until`, in all organisations that the session
    sees."""
    id = col(LedgerOperation.operation_id)
    bought = id.startswith("in_", autoescape=True) | id.startswith("cs_", autoescape=True)
    mine = (col(LedgerOperation.phase) == "grant", col(LedgerOperation.mode) == mode, bought)
    query = select(LedgerOperation).where(*mine, col(LedgerOperation.at) >= since, col(LedgerOperation.at) < until)
    return await read_page(session, query, LedgerOperation.at, LedgerOperation.operation_id, cursor, limit)


def _named(operation_ids: Sequence[str]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return col(LedgerPosting.operation_id).in_(operation_ids), col(LedgerPosting.phase).in_(("grant", "revoke"))


def _amounts(sums: Iterable[int]) -> dict[str, int]:
    return {name: int(amount) for name, amount in zip(ACCOUNTS, sums, strict=True)}


_SUMS = ", ".join(
    [f"coalesce(sum(p.amount) filter (where p.account = '{account}'), 0)" for account in ACCOUNTS[:-1]]
    + ["-coalesce(sum(p.amount) filter (where p.account = 'issued'), 0)"]
)
_OURS = """
    from ledger_operations o left join ledger_postings p using (org_id, operation_id, phase)
    where o.org_id = :org_id and o.mode = :mode
"""

_OPENING = text(f"select {_SUMS} {_OURS} and o.at < :since")

_BOOKED = text(f"""
    select o.operation_id, o.phase, o.job_id, o.at, o.reason, {_SUMS} {_OURS}
        and o.at >= :since and o.at < :until
    group by o.operation_id, o.phase, o.job_id, o.at, o.reason order by o.at, o.operation_id, o.phase
""")
