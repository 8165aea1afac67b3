"""Activities called as functions, with the resources that a control worker has."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.base import Resources, Task
from activities.resources import open_resources
from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.money.prices import quote
from cutroom.settings import Settings
from cutroom.store import identity, jobs, ledger
from cutroom.store.tables import Asset, Job


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    async with open_resources(settings) as opened:
        yield opened


@pytest.fixture
def task(resources: Resources, tmp_path: Path) -> Task:
    """An attempt outside a worker: its heartbeats go nowhere."""
    return Task(resources, "test", JobRef(org_id="", job_id=""), "", "test", 1, tmp_path)


@pytest.fixture
async def paid_job(resources: Resources) -> JobRef:
    """A queued campaign with 100 credits behind it, 16 of them held."""
    job = JobRef(org_id=new_id("org"), job_id=new_id("cmp"))
    price = quote("campaign", source_s=45, clips=3)
    async with resources.all_organisations.transaction(None) as session:
        await identity.create_organisation(session, "test", job.org_id)
    async with resources.database.transaction(job.org_id) as session:
        await ledger.grant(session, job.org_id, "live", 100, "test", new_id("grt"))
        asset = Asset(id=new_id("ast"), org_id=job.org_id, kind="video", status="ready", filename="talk.mp4", size=1)
        session.add(asset)
        await session.flush()
        row = Job(
            id=job.job_id,
            org_id=job.org_id,
            kind="campaign",
            mode="live",
            status="queued",
            asset_id=asset.id,
            price=price.model_dump(),
        )
        await jobs.create(session, row)
        await ledger.hold(session, job, "live", price.total)
    return job
