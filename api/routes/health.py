"""Is this process alive, and can it work?"""

import asyncio
from collections.abc import Awaitable

from fastapi import APIRouter, Response
from pydantic import BaseModel

from api.deps import Services, ServicesDep
from api.problems import RETRY_AFTER_S
from cutroom.errors import CutroomError
from cutroom.telemetry.page import metrics_response

router = APIRouter(tags=["health"])

ANSWER_WITHIN_S = 3.0


class Alive(BaseModel):
    status: str = "ok"


class Readiness(BaseModel):
    """`parts`: database, store and temporal, each `ok` or the code of what is wrong.

    Without Temporal requests are still taken, and start when it is back: the API is ready all the same.
    """

    status: str
    parts: dict[str, str]


@router.get("/healthz")
async def healthz() -> Alive:
    return Alive()


@router.get("/metrics", include_in_schema=False)
async def metrics() -> Response:
    return await metrics_response()


@router.get("/readyz", responses={503: {"model": Readiness}})
async def readyz(services: ServicesDep, response: Response) -> Readiness:
    checks = {"database": _database(services), "store": services.objects.check(), "temporal": services.engine.check()}
    states = await asyncio.gather(*(_state(check) for check in checks.values()))
    parts = dict(zip(checks, states, strict=True))
    ready = parts["database"] == parts["store"] == "ok"
    if not ready:
        response.status_code, response.headers["Retry-After"] = 503, str(RETRY_AFTER_S)
    return Readiness(status="ready" if ready else "not_ready", parts=parts)


async def _database(services: Services) -> None:
    for role in (services.database, services.system):
        async with role.transaction(None) as session:
            await session.connection()


async def _state(check: Awaitable[object]) -> str:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await check
    except CutroomError as error:
        return error.code
    except TimeoutError:
        return "no_answer"
    return "ok"
