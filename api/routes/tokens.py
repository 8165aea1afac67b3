"""Tokens of the caller's organisation. A token's text is shown once, when it is made."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from api.deps import PageDep, PathId, ServicesDep, TokensWrite
from api.requests import NewToken
from api.resources import ListOf
from cutroom.errors import Forbidden
from cutroom.identity.tokens import require
from cutroom.store import identity
from cutroom.store.tables import Token

router = APIRouter(prefix="/v1/tokens", tags=["tokens"])


class TokenResource(BaseModel):
    """`hint`: its first characters, to tell tokens apart."""

    id: str
    name: str
    mode: str
    scopes: list[str]
    hint: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class MadeToken(TokenResource):
    """`token` is the text to send as bearer; it is not kept here and cannot be shown again."""

    token: str


@router.get("")
async def list_tokens(services: ServicesDep, caller: TokensWrite, page: PageDep) -> ListOf[TokenResource]:
    """Revoked ones too, newest first."""
    async with services.database.transaction(caller.org_id) as session:
        found = await identity.list_tokens(session, caller.org_id, page.cursor, page.limit)
    return ListOf(items=[_resource(token) for token in found.items], next_cursor=found.next_cursor)


@router.post("", status_code=201)
async def create_token(wanted: NewToken, services: ServicesDep, caller: TokensWrite) -> MadeToken:
    """Make a token that may do no more than the one you use. There is no Idempotency-Key here: replaying an answer would
    mean keeping the token's text. Where the answer is lost, revoke the token and make another.
    """
    for scope in wanted.scopes:
        require(caller.scopes, scope)
    mode = wanted.mode or caller.mode
    if mode == "live" and caller.mode == "test":
        raise Forbidden("A test token cannot make a live one; use a live token.", code="mode_forbidden")
    async with services.database.transaction(caller.org_id) as session:
        token, text = await identity.create_token(session, caller.org_id, wanted.name, mode, list(wanted.scopes))
    return MadeToken(**_resource(token).model_dump(), token=text)


@router.delete("/{token_id}", status_code=204)
async def revoke_token(token_id: PathId, services: ServicesDep, caller: TokensWrite) -> None:
    """From now on nobody gets in with it."""
    async with services.database.transaction(caller.org_id) as session:
        await identity.revoke_token(session, caller.org_id, token_id)


def _resource(token: Token) -> TokenResource:
    return TokenResource.model_validate(token, from_attributes=True)
