"""Card payments as workflows see them: an intent, what Stripe holds of a purchase, and the steps that handle an event.

Ids, amounts and times only. The client secret of an intent is on the model for the API, and never written into a payload.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field, SecretStr

from cutroom.contracts.base import Frozen, JobRef, Nothing, StepInput
from cutroom.contracts.steps import Queue, Step

Mode = Literal["live", "test"]
IntentStatus = Literal[
    "requires_payment_method", "requires_confirmation", "requires_action", "processing", "requires_capture", "canceled", "succeeded"
]
CancelReason = Literal["abandoned", "duplicate", "fraudulent", "requested_by_customer"]


class Intent(Frozen):
    """A PaymentIntent. Amounts in minor units of `currency` (ISO 4217, lower case).

    `refunded`: how much of what was received was given back. `decline_code`: why the last try did not go through.
    `capture_before`: when the authorisation lapses, once there is one. `cancel_reason`: why it was canceled; `automatic` where
    its authorisation lapsed.
    """

    id: str
    mode: Mode
    status: IntentStatus
    amount: int
    amount_capturable: int
    amount_received: int
    refunded: int = 0
    currency: str
    customer: str = ""
    metadata: dict[str, str] = {}
    client_secret: SecretStr = Field(SecretStr(""), exclude=True, repr=False)
    decline_code: str = ""
    cancel_reason: str = ""
    capture_before: datetime | None = None
    created_at: datetime


class Refunded(Frozen):
    """A refund, in minor units of its charge's currency. `failed`: the money came back to us after all, or never went.

    `customer`: whose charge it is, where the charge came with it.
    """

    id: str
    customer: str = ""
    intent_id: str
    amount: int
    created_at: datetime
    failed: bool = False


class Disputed(Frozen):
    """A dispute that took money. `won`: it was given back. `customer`: as of a refund."""

    id: str
    customer: str = ""
    intent_id: str = ""
    won: bool
    created_at: datetime


class Purchase(Frozen):
    """Credits that somebody paid for: an invoice of a subscription, or the session of a pack.

    `id`: the invoice's or the session's, which is also the operation of the grant. `item`: a plan or a pack of the price book
    `book`. `amount`: what was paid. `ends_at`: the end of the period that an invoice pays for. Refunds and disputes are of all
    times, oldest first.
    """

    id: str
    book: str
    kind: Literal["plan", "pack"]
    item: str
    amount: int
    paid_at: datetime
    ends_at: datetime | None = None
    refunds: list[Refunded] = []
    disputes: list[Disputed] = []


class SubscriptionState(Frozen):
    """A subscription as Stripe had it at `as_of`, which is read before the question is asked."""

    id: str
    plan: str
    status: str
    period_end: datetime
    as_of: datetime


class CardState(Frozen):
    """What Stripe holds now of the object that an event is about, as far as it concerns us.

    `customer`: whose it is; empty where the object is gone, or nobody's. `job_id`: the job that a PaymentIntent pays for.
    """

    mode: Mode
    customer: str = ""
    purchase: Purchase | None = None
    subscription: SubscriptionState | None = None
    job_id: str = ""


class CardEventInput(StepInput):
    """An event that was stored: its id, its type, and what it is about."""

    event_id: str
    kind: str
    object_id: str
    mode: Mode

    @property
    def owner(self) -> JobRef:
        return JobRef(org_id="", job_id="")

    @property
    def part(self) -> str:
        return self.event_id


class ApplyInput(CardEventInput):
    state: CardState


LOOK_UP_CARD_OBJECT = Step("look_up_card_object", Queue.OUTBOUND, CardEventInput, CardState, 60, 60, attempts=20)
APPLY_CARD_STATE = Step("apply_card_state", Queue.CONTROL, ApplyInput, Nothing, attempts=0)
