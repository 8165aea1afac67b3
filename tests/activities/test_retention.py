"""The files of a job are deleted once they have expired: those, no others, and however often that is interrupted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import activities.reconciliation as reconciling
from activities.base import Resources, Task
from activities.reconciliation import expire_files
from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import JobStatus
from cutroom.contracts.reconciliation import EveryOrganisation
from cutroom.errors import Unreachable
from cutroom.local.ports import free_port
from cutroom.store import artifacts, jobs
from cutroom.store.artifacts import Scope
from cutroom.store.objects import ObjectStore
from cutroom.store.tables import Job

EXPIRED = timedelta(days=7, hours=1, minutes=1)


async def job_of(resources: Resources, like: JobRef, ended_ago: timedelta | None, retention_days: int | None) -> JobRef:
    """Another job on the asset of `like`."""
    async with resources.database.transaction(like.org_id) as session:
        asset_id = (await jobs.get(session, like.job_id)).asset_id
        row = Job(id=new_id("cmp"), org_id=like.org_id, kind="campaign", mode="live", status="queued", asset_id=asset_id)
        row.retention_days = retention_days
        if ended_ago is not None:
            row.status, row.ended_at = JobStatus.SUCCEEDED, datetime.now(UTC) - ended_ago
        await jobs.create(session, row)
    return JobRef(org_id=like.org_id, job_id=row.id)


async def store(task: Task, scope: Scope) -> str:
    """The key of an artifact of this scope."""

    async def make(path: Path) -> None:
        path.write_text(scope.id)

    return (await task.make_one(scope, 1, {}, [], ".txt", make)).key


def scope_of(job: JobRef) -> Scope:
    return Scope(job.org_id, job_id=job.job_id)


async def left(resources: Resources, scope: Scope, key: str) -> tuple[bool, int]:
    """Whether the object is there, and how many rows say so."""
    async with resources.database.transaction(scope.org_id) as session:
        rows = await artifacts.of(session, scope)
    return await resources.objects.head(key) is not None, len(rows)


async def row_of(resources: Resources, job: JobRef) -> Job:
    async with resources.database.transaction(job.org_id) as session:
        return await jobs.get(session, job.job_id)


async def test_what_a_job_made_is_deleted_and_what_belongs_to_the_asset_stays(
    task: Task, resources: Resources, paid_job: JobRef
) -> None:
    job = await job_of(resources, paid_job, EXPIRED, 7)
    shared = Scope(job.org_id, asset_id=(await row_of(resources, job)).asset_id)
    made, prepared = await store(task, scope_of(job)), await store(task, shared)
    await expire_files(task, EveryOrganisation())
    assert await left(resources, scope_of(job), made) == (False, 0)
    assert await left(resources, shared, prepared) == (True, 1)
    row = await row_of(resources, job)
    assert (row.status, row.files_deleted_at is not None) == ("succeeded", True)
    assert "expired_files" not in (await expire_files(task, EveryOrganisation())).counts


@pytest.mark.parametrize(
    ("ended_ago", "retention_days"),
    [(None, 7), (timedelta(days=6, hours=23), 7), (timedelta(days=7, minutes=50), 7), (timedelta(days=400), None)],
    ids=["runs", "kept", "given out a moment ago", "for ever"],
)
async def test_files_that_are_kept_stay(
    task: Task, resources: Resources, paid_job: JobRef, ended_ago: timedelta | None, retention_days: int | None
) -> None:
    job = await job_of(resources, paid_job, ended_ago, retention_days)
    made = await store(task, scope_of(job))
    await expire_files(task, EveryOrganisation())
    assert await left(resources, scope_of(job), made) == (True, 1)


async def test_a_job_whose_files_cannot_be_deleted_keeps_no_other_from_it(
    task: Task, resources: Resources, paid_job: JobRef
) -> None:
    locked, other = [await job_of(resources, paid_job, EXPIRED + timedelta(days=n), 7) for n in (1, 0)]

    class Locked(ObjectStore):
        async def delete_prefix(self, prefix: str) -> None:
            if prefix == scope_of(locked).prefix:
                raise Unreachable("An object lock holds it.", code="store_unavailable")
            await super().delete_prefix(prefix)

    objects = Locked(resources.settings)
    counts = (await expire_files(replace(task, resources=replace(resources, objects=objects)), EveryOrganisation())).counts
    assert counts == {"undeleted_files": 1, "expired_files": 1}
    assert [(await row_of(resources, job)).files_deleted_at is not None for job in (locked, other)] == [False, True]
    assert (await expire_files(task, EveryOrganisation())).counts == {"expired_files": 1}


async def test_a_deletion_that_broke_off_is_done_again_wherever_it_stopped(
    task: Task, resources: Resources, paid_job: JobRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, between = [await job_of(resources, paid_job, EXPIRED, 7) for _ in range(2)]
    keys = {job.job_id: await store(task, scope_of(job)) for job in (before, between)}
    monkeypatch.setattr(reconciling, "MOST_UNDELETED", 2)
    nowhere = ObjectStore(resources.settings.model_copy(update={"s3_endpoint": f"http://127.0.0.1:{free_port()}"}))
    with pytest.raises(Unreachable):
        await expire_files(replace(task, resources=replace(resources, objects=nowhere)), EveryOrganisation())
    assert await left(resources, scope_of(before), keys[before.job_id]) == (True, 1)
    await resources.objects.delete_prefix(scope_of(between).prefix)  # and no more than that
    assert (await row_of(resources, between)).files_deleted_at is None
    assert (await expire_files(task, EveryOrganisation())).counts == {"expired_files": 2}
    for job in (before, between):
        assert await left(resources, scope_of(job), keys[job.job_id]) == (False, 0)


async def test_a_run_deletes_so_much_and_the_next_one_goes_on_with_what_ended_later(
    task: Task, resources: Resources, paid_job: JobRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, early = [await job_of(resources, paid_job, EXPIRED + timedelta(days=n), 7) for n in range(2)]
    monkeypatch.setattr(reconciling, "SWEPT_AT_ONCE", 1)
    gone = []
    for _ in range(2):
        assert (await expire_files(task, EveryOrganisation())).counts == {"expired_files": 1}
        gone.append([(await row_of(resources, job)).files_deleted_at is not None for job in (early, late)])
    assert gone == [[True, False], [True, True]]
