"""Campaigns: a long video becomes short vertical clips, paid from credits."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.controls import tell
from api.deps import Caller, IdempotencyKey, JobsRead, JobsWrite, PageDep, PathId, ServicesDep
from api.handing import SWEEPER_WAITS_S, Made, Once
from api.requests import NewCampaign
from api.resources import ClipResource, JobResource, ListOf, clip_resources, job_resources
from api.sources import length_of, sources_of, warnings_of
from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id, workflow_id
from cutroom.contracts.jobs import JobStatus
from cutroom.money import entitlements
from cutroom.money.billing import hold_job
from cutroom.money.books import CURRENT
from cutroom.money.plans import Plan
from cutroom.money.prices import quote
from cutroom.store import clips, jobs, outbox, quotes
from cutroom.store.tables import Job, KeptQuote
from cutroom.telemetry import tracing

KIND = "campaign"

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])


async def get_campaign_row(campaign_id: PathId, services: ServicesDep, caller: JobsRead) -> Job:
    async with services.database.transaction(caller.org_id) as session:
        return await jobs.get(session, campaign_id, KIND)


CampaignDep = Annotated[Job, Depends(get_campaign_row)]


@router.post("", status_code=202, response_model=JobResource)
async def create_campaign(
    wanted: NewCampaign, services: ServicesDep, caller: JobsWrite, idempotency_key: IdempotencyKey = None
) -> Response:
    """Make clips of a video. The most that it can cost is held at once; what is not delivered is given back."""

    async def make(session: AsyncSession) -> Made:
        plan = await entitlements.plan_for(session, caller.org_id, caller.mode, services.settings.default_plan)
        job = await _new_job(session, wanted, caller, plan)
        ref = JobRef(org_id=job.org_id, job_id=job.id)
        await hold_job(session, ref)
        target = workflow_id(KIND, job.id)
        started = await outbox.add(session, job.org_id, "start", target, ref.model_dump(), head_start_s=SWEEPER_WAITS_S)
        (resource,) = await job_resources(session, [job])
        return Made(202, resource, started)

    return await Once(services, caller, router.prefix, idempotency_key, wanted).respond(make)


async def _new_job(session: AsyncSession, wanted: NewCampaign, caller: Caller, plan: Plan) -> Job:
    video, captions = await sources_of(session, wanted)
    entitlements.require_size(plan, video.size)
    entitlements.require_length(plan, length_of(video))
    request = wanted.model_dump(mode="json", exclude={"metadata", "external_id", "quote_id"})
    request["clips"]["resolution"] = entitlements.resolution_of(plan, wanted.clips.resolution)
    kept = await _quoted(session, wanted, video.id, caller)
    version = kept.price["price_version"] if kept else CURRENT
    await entitlements.require_room(session, caller.org_id, caller.mode, plan)
    job = Job(
        id=new_id("cmp"),
        org_id=caller.org_id,
        kind=KIND,
        mode=caller.mode,
        status=JobStatus.QUEUED,
        traceparent=tracing.current(),
        asset_id=video.id,
        captions_asset_id=captions.id if captions else None,
        request=request,
        result={"warnings": warnings_of(video, captions)},
        watermark=plan.watermark,
        retention_days=plan.retention_days,
        price=quote(KIND, source_s=length_of(video), clips=wanted.clips.count, version=version).model_dump(),
        metadata_=wanted.metadata,
        external_id=wanted.external_id,
    )
    await jobs.create(session, job)
    if kept is not None:
        kept.job_id = job.id
    return job


async def _quoted(session: AsyncSession, wanted: NewCampaign, asset_id: str, caller: Caller) -> KeptQuote | None:
    """The quote that the campaign names. For fewer clips than quoted the same prices hold; raises Conflict for more."""
    if wanted.quote_id is None:
        return None
    kept = await quotes.claim(session, wanted.quote_id, caller.mode, KIND, asset_id)
    if wanted.clips.count > kept.request["clips"]:
        raise quotes.differs()
    return kept


@router.get("")
async def list_campaigns(
    services: ServicesDep, caller: JobsRead, page: PageDep, status: JobStatus | None = None
) -> ListOf[JobResource]:
    """Your campaigns, newest first."""
    async with services.database.transaction(caller.org_id) as session:
        found = await jobs.read_list(session, KIND, status, page.cursor, page.limit)
        return ListOf(items=await job_resources(session, found.items), next_cursor=found.next_cursor)


@router.get("/{campaign_id}")
async def get_campaign(campaign: CampaignDep, services: ServicesDep, caller: JobsRead) -> JobResource:
    async with services.database.transaction(caller.org_id) as session:
        (resource,) = await job_resources(session, [campaign])
    return resource


@router.post("/{campaign_id}/cancel", status_code=202)
async def cancel_campaign(campaign_id: PathId, services: ServicesDep, caller: JobsWrite) -> JobResource:
    """End it soon. What can be downloaded by then is kept and paid for, the rest is given back. Safe to repeat."""
    return await tell(services, caller, KIND, campaign_id, "cancel")


@router.post("/{campaign_id}/pause", status_code=202)
async def pause_campaign(campaign_id: PathId, services: ServicesDep, caller: JobsWrite) -> JobResource:
    """Start no new step; the running ones end. For 30 days at most."""
    return await tell(services, caller, KIND, campaign_id, "pause")


@router.post("/{campaign_id}/resume", status_code=202)
async def resume_campaign(campaign_id: PathId, services: ServicesDep, caller: JobsWrite) -> JobResource:
    """Go on after a pause, or after somebody saw to what the campaign waited for."""
    return await tell(services, caller, KIND, campaign_id, "resume")


@router.get("/{campaign_id}/clips")
async def list_campaign_clips(campaign: CampaignDep, services: ServicesDep, caller: JobsRead) -> ListOf[ClipResource]:
    """All clips of a campaign, best first; there are never more than 30."""
    async with services.database.transaction(caller.org_id) as session:
        return ListOf(items=await clip_resources(session, await clips.of_jobs(session, [campaign.id])))
