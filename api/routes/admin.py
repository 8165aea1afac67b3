"""For operators: credits without a purchase, corrections, refunds, and what reconciliation found. Of the token's organisation."""

from datetime import datetime

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import Admin, IdempotencyKey, PageDep, ServicesDep
from api.handing import Made, Once
from api.requests import NewAdjustment, NewGrant, NewRefund
from api.resources import ListOf
from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.store import corrections, jobs, ledger, reconciliation

router = APIRouter(prefix="/v1/admin", tags=["admin"])


class GrantResource(BaseModel):
    id: str
    mode: str
    amount: int
    reason: str


class AdjustmentResource(BaseModel):
    """`id` is its `operation_id` in `/v1/credits/entries`."""

    id: str
    mode: str
    amount: int
    reason: str


class RefundResource(BaseModel):
    """`id` is its `operation_id` in `/v1/credits/entries`."""

    id: str
    job_id: str
    amount: int
    reason: str


class FindingResource(BaseModel):
    """kind: terminated | lost | stuck | orphaned_hold. `subject`: the id of what it is about."""

    id: str
    kind: str
    subject: str
    detail: str
    action: str
    at: datetime


@router.post("/grants", status_code=201, response_model=GrantResource)
async def create_grant(wanted: NewGrant, services: ServicesDep, caller: Admin, idempotency_key: IdempotencyKey = None) -> Response:
    """Give credits to the organisation and mode of the token."""

    async def make(session: AsyncSession) -> Made:
        operation_id = new_id("grt")
        grant_id = await ledger.grant(session, caller.org_id, caller.mode, wanted.amount, wanted.reason, operation_id)
        return Made(201, GrantResource(id=grant_id, mode=caller.mode, amount=wanted.amount, reason=wanted.reason))

    return await Once(services, caller, f"{router.prefix}/grants", idempotency_key, wanted).respond(make)


@router.post("/adjustments", status_code=201, response_model=AdjustmentResource)
async def create_adjustment(
    wanted: NewAdjustment, services: ServicesDep, caller: Admin, idempotency_key: IdempotencyKey = None
) -> Response:
    """Correct the credits of the organisation and mode of the token, up or down; never below zero."""

    async def make(session: AsyncSession) -> Made:
        id = new_id("adj")
        await corrections.adjust(session, caller.org_id, caller.mode, wanted.amount, wanted.reason, id)
        return Made(201, AdjustmentResource(id=id, mode=caller.mode, amount=wanted.amount, reason=wanted.reason))

    return await Once(services, caller, f"{router.prefix}/adjustments", idempotency_key, wanted).respond(make)


@router.post("/refunds", status_code=201, response_model=RefundResource)
async def create_refund(
    wanted: NewRefund, services: ServicesDep, caller: Admin, idempotency_key: IdempotencyKey = None
) -> Response:
    """Give back credits that a job spent. What comes back to a grant that has ended can be spent for 7 days."""

    async def make(session: AsyncSession) -> Made:
        job = await jobs.get(session, wanted.job_id)
        id = new_id("rfd")
        await corrections.refund(session, JobRef(org_id=job.org_id, job_id=job.id), wanted.amount, wanted.reason, id)
        return Made(201, RefundResource(id=id, job_id=job.id, amount=wanted.amount, reason=wanted.reason))

    return await Once(services, caller, f"{router.prefix}/refunds", idempotency_key, wanted).respond(make)


@router.get("/findings")
async def list_findings(services: ServicesDep, caller: Admin, page: PageDep) -> ListOf[FindingResource]:
    """What reconciliation found and did, newest first."""
    async with services.database.transaction(caller.org_id) as session:
        found = await reconciliation.findings(session, page.cursor, page.limit)
    items = [FindingResource.model_validate(finding, from_attributes=True) for finding in found.items]
    return ListOf(items=items, next_cursor=found.next_cursor)
