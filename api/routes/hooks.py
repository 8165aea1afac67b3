"""What Stripe sends: `POST /hooks/stripe`. Signed, kept once, acknowledged; a workflow sees to it afterwards."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Header, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

from api.deps import ServicesDep
from api.handing import SWEEPER_WAITS_S, hand_over
from cutroom.contracts.cards import CardEventInput
from cutroom.contracts.ids import workflow_id
from cutroom.money import stripe_signature
from cutroom.money.card_state import handles
from cutroom.store import card_events, outbox

router = APIRouter(prefix="/hooks", tags=["hooks"])


class About(BaseModel):
    """The object of an event. `customer`: its id, or the object itself where Stripe was asked to expand it."""

    model_config = ConfigDict(extra="ignore")
    id: str = Field("", max_length=255)
    customer: Any = None


class Data(BaseModel):
    object: About


class StripeEvent(BaseModel):
    """https://docs.stripe.com/api/events/object, as far as it is trusted: who and what, and nothing of how it stood."""

    id: str = Field(pattern=r"^evt_[A-Za-z0-9_]{1,200}$")
    type: str = Field(pattern=r"^[a-z0-9_.]{1,100}$")
    livemode: bool
    data: Data


class Received(BaseModel):
    """`new`: whether it was seen for the first time."""

    id: str
    new: bool


@router.post("/stripe")
async def receive_stripe_event(
    request: Request,
    services: ServicesDep,
    background: BackgroundTasks,
    stripe_signature_: Annotated[str, Header(alias="Stripe-Signature")] = "",
) -> Received:
    """For Stripe alone. Types that mean nothing here are kept and acknowledged too."""
    body = await request.body()
    secrets = services.settings.stripe_webhook_secrets.get_secret_value().split(",")
    stripe_signature.verify(body, stripe_signature_, [secret.strip() for secret in secrets if secret.strip()], time.time())
    try:
        sent = StripeEvent.model_validate_json(body)
    except ValidationError:
        raise HTTPException(400) from None
    about = sent.data.object
    event = CardEventInput(event_id=sent.id, kind=sent.type, object_id=about.id, mode="live" if sent.livemode else "test")
    started = None
    async with services.system.transaction(None) as session:
        org_id = await card_events.owner_of(session, about.customer, event.mode) if isinstance(about.customer, str) else None
        new = await card_events.add(session, event, org_id)
        if new and about.id and handles(event.kind):
            target = workflow_id("card_event", event.event_id)
            started = await outbox.add(session, org_id, "start", target, event.model_dump(), head_start_s=SWEEPER_WAITS_S)
    if started is not None:
        background.add_task(hand_over, services, started)
    return Received(id=event.event_id, new=new)
