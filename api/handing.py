"""From an answered request to a running workflow: create once, commit, then tell Temporal at once.

What is created, its idempotency row and its outbox row are one transaction. Telling Temporal comes after the commit, and
may fail: the sweeper does it then, and the client has its answer all the same.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import Caller, Services
from cutroom.errors import Unreachable
from cutroom.store import idempotency, outbox
from cutroom.store.idempotency import Answer
from cutroom.store.tables import Outbox
from cutroom.temporal.outbox import deliver

log = structlog.get_logger(__name__)

HAND_OVER_WITHIN_S = 2.0
SWEEPER_WAITS_S = 10.0


@dataclass(frozen=True)
class Made:
    """What a request created: its answer, and what Temporal must hear."""

    status: int
    body: BaseModel
    outbox: Outbox | None = None


@dataclass(frozen=True)
class Once:
    """A POST that creates. `route` and `key` name it within the organisation; without a key every POST creates.

    `collection`: where the created is found afterwards, where that is not under `route`.
    """

    services: Services
    caller: Caller
    route: str
    key: str | None
    wanted: BaseModel
    collection: str = ""

    async def respond(self, make: Callable[[AsyncSession], Awaitable[Made]]) -> Response:
        """Run `make` in one transaction with the idempotency row, or answer as the first request with this key was.

        Raises InvalidRequest (`idempotency_key_reused`), and what `make` raises: nothing stays then.
        """
        async with self.services.database.transaction(self.caller.org_id) as session:
            first = await self._claim(session)
            if first is not None:
                return self._response(first, replayed=True)
            made = await make(session)
            answer = Answer(made.status, made.body.model_dump(mode="json"))
            if self.key is not None:
                await idempotency.keep(session, self.caller.org_id, self.route, self.key, answer)
        if made.outbox is not None:
            await hand_over(self.services, made.outbox)
        return self._response(answer)

    async def _claim(self, session: AsyncSession) -> Answer | None:
        if self.key is None:
            return None
        body = json.dumps(self.wanted.model_dump(mode="json"), sort_keys=True)
        return await idempotency.claim(session, self.caller.org_id, self.route, self.key, hashlib.sha256(body.encode()).hexdigest())

    def _response(self, answer: Answer, *, replayed: bool = False) -> Response:
        headers = {"Idempotent-Replayed": "true"} if replayed else {}
        if answer.body.get("id"):
            headers["Location"] = f"{self.collection or self.route}/{answer.body['id']}"
        return JSONResponse(answer.body, answer.status, headers)


async def hand_over(services: Services, row: Outbox) -> None:
    """Tell Temporal now what a committed outbox row says.

    Where it does not answer, or has something older still to hear of the same workflow, the sweeper tells it as soon as it
    can: a pause that is told again after its resume would hold the job for good.
    """
    database = services.database if row.org_id is not None else services.system
    try:
        async with database.transaction(row.org_id) as session:
            its_turn = await outbox.is_next(session, row)
        if its_turn:
            async with asyncio.timeout(HAND_OVER_WITHIN_S):
                await deliver(services.engine, row)
            async with database.transaction(row.org_id) as session:
                await outbox.done(session, row)
            return
        reason = "not_its_turn"
    except (Unreachable, TimeoutError) as error:
        reason = getattr(error, "code", "no_answer")
    log.warning("left_to_sweeper", target=row.target, reason=reason)
    with suppress(Unreachable):
        async with database.transaction(row.org_id) as session:
            await outbox.leave(session, row)
