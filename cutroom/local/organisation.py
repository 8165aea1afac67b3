"""The embedded stack's own organisation, so that nobody needs an account on their own machine."""

from pathlib import Path

from cutroom.errors import Unauthorized
from cutroom.identity import tokens
from cutroom.local.home import write_private
from cutroom.store import identity, ledger
from cutroom.store.database import Database

LOCAL_ORG = "org_local"
WELCOME_CREDITS = 10_000


async def ensure_organisation(system_url: str, token_file: Path) -> str:
    """The text of a live admin token of the organisation `local`, kept in `token_file` (mode 0600).

    Makes what is missing: the organisation, its admin, 10,000 credits (once), the token. A token file that is lost, or
    whose token no longer works, is replaced. Raises Unreachable (`database_unavailable`).
    """
    database = Database(system_url, pool_size=1)
    try:
        async with database.transaction(None) as session:
            await identity.create_organisation(session, "local", LOCAL_ORG)
            await identity.add_member(session, LOCAL_ORG, "admin@localhost", "admin", wants_mail=True)
            await ledger.grant(session, LOCAL_ORG, "live", WELCOME_CREDITS, "welcome", "welcome")
        kept = _read(token_file)
        if await _works(database, kept):
            return kept
        async with database.transaction(None) as session:
            _, text = await identity.create_token(session, LOCAL_ORG, "local", "live", ["admin"])
    finally:
        await database.close()
    write_private(token_file, text + "\n")
    return text


async def _works(database: Database, text: str) -> bool:
    try:
        async with database.transaction(None) as session:
            await identity.find_token(session, tokens.parse(text))
    except Unauthorized:
        return False
    return True


def _read(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""
