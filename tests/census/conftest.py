"""A census with nothing shown before it."""

from collections.abc import Iterator

import pytest

from cutroom.settings import Settings
from cutroom.store import identity
from cutroom.store.database import Database
from cutroom.store.objects import ObjectStore
from cutroom.temporal.engine import Engine
from tests.census.gauges import GAUGES
from worker_cpu.census import Part, parts


@pytest.fixture(autouse=True)
def nothing_shown() -> Iterator[None]:
    for gauge in GAUGES:
        gauge.clear()
    yield
    for gauge in GAUGES:
        gauge.clear()


@pytest.fixture
def engine(settings: Settings) -> Engine:
    return Engine(settings)


@pytest.fixture
def everything(settings: Settings, system: Database, engine: Engine) -> list[Part]:
    return parts(system, ObjectStore(settings), engine)


@pytest.fixture
async def org_id(system: Database) -> str:
    async with system.transaction(None) as session:
        return await identity.create_organisation(session, "census")
