"""Organisations, their members and tokens. Only the system role may add an organisation or look a token up."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.contracts.ids import new_id
from cutroom.errors import InvalidRequest, NotFound, Unauthorized
from cutroom.identity.tokens import SCOPES, Mode, new_token
from cutroom.store.pages import Page, read_page
from cutroom.store.tables import Member, Organisation, Token

TOUCH_EVERY = timedelta(minutes=1)


async def create_organisation(session: AsyncSession, name: str, id: str | None = None) -> str:
    """Add an organisation; answers its id. With an `id` that is there already nothing happens."""
    org_id = id or new_id("org")
    await session.execute(insert(Organisation).values(id=org_id, name=name).on_conflict_do_nothing())
    return org_id


async def list_organisations(session: AsyncSession) -> list[Organisation]:
    """All of them, oldest first: for the system role."""
    return list(await session.scalars(select(Organisation).order_by(col(Organisation.id))))


async def exists(session: AsyncSession, org_id: str) -> bool:
    """Whether there is such an organisation."""
    return await session.get(Organisation, org_id) is not None


async def add_member(session: AsyncSession, org_id: str, email: str, role: str, *, wants_mail: bool = False) -> str:
    """Add a person, or give one who is there this role (admin | member) and this wish; answers the member's id."""
    row = insert(Member).values(id=new_id("mem"), org_id=org_id, email=email, role=role, wants_mail=wants_mail)
    same = row.on_conflict_do_update(index_elements=["org_id", "email"], set_={"role": role, "wants_mail": wants_mail})
    return (await session.scalars(same.returning(col(Member.id)))).one()


async def create_token(session: AsyncSession, org_id: str, name: str, mode: Mode, scopes: list[str]) -> tuple[Token, str]:
    """Add a token; answers its row and its text, which is stored nowhere. Raises InvalidRequest (`scope_unknown`)."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise InvalidRequest(f"Give a token at least one scope of {', '.join(SCOPES)}.", code="scope_unknown", field="scopes")
    new = new_token(mode)
    row = Token(id=new_id("tok"), org_id=org_id, name=name, mode=mode, scopes=scopes, hash=new.hash, hint=new.hint)
    session.add(row)
    await session.flush()
    await session.refresh(row)
    return row, new.text


async def find_token(session: AsyncSession, hash: str) -> Token:
    """The token with this hash, in any organisation: for the system role. Notes, at most once a minute, that it was used.

    Raises Unauthorized (`token_unknown`, `token_revoked`).
    """
    token = (await session.scalars(select(Token).where(col(Token.hash) == hash))).one_or_none()
    if token is None:
        raise Unauthorized("This token is not known here; make one with `cutroom tokens create`.", code="token_unknown")
    if token.revoked_at is not None:
        raise Unauthorized("This token was revoked; make a new one with `cutroom tokens create`.", code="token_revoked")
    now = datetime.now(UTC)
    if token.last_used_at is None or now - token.last_used_at >= TOUCH_EVERY:
        token.last_used_at = now
    return token


async def list_tokens(session: AsyncSession, org_id: str, cursor: str | None, limit: int) -> Page[Token]:
    """The organisation's tokens, revoked ones too, newest first."""
    query = select(Token).where(col(Token.org_id) == org_id)
    return await read_page(session, query, Token.created_at, Token.id, cursor, limit)


async def revoke_token(session: AsyncSession, org_id: str, token_id: str) -> Token:
    """End a token for good; again, nothing changes. Raises NotFound (`token_unknown`)."""
    own = (col(Token.org_id) == org_id, col(Token.id) == token_id)
    ended = update(Token).where(*own).values(revoked_at=func.coalesce(Token.revoked_at, func.now())).returning(Token)
    token = (await session.scalars(ended, execution_options={"populate_existing": True})).one_or_none()
    if token is None:
        raise NotFound("There is no such token in this organisation.", code="token_unknown")
    return token
