"""Buying a plan or a pack on Stripe's pages, and changing or ending a plan there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter
from pydantic import AfterValidator, AnyHttpUrl, BaseModel, ConfigDict, Field

from api.deps import Caller, CreditsWrite, IdempotencyKey, Services, ServicesDep
from cutroom.errors import Conflict, InvalidRequest, NotFound
from cutroom.money.books import CURRENT
from cutroom.money.cards import Cards
from cutroom.money.checkouts import Sold, open_checkout, open_portal, page_key, plan_subscribed
from cutroom.store import card_events, plans

router = APIRouter(prefix="/v1", tags=["money"])

Url = Annotated[AnyHttpUrl, Field(max_length=2000), AfterValidator(str)]


class NewCheckout(BaseModel):
    """Name a plan or a pack of `GET /v1/prices`."""

    model_config = ConfigDict(extra="forbid")
    plan: str | None = Field(None, max_length=50)
    pack: str | None = Field(None, max_length=50)
    success_url: Url
    cancel_url: Url


class NewPortalSession(BaseModel):
    model_config = ConfigDict(extra="forbid")
    return_url: Url


class CheckoutResource(BaseModel):
    """Send the person who pays to `url`. Credits come with the payment, within seconds."""

    id: str
    url: str


class PortalResource(BaseModel):
    url: str


@router.post("/checkouts", status_code=201)
async def create_checkout(
    wanted: NewCheckout, services: ServicesDep, caller: CreditsWrite, idempotency_key: IdempotencyKey = None
) -> CheckoutResource:
    """Open a page that sells a plan or a pack. The same key with the same body is the same page, for a day."""
    cards = services.cards(caller.mode)
    sold = _sold(wanted)
    customer = await _customer(services, caller, cards, sold)
    key = page_key(caller.org_id, caller.mode, "checkout", idempotency_key or uuid4().hex)
    with _one_body_a_key():
        id, url = await open_checkout(cards, caller.org_id, customer, sold, str(wanted.success_url), str(wanted.cancel_url), key)
    return CheckoutResource(id=id, url=url)


@router.post("/portal-sessions", status_code=201)
async def create_portal_session(
    wanted: NewPortalSession, services: ServicesDep, caller: CreditsWrite, idempotency_key: IdempotencyKey = None
) -> PortalResource:
    """Open a page on which the plan is changed or ended, and cards and invoices are seen. A key is as with a checkout."""
    async with services.database.transaction(caller.org_id) as session:
        customer = await card_events.customer_of(session, caller.org_id, caller.mode)
    if customer is None:
        raise NotFound("This organisation has bought nothing by card yet.", code="customer_unknown")
    key = page_key(caller.org_id, caller.mode, "portal", idempotency_key or uuid4().hex)
    with _one_body_a_key():
        return PortalResource(url=await open_portal(services.cards(caller.mode), customer, str(wanted.return_url), key))


@contextmanager
def _one_body_a_key() -> Iterator[None]:
    """Stripe remembers what a key was sent with; its conflict is ours."""
    try:
        yield
    except Conflict as error:
        if error.code != "operation_differs":
            raise
        raise InvalidRequest("This key was sent with another body before.", code="idempotency_key_reused") from error


def _sold(wanted: NewCheckout) -> Sold:
    match wanted.plan, wanted.pack:
        case str(plan), None:
            sold = Sold(CURRENT, "plan", plan)
        case None, str(pack):
            sold = Sold(CURRENT, "pack", pack)
        case _:
            raise InvalidRequest("Name a plan or a pack, and not both.", code="offer_unclear")
    sold.offer()
    return sold


async def _customer(services: Services, caller: Caller, cards: Cards, sold: Sold) -> str:
    """Stripe's customer of the organisation, made where there is none. Raises Conflict (`plan_subscribed`)."""
    async with services.database.transaction(caller.org_id) as session:
        if sold.kind == "plan" and await plans.plan_of(session, caller.org_id, caller.mode) is not None:
            raise plan_subscribed()
        customer = await card_events.customer_of(session, caller.org_id, caller.mode)
    if customer is None:
        made = await cards.create_customer(caller.org_id)
        async with services.database.transaction(caller.org_id) as session:
            customer = await card_events.keep_customer(session, caller.org_id, caller.mode, made)
    return customer
