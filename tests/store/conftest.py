"""An organisation with an asset and a job, the two roles' databases, and the object store."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from cutroom.contracts.ids import new_id
from cutroom.settings import Settings
from cutroom.store.database import Database
from cutroom.store.objects import ObjectStore
from cutroom.store.tables import Asset, Job, Organisation
from tests.conftest import DatabaseUrls, S3Server


@dataclass(frozen=True)
class Tenant:
    org_id: str
    asset_id: str
    job_id: str


@pytest.fixture
async def app(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    database = Database(database_urls.app)
    yield database
    await database.close()


@pytest.fixture
async def tenant(system: Database) -> Tenant:
    return await new_tenant(system)


async def new_tenant(system: Database) -> Tenant:
    new = Tenant(new_id("org"), new_id("ast"), new_id("cmp"))
    async with system.transaction(None) as session:
        session.add(Organisation(id=new.org_id, name="someone"))
        await session.flush()
        session.add(Asset(id=new.asset_id, org_id=new.org_id, kind="video", status="ready", filename="talk.mp4", size=1))
        session.add(Job(id=new.job_id, org_id=new.org_id, kind="campaign", mode="test", status="queued"))
    return new


@pytest.fixture
def store_settings(s3_server: S3Server) -> Settings:
    return Settings(
        s3_endpoint=s3_server.endpoint,
        s3_access_key=SecretStr(s3_server.access_key),
        s3_secret_key=SecretStr(s3_server.secret_key),
        s3_bucket=s3_server.bucket,
    )


@pytest.fixture
def objects(store_settings: Settings) -> ObjectStore:
    return ObjectStore(store_settings)


@pytest.fixture
def key(tmp_path: Path) -> str:
    """A key of this test alone."""
    return f"tests/{new_id('evt')}/object"
