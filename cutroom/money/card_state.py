"""What Stripe holds now of the object that an event is about. An event's own copy may be old; this never is.

Whatever part of a purchase an event is about, the whole purchase is read: its payment, its refunds, its disputes. So the books
can be brought to it in any order of events.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cutroom.contracts.cards import CardState, Disputed, Purchase, Refunded, SubscriptionState
from cutroom.errors import NotFound
from cutroom.money.cards import Cards, at, refund_of
from cutroom.money.checkouts import Sold, sold_as

# Inquiries that took no money (`warning_...`), and a dispute that a refund made moot: https://docs.stripe.com/disputes
_HARMLESS = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")


async def look_up(cards: Cards, kind: str, object_id: str) -> CardState:
    """The state of what an event of type `kind` is about, `object_id`; empty where it is gone.

    Raises Unreachable (`card_unclear`), SetupError (`card_key_refused`), KeyError for a type that `handles` refuses.
    """
    try:
        return await _READERS[kind.rpartition(".")[0]](cards, object_id)
    except NotFound:
        return CardState(mode=cards.mode)


def handles(kind: str) -> bool:
    """Whether an event of this type can change anything here."""
    return kind in HANDLED


HANDLED = frozenset(
    {
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "invoice.paid",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "customer.subscription.paused",
        "customer.subscription.resumed",
        "charge.refunded",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)


async def _intent(cards: Cards, intent_id: str) -> CardState:
    intent = await cards.get_intent(intent_id)
    return CardState(mode=cards.mode, customer=intent.customer, job_id=intent.metadata.get("job", ""))


async def _session(cards: Cards, session_id: str) -> CardState:
    """https://docs.stripe.com/api/checkout/sessions/object"""
    session = (await cards.ask("get_checkout", lambda client: client.v1.checkout.sessions.retrieve_async(session_id))).to_dict()
    if session.get("invoice"):
        return await _invoice(cards, session["invoice"])
    sold = sold_as((session.get("metadata") or {}).get("product", ""))
    if sold is None or session["payment_status"] != "paid":
        return CardState(mode=cards.mode, customer=session.get("customer") or "")
    intent = await cards.ask(
        "get_intent", lambda client: client.v1.payment_intents.retrieve_async(session["payment_intent"], _CHARGE)
    )
    charge = intent.to_dict()["latest_charge"]
    purchase = await _purchase(cards, session_id, sold, session["amount_total"], at(charge["created"]), None, intent.id)
    return CardState(mode=cards.mode, customer=session["customer"], purchase=purchase)


async def _invoice(cards: Cards, invoice_id: str) -> CardState:
    """https://docs.stripe.com/api/invoices/object"""
    invoice = (
        await cards.ask("get_invoice", lambda client: client.v1.invoices.retrieve_async(invoice_id, {"expand": ["payments"]}))
    ).to_dict()
    state = CardState(mode=cards.mode, customer=invoice.get("customer") or "")
    subscribed = ((invoice.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    if subscribed:
        state = (await _subscription(cards, subscribed)).model_copy(update={"customer": state.customer})
    line = next((line for line in invoice["lines"]["data"] if _product(line) and line["amount"] > 0), None)
    if line is None or invoice["status"] != "paid":
        return state
    sold = sold_as(_product(line))
    paid_by = [each["payment"].get("payment_intent") for each in (invoice.get("payments") or {"data": []})["data"]]
    if sold is None:
        return state
    paid_at = at(invoice["status_transitions"]["paid_at"])
    intent_id = next(filter(None, paid_by), "")
    ends_at = at(line["period"]["end"])
    purchase = await _purchase(cards, invoice_id, sold, invoice["amount_paid"], paid_at, ends_at, intent_id)
    return state.model_copy(update={"purchase": purchase})


async def _subscription(cards: Cards, subscription_id: str) -> CardState:
    """https://docs.stripe.com/api/subscriptions/object"""
    as_of = datetime.now(UTC)
    found = (await cards.ask("get_subscription", lambda client: client.v1.subscriptions.retrieve_async(subscription_id))).to_dict()
    items = [(item, sold_as(item["price"]["product"])) for item in found["items"]["data"]]
    state = next(
        (
            SubscriptionState(
                id=subscription_id, plan=sold.name, status=found["status"], period_end=at(item["current_period_end"]), as_of=as_of
            )
            for item, sold in items
            if sold is not None and sold.kind == "plan"
        ),
        None,
    )
    return CardState(mode=cards.mode, customer=found["customer"], subscription=state)


async def _dispute(cards: Cards, dispute_id: str) -> CardState:
    dispute = (await cards.ask("get_dispute", lambda client: client.v1.disputes.retrieve_async(dispute_id))).to_dict()
    return await _charge(cards, dispute["charge"])


async def _charge(cards: Cards, charge_id: str) -> CardState:
    """What a charge paid for: a job, an invoice (https://docs.stripe.com/api/invoice-payment) or a session."""
    charge = (await cards.ask("get_charge", lambda client: client.v1.charges.retrieve_async(charge_id))).to_dict()
    intent_id, customer = charge.get("payment_intent"), charge.get("customer") or ""
    if not intent_id or "job" in charge["metadata"]:
        return CardState(mode=cards.mode, customer=customer, job_id=charge["metadata"].get("job", ""))
    invoices = await cards.ask(
        "find_invoice",
        lambda client: client.v1.invoice_payments.list_async({"payment": {"type": "payment_intent", "payment_intent": intent_id}}),
    )
    for paid in invoices.to_dict()["data"]:
        return await _invoice(cards, paid["invoice"])
    sessions = await cards.ask(
        "find_checkout", lambda client: client.v1.checkout.sessions.list_async({"payment_intent": intent_id})
    )
    for session in sessions.data:
        return await _session(cards, session.id)
    return CardState(mode=cards.mode, customer=customer)


async def _purchase(
    cards: Cards, id: str, sold: Sold, amount: int, paid_at: datetime, ends_at: datetime | None, intent_id: str
) -> Purchase:
    refunds: list[Refunded] = []
    disputes: list[Disputed] = []
    if intent_id:
        of_intent = {"payment_intent": intent_id}
        async for found in cards.pages("list_refunds", lambda client: client.v1.refunds.list_async, of_intent):
            if found["status"] == "succeeded":
                refunds.append(refund_of(found))
        async for found in cards.pages("list_disputes", lambda client: client.v1.disputes.list_async, of_intent):
            if found["status"] not in _HARMLESS:
                disputes.append(Disputed(id=found["id"], won=found["status"] == "won", created_at=at(found["created"])))
    return Purchase(
        id=id,
        book=sold.book,
        kind=sold.kind,
        item=sold.name,
        amount=amount,
        paid_at=paid_at,
        ends_at=ends_at,
        refunds=sorted(refunds, key=lambda refund: (refund.created_at, refund.id)),
        disputes=sorted(disputes, key=lambda dispute: (dispute.created_at, dispute.id)),
    )


def _product(line: Mapping[str, Any]) -> str:
    """The product of an invoice's line: https://docs.stripe.com/api/invoice-line-item/object"""
    details = (line.get("pricing") or {}).get("price_details") or {}
    return str(details.get("product") or "")


_CHARGE: Any = {"expand": ["latest_charge"]}
_READERS: Mapping[str, Callable[[Cards, str], Awaitable[CardState]]] = {
    "payment_intent": _intent,
    "checkout.session": _session,
    "invoice": _invoice,
    "customer.subscription": _subscription,
    "charge": _charge,
    "charge.dispute": _dispute,
}
