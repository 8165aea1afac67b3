"""What a job holds and pays, from its row and its clips."""

import asyncio
from dataclasses import astuple

import pytest

from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import Settled
from cutroom.errors import InsufficientCredits, NotFound
from cutroom.money import billing
from cutroom.store import ledger
from cutroom.store.database import Database
from tests.money.conftest import AddClips, NewJob


@pytest.fixture
async def funded(app: Database, org_id: str) -> str:
    """The organisation, with 100 credits."""
    async with app.transaction(org_id) as session:
        await ledger.grant(session, org_id, "live", 100, "test", "first")
    return org_id


async def hold(app: Database, job: JobRef) -> None:
    async with app.transaction(job.org_id) as session:
        await billing.hold_job(session, job)


async def settle(app: Database, job: JobRef) -> Settled:
    async with app.transaction(job.org_id) as session:
        return await billing.settle_job(session, job)


async def available_and_held(app: Database, org_id: str) -> tuple[int, ...]:
    async with app.transaction(org_id) as session:
        return astuple(await ledger.balance(session, org_id, "live"))[:2]


@pytest.mark.parametrize(
    ("states", "spent"),
    [
        ([], 0),
        (["failed", "failed", "failed"], 0),
        (["processing", "processing", "processing"], 0),
        (["ready", "failed", "processing"], 5 + 5),
        (["ready", "ready", "failed"], 5 + 10),
        (["ready", "ready", "ready"], 20),
    ],
)
async def test_a_job_pays_for_what_can_be_downloaded_and_gets_the_rest_back(
    app: Database, funded: str, new_job: NewJob, add_clips: AddClips, states: list[str], spent: int
) -> None:
    job = await new_job()
    await hold(app, job)
    assert await available_and_held(app, funded) == (80, 20)
    await add_clips(job, states)
    assert await settle(app, job) == Settled(spent=spent, released=20 - spent)
    assert await available_and_held(app, funded) == (100 - spent, 0)


async def test_the_first_settling_decides_even_if_more_clips_follow(
    app: Database, funded: str, new_job: NewJob, add_clips: AddClips
) -> None:
    job = await new_job()
    await hold(app, job)
    first = await settle(app, job)
    await add_clips(job, ["ready", "ready"])
    assert await settle(app, job) == first == Settled(spent=0, released=20)


async def test_settling_from_several_places_at_once_charges_once(
    app: Database, funded: str, new_job: NewJob, add_clips: AddClips
) -> None:
    job = await new_job()
    await hold(app, job)
    await add_clips(job, ["ready"])
    answers = await asyncio.gather(*(settle(app, job) for _ in range(20)), *(hold(app, job) for _ in range(20)))
    assert set(answers) == {Settled(spent=10, released=10), None}
    assert await available_and_held(app, funded) == (90, 0)


async def test_a_job_that_was_never_held_settles_to_nothing(app: Database, funded: str, new_job: NewJob) -> None:
    job = await new_job()
    assert await settle(app, job) == Settled(spent=0, released=0)
    await hold(app, job)
    assert await available_and_held(app, funded) == (100, 0)


async def test_a_job_that_costs_more_than_there_is_is_refused(app: Database, funded: str, new_job: NewJob) -> None:
    for _ in range(5):
        await hold(app, await new_job())
    job = await new_job()
    with pytest.raises(InsufficientCredits):
        await hold(app, job)
    assert await available_and_held(app, funded) == (0, 100)


async def test_money_of_a_job_that_does_not_exist_is_not_found(app: Database, funded: str) -> None:
    job = JobRef(org_id=funded, job_id=new_id("cmp"))
    with pytest.raises(NotFound):
        await hold(app, job)
    with pytest.raises(NotFound):
        await settle(app, job)
