"""A fleet of the released version, over a database that it migrated, a Temporal and a store of its own."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from cutroom.client import Client
from cutroom.local import temporal as temporal_module
from cutroom.local.home import Secrets
from cutroom.local.ports import free_port
from cutroom.local.postgres import Postgres
from cutroom.local.s3 import S3
from cutroom.local.temporal import Temporal
from cutroom.local.tools import TEMPORAL, VERSITYGW, ensure
from tests.conftest import DatabaseUrls, serving
from tests.upgrade.fleet import CURRENT, PARTS, RELEASED, Code, Fleet, Rollout

PREPARE = """
import asyncio, pathlib, sys
from cutroom.local.organisation import ensure_organisation
from cutroom.store.migrate import upgrade
owner, system, token = sys.argv[1:]
upgrade(owner)
asyncio.run(ensure_organisation(system, pathlib.Path(token)))
"""


@pytest.fixture(scope="session")
def released(servers_folder: Path) -> Code:
    """The version before this one, from its wheel."""
    (wheel,) = RELEASED.glob("*.whl")
    folder = servers_folder / "released"
    zipfile.ZipFile(wheel).extractall(folder)
    return Code(wheel.name.split("-")[1], folder)


@pytest.fixture(scope="module", params=["forth", pytest.param("back", marks=pytest.mark.soak)])
def rollout(request: pytest.FixtureRequest, released: Code) -> Rollout:
    """From the released version to this one; in the long runs also the way back."""
    if request.param == "forth":
        return Rollout(released, CURRENT, [*PARTS])
    return Rollout(CURRENT, released, [*reversed(PARTS)])


@pytest.fixture(scope="module")
def urls(postgres_server: Postgres, rollout: Rollout) -> DatabaseUrls:
    """A database without tables."""
    name = f"upgrade_from_{rollout.before.version}"
    with psycopg.connect(postgres_server.url("superuser", "postgres"), autocommit=True) as connection:
        connection.execute(f'create database "{name}" owner cutroom_owner')
    return DatabaseUrls(*(postgres_server.url(role, name) for role in ("app", "system", "owner")))


@pytest.fixture(scope="module")
def fleet(servers_folder: Path, urls: DatabaseUrls, released: Code, rollout: Rollout) -> Iterator[Fleet]:
    """All parts, on the version that is to be replaced."""
    home, secrets, console = servers_folder / f"upgrade-from-{rollout.before.version}", Secrets(), Console(stderr=True)
    home.mkdir()
    temporal = Temporal(ensure(TEMPORAL, console), home / "temporal", free_port(), free_port())
    keys = (secrets.s3_access_key, secrets.s3_secret_key)
    store = S3(ensure(VERSITYGW, console), home / "s3", free_port(), *keys, "cutroom")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CUTROOM_")},
        "CUTROOM_HOME": str(home),
        "CUTROOM_API_PORT": str(free_port()),
        "CUTROOM_METRICS_PORT": "0",
        "CUTROOM_MEDIA_SLOTS": "1",
        "CUTROOM_DATABASE_URL": urls.app,
        "CUTROOM_DATABASE_SYSTEM_URL": urls.system,
        "CUTROOM_TEMPORAL_ADDRESS": temporal.address,
        "CUTROOM_S3_ENDPOINT": store.endpoint,
        "CUTROOM_S3_ACCESS_KEY": store.access_key,
        "CUTROOM_S3_SECRET_KEY": store.secret_key,
        "CUTROOM_S3_BUCKET": store.bucket,
    }
    fleet = Fleet(home, environment)
    with ExitStack() as servers:
        servers.enter_context(serving(temporal, temporal_module.environment(), home / "temporal.log"))
        servers.enter_context(serving(store, store.environment(), home / "s3.log"))
        released.python(environment, PREPARE, urls.owner, urls.system, str(home / "token"))
        rollout.before.migrate(environment, urls.owner)
        try:
            fleet.start(rollout.before, *PARTS)
            yield fleet
        finally:
            fleet.end(*fleet.running)


@pytest.fixture(scope="module")
def client(fleet: Fleet) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{fleet.environment['CUTROOM_API_PORT']}", (fleet.home / "token").read_text().strip()) as client:
        yield client
