"""What things cost, and what plans allow."""

from fastapi import APIRouter
from pydantic import BaseModel

from api.deps import JobsRead
from cutroom.money.books import BOOKS, CURRENT, Pack, Plan

router = APIRouter(prefix="/v1/prices", tags=["money"])


class PricesResource(BaseModel):
    """`prices`: kind of job -> line -> what one of it costs, in the kind's usual unit; `analysis` and `minute` count started
    source minutes.

    `unit` is that of kinds paid in credits. `tariffs` has all: kind of job -> `credit` or a currency, in minor units -> the
    same, and under `minimums` the least that a job costs there. `plans` and `packs` are what can be bought, by the month or once.
    """

    price_version: str
    unit: str = "credit"
    prices: dict[str, dict[str, int]]
    tariffs: dict[str, dict[str, dict[str, int]]]
    minimums: dict[str, dict[str, int]]
    plans: list[Plan]
    packs: list[Pack]


@router.get("")
async def list_prices(_: JobsRead) -> PricesResource:
    book = BOOKS[CURRENT]
    tariffs = {kind: {unit: tariff.lines for unit, tariff in units.items()} for kind, units in book.prices.items()}
    return PricesResource(
        price_version=book.version,
        prices={kind: next(iter(units.values())) for kind, units in tariffs.items()},
        tariffs=tariffs,
        minimums={kind: {unit: tariff.minimum for unit, tariff in units.items()} for kind, units in book.prices.items()},
        plans=list(book.plans.values()),
        packs=list(book.packs.values()),
    )
