"""An organisation with jobs to hold credits for."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.money.prices import quote
from cutroom.store import identity
from cutroom.store.database import Database
from cutroom.store.tables import Clip, Job
from tests.conftest import DatabaseUrls

NewJob = Callable[[], Awaitable[JobRef]]
AddClips = Callable[[JobRef, list[str]], Awaitable[None]]


@pytest.fixture
async def app(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    """Ten connections, so that calls really race."""
    database = Database(database_urls.app, pool_size=10)
    yield database
    await database.close()


@pytest.fixture
async def org_id(system: Database) -> str:
    async with system.transaction(None) as session:
        return await identity.create_organisation(session, "test")


@pytest.fixture
def new_job(app: Database, org_id: str) -> NewJob:
    """Adds a live campaign of 3 clips from 5 started minutes: 20 credits."""

    async def add() -> JobRef:
        price = quote("campaign", source_s=290.0, clips=3).model_dump()
        job = Job(id=new_id("cmp"), org_id=org_id, kind="campaign", mode="live", status="queued", price=price)
        async with app.transaction(org_id) as session:
            session.add(job)
        return JobRef(org_id=org_id, job_id=job.id)

    return add


@pytest.fixture
def add_clips(app: Database) -> AddClips:
    """Gives a job clips in these states."""

    async def add(job: JobRef, states: list[str]) -> None:
        clips = [
            Clip(id=new_id("clp"), org_id=job.org_id, job_id=job.job_id, ordinal=number, status=state, start_s=0.0, end_s=30.0)
            for number, state in enumerate(states, 1)
        ]
        async with app.transaction(job.org_id) as session:
            session.add_all(clips)

    return add
