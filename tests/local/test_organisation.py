"""The embedded stack's own organisation."""

import asyncio
import stat
from pathlib import Path

from cutroom.identity.tokens import parse
from cutroom.local.organisation import LOCAL_ORG, WELCOME_CREDITS, ensure_organisation
from cutroom.store import identity, ledger
from cutroom.store.database import Database
from tests.conftest import DatabaseUrls


async def test_a_first_start_makes_a_private_admin_token_and_gives_credits_once(
    database_urls: DatabaseUrls, system: Database, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    first = await ensure_organisation(database_urls.system, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().strip() == first
    assert await ensure_organisation(database_urls.system, file) == first
    async with system.transaction(None) as session:
        token = await identity.find_token(session, parse(first))
        assert (token.org_id, token.mode, token.scopes) == (LOCAL_ORG, "live", ["admin"])
        assert (await ledger.balance(session, LOCAL_ORG, "live")).available == WELCOME_CREDITS
        assert (await ledger.balance(session, LOCAL_ORG, "test")).granted == 0


async def test_a_lost_foreign_or_revoked_token_is_replaced(database_urls: DatabaseUrls, system: Database, tmp_path: Path) -> None:
    file = tmp_path / "token"
    first = await ensure_organisation(database_urls.system, file)
    file.unlink()
    second = await ensure_organisation(database_urls.system, file)
    file.write_text("not a token")
    third = await ensure_organisation(database_urls.system, file)
    async with system.transaction(None) as session:
        token = await identity.find_token(session, parse(third))
        await identity.revoke_token(session, LOCAL_ORG, token.id)
    fourth = await ensure_organisation(database_urls.system, file)
    assert len({first, second, third, fourth}) == 4
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_starts_at_the_same_time_give_credits_once(database_urls: DatabaseUrls, system: Database, tmp_path: Path) -> None:
    files = [tmp_path / str(number) for number in range(4)]
    await asyncio.gather(*(ensure_organisation(database_urls.system, file) for file in files))
    async with system.transaction(None) as session:
        assert (await ledger.balance(session, LOCAL_ORG, "live")).granted == WELCOME_CREDITS
