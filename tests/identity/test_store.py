"""Organisations, members and tokens in the database."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from cutroom.errors import InvalidRequest, NotFound, Unauthorized
from cutroom.identity.tokens import new_token, parse
from cutroom.store import identity
from cutroom.store.database import Database
from cutroom.store.tables import Member, Organisation, Token


async def test_a_token_made_in_an_organisation_is_found_with_its_mode_and_scopes(
    app: Database, system: Database, org_id: str
) -> None:
    async with app.transaction(org_id) as session:
        made, text = await identity.create_token(session, org_id, "ci", "test", ["jobs:read", "jobs:write"])
    async with system.transaction(None) as session:
        found = await identity.find_token(session, parse(text))
    assert (found.id, found.org_id, found.mode, found.scopes) == (made.id, org_id, "test", ["jobs:read", "jobs:write"])


async def test_the_text_of_a_token_is_stored_nowhere(app: Database, org_id: str) -> None:
    async with app.transaction(org_id) as session:
        row, text = await identity.create_token(session, org_id, "ci", "live", ["admin"])
        secret = text.removeprefix(row.hint)
        stored = [token.model_dump_json() for token in await session.scalars(select(Token))]
    assert row.hash in "".join(stored)
    assert secret not in "".join(stored)


async def test_an_unknown_token_is_refused(system: Database) -> None:
    async with system.transaction(None) as session:
        with pytest.raises(Unauthorized) as refused:
            await identity.find_token(session, new_token("live").hash)
    assert refused.value.code == "token_unknown"


async def test_a_revoked_token_is_refused_and_stays_revoked_since_the_first_time(
    app: Database, system: Database, org_id: str
) -> None:
    async with app.transaction(org_id) as session:
        token, text = await identity.create_token(session, org_id, "ci", "live", ["admin"])
    revoked = []
    for _ in range(2):
        async with app.transaction(org_id) as session:
            revoked.append((await identity.revoke_token(session, org_id, token.id)).revoked_at)
    assert revoked[0] is not None
    assert revoked[0] == revoked[1]
    async with system.transaction(None) as session:
        with pytest.raises(Unauthorized) as refused:
            await identity.find_token(session, parse(text))
    assert refused.value.code == "token_revoked"


async def test_nobody_sees_or_revokes_another_organisations_token(
    app: Database, system: Database, org_id: str, other_org_id: str
) -> None:
    async with app.transaction(org_id) as session:
        token, text = await identity.create_token(session, org_id, "ci", "live", ["admin"])
    async with app.transaction(other_org_id) as session:
        assert (await identity.list_tokens(session, other_org_id, None, 50)).items == []
        with pytest.raises(NotFound):
            await identity.revoke_token(session, other_org_id, token.id)
    async with system.transaction(None) as session:
        with pytest.raises(NotFound):
            await identity.revoke_token(session, other_org_id, token.id)
        assert (await identity.find_token(session, parse(text))).id == token.id


async def test_use_is_noted_at_most_once_a_minute(system: Database, org_id: str) -> None:
    async with system.transaction(None) as session:
        token, text = await identity.create_token(session, org_id, "ci", "live", ["admin"])

    async def used_at() -> datetime | None:
        async with system.transaction(None) as session:
            await identity.find_token(session, parse(text))
        async with system.transaction(None) as session:
            return (await session.get_one(Token, token.id)).last_used_at

    first = await used_at()
    assert first is not None
    assert await used_at() == first
    earlier = datetime.now(UTC) - timedelta(seconds=61)
    async with system.transaction(None) as session:
        await session.execute(update(Token).where(col(Token.id) == token.id).values(last_used_at=earlier))
    later = await used_at()
    assert later is not None
    assert later >= first


@pytest.mark.parametrize("scopes", [[], ["jobs:read", "everything"]])
async def test_a_token_has_at_least_one_scope_and_only_known_ones(app: Database, org_id: str, scopes: list[str]) -> None:
    async with app.transaction(org_id) as session:
        with pytest.raises(InvalidRequest):
            await identity.create_token(session, org_id, "ci", "live", scopes)


async def test_tokens_are_listed_newest_first_page_by_page(app: Database, org_id: str) -> None:
    made = []
    for number in range(5):
        async with app.transaction(org_id) as session:
            made.append((await identity.create_token(session, org_id, str(number), "live", ["admin"]))[0].id)
    listed: list[str] = []
    cursor: str | None = None
    while True:
        async with app.transaction(org_id) as session:
            page = await identity.list_tokens(session, org_id, cursor, 2)
        listed += [token.id for token in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert listed == made[::-1]


async def test_adding_what_is_there_already_changes_only_the_role(system: Database, org_id: str) -> None:
    async with system.transaction(None) as session:
        first = await identity.add_member(session, org_id, "ada@example.org", "member")
        assert await identity.add_member(session, org_id, "ada@example.org", "admin") == first
        assert await identity.create_organisation(session, "other name", org_id) == org_id
        member = await session.get_one(Member, first)
        assert (member.role, (await session.get_one(Organisation, org_id)).name) == ("admin", "one")
