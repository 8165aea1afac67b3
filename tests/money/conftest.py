"""An organisation with books, and jobs to hold credits for."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import astuple
from datetime import UTC, datetime, timedelta

import pytest

from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import Settled
from cutroom.money.prices import quote
from cutroom.store import corrections, identity, ledger
from cutroom.store.database import Database
from cutroom.store.tables import Clip, Job
from tests.conftest import DatabaseUrls

NewJob = Callable[[], Awaitable[JobRef]]
AddClips = Callable[[JobRef, list[str]], Awaitable[None]]


DAY_0 = datetime(2026, 11, 1, tzinfo=UTC)


def on(day: float) -> datetime:
    return DAY_0 + timedelta(days=day)


class Books:
    """One organisation's live credits; each call is a transaction of its own, on a day."""

    def __init__(self, database: Database, org_id: str) -> None:
        self.database = database
        self.org_id = org_id

    async def grant(self, amount: int, *, day: float = 0, ends: float | None = None, name: str = "", mode: str = "live") -> str:
        end = None if ends is None else on(ends)
        async with self.database.transaction(self.org_id) as session:
            return await ledger.grant(session, self.org_id, mode, amount, "test", name or new_id("grt"), end, now=on(day))

    async def hold(self, job: JobRef, amount: int, *, day: float = 0, mode: str = "live") -> None:
        async with self.database.transaction(self.org_id) as session:
            await ledger.hold(session, job, mode, amount, now=on(day))

    async def settle(self, job: JobRef, spent: int, *, day: float = 0) -> Settled:
        async with self.database.transaction(self.org_id) as session:
            return await ledger.settle(session, job, spent, now=on(day))

    async def refund(self, job: JobRef, amount: int, *, name: str = "refund", day: float = 0) -> None:
        async with self.database.transaction(self.org_id) as session:
            await corrections.refund(session, job, amount, "test", name, now=on(day))

    async def adjust(self, amount: int, *, name: str = "adjust", reason: str = "test", day: float = 0, mode: str = "live") -> None:
        async with self.database.transaction(self.org_id) as session:
            await corrections.adjust(session, self.org_id, mode, amount, reason, name, now=on(day))

    async def revoke(self, *grant_ids: str, amount: int | None = None, name: str | None = None, day: float = 0) -> int:
        async with self.database.transaction(self.org_id) as session:
            return await corrections.revoke(session, self.org_id, grant_ids, amount=amount, operation_id=name, now=on(day))

    async def expire(self, *, day: float) -> int:
        async with self.database.transaction(self.org_id) as session:
            return await ledger.expire_due(session, on(day))

    async def balance(self, *, day: float = 0, mode: str = "live") -> tuple[int, ...]:
        """available, held, spent, expired, revoked; their sum is what was granted"""
        async with self.database.transaction(self.org_id) as session:
            balance = await ledger.balance(session, self.org_id, mode, now=on(day))
        assert sum(astuple(balance)[:-1]) == balance.granted
        return astuple(balance)[:-1]


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
def books(app: Database, org_id: str) -> Books:
    return Books(app, org_id)


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
