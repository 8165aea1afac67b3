"""Two organisations, and the roles that see one or all of them."""

from collections.abc import AsyncIterator

import pytest

from cutroom.store import identity
from cutroom.store.database import Database
from tests.conftest import DatabaseUrls


@pytest.fixture
async def app(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(database_urls.app)
    yield database
    await database.close()


@pytest.fixture
async def org_id(system: Database) -> str:
    async with system.transaction(None) as session:
        return await identity.create_organisation(session, "one")


@pytest.fixture
async def other_org_id(system: Database) -> str:
    async with system.transaction(None) as session:
        return await identity.create_organisation(session, "two")
