"""Credits: what there is, and every change of it."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from api.deps import CreditsRead, PageDep, ServicesDep
from api.resources import ListOf
from cutroom.store import ledger

router = APIRouter(prefix="/v1/credits", tags=["money"])


class Credits(BaseModel):
    """Of the token's mode. `available + held + spent + expired + revoked = granted`, always."""

    mode: str
    available: int
    held: int
    spent: int
    expired: int
    revoked: int
    granted: int


class CreditEntry(BaseModel):
    """One operation. phase: grant | hold | settle | expire | revoke. `amounts`: account -> change in credits."""

    operation_id: str
    phase: str
    mode: str
    job_id: str | None
    at: datetime
    amounts: dict[str, int]


@router.get("")
async def get_credits(services: ServicesDep, caller: CreditsRead) -> Credits:
    async with services.database.transaction(caller.org_id) as session:
        balance = await ledger.balance(session, caller.org_id, caller.mode)
    return Credits.model_validate({"mode": caller.mode, **vars(balance)})


@router.get("/entries")
async def list_credit_entries(services: ServicesDep, caller: CreditsRead, page: PageDep) -> ListOf[CreditEntry]:
    """Newest first."""
    async with services.database.transaction(caller.org_id) as session:
        found = await ledger.entries(session, caller.org_id, caller.mode, page.cursor, page.limit)
    return ListOf(items=[CreditEntry.model_validate(vars(entry)) for entry in found.items], next_cursor=found.next_cursor)
