"""Holding what Postgres says against what Temporal and the store say, and mending the difference.

Terminated: the workflow is gone without a word; the job is closed, its hold settled, its card given back. Lost: Temporal knows
nothing of it; it is started anew and finds its artifacts. Stuck: nothing happens; somebody is told. Orphaned: a hold outlived
its job.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from activities.base import Task, implements
from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import workflow_id
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.contracts.reconciliation import (
    EXPIRE_FILES,
    EXPIRE_GRANTS,
    PURGE_RECORDS,
    RECONCILE_HOLDS,
    RECONCILE_JOBS,
    SWEEP_STORE,
    SWEEP_UPLOADS,
    EveryOrganisation,
    Findings,
)
from cutroom.errors import NotFound, Unreachable
from cutroom.money.billing import settle_job
from cutroom.money.entitlements import RETENTION_PERIODS
from cutroom.store import clips, jobs, ledger, outbox, payments, reconciliation, retention, uploads
from cutroom.store.artifacts import Scope
from cutroom.store.purge import PURGED, purge
from cutroom.store.reconciliation import OpenJob
from cutroom.store.tables import Job
from cutroom.telemetry import tracing
from cutroom.temporal.engine import RunState

log = structlog.get_logger(__name__)

TERMINATED = "An operator ended the work on this job; what was ready is kept and paid for, the rest was given back."
QUIET = timedelta(hours=6)
SWEPT_AT_ONCE, MOST_UNDELETED = 200, 5
PURGED_AT_ONCE, PURGES_AT_ONCE = 1000, 20
UPLOAD_GRACE = timedelta(hours=1)


@implements(RECONCILE_JOBS)
async def reconcile_jobs(task: Task, _: EveryOrganisation) -> Findings:
    """Look at each open job; what is mended is noted as a finding."""
    async with task.resources.all_organisations.transaction(None) as session:
        open_jobs = await reconciliation.open_jobs(session, QUIET)
    counts: Counter[str] = Counter()
    for done, job in enumerate(open_jobs, 1):
        state = await task.resources.engine.state(workflow_id(job.kind, job.ref.job_id))
        found = ""
        if state in (RunState.ENDED, RunState.TERMINATED):
            found = await _close(task, job)
        elif state is RunState.UNKNOWN:
            found = await _start_anew(task, job)
        elif job.quiet:
            found = await _tell(task, job)
        if found:
            counts[found] += 1
        task.beat(done, len(open_jobs))
    counts["lost_ingest"] += await _start_lost_ingests(task)
    return Findings(counts=+counts)


async def _start_lost_ingests(task: Task) -> int:
    """Start anew each ingest that no workflow works on any more; all its steps find what was done."""
    async with task.resources.all_organisations.transaction(None) as session:
        uploaded = await uploads.completing(session)
    started = 0
    for upload in uploaded:
        target = workflow_id("ingest", upload.asset_id)
        if await task.resources.engine.state(target) is RunState.RUNNING:
            continue
        async with task.resources.all_organisations.transaction(upload.org_id) as session:
            if await reconciliation.waits_in_outbox(session, target):
                continue
            payload = {"org_id": upload.org_id, "asset_id": upload.asset_id, "upload_id": upload.id, "anew": True}
            await outbox.add(session, upload.org_id, "start", target, payload)
            detail = "No workflow works on this upload."
            await reconciliation.add_finding(session, upload.org_id, "lost_ingest", upload.asset_id, detail, "Started anew.")
        started += 1
    return started


async def _close(task: Task, job: OpenJob) -> str:
    """End a job whose workflow ended without ending it."""
    async with task.resources.all_organisations.transaction(job.ref.org_id) as session:
        if not await reconciliation.is_live(session, job.ref):
            return ""
        row = await jobs.get(session, job.ref.job_id)
        status = JobStatus.CANCELED if job.cancel_requested else JobStatus.FAILED
        if row.kind == "summary":
            status, paid = await _close_card(session, job.ref, row, status)
        else:
            settled = await settle_job(session, job.ref)
            paid = f"{settled.spent} credits spent, {settled.released} given back"
        ended = EventInput(job=job.ref, seq=row.last_seq + 1, kind="status", status=status)
        if status is not JobStatus.SUCCEEDED:
            ended = ended.model_copy(update={"error_code": "workflow_terminated", "error_detail": TERMINATED})
        await jobs.record_event(session, ended)
        await clips.close_unfinished(session, job.ref, "workflow_terminated", "The job ended before this clip was ready.")
        detail, action = "The workflow ended without ending its job.", f"Closed as {status}; {paid}."
        await reconciliation.add_finding(session, job.ref.org_id, "terminated", job.ref.job_id, detail, action)
    return "terminated"


async def _close_card(session: AsyncSession, job: JobRef, row: Job, status: JobStatus) -> tuple[JobStatus, str]:
    """How a job ends that is paid by card, and what becomes of its payment. A captured one was kept only for what can be read."""
    if row.files.get("summary") and (await payments.of_job(session, job)).status == "captured":
        return JobStatus.SUCCEEDED, "what was paid for can be downloaded"
    await outbox.add(session, job.org_id, "start", workflow_id("payment_release", job.job_id), job.model_dump())
    return status, "the payment is given back"


async def _start_anew(task: Task, job: OpenJob) -> str:
    """Start a job's workflow again, unless its first start is still on its way."""
    target = workflow_id(job.kind, job.ref.job_id)
    async with task.resources.all_organisations.transaction(job.ref.org_id) as session:
        if await reconciliation.waits_in_outbox(session, target) or not await reconciliation.is_live(session, job.ref):
            return ""
        payload = {"org_id": job.ref.org_id, "job_id": job.ref.job_id, "last_seq": job.last_seq, "anew": True}
        with tracing.continuing(job.traceparent):
            await outbox.add(session, job.ref.org_id, "start", target, payload)
        detail = "Temporal knows nothing of the workflow."
        await reconciliation.add_finding(session, job.ref.org_id, "lost", job.ref.job_id, detail, "Started anew.")
    return "lost"


async def _tell(task: Task, job: OpenJob) -> str:
    """Note a job to which nothing happened for hours."""
    async with task.resources.all_organisations.transaction(job.ref.org_id) as session:
        detail = "Nothing happened for six hours; look at its workflow in Temporal's UI."
        new = await reconciliation.add_finding(session, job.ref.org_id, "stuck", job.ref.job_id, detail, "None.")
    return "stuck" if new else ""


@implements(RECONCILE_HOLDS)
async def reconcile_holds(task: Task, _: EveryOrganisation) -> Findings:
    """Settle the holds of jobs that have ended."""
    async with task.resources.all_organisations.transaction(None) as session:
        holds = await ledger.open_holds(session)
    orphaned = 0
    for hold in holds:
        orphaned += await _settle_orphan(task, JobRef(org_id=hold.org_id, job_id=hold.operation_id))
    return Findings(counts={"orphaned_hold": orphaned} if orphaned else {})


async def _settle_orphan(task: Task, job: JobRef) -> bool:
    async with task.resources.all_organisations.transaction(job.org_id) as session:
        if await reconciliation.is_live(session, job):
            return False
        try:
            settled = await settle_job(session, job)
        except NotFound:
            settled = await ledger.settle(session, job, 0)
        action = f"Settled; {settled.spent} credits spent, {settled.released} given back."
        await reconciliation.add_finding(session, job.org_id, "orphaned_hold", job.job_id, "A hold outlived its job.", action)
    return True


@implements(SWEEP_UPLOADS)
async def sweep_uploads(task: Task, _: EveryOrganisation) -> Findings:
    """Give up uploads that were not finished in time."""
    async with task.resources.all_organisations.transaction(None) as session:
        expired = await uploads.expired(session, SWEPT_AT_ONCE)
        for upload in expired:
            await uploads.abort(session, upload.id)
    return Findings(counts={"swept_upload": len(expired)} if expired else {})


@implements(SWEEP_STORE)
async def sweep_store(task: Task, _: EveryOrganisation) -> Findings:
    """Free the parts of uploads that nobody can finish any more."""
    objects = task.resources.objects
    age = timedelta(seconds=task.resources.settings.upload_ttl_s) + UPLOAD_GRACE
    stale = await objects.list_multiparts(datetime.now(UTC) - age)
    for done, upload in enumerate(stale, 1):
        await objects.abort_multipart(upload.key, upload.upload_id)
        task.beat(done, len(stale))
    return Findings(counts={"freed_upload": len(stale)} if stale else {})


@implements(EXPIRE_FILES)
async def expire_files(task: Task, _: EveryOrganisation) -> Findings:
    """Delete the files of jobs that are kept no longer; what belongs to the asset stays while that does.

    A job whose files cannot be deleted keeps few others from it. Raises Unreachable where it is no matter of single jobs.
    """
    counts: Counter[str] = Counter()
    async with task.resources.all_organisations.transaction(None) as session:
        expired = await retention.expired_jobs(session, RETENTION_PERIODS, SWEPT_AT_ONCE)
    for done, job in enumerate(expired, 1):
        try:
            await task.resources.objects.delete_prefix(Scope(job.org_id, job_id=job.job_id).prefix)
        except Unreachable as error:
            log.warning("files_not_deleted", org_id=job.org_id, job_id=job.job_id, code=error.code)
            counts["undeleted_files"] += 1
            if counts["undeleted_files"] == MOST_UNDELETED:
                raise
            continue
        async with task.resources.all_organisations.transaction(job.org_id) as session:
            await retention.note_deleted(session, job)
        counts["expired_files"] += 1
        task.beat(done, len(expired))
    return Findings(counts=counts)


@implements(PURGE_RECORDS)
async def purge_records(task: Task, _: EveryOrganisation) -> Findings:
    """Delete rows that nobody needs any more. What is more than some batches is left to the next minute."""
    counts: Counter[str] = Counter()
    for table in PURGED:
        for batch in range(1, PURGES_AT_ONCE + 1):
            async with task.resources.all_organisations.transaction(None) as session:
                deleted = await purge(session, table, PURGED_AT_ONCE)
            counts[f"purged_{table}"] += deleted
            task.beat(batch, PURGES_AT_ONCE)
            if deleted < PURGED_AT_ONCE:
                break
    return Findings(counts=+counts)


@implements(EXPIRE_GRANTS)
async def expire_grants(task: Task, _: EveryOrganisation) -> Findings:
    """Expire credits that can no longer be spent."""
    async with task.resources.all_organisations.transaction(None) as session:
        credits = await ledger.expire_due(session)
    return Findings(counts={"expired_credits": credits} if credits else {})
