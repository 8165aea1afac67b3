"""A census of servers of its own, with nothing shown before it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from cutroom.local import temporal as embedded
from cutroom.local.ports import free_port
from cutroom.local.temporal import Temporal
from cutroom.local.tools import TEMPORAL, ensure
from cutroom.settings import Settings
from cutroom.store import identity
from cutroom.store.database import Database
from cutroom.store.objects import ObjectStore
from cutroom.temporal.engine import Engine
from tests.census.gauges import GAUGES
from tests.conftest import serving
from worker_cpu.census import Part, parts


@pytest.fixture(autouse=True)
def nothing_shown() -> Iterator[None]:
    for gauge in GAUGES:
        gauge.clear()
    yield
    for gauge in GAUGES:
        gauge.clear()


@pytest.fixture(scope="session")
def own_temporal(servers_folder: Path) -> Iterator[str]:
    """The address of a server on whose queues nobody else has left anything."""
    server = Temporal(ensure(TEMPORAL, Console(stderr=True)), servers_folder / "census", free_port(), free_port())
    with serving(server, embedded.environment(), servers_folder / "census.log"):
        yield server.address


@pytest.fixture
def own_settings(settings: Settings, own_temporal: str) -> Settings:
    return settings.model_copy(update={"temporal_address": own_temporal})


@pytest.fixture
def engine(own_settings: Settings) -> Engine:
    return Engine(own_settings)


@pytest.fixture
def everything(own_settings: Settings, system: Database, engine: Engine) -> list[Part]:
    return parts(system, ObjectStore(own_settings), engine)


@pytest.fixture
async def org_id(system: Database) -> str:
    async with system.transaction(None) as session:
        return await identity.create_organisation(session, "census")
