"""What Stripe's objects say was sold by us, refunded and disputed, and the lists of these.

The readers are pure: they take an object as Stripe's reference describes it. What is none of ours, or moved no money, is nothing.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cutroom.contracts.cards import Disputed, Purchase, Refunded
from cutroom.contracts.purchase_reconciliation import FoundSales, Sale, SalesPage
from cutroom.money.cards import Cards, Lister, at, customer_of, refund_of, within
from cutroom.money.checkouts import Sold, sold_as

# Expands a session's intent and the charge that paid it: https://docs.stripe.com/expand
CHARGED = "payment_intent.latest_charge"
# A refund that is pending, or waits for somebody, has given nothing yet: https://docs.stripe.com/refunds
_SETTLED = ("succeeded", "failed", "canceled")
# Inquiries that took no money (`warning_...`), and a dispute that a refund made moot: https://docs.stripe.com/disputes
_HARMLESS = ("warning_needs_response", "warning_under_review", "warning_closed", "prevented")
_LISTS: Mapping[str, tuple[Lister, dict[str, Any]]] = {
    "invoices": (lambda client: client.v1.invoices.list_async, {"status": "paid"}),
    "packs": (lambda client: client.v1.checkout.sessions.list_async, {"status": "complete", "expand": [f"data.{CHARGED}"]}),
    "refunds": (lambda client: client.v1.refunds.list_async, {"expand": ["data.charge"]}),
    "disputes": (lambda client: client.v1.disputes.list_async, {"expand": ["data.charge"]}),
}


async def read(cards: Cards, page: SalesPage) -> FoundSales:
    """A page of what was made on a day. Raises Unreachable (`card_unclear`), SetupError."""
    as_of = datetime.now(UTC)
    method, wanted = _LISTS[page.what]
    wanted = {**wanted, "created": within(page.since, page.until)}
    found, after = await cards.page(f"list_{page.what}", method, wanted, page.after)
    sales = FoundSales(mode=page.mode, since=page.since, until=page.until, as_of=as_of, next=after)
    match page.what:
        case "refunds":
            return sales.model_copy(update={"refunds": [refund for each in found for refund in refunded(each)]})
        case "disputes":
            return sales.model_copy(update={"disputes": [dispute for each in found for dispute in disputed(each)]})
    purchases = [(each, month_of(each) if page.what == "invoices" else pack_of(each)) for each in found]
    sold = [Sale(customer=each.get("customer") or "", purchase=purchase) for each, purchase in purchases if purchase is not None]
    return sales.model_copy(update={"sales": sold})


def pack_of(session: Mapping[str, Any]) -> Purchase | None:
    """The pack that a session was paid for, without refunds and disputes; it comes with `CHARGED` in it.

    See https://docs.stripe.com/api/checkout/sessions/object.
    """
    sold = sold_as((session.get("metadata") or {}).get("product", ""))
    if sold is None or session.get("invoice") or session["payment_status"] != "paid":
        return None
    paid_at = at(session["payment_intent"]["latest_charge"]["created"])
    return _purchase(session["id"], sold, session["amount_total"], paid_at, None)


def month_of(invoice: Mapping[str, Any]) -> Purchase | None:
    """The month of a plan that an invoice was paid for, without refunds and disputes.

    See https://docs.stripe.com/api/invoices/object.
    """
    line = next((line for line in invoice["lines"]["data"] if _product(line) and line["amount"] > 0), None)
    sold = sold_as(_product(line)) if line is not None else None
    if line is None or sold is None or invoice["status"] != "paid":
        return None
    paid_at, ends_at = at(invoice["status_transitions"]["paid_at"]), at(line["period"]["end"])
    return _purchase(invoice["id"], sold, invoice["amount_paid"], paid_at, ends_at)


def refunded(refund: Mapping[str, Any]) -> list[Refunded]:
    """The refund, where it gave something, or was to. See https://docs.stripe.com/api/refunds/object."""
    return [refund_of(refund)] if refund["status"] in _SETTLED else []


def disputed(dispute: Mapping[str, Any]) -> list[Disputed]:
    """The dispute, where it took something. See https://docs.stripe.com/api/disputes/object."""
    if dispute["status"] in _HARMLESS:
        return []
    won, intent_id = dispute["status"] == "won", dispute.get("payment_intent") or ""
    made_at = at(dispute["created"])
    return [Disputed(id=dispute["id"], customer=customer_of(dispute), intent_id=intent_id, won=won, created_at=made_at)]


def _purchase(id: str, sold: Sold, amount: int, paid_at: datetime, ends_at: datetime | None) -> Purchase:
    return Purchase(id=id, book=sold.book, kind=sold.kind, item=sold.name, amount=amount, paid_at=paid_at, ends_at=ends_at)


def _product(line: Mapping[str, Any]) -> str:
    """The product of an invoice's line: https://docs.stripe.com/api/invoice-line-item/object"""
    details = (line.get("pricing") or {}).get("price_details") or {}
    return str(details.get("product") or "")
