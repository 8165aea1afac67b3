"""What must reach Temporal, committed together with what it is about, so that neither exists without the other."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from cutroom.contracts.ids import new_id
from cutroom.store.tables import Outbox
from cutroom.telemetry import tracing

LONGEST_WAIT_S = 30


async def add(
    session: AsyncSession,
    org_id: str | None,
    kind: Literal["start", "signal"],
    target: str,
    payload: Mapping[str, Any],
    *,
    head_start_s: float = 0,
) -> Outbox:
    """Add to the caller's transaction what is to be done to the workflow `target`. `payload` holds ids, never user text.

    `org_id` is None where the workflow has yet to find out whose work it is: for the system role.

    The sweeper leaves the row alone for `head_start_s`, where the caller is about to deliver it himself: a signal that
    came a second time, after a later one, would undo that one.
    """
    due = func.now() + timedelta(seconds=head_start_s)
    row = {"id": new_id("out"), "org_id": org_id, "kind": kind, "target": target, "payload": dict(payload), "next_at": due}
    added = insert(Outbox).values(attempts=0, traceparent=tracing.current(), **row)
    return (await session.scalars(added.returning(Outbox))).one()


async def claim(session: AsyncSession, limit: int) -> list[Outbox]:
    """Up to `limit` due rows, longest due first, nobody else's until this transaction ends. For the system role.

    What is meant for one workflow arrives in the order in which it was added: a later row waits for an earlier one.
    """
    due = (
        select(Outbox)
        .where(col(Outbox.done_at).is_(None), col(Outbox.next_at) <= func.now(), ~_earlier().exists())
        .order_by(col(Outbox.next_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(await session.scalars(due))


async def is_next(session: AsyncSession, row: Outbox) -> bool:
    """Whether nothing that was added earlier for the same workflow is still to arrive."""
    behind = select(col(Outbox.id)).where(col(Outbox.id) == row.id, _earlier().exists())
    return await session.scalar(behind) is None


async def done(session: AsyncSession, row: Outbox) -> None:
    """It arrived; it is not claimed again."""
    await session.execute(update(Outbox).where(col(Outbox.id) == row.id).values(done_at=func.now()))


async def leave(session: AsyncSession, row: Outbox) -> None:
    """Give up a head start: the row is the sweeper's from now on."""
    await session.execute(update(Outbox).where(col(Outbox.id) == row.id).values(next_at=func.now()))


async def failed(session: AsyncSession, row: Outbox) -> None:
    """It did not arrive: due again after 1, 2, 4 ... at most 30 seconds."""
    wait = timedelta(seconds=min(LONGEST_WAIT_S, 2 ** min(row.attempts, 10)))
    later = {"attempts": row.attempts + 1, "next_at": func.clock_timestamp() + wait}
    await session.execute(update(Outbox).where(col(Outbox.id) == row.id).values(later))


def _earlier() -> Select[str]:
    """Rows before the row of the enclosing query that are still to arrive at the same workflow. Ids sort by time."""
    before = aliased(Outbox)
    same = (col(before.target) == col(Outbox.target), col(before.done_at).is_(None), col(before.id) < col(Outbox.id))
    return select(col(before.id)).where(*same).correlate(Outbox)
