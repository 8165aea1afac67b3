"""What reconciliation does with jobs that their workflows left behind."""

from activities.base import Resources, Task
from activities.reconciliation import reconcile_holds, reconcile_jobs
from cutroom.contracts.base import JobRef
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.contracts.reconciliation import EveryOrganisation
from cutroom.store import jobs, ledger, reconciliation
from cutroom.store.ledger import Balance
from cutroom.store.tables import Job
from cutroom.temporal.engine import RunState
from cutroom.temporal.outbox import sweep_once


async def row_of(resources: Resources, job: JobRef) -> Job:
    async with resources.database.transaction(job.org_id) as session:
        return await jobs.get(session, job.job_id)


async def balance_of(resources: Resources, job: JobRef) -> Balance:
    async with resources.database.transaction(job.org_id) as session:
        return await ledger.balance(session, job.org_id, "live")


async def findings_of(resources: Resources, job: JobRef) -> list[str]:
    async with resources.database.transaction(job.org_id) as session:
        return [finding.kind for finding in (await reconciliation.findings(session, None, 50)).items]


async def start(resources: Resources, job: JobRef) -> None:
    await resources.engine.start("campaign", job.job_id, job.org_id, job.model_dump())


async def test_a_terminated_job_fails_and_its_hold_comes_back(task: Task, resources: Resources, paid_job: JobRef) -> None:
    await start(resources, paid_job)
    await (await resources.engine.client()).get_workflow_handle(f"campaign/{paid_job.job_id}").terminate()
    await reconcile_jobs(task, EveryOrganisation())
    row = await row_of(resources, paid_job)
    assert (row.status, row.error_code) == ("failed", "workflow_terminated")
    balance = await balance_of(resources, paid_job)
    assert (balance.available, balance.held, balance.spent) == (100, 0, 0)
    assert await findings_of(resources, paid_job) == ["terminated"]


async def test_a_second_reconciliation_finds_nothing_more(task: Task, resources: Resources, paid_job: JobRef) -> None:
    await start(resources, paid_job)
    await (await resources.engine.client()).get_workflow_handle(f"campaign/{paid_job.job_id}").terminate()
    for _ in range(2):
        await reconcile_jobs(task, EveryOrganisation())
    assert await findings_of(resources, paid_job) == ["terminated"]


async def test_a_job_whose_workflow_runs_is_left_alone(task: Task, resources: Resources, paid_job: JobRef) -> None:
    await start(resources, paid_job)
    await reconcile_jobs(task, EveryOrganisation())
    assert (await row_of(resources, paid_job)).status == "queued"
    assert (await balance_of(resources, paid_job)).held == 16


async def test_a_job_that_temporal_knows_nothing_of_is_started_anew_and_counts_on(
    task: Task, resources: Resources, paid_job: JobRef
) -> None:
    async with resources.database.transaction(paid_job.org_id) as session:
        await jobs.record_event(session, EventInput(job=paid_job, seq=7, kind="status", status=JobStatus.PROCESSING))
    await reconcile_jobs(task, EveryOrganisation())
    assert await findings_of(resources, paid_job) == ["lost"]
    await sweep_once(resources.all_organisations, resources.engine)
    target = f"campaign/{paid_job.job_id}"
    assert await resources.engine.state(target) is RunState.RUNNING
    history = await (await resources.engine.client()).get_workflow_handle(target).fetch_history()
    assert b'"last_seq":7' in history.events[0].workflow_execution_started_event_attributes.input.payloads[0].data


async def test_a_start_that_is_still_on_its_way_is_not_doubled(task: Task, resources: Resources, paid_job: JobRef) -> None:
    for _ in range(2):
        await reconcile_jobs(task, EveryOrganisation())
    assert await findings_of(resources, paid_job) == ["lost"]


async def test_a_hold_that_outlived_its_job_comes_back(task: Task, resources: Resources, paid_job: JobRef) -> None:
    async with resources.database.transaction(paid_job.org_id) as session:
        ended = EventInput(job=paid_job, seq=1, kind="status", status=JobStatus.CANCELED)
        await jobs.record_event(session, ended)
    await reconcile_holds(task, EveryOrganisation())
    assert (await balance_of(resources, paid_job)).available == 100
    assert await findings_of(resources, paid_job) == ["orphaned_hold"]


async def test_the_hold_of_a_live_job_stays(task: Task, resources: Resources, paid_job: JobRef) -> None:
    await reconcile_holds(task, EveryOrganisation())
    assert (await balance_of(resources, paid_job)).held == 16
