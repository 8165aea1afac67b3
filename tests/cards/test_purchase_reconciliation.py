"""Deliberate damage to purchases: each is named, and what is certain is mended, through the stand-in and on a real database."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
import stripe

import activities.purchase_reconciliation as reconciling
from activities.base import Resources, Task
from activities.card_events import apply_card_state, look_up_card_object
from activities.resources import open_resources
from cutroom.contracts.base import JobRef
from cutroom.contracts.cards import ApplyInput, CardEventInput
from cutroom.contracts.ids import new_id
from cutroom.contracts.payment_reconciliation import DayPage
from cutroom.contracts.purchase_reconciliation import MendInput, Sales, SalesPage
from cutroom.local.cards.server import CardServer
from cutroom.money.books import BOOKS, CURRENT
from cutroom.money.cards import Cards
from cutroom.money.checkouts import Sold, open_checkout
from cutroom.settings import Settings
from cutroom.store import card_events, entries, identity, ledger, plans, reconciliation
from tests.cards.days import today
from tests.conftest import card_settings
from workflows.payment_reconciliation import KINDS

PACK = BOOKS[CURRENT].packs["small"]
PLAN = BOOKS[CURRENT].plans["starter"]
URL = "https://example.com"


@dataclass
class Shop:
    """One organisation that buys, at a Stripe whose events never come unless they are `heard`."""

    resources: Resources
    task: Task
    sdk: stripe.StripeClient
    http: httpx.AsyncClient
    org_id: str
    customer: str

    @property
    def cards(self) -> Cards:
        return self.resources.cards("test")

    async def buy(self, kind: Any, name: str, card: str = "pm_card_visa") -> str:
        """Pays; answers the purchase's id."""
        session_id, url = await open_checkout(
            self.cards, self.org_id, self.customer, Sold(CURRENT, kind, name), URL, URL, new_id("req")
        )
        (await self.http.post(url, data={"payment_method": card})).raise_for_status()
        session = await self.sdk.v1.checkout.sessions.retrieve_async(session_id)
        return str(session.invoice or session.id)

    async def intent_of(self, session_id: str) -> str:
        return str((await self.sdk.v1.checkout.sessions.retrieve_async(session_id)).payment_intent)

    async def heard(self, id: str) -> None:
        """The purchase's event comes, and is handled."""
        kind = KINDS["invoices" if id.startswith("in_") else "packs"]
        event = CardEventInput(event_id=new_id("evt"), kind=kind, object_id=id, mode="test")
        state = await look_up_card_object(self.task, event)
        await apply_card_state(self.task, ApplyInput(**event.model_dump(), state=state))

    async def reconcile(self, *only: str) -> dict[str, int]:
        """As the workflow does, for today; of what is suspected only this organisation's, or `only` these."""
        day = today()
        suspects: dict[str, str] = {}
        seen: set[str] = set()
        for what in get_args(Sales):
            page = SalesPage(**day.model_dump(), what=what)
            while True:
                found = await reconciling.read_sales(self.task, page)
                seen.update(sale.purchase.id for sale in found.sales)
                suspects.update(dict.fromkeys((await reconciling.compare_sales(self.task, found)).ids, KINDS[what]))
                if not found.next:
                    break
                page = page.model_copy(update={"after": found.next})
        unseen = [id for id in await self.granted(day) if id not in seen]
        suspects.update({id: KINDS["invoices" if id.startswith("in_") else "packs"] for id in unseen})
        counts: Counter[str] = Counter()
        for id, kind in suspects.items():
            wanted = CardEventInput(event_id=f"reconciliation/{id}", kind=kind, object_id=id, mode="test")
            state = await look_up_card_object(self.task, wanted)
            if state.customer == self.customer or id in only:
                mended = await reconciling.mend_purchase(self.task, MendInput(id=id, mode="test", state=state))
                counts.update(mended.counts)
        return dict(counts)

    async def granted(self, day: DayPage) -> list[str]:
        """The purchases that grants of this organisation name."""
        named = (await reconciling.list_grants(self.task, day)).ids
        async with self.resources.database.transaction(self.org_id) as session:
            return [*await entries.grants_named(session, named)]

    async def grant(self, id: str, amount: int, ends_at: datetime | None = None, mode: str = "test") -> None:
        async with self.resources.database.transaction(self.org_id) as session:
            await ledger.grant(session, self.org_id, mode, amount, "pack small", id, ends_at)

    async def available(self) -> int:
        async with self.resources.database.transaction(self.org_id) as session:
            return (await ledger.balance(session, self.org_id, "test")).available

    async def findings(self) -> list[str]:
        async with self.resources.database.transaction(self.org_id) as session:
            return [finding.kind for finding in (await reconciliation.findings(session, None, 50)).items]


@pytest.fixture
async def shop(
    settings: Settings, card_server: CardServer, sdk: stripe.StripeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shop]:
    """An hour from now, so that nothing is still on its way."""
    monkeypatch.setattr(reconciling, "SETTLES_WITHIN", -timedelta(hours=1))
    key = {"Authorization": f"Bearer {card_server.test_key}"}
    async with (
        open_resources(settings.model_copy(update=card_settings(card_server))) as resources,
        httpx.AsyncClient(headers=key, base_url=card_server.url) as http,
    ):
        task = Task(resources, "test", JobRef(org_id="", job_id=""), "", "test", 1, tmp_path)
        async with resources.all_organisations.transaction(None) as session:
            org_id = await identity.create_organisation(session, "buyer")
            customer = await resources.cards("test").create_customer(org_id)
            await card_events.keep_customer(session, org_id, "test", customer)
        yield Shop(resources, task, sdk, http, org_id, customer)


async def test_where_every_event_came_nothing_is_found(shop: Shop) -> None:
    pack, month = await shop.buy("pack", "small"), await shop.buy("plan", "starter")
    await shop.sdk.v1.refunds.create_async({"payment_intent": await shop.intent_of(pack), "amount": 300})
    disputed = await shop.buy("pack", "large", "pm_card_createDispute")
    for id in (pack, month, disputed):
        await shop.heard(id)
    assert await shop.reconcile() == {}
    assert await shop.findings() == []


@pytest.mark.parametrize(("kind", "name", "credits"), [("pack", "small", PACK.credits), ("plan", "starter", PLAN.credits)])
async def test_what_was_paid_and_never_heard_of_is_granted(shop: Shop, kind: str, name: str, credits: int) -> None:
    bought = await shop.buy(kind, name)
    assert await shop.reconcile() == {"grant_missing": 1}
    assert await shop.available() == credits
    async with shop.resources.database.transaction(shop.org_id) as session:
        assert await plans.plan_of(session, shop.org_id, "test") == (name if kind == "plan" else None)
    await shop.heard(bought)  # after all
    assert await shop.reconcile() == {}
    assert (await shop.available(), await shop.findings()) == (credits, ["grant_missing"])


async def test_what_was_paid_a_moment_ago_is_left_to_its_event(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciling, "SETTLES_WITHIN", timedelta(minutes=15))
    await shop.buy("pack", "small")
    assert await shop.reconcile() == {}
    assert await shop.available() == 0


async def test_a_refund_that_was_never_taken_back_is_taken_back(shop: Shop) -> None:
    pack = await shop.buy("pack", "small")
    await shop.heard(pack)
    await shop.sdk.v1.refunds.create_async({"payment_intent": await shop.intent_of(pack), "amount": PACK.price})
    assert await shop.reconcile() == {"revoke_missing": 1}
    assert await shop.available() == 0
    assert await shop.reconcile() == {}


async def test_a_dispute_that_nobody_heard_of_is_taken_back_and_given_again_once_it_is_won(shop: Shop) -> None:
    pack = await shop.buy("pack", "small", "pm_card_createDispute")
    assert await shop.reconcile() == {"grant_missing": 1, "revoke_missing": 1}
    assert await shop.available() == 0
    (dispute,) = (await shop.sdk.v1.disputes.list_async({"payment_intent": await shop.intent_of(pack)})).data
    await shop.sdk.v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert await shop.reconcile() == {"restore_missing": 1}
    assert await shop.available() == PACK.credits
    assert await shop.reconcile() == {}


async def test_a_refund_that_failed_after_all_is_given_again(shop: Shop) -> None:
    pack = await shop.buy("pack", "small", "pm_card_refundFail")
    refund = await shop.sdk.v1.refunds.create_async({"payment_intent": await shop.intent_of(pack), "amount": PACK.price})
    await shop.heard(pack)
    assert await shop.available() == 0
    (await shop.http.post(f"/stand-in/refunds/{refund.id}/settle")).raise_for_status()
    assert await shop.reconcile() == {"restore_missing": 1}
    assert await shop.available() == PACK.credits
    assert await shop.reconcile() == {}


@pytest.mark.parametrize("id", ["in_nowhere", "cs_nowhere"])
async def test_a_grant_without_a_purchase_at_stripe_is_named(shop: Shop, id: str) -> None:
    await shop.grant(f"{id}_{shop.org_id}", 100)
    assert await shop.reconcile(f"{id}_{shop.org_id}") == {"grant_unpaid": 1}
    assert (await shop.available(), await shop.findings()) == (100, ["grant_unpaid"])
    assert await shop.reconcile(f"{id}_{shop.org_id}") == {}  # told once a day


async def test_a_grant_for_a_page_that_was_never_paid_is_named(shop: Shop) -> None:
    sold = Sold(CURRENT, "pack", "small")
    page, _ = await open_checkout(shop.cards, shop.org_id, shop.customer, sold, URL, URL, new_id("req"))
    await shop.grant(page, PACK.credits)
    assert await shop.reconcile() == {"grant_unpaid": 1}


@pytest.mark.parametrize("damage", ["amount", "end", "mode"])
async def test_a_grant_of_other_credits_than_were_paid_for_is_named(shop: Shop, damage: str) -> None:
    pack = await shop.buy("pack", "small")
    intent = await shop.sdk.v1.payment_intents.retrieve_async(await shop.intent_of(pack), {"expand": ["latest_charge"]})
    ends_at = PACK.ends(datetime.fromtimestamp(intent.to_dict()["latest_charge"]["created"], UTC))
    await shop.grant(
        pack,
        PACK.credits + (damage == "amount"),
        ends_at + timedelta(days=damage == "end"),
        "live" if damage == "mode" else "test",
    )
    before = await shop.available()
    assert await shop.reconcile() == {"grant_differs": 1}
    assert await shop.available() == before


async def test_credits_that_another_organisation_got_are_named(shop: Shop) -> None:
    pack = await shop.buy("pack", "small")
    async with shop.resources.all_organisations.transaction(None) as session:
        other = await identity.create_organisation(session, "another")
        await ledger.grant(session, other, "test", PACK.credits, "pack small", pack)
    assert await shop.reconcile() == {"grant_elsewhere": 1}
    assert await shop.available() == 0


async def test_another_amount_paid_than_the_price_is_named(shop: Shop) -> None:
    """As after a price that somebody changed at Stripe by hand."""
    key = f"cutroom_{CURRENT}_pack_medium"
    data: Any = {"id": new_id("req"), "name": "changed by hand"}
    price = await shop.sdk.v1.prices.create_async({"currency": "usd", "unit_amount": 100, "product_data": data})
    session = await shop.sdk.v1.checkout.sessions.create_async(
        {
            "mode": "payment",
            "customer": shop.customer,
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": URL,
            "metadata": {"product": key},
        }
    )
    (await shop.http.post(str(session.url), data={"payment_method": "pm_card_visa"})).raise_for_status()
    await shop.heard(session.id)
    assert await shop.reconcile() == {"price_differs": 1}


async def test_what_another_installation_sells_at_the_same_account_is_left_alone(shop: Shop) -> None:
    stranger = await shop.cards.create_customer(new_id("org"))
    mine, shop.customer = shop.customer, stranger
    pack = await shop.buy("pack", "small")
    await shop.sdk.v1.refunds.create_async({"payment_intent": await shop.intent_of(pack), "amount": 300})
    assert await shop.reconcile() == {}
    shop.customer = mine
    assert await shop.available() == 0


async def test_the_refund_of_a_job_is_no_purchases(shop: Shop) -> None:
    made = await shop.sdk.v1.payment_intents.create_async({"amount": 900, "currency": "usd", "customer": shop.customer})
    await shop.sdk.v1.payment_intents.confirm_async(made.id, {"payment_method": "pm_card_visa"})
    await shop.sdk.v1.refunds.create_async({"payment_intent": made.id, "amount": 300})
    assert await shop.reconcile() == {}
