"""`Idempotency-Key`: the same POST sent twice does its work once, and is answered twice.

Both calls belong in the transaction that creates: whoever comes while it is open waits for its end, and takes its answer,
or its place where it was rolled back. So a failed request (any 5xx) is never remembered.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.errors import InvalidRequest
from cutroom.store.tables import IdempotencyKey


@dataclass(frozen=True)
class Answer:
    """What was answered the first time."""

    status: int
    body: dict[str, Any]


async def claim(session: AsyncSession, org_id: str, route: str, key: str, body_sha256: str) -> Answer | None:
    """None: this request is the first, `keep` its answer. Else the answer to the first one.

    Raises InvalidRequest (`idempotency_key_reused`) where the first one had another body.
    """
    ours = {"org_id": org_id, "route": route, "key": key, "body_sha256": body_sha256, "status": 0}
    inserted = insert(IdempotencyKey).values(ours).on_conflict_do_nothing().returning(col(IdempotencyKey.key))
    if await session.scalar(inserted) is not None:
        return None
    first = await session.get_one(IdempotencyKey, (org_id, route, key))
    if first.body_sha256 != body_sha256:
        raise InvalidRequest(
            "This Idempotency-Key was sent with another body before: use a new key for a new request.",
            code="idempotency_key_reused",
            field="Idempotency-Key",
        )
    return Answer(first.status, first.response)


async def keep(session: AsyncSession, org_id: str, route: str, key: str, answer: Answer) -> None:
    """Remember the answer to the request that claimed the key."""
    ours = (col(IdempotencyKey.org_id) == org_id, col(IdempotencyKey.route) == route, col(IdempotencyKey.key) == key)
    await session.execute(update(IdempotencyKey).where(*ours).values(status=answer.status, response=answer.body))
