"""Selling plans and packs: Stripe's own pages for paying, and for changing or ending a subscription.

What the price book sells is put into Stripe's catalogue when it is first asked for, under ids that name book, kind and item, so
that an invoice tells by its product alone what was paid for: `cutroom_2026-12_plan_starter`.
"""

from dataclasses import dataclass
from typing import Any, Literal

from cutroom.contracts.cards import Mode
from cutroom.errors import Conflict, InvalidRequest
from cutroom.money.books import BOOKS, CURRENT, Pack, Plan
from cutroom.money.cards import Cards

Kind = Literal["plan", "pack"]


@dataclass(frozen=True)
class Sold:
    """A plan or a pack of one price book."""

    book: str
    kind: Kind
    name: str

    @property
    def key(self) -> str:
        """Stripe's id of the product, and the look-up key of its price."""
        return f"cutroom_{self.book}_{self.kind}_{self.name}"

    def offer(self) -> Plan | Pack:
        """Raises InvalidRequest (`plan_unknown`, `pack_unknown`) where the book does not sell it."""
        book = BOOKS.get(self.book)
        offers: dict[str, Any] = {} if book is None else {**book.plans} if self.kind == "plan" else {**book.packs}
        found: Plan | Pack | None = offers.get(self.name)
        if found is None or not found.price:
            named = ", ".join(name for name, offer in offers.items() if offer.price)
            if self.kind == "plan":
                raise InvalidRequest(f"There is no such plan to buy; there are {named}.", code="plan_unknown", field="plan")
            raise InvalidRequest(f"There is no such pack to buy; there are {named}.", code="pack_unknown", field="pack")
        return found


def sold_as(product: str) -> Sold | None:
    """What a product of Stripe's is to us; None where it is none of ours."""
    match product.split("_"):
        case ["cutroom", book, "plan", name]:
            return Sold(book, "plan", name)
        case ["cutroom", book, "pack", name]:
            return Sold(book, "pack", name)
    return None


async def open_checkout(
    cards: Cards, org_id: str, customer: str, sold: Sold, success_url: str, cancel_url: str, key: str
) -> tuple[str, str]:
    """The id and the URL of a page that sells `sold` to `customer`; the same `key` answers the same within a day.

    A page that sells a plan ends those that were opened before it, so that nobody subscribes twice. See
    https://docs.stripe.com/api/checkout/sessions/create. Raises InvalidRequest (`plan_unknown`, `pack_unknown`,
    `card_request_refused`), Conflict (`operation_differs`) for another page under one key, (`plan_subscribed`) for a plan where
    there is one, Unreachable (`card_unclear`), SetupError.
    """
    if sold.kind == "plan":
        await _require_unsubscribed(cards, customer)
    price = await _price(cards, sold)
    named = {"organisation": org_id, "mode": cards.mode, sold.kind: sold.name}
    wanted: Any = {
        "mode": "subscription" if sold.kind == "plan" else "payment",
        "customer": customer,
        "client_reference_id": org_id,
        "line_items": [{"price": price, "quantity": 1}],
        "success_url": success_url,
        "cancel_url": cancel_url,
        "metadata": named | {"product": sold.key},
        "subscription_data" if sold.kind == "plan" else "payment_intent_data": {"metadata": named},
    }
    session = await cards.ask(
        "create_checkout",
        lambda client: client.v1.checkout.sessions.create_async(wanted, {"idempotency_key": key}),
    )
    if sold.kind == "plan":
        await _expire_older(cards, customer, session.id)
    return session.id, session.url or ""


async def _require_unsubscribed(cards: Cards, customer: str) -> None:
    """Stripe knows of a subscription some seconds before its event tells us."""
    running: Any = {"customer": customer, "status": "active", "limit": 1}
    found = await cards.ask("list_subscriptions", lambda client: client.v1.subscriptions.list_async(running))
    if found.data:
        raise plan_subscribed()


async def _expire_older(cards: Cards, customer: str, newest: str) -> None:
    """End the customer's open pages for plans that are older than `newest`: https://docs.stripe.com/api/checkout/sessions/expire

    Where one of them was paid meanwhile, the newest one is ended instead, and Conflict (`plan_subscribed`) raised.
    """
    wanted = {"customer": customer, "status": "open"}
    pages = cards.pages("list_checkouts", lambda client: client.v1.checkout.sessions.list_async, wanted)
    open_ids = [found["id"] async for found in pages if found["mode"] == "subscription"]
    older = open_ids[open_ids.index(newest) + 1 :] if newest in open_ids else []
    ended = [await _expire(cards, session_id) for session_id in older]
    if "complete" in ended:
        await _expire(cards, newest)
        raise plan_subscribed()


async def _expire(cards: Cards, session_id: str) -> str | None:
    """End a page; answers its status afterwards, which is `complete` where it was paid before."""
    try:
        ended = await cards.ask("expire_checkout", lambda client: client.v1.checkout.sessions.expire_async(session_id))
    except InvalidRequest:
        ended = await cards.ask("get_checkout", lambda client: client.v1.checkout.sessions.retrieve_async(session_id))
    return ended.status


def plan_subscribed() -> Conflict:
    return Conflict("This organisation has a plan already; change it in a portal session.", code="plan_subscribed")


async def open_portal(cards: Cards, customer: str, return_url: str, key: str) -> str:
    """The URL of a page on which `customer` changes or ends a subscription: https://docs.stripe.com/customer-management

    The same `key` answers the same within a day. Raises InvalidRequest (`card_request_refused`), Conflict (`operation_differs`) for
    another page under one key, Unreachable (`card_unclear`), SetupError.
    """
    configuration = await _configuration(cards)
    session = await cards.ask(
        "create_portal",
        lambda client: client.v1.billing_portal.sessions.create_async(
            {"customer": customer, "configuration": configuration, "return_url": return_url}, {"idempotency_key": key}
        ),
    )
    return session.url


async def _price(cards: Cards, sold: Sold) -> str:
    """Stripe's id of the price; product and price are made where they are missing."""
    offer = sold.offer()
    found = await cards.ask("find_price", lambda client: client.v1.prices.list_async({"lookup_keys": [sold.key], "limit": 1}))
    if found.data:
        return found.data[0].id
    wanted: Any = {
        "currency": offer.currency,
        "unit_amount": offer.price,
        "lookup_key": sold.key,
        "product_data": {"id": sold.key, "name": f"{offer.credits} credits ({sold.name})"},
    }
    if sold.kind == "plan":
        wanted["recurring"] = {"interval": "month"}
    made = await cards.ask(
        "create_price",
        lambda client: client.v1.prices.create_async(wanted, {"idempotency_key": sold.key}),
    )
    return made.id


async def _configuration(cards: Cards) -> str:
    """Stripe's id of a portal that offers the plans of today's book.

    A dearer plan begins at once and is paid from the next period on, a cheaper one begins with it: no invoice is ever for a
    part of a month, and so no credits are.
    """
    async for found in cards.pages("list_portals", lambda client: client.v1.billing_portal.configurations.list_async, {}):
        if found["active"] and (found.get("metadata") or {}).get("book") == CURRENT:
            return str(found["id"])
    plans = [Sold(CURRENT, "plan", name) for name, plan in BOOKS[CURRENT].plans.items() if plan.price]
    wanted: Any = {
        "metadata": {"book": CURRENT},
        "features": {
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True},
            "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
            "subscription_update": {
                "enabled": True,
                "default_allowed_updates": ["price"],
                "proration_behavior": "none",
                "schedule_at_period_end": {"conditions": [{"type": "decreasing_item_amount"}]},
                "products": [{"product": sold.key, "prices": [await _price(cards, sold)]} for sold in plans],
            },
        },
    }
    made = await cards.ask(
        "create_portal_configuration",
        lambda client: client.v1.billing_portal.configurations.create_async(wanted, {"idempotency_key": f"portal_{CURRENT}"}),
    )
    return made.id


def page_key(org_id: str, mode: Mode, page: Literal["checkout", "portal"], key: str) -> str:
    """Stripe's Idempotency-Key for a client's own: two organisations may choose the same."""
    return f"{org_id}/{mode}/{page}/{key}"
