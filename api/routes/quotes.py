"""What a job would cost at most."""

from datetime import datetime

from fastapi import APIRouter

from api.deps import JobsRead, ServicesDep, until
from api.requests import NewQuote
from api.sources import length_of, source_of
from cutroom.money.prices import Quote, quote

router = APIRouter(prefix="/v1/quotes", tags=["money"])

QUOTE_TTL_S = 24 * 3600


class QuoteResource(Quote):
    expires_at: datetime


@router.post("")
async def create_quote(wanted: NewQuote, services: ServicesDep, caller: JobsRead) -> QuoteResource:
    """The lines of a price and their total. Nothing is held."""
    async with services.database.transaction(caller.org_id) as session:
        video = await source_of(session, wanted.asset_id, "video", "asset_id")
    price = quote(wanted.kind, source_s=length_of(video), clips=wanted.clips.count)
    return QuoteResource(**price.model_dump(), expires_at=until(QUOTE_TTL_S))
