"""What things cost."""

from fastapi import APIRouter
from pydantic import BaseModel

from api.deps import JobsRead
from cutroom.money import prices

router = APIRouter(prefix="/v1/prices", tags=["money"])


class PricesResource(BaseModel):
    """`prices`: kind of job -> line -> credits for one of it; `analysis` counts started source minutes."""

    price_version: str
    unit: str = "credit"
    prices: dict[str, dict[str, int]]


@router.get("")
async def list_prices(_: JobsRead) -> PricesResource:
    return PricesResource(price_version=prices.CURRENT, prices=prices.BOOKS[prices.CURRENT])
