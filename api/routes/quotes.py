"""What a job would cost at most: a promise for 30 minutes."""

from datetime import datetime

from fastapi import APIRouter, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import IdempotencyKey, JobsRead, PathId, ServicesDep, until
from api.handing import Made, Once
from api.requests import NewQuote, QuotedClips
from api.sources import length_of, source_of
from cutroom.contracts.ids import new_id
from cutroom.money import entitlements
from cutroom.money.prices import Quote, quote
from cutroom.store import quotes
from cutroom.store.tables import KeptQuote

router = APIRouter(prefix="/v1/quotes", tags=["money"])

QUOTE_TTL_S = 30 * 60


class QuoteResource(Quote):
    """Name `id` as `quote_id` where you create the job: then this price holds. `job_id`: the job that it was used for."""

    id: str
    kind: str
    asset_id: str
    job_id: str | None
    expires_at: datetime


@router.post("", response_model=QuoteResource)
async def create_quote(
    wanted: NewQuote, services: ServicesDep, caller: JobsRead, idempotency_key: IdempotencyKey = None
) -> Response:
    """The lines of a price and their total. Nothing is held. What your plan does not allow is refused, as the job would be."""

    async def make(session: AsyncSession) -> Made:
        video = await source_of(session, wanted.asset_id, "video", "asset_id")
        clips = wanted.clips or QuotedClips()
        count = clips.count if wanted.kind == "campaign" else 0
        plan = await entitlements.plan_for(session, caller.org_id, caller.mode, services.settings.default_plan)
        entitlements.require_size(plan, video.size)
        entitlements.require_length(plan, length_of(video))
        entitlements.resolution_of(plan, clips.resolution)
        price = quote(wanted.kind, source_s=length_of(video), clips=count, reel=wanted.reel, currency=wanted.currency)
        kept = KeptQuote(
            id=new_id("quo"),
            org_id=caller.org_id,
            mode=caller.mode,
            kind=wanted.kind,
            asset_id=video.id,
            request={"clips": count, "reel": wanted.reel},
            price=price.model_dump(),
            expires_at=until(QUOTE_TTL_S),
        )
        await quotes.keep(session, kept)
        return Made(200, _resource(kept))

    return await Once(services, caller, router.prefix, idempotency_key, wanted).respond(make)


@router.get("/{quote_id}")
async def get_quote(quote_id: PathId, services: ServicesDep, caller: JobsRead) -> QuoteResource:
    async with services.database.transaction(caller.org_id) as session:
        return _resource(await quotes.get(session, quote_id, caller.mode))


def _resource(kept: KeptQuote) -> QuoteResource:
    named = {"id": kept.id, "kind": kept.kind, "asset_id": kept.asset_id, "job_id": kept.job_id, "expires_at": kept.expires_at}
    return QuoteResource.model_validate({**kept.price, **named})
