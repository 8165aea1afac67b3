"""What routes ask for, as types: `caller: JobsRead`, `services: ServicesDep`, `page: PageDep`."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated

import structlog
from fastapi import Depends, Header, Path, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from cutroom.errors import Unauthorized
from cutroom.identity import tokens
from cutroom.identity.tokens import Mode, Scope
from cutroom.money.cards import CardModes
from cutroom.settings import Settings
from cutroom.store import identity, jobs
from cutroom.store.database import Database
from cutroom.store.objects import ObjectStore
from cutroom.store.tables import Job
from cutroom.temporal.engine import Engine

DOWNLOAD_TTL_S = 15 * 60


@dataclass(frozen=True)
class Services:
    """What the API reaches. Nothing connects before it is used. `closing` is set when the process is about to end."""

    settings: Settings
    database: Database
    system: Database
    objects: ObjectStore
    engine: Engine
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, settings: Settings) -> "Services":
        return cls(
            settings,
            Database(settings.database_url.get_secret_value(), pool_size=10),
            Database(settings.database_system_url.get_secret_value()),
            ObjectStore(settings),
            Engine(settings),
        )

    @cached_property
    def cards(self) -> CardModes:
        return CardModes(self.settings)

    async def close(self) -> None:
        await self.database.close()
        await self.system.close()


@dataclass(frozen=True)
class Caller:
    """Who a request comes from."""

    org_id: str
    mode: Mode
    scopes: frozenset[str]


@dataclass(frozen=True)
class PageWish:
    cursor: str | None
    limit: int


def get_services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(get_services)]
bearer = HTTPBearer(auto_error=False, description="A token from POST /v1/tokens or `cutroom tokens create`.")


async def get_caller(services: ServicesDep, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> Caller:
    """Raises Unauthorized (`token_missing`, `token_malformed`, `token_unknown`, `token_revoked`)."""
    if given is None:
        raise Unauthorized("Send a token: Authorization: Bearer ctr_...", code="token_missing")
    hash = tokens.parse(given.credentials)
    async with services.system.transaction(None) as session:
        token = await identity.find_token(session, hash)
    structlog.contextvars.bind_contextvars(org_id=token.org_id, token_id=token.id)
    return Caller(token.org_id, "live" if token.mode == "live" else "test", frozenset(token.scopes))


class Allowed:
    """A caller whose token has a scope. Raises Forbidden (`scope_missing`)."""

    def __init__(self, scope: Scope) -> None:
        self.scope: Scope = scope

    async def __call__(self, caller: Annotated[Caller, Depends(get_caller)]) -> Caller:
        tokens.require(caller.scopes, self.scope)
        return caller


AssetsRead = Annotated[Caller, Depends(Allowed("assets:read"))]
AssetsWrite = Annotated[Caller, Depends(Allowed("assets:write"))]
JobsRead = Annotated[Caller, Depends(Allowed("jobs:read"))]
JobsWrite = Annotated[Caller, Depends(Allowed("jobs:write"))]
CreditsRead = Annotated[Caller, Depends(Allowed("credits:read"))]
CreditsWrite = Annotated[Caller, Depends(Allowed("credits:write"))]
WebhooksRead = Annotated[Caller, Depends(Allowed("webhooks:read"))]
WebhooksWrite = Annotated[Caller, Depends(Allowed("webhooks:write"))]
TokensWrite = Annotated[Caller, Depends(Allowed("tokens:write"))]
Admin = Annotated[Caller, Depends(Allowed("admin"))]


async def get_page(
    cursor: Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> PageWish:
    return PageWish(cursor, limit)


PageDep = Annotated[PageWish, Depends(get_page)]
PathId = Annotated[str, Path(pattern=r"^[!-~]{1,64}$")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,255}$",
        description="The same key with the same body answers the same, however often it is sent within 30 days.",
    ),
]


async def get_job(job_id: PathId, services: ServicesDep, caller: JobsRead) -> Job:
    """Raises NotFound (`job_unknown`)."""
    async with services.database.transaction(caller.org_id) as session:
        return await jobs.get(session, job_id)


JobDep = Annotated[Job, Depends(get_job)]


def until(seconds: int) -> datetime:
    """When something that lives for so long from now on ends."""
    return datetime.now(UTC) + timedelta(seconds=seconds)
