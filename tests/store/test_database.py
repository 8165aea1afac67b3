"""A database that is away, or goes away, is said to be unavailable; what it refuses is not."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from cutroom.errors import Unreachable
from cutroom.local.ports import free_port
from cutroom.store.database import Database
from cutroom.store.tables import Organisation
from tests.store.conftest import Tenant


async def test_a_database_that_is_away_is_unavailable() -> None:
    away = Database(f"postgresql://someone:secret@127.0.0.1:{free_port()}/cutroom")
    with pytest.raises(Unreachable) as caught:
        async with away.transaction("org_1"):
            pass
    assert caught.value.code == "database_unavailable"
    await away.close()


async def test_a_connection_that_is_cut_is_unavailable_and_the_next_transaction_works(app: Database) -> None:
    async def cut() -> None:
        async with app.transaction("org_1") as session:
            await session.execute(text("select pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(Unreachable) as caught:
        await cut()
    assert caught.value.code == "database_unavailable"
    async with app.transaction("org_1") as session:
        assert await session.scalar(text("select current_setting('app.org_id')")) == "org_1"


async def test_a_transaction_that_fails_leaves_nothing(system: Database, tenant: Tenant) -> None:
    async def add_twice() -> None:
        async with system.transaction(None) as session:
            session.add(Organisation(id="org_new", name="someone"))
            await session.flush()
            session.add(Organisation(id=tenant.org_id, name="someone"))

    with pytest.raises(IntegrityError):
        await add_twice()
    async with system.transaction(None) as session:
        assert await session.get(Organisation, "org_new") is None
