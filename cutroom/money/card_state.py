"""What Stripe holds now of the object that an event is about. An event's own copy may be old; this never is.

Whatever part of a purchase an event is about, the whole purchase is read: its payment, its refunds, its disputes. So the books
can be brought to it in any order of events.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from cutroom.contracts.cards import CardState, Disputed, Purchase, Refunded, SubscriptionState
from cutroom.errors import NotFound
from cutroom.money.cards import Cards, at
from cutroom.money.checkouts import sold_as
from cutroom.money.sales import CHARGED, disputed, month_of, pack_of, refunded


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
        "charge.refund.updated",
        "refund.failed",
        "refund.updated",
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
    session = (
        await cards.ask(
            "get_checkout", lambda client: client.v1.checkout.sessions.retrieve_async(session_id, {"expand": [CHARGED]})
        )
    ).to_dict()
    if session.get("invoice"):
        return await _invoice(cards, session["invoice"])
    purchase = pack_of(session)
    if purchase is not None:
        purchase = await _with_causes(cards, purchase, session["payment_intent"]["id"])
    return CardState(mode=cards.mode, customer=session.get("customer") or "", purchase=purchase)


async def _invoice(cards: Cards, invoice_id: str) -> CardState:
    """https://docs.stripe.com/api/invoices/object"""
    invoice = (
        await cards.ask("get_invoice", lambda client: client.v1.invoices.retrieve_async(invoice_id, {"expand": ["payments"]}))
    ).to_dict()
    state = CardState(mode=cards.mode, customer=invoice.get("customer") or "")
    subscribed = ((invoice.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    if subscribed:
        state = (await _subscription(cards, subscribed)).model_copy(update={"customer": state.customer})
    purchase = month_of(invoice)
    if purchase is not None:
        paid_by = [each["payment"].get("payment_intent") for each in (invoice.get("payments") or {"data": []})["data"]]
        purchase = await _with_causes(cards, purchase, next(filter(None, paid_by), ""))
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


async def _refund(cards: Cards, refund_id: str) -> CardState:
    """https://docs.stripe.com/api/refunds/object"""
    refund = (await cards.ask("get_refund", lambda client: client.v1.refunds.retrieve_async(refund_id))).to_dict()
    return await _charge(cards, refund["charge"]) if refund.get("charge") else CardState(mode=cards.mode)


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


async def _with_causes(cards: Cards, purchase: Purchase, intent_id: str) -> Purchase:
    """The purchase with all that was refunded and disputed of its payment."""
    refunds: list[Refunded] = []
    disputes: list[Disputed] = []
    if intent_id:
        of_intent = {"payment_intent": intent_id}
        async for found in cards.pages("list_refunds", lambda client: client.v1.refunds.list_async, of_intent):
            refunds += refunded(found)
        async for found in cards.pages("list_disputes", lambda client: client.v1.disputes.list_async, of_intent):
            disputes += disputed(found)
    oldest_first = sorted(refunds, key=lambda refund: (refund.created_at, refund.id))
    disputes.sort(key=lambda dispute: (dispute.created_at, dispute.id))
    return purchase.model_copy(update={"refunds": oldest_first, "disputes": disputes})


_READERS: Mapping[str, Callable[[Cards, str], Awaitable[CardState]]] = {
    "payment_intent": _intent,
    "checkout.session": _session,
    "invoice": _invoice,
    "customer.subscription": _subscription,
    "charge": _charge,
    "charge.dispute": _dispute,
    "charge.refund": _refund,
    "refund": _refund,
}
