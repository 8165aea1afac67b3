"""Credits: what there is, and every change of it."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from api.deps import CreditsRead, PageDep, ServicesDep
from api.resources import ListOf
from cutroom.money.entitlements import plan_for
from cutroom.money.statements import to_csv
from cutroom.store import entries, ledger

router = APIRouter(prefix="/v1/credits", tags=["money"])


class Credits(BaseModel):
    """Of the token's mode. `available + held + spent + expired + revoked = granted`, always. `plan`: see `/v1/prices`."""

    mode: str
    available: int
    held: int
    spent: int
    expired: int
    revoked: int
    granted: int
    plan: str


class CreditEntry(BaseModel):
    """One operation. phase: grant | hold | settle | refund | adjust | expire | revoke. `amounts`: account -> change in credits."""

    operation_id: str
    phase: str
    mode: str
    job_id: str | None
    at: datetime
    reason: str
    amounts: dict[str, int]


@router.get("")
async def get_credits(services: ServicesDep, caller: CreditsRead) -> Credits:
    async with services.database.transaction(caller.org_id) as session:
        balance = await ledger.balance(session, caller.org_id, caller.mode)
        plan = await plan_for(session, caller.org_id, caller.mode, services.settings.default_plan)
    return Credits.model_validate({"mode": caller.mode, "plan": plan.name, **vars(balance)})


@router.get("/entries")
async def list_credit_entries(services: ServicesDep, caller: CreditsRead, page: PageDep) -> ListOf[CreditEntry]:
    """Newest first."""
    async with services.database.transaction(caller.org_id) as session:
        found = await entries.entries(session, caller.org_id, caller.mode, page.cursor, page.limit)
    return ListOf(items=[CreditEntry.model_validate(vars(entry)) for entry in found.items], next_cursor=found.next_cursor)


CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "RFC 4180, with a line of names."}
}
Moment = Annotated[datetime | None, Query(description="A day or a time, of UTC where it names no zone.")]


@router.get("/statement", response_class=Response, responses=CSV)
async def get_statement(
    services: ServicesDep,
    caller: CreditsRead,
    since: Annotated[Moment, Query(alias="from")] = None,
    until: Annotated[Moment, Query(alias="to")] = None,
) -> Response:
    """All entries from one moment on and before another, oldest first, between what there was and what there is then. CSV.

    366 days at most; without `from`, as far back as that.
    """
    async with services.database.transaction(caller.org_id) as session:
        found = await entries.statement(session, caller.org_id, caller.mode, _in_utc(since), _in_utc(until))
    headers = {"Content-Disposition": 'attachment; filename="credits.csv"'}
    return Response(to_csv(found), headers=headers, media_type="text/csv")


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
