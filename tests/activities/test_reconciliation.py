"""What reconciliation does with jobs that their workflows left behind."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

import activities.reconciliation as reconciling
from activities.base import Resources, Task
from activities.money import hold_credits
from activities.reconciliation import expire_grants, purge_records, reconcile_holds, reconcile_jobs, sweep_store, sweep_uploads
from cutroom.contracts.base import ArtifactRef, JobRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.contracts.reconciliation import EveryOrganisation
from cutroom.errors import Conflict
from cutroom.store import jobs, ledger, payments, reconciliation, uploads
from cutroom.store.ledger import Balance
from cutroom.store.tables import Asset, IdempotencyKey, Job, KeptQuote, Outbox, Upload
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


async def test_records_that_nobody_needs_any_more_go_and_all_others_stay(
    task: Task, resources: Resources, paid_job: JobRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches of one, so that more than one is needed."""
    monkeypatch.setattr(reconciling, "PURGED_AT_ONCE", 1)
    now, org = datetime.now(UTC), {"org_id": paid_job.org_id}
    row = await row_of(resources, paid_job)

    def ago(days: float) -> datetime:
        return now - timedelta(days=days)

    def quote_row(id: str, ended: datetime, job_id: str | None) -> KeptQuote:
        return KeptQuote(id=id, **org, mode="live", kind="campaign", asset_id=row.asset_id, job_id=job_id, expires_at=ended)

    def key_row(key: str, created_at: datetime) -> IdempotencyKey:
        return IdempotencyKey(**org, route="r", key=key, body_sha256="", status=202, created_at=created_at)

    names = {name: new_id("out") for name in ("old 1", "old 2", "new", "waiting")}
    async with resources.all_organisations.transaction(None) as session:
        for name, done_at in (("old 1", ago(8)), ("old 2", ago(9)), ("new", ago(6.9)), ("waiting", None)):
            session.add(Outbox(id=names[name], **org, kind="start", target="x/y", created_at=ago(99), done_at=done_at, next_at=now))
        session.add_all([key_row("old 1", ago(31)), key_row("old 2", ago(400)), key_row("new", ago(29.9))])
        used, ended = new_id("quo"), [new_id("quo") for _ in range(2)]
        session.add_all([quote_row(ended[0], ago(31), None), quote_row(ended[1], ago(99), None)])
        session.add_all([quote_row(used, ago(99), paid_job.job_id), quote_row("quo_new", ago(29.9), None)])
    counts = (await purge_records(task, EveryOrganisation())).counts
    assert counts == {"purged_outbox": 2, "purged_idempotency_keys": 2, "purged_quotes": 2}
    async with resources.all_organisations.transaction(None) as session:
        outbox = await session.scalars(select(col(Outbox.id)).where(col(Outbox.org_id) == paid_job.org_id))
        keys = await session.scalars(select(col(IdempotencyKey.key)).where(col(IdempotencyKey.org_id) == paid_job.org_id))
        quotes = await session.scalars(select(col(KeptQuote.id)).where(col(KeptQuote.org_id) == paid_job.org_id))
        assert {*outbox} == {names["new"], names["waiting"]}
        assert ({*keys}, {*quotes}) == ({"new"}, {used, "quo_new"})


async def test_an_ingest_that_nobody_works_on_is_started_anew(task: Task, resources: Resources, paid_job: JobRef) -> None:
    upload = await add_upload(resources, paid_job.org_id, "completing", timedelta(hours=1))
    for _ in range(2):
        await reconcile_jobs(task, EveryOrganisation())
    assert "lost_ingest" in await findings_of(resources, paid_job)
    await sweep_once(resources.all_organisations, resources.engine)
    assert await resources.engine.state(f"ingest/{upload.asset_id}") is RunState.RUNNING


async def test_an_upload_that_was_not_finished_in_time_is_given_up(task: Task, resources: Resources, paid_job: JobRef) -> None:
    late = await add_upload(resources, paid_job.org_id, "open", -timedelta(minutes=1))
    early = await add_upload(resources, paid_job.org_id, "open", timedelta(minutes=1))
    await sweep_uploads(task, EveryOrganisation())
    async with resources.database.transaction(paid_job.org_id) as session:
        assert (await uploads.get(session, late.id)).status == "aborted"
        assert (await uploads.get(session, early.id)).status == "open"


async def test_the_parts_of_an_upload_that_nobody_can_finish_are_freed(
    task: Task, resources: Resources, paid_job: JobRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, soon = f"org/{paid_job.org_id}/assets/x/source/y", datetime.now(UTC) + timedelta(hours=1)
    upload_id = await resources.objects.create_multipart(key)
    await sweep_store(task, EveryOrganisation())
    assert upload_id in [one.upload_id for one in await resources.objects.list_multiparts(soon)]
    monkeypatch.setattr(reconciling, "UPLOAD_GRACE", -timedelta(days=2))
    await sweep_store(task, EveryOrganisation())
    assert await resources.objects.list_multiparts(soon) == []


async def test_credits_past_their_end_expire(task: Task, resources: Resources, paid_job: JobRef) -> None:
    async with resources.database.transaction(paid_job.org_id) as session:
        ended = datetime.now(UTC) - timedelta(days=1)
        await ledger.grant(session, paid_job.org_id, "live", 7, "short", new_id("grt"), ended)
    found = await expire_grants(task, EveryOrganisation())
    assert found.counts["expired_credits"] >= 7
    assert (await balance_of(resources, paid_job)).expired == 7


async def test_a_job_to_which_nothing_happens_is_told_of_once(
    task: Task, resources: Resources, paid_job: JobRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    await start(resources, paid_job)
    async with resources.database.transaction(paid_job.org_id) as session:
        await jobs.record_event(session, EventInput(job=paid_job, seq=1, kind="status", status=JobStatus.PROCESSING))
    monkeypatch.setattr(reconciling, "QUIET", -timedelta(minutes=1))
    for _ in range(2):
        await reconcile_jobs(task, EveryOrganisation())
    assert await findings_of(resources, paid_job) == ["stuck"]


async def test_nothing_is_held_for_a_job_that_has_ended(task: Task, resources: Resources, paid_job: JobRef) -> None:
    async with resources.database.transaction(paid_job.org_id) as session:
        await jobs.record_event(session, EventInput(job=paid_job, seq=1, kind="status", status=JobStatus.CANCELED))
    with pytest.raises(Conflict) as caught:
        await hold_credits(task, paid_job)
    assert caught.value.code == "job_ended"


async def terminated_summary(resources: Resources, paid: JobRef, status: str, files: dict[str, ArtifactRef]) -> JobRef:
    """A summary whose payment is `status`, and whose workflow an operator ended."""
    job = JobRef(org_id=paid.org_id, job_id=new_id("sum"))
    row = Job(id=job.job_id, org_id=job.org_id, kind="summary", mode="live", status="processing", asset_id=None, price={})
    row.asset_id = (await row_of(resources, paid)).asset_id
    async with resources.database.transaction(job.org_id) as session:
        await jobs.create(session, row)
        payment = await payments.begin(session, job, "live", 50, "usd")
        payment.status, payment.intent_id = status, f"pi_{job.job_id}"
        await jobs.record_files(session, job, files)
    await resources.engine.start("summary", job.job_id, job.org_id, job.model_dump())
    await (await resources.engine.client()).get_workflow_handle(f"summary/{job.job_id}").terminate()
    return job


@pytest.mark.parametrize("status", ["pending", "authorised", "unknown", "captured"])
async def test_a_terminated_summary_fails_and_a_workflow_gives_its_payment_back(
    task: Task, resources: Resources, paid_job: JobRef, status: str
) -> None:
    job = await terminated_summary(resources, paid_job, status, {})
    await reconcile_jobs(task, EveryOrganisation())
    row = await row_of(resources, job)
    assert (row.status, row.error_code) == ("failed", "workflow_terminated")
    await sweep_once(resources.all_organisations, resources.engine)
    assert await resources.engine.state(f"payment_release/{job.job_id}") is RunState.RUNNING


async def test_a_terminated_summary_that_was_paid_and_can_be_read_has_succeeded(
    task: Task, resources: Resources, paid_job: JobRef
) -> None:
    file = ArtifactRef(key=f"org/{paid_job.org_id}/summary", sha256="0" * 64, size=1)
    job = await terminated_summary(resources, paid_job, "captured", {"summary": file})
    await reconcile_jobs(task, EveryOrganisation())
    row = await row_of(resources, job)
    assert (row.status, row.error_code) == ("succeeded", "")
    await sweep_once(resources.all_organisations, resources.engine)
    assert await resources.engine.state(f"payment_release/{job.job_id}") is RunState.UNKNOWN


async def add_upload(resources: Resources, org_id: str, status: str, expires_in: timedelta) -> Upload:
    asset = Asset(id=new_id("ast"), org_id=org_id, kind="video", status="verifying", filename="a.mp4", size=1)
    upload = Upload(
        id=new_id("upl"),
        org_id=org_id,
        asset_id=asset.id,
        status=status,
        key=f"org/{org_id}/assets/{asset.id}/source/1",
        store_upload_id="none",
        part_size=1,
        part_count=1,
        size=1,
        expires_at=datetime.now(UTC) + expires_in,
    )
    async with resources.database.transaction(org_id) as session:
        await uploads.create(session, asset, upload)
    return upload
