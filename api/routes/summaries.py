"""Summaries: a recording becomes a summary, key points, chapters, highlights and a reel of these, paid by card."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from api.controls import tell
from api.deps import Caller, IdempotencyKey, JobsRead, JobsWrite, PageDep, PathId, ServicesDep
from api.handing import SWEEPER_WAITS_S, Made, Once
from api.requests import NewSummary
from api.resources import JobResource, ListOf, job_resources
from api.sources import length_of, sources_of
from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id, workflow_id
from cutroom.contracts.jobs import JobStatus
from cutroom.contracts.media import MediaFacts
from cutroom.errors import BadInput, Conflict, Unreachable
from cutroom.money import entitlements
from cutroom.money.books import CURRENT
from cutroom.money.plans import Plan
from cutroom.money.prices import Quote, quote
from cutroom.store import jobs, outbox, payments, quotes
from cutroom.store.tables import Asset, Job, KeptQuote
from cutroom.telemetry import tracing

KIND = "summary"
PAYABLE = ("requires_payment_method", "requires_confirmation", "requires_action")

router = APIRouter(prefix="/v1/summaries", tags=["summaries"])


class PaymentResource(BaseModel):
    """What to pay, and how it stands with the card processor. Amounts in minor units of `currency`.

    `client_secret`: with it the payer's browser or app confirms the card; null once that is done. `reason`: why the last try
    did not go through. What is held is captured before `capture_before`, or given back.
    """

    intent_id: str
    status: str
    amount: int
    currency: str
    captured: int
    client_secret: str | None
    reason: str | None
    capture_before: datetime | None


async def get_summary_row(summary_id: PathId, services: ServicesDep, caller: JobsRead) -> Job:
    async with services.database.transaction(caller.org_id) as session:
        return await jobs.get(session, summary_id, KIND)


SummaryDep = Annotated[Job, Depends(get_summary_row)]


@router.post("", status_code=202, response_model=JobResource)
async def create_summary(
    wanted: NewSummary, services: ServicesDep, caller: JobsWrite, idempotency_key: IdempotencyKey = None
) -> Response:
    """Sum a recording up. Nothing is done before the card is authorised, and nothing charged before the summary exists."""
    services.cards(caller.mode)  # refuses where cards are not set up in this mode

    async def make(session: AsyncSession) -> Made:
        plan = await entitlements.plan_for(session, caller.org_id, caller.mode, services.settings.default_plan)
        job = await _new_job(session, wanted, caller, plan)
        ref = JobRef(org_id=job.org_id, job_id=job.id)
        price = Quote.model_validate(job.price)
        await payments.begin(session, ref, caller.mode, price.total, price.unit)
        target = workflow_id(KIND, job.id)
        started = await outbox.add(session, job.org_id, "start", target, ref.model_dump(), head_start_s=SWEEPER_WAITS_S)
        (resource,) = await job_resources(session, [job])
        return Made(202, resource, started)

    return await Once(services, caller, router.prefix, idempotency_key, wanted).respond(make)


async def _new_job(session: AsyncSession, wanted: NewSummary, caller: Caller, plan: Plan) -> Job:
    video, captions = await sources_of(session, wanted)
    entitlements.require_size(plan, video.size)
    entitlements.require_length(plan, length_of(video))
    if not MediaFacts.model_validate(video.media).has_audio:
        raise BadInput("The recording has no sound, so there is nothing to sum up.", code="no_speech", field="asset_id")
    kept = await _quoted(session, wanted, video.id, caller)
    await entitlements.require_room(session, caller.org_id, caller.mode, plan)
    request = wanted.model_dump(mode="json", exclude={"metadata", "external_id", "quote_id"})
    if wanted.reel is not None:
        request["reel"]["resolution"] = entitlements.resolution_of(plan, None)
    job = Job(
        id=new_id("sum"),
        org_id=caller.org_id,
        kind=KIND,
        mode=caller.mode,
        status=JobStatus.PENDING,
        traceparent=tracing.current(),
        asset_id=video.id,
        captions_asset_id=captions.id if captions else None,
        request=request,
        watermark=plan.watermark,
        retention_days=plan.retention_days,
        price=_price(video, wanted, kept).model_dump(),
        metadata_=wanted.metadata,
        external_id=wanted.external_id,
    )
    await jobs.create(session, job)
    if kept is not None:
        kept.job_id = job.id
    return job


async def _quoted(session: AsyncSession, wanted: NewSummary, asset_id: str, caller: Caller) -> KeptQuote | None:
    """The quote that the summary names; raises Conflict where it is in another currency than the one asked for, or without its
    reel. Without a reel the same prices hold.
    """
    if wanted.quote_id is None:
        return None
    kept = await quotes.claim(session, wanted.quote_id, caller.mode, KIND, asset_id)
    if wanted.currency not in (None, kept.price["unit"]) or (wanted.reel and not kept.request.get("reel")):
        raise quotes.differs()
    return kept


def _price(video: Asset, wanted: NewSummary, kept: KeptQuote | None) -> Quote:
    currency, version = (kept.price["unit"], kept.price["price_version"]) if kept else (wanted.currency, CURRENT)
    return quote(KIND, source_s=length_of(video), reel=wanted.reel is not None, currency=currency, version=version)


@router.get("")
async def list_summaries(
    services: ServicesDep, caller: JobsRead, page: PageDep, status: JobStatus | None = None
) -> ListOf[JobResource]:
    """Your summaries, newest first."""
    async with services.database.transaction(caller.org_id) as session:
        found = await jobs.read_list(session, KIND, status, page.cursor, page.limit)
        return ListOf(items=await job_resources(session, found.items), next_cursor=found.next_cursor)


@router.get("/{summary_id}")
async def get_summary(summary: SummaryDep, services: ServicesDep, caller: JobsRead) -> JobResource:
    async with services.database.transaction(caller.org_id) as session:
        (resource,) = await job_resources(session, [summary])
    return resource


@router.get("/{summary_id}/payment")
async def get_summary_payment(summary: SummaryDep, services: ServicesDep, caller: JobsWrite) -> PaymentResource:
    """The payment as the card processor has it now. 503 `payment_not_open` in the first moments: ask again."""
    async with services.database.transaction(caller.org_id) as session:
        payment = await payments.of_job(session, JobRef(org_id=summary.org_id, job_id=summary.id))
    if not payment.intent_id and payment.status == "canceled":
        raise Conflict("The job ended before its payment was opened; nothing was charged.", code="payment_canceled")
    if not payment.intent_id:
        raise Unreachable("The payment is not open yet; ask again in a moment.", code="payment_not_open")
    intent = await services.cards("live" if payment.mode == "live" else "test").get_intent(payment.intent_id)
    return PaymentResource(
        intent_id=intent.id,
        status=intent.status,
        amount=intent.amount,
        currency=intent.currency,
        captured=intent.amount_received,
        client_secret=intent.client_secret.get_secret_value() if intent.status in PAYABLE else None,
        reason=intent.cancel_reason or intent.decline_code or None,
        capture_before=intent.capture_before,
    )


@router.post("/{summary_id}/cancel", status_code=202)
async def cancel_summary(summary_id: PathId, services: ServicesDep, caller: JobsWrite) -> JobResource:
    """End it soon; the card is not charged, unless the summary is being handed over already. Safe to repeat."""
    return await tell(services, caller, KIND, summary_id, "cancel")


@router.post("/{summary_id}/pause", status_code=202)
async def pause_summary(summary_id: PathId, services: ServicesDep, caller: JobsWrite) -> JobResource:
    """Start no new step; the running ones end. It ends as expired before the card's authorisation lapses."""
    return await tell(services, caller, KIND, summary_id, "pause")


@router.post("/{summary_id}/resume", status_code=202)
async def resume_summary(summary_id: PathId, services: ServicesDep, caller: JobsWrite) -> JobResource:
    """Go on after a pause, or after somebody saw to what the summary waited for."""
    return await tell(services, caller, KIND, summary_id, "resume")
