"""Buying credits from the first request to the ledger: our API, the stand-in's pages, its signed events, Temporal and our steps."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import stripe
import uvicorn
from pydantic import SecretStr

from activities import card_events as steps
from activities.resources import open_resources
from api.app import create_app
from cutroom.cli.paying import TestCard, pay_page
from cutroom.client import Client
from cutroom.contracts.steps import Queue
from cutroom.errors import CardDeclined
from cutroom.identity.tokens import Mode
from cutroom.local.cards.server import CardServer
from cutroom.money import checkouts
from cutroom.money.books import BOOKS, CURRENT
from cutroom.money.cards import Cards
from cutroom.settings import Settings
from cutroom.store import identity
from cutroom.store.database import Database
from cutroom.temporal.connection import connect
from cutroom.temporal.worker import make_worker
from tests.conftest import card_settings
from workflows.card_event import CardEvent

URLS = {"success_url": "https://example.com/thanks", "cancel_url": "https://example.com/never-mind"}
BOOK = BOOKS[CURRENT]


@dataclass(frozen=True)
class Buyer:
    """An organisation that talks to the API in one mode."""

    http: httpx.AsyncClient

    async def credits(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get("/v1/credits")).json()
        return found

    async def has(self, available: int) -> None:
        """Waits until it has so many credits."""
        async with asyncio.timeout(30):
            while (await self.credits())["available"] != available:
                await asyncio.sleep(0.1)

    async def open(self, key: str | None = None, **wanted: str) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return await self.http.post("/v1/checkouts", json=URLS | wanted, headers=headers)

    async def buy(self, card: str = "pm_card_visa", **wanted: str) -> str:
        """Pays on the page; answers the session's id."""
        opened = await self.open(**wanted)
        assert opened.status_code == 201, opened.text
        async with httpx.AsyncClient() as browser:
            assert (await browser.post(opened.json()["url"], data={"payment_method": card})).status_code == 200
        return str(opened.json()["id"])


NewBuyer = Callable[[Mode], Awaitable[Buyer]]


@pytest.fixture
async def new_buyer(settings: Settings, card_server: CardServer, system: Database) -> AsyncIterator[NewBuyer]:
    """The API where the stand-in sends its events, and one worker of each queue that handles them."""
    given = settings.model_copy(update=card_settings(card_server))
    server = uvicorn.Server(uvicorn.Config(create_app(given), host="127.0.0.1", port=card_server.api_port, log_config=None))
    url = f"http://127.0.0.1:{card_server.api_port}"
    async with AsyncExitStack() as stack:
        resources = await stack.enter_async_context(open_resources(given))
        client = await connect(given)
        for queue, step, workflows in (
            (Queue.CONTROL, steps.apply_card_state, [CardEvent]),
            (Queue.OUTBOUND, steps.look_up_card_object, []),
        ):
            await stack.enter_async_context(make_worker(client, queue, [step.bind(resources)], workflows, drain_s=0))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.02)

        async def make(mode: Mode) -> Buyer:
            async with system.transaction(None) as session:
                org_id = await identity.create_organisation(session, "buyer")
                _, token = await identity.create_token(session, org_id, "test", mode, ["credits:read", "credits:write"])
            headers = {"Authorization": f"Bearer {token}"}
            return Buyer(await stack.enter_async_context(httpx.AsyncClient(base_url=url, headers=headers, timeout=30)))

        yield make
        server.should_exit = True
        await serving


def sdk_of(server: CardServer, mode: Mode) -> stripe.StripeClient:
    key = server.live_key if mode == "live" else server.test_key
    return stripe.StripeClient(key, base_addresses={"api": server.url}, max_network_retries=0)


@pytest.mark.parametrize("mode", ["live", "test"])
async def test_a_pack_is_bought_and_a_part_of_it_refunded(new_buyer: NewBuyer, card_server: CardServer, mode: Mode) -> None:
    buyer, sdk = await new_buyer(mode), sdk_of(card_server, mode)
    pack = BOOK.packs["small"]
    session_id = await buyer.buy(pack="small")
    await buyer.has(pack.credits)
    session = await asyncio.to_thread(sdk.v1.checkout.sessions.retrieve, session_id)
    refund: Any = {"payment_intent": session.payment_intent, "amount": pack.price // 2}
    await asyncio.to_thread(sdk.v1.refunds.create, refund)
    await buyer.has(pack.credits // 2)
    assert (await buyer.credits())["mode"] == mode


async def test_a_plan_is_bought_changed_renewed_and_ended(new_buyer: NewBuyer, card_server: CardServer) -> None:
    buyer, sdk = await new_buyer("live"), sdk_of(card_server, "live")
    starter, studio = BOOK.plans["starter"], BOOK.plans["studio"]
    session_id = await buyer.buy(plan="starter")
    await buyer.has(starter.credits)
    assert (await buyer.open(plan="studio")).json()["code"] == "plan_subscribed"

    portal = await buyer.http.post("/v1/portal-sessions", json={"return_url": "https://example.com/account"})
    assert portal.status_code == 201, portal.text
    prices = await asyncio.to_thread(sdk.v1.prices.list, {"lookup_keys": [f"cutroom_{CURRENT}_plan_studio"]})
    subscription = str((await asyncio.to_thread(sdk.v1.checkout.sessions.retrieve, session_id)).subscription)
    key = {"Authorization": f"Bearer {card_server.live_key}"}
    async with httpx.AsyncClient(headers=key) as browser:
        changed = await browser.post(portal.json()["url"], data={"action": "change", "price": prices.data[0].id})
        assert changed.status_code == 200, changed.text
        renewal = f"{card_server.url}/stand-in/subscriptions/{subscription}/renew"
        assert (await browser.post(renewal)).status_code == 200
        await buyer.has(starter.credits + studio.credits)
        assert (await browser.post(portal.json()["url"], data={"action": "cancel"})).status_code == 200
        assert (await browser.post(renewal)).json()["status"] == "canceled"
    async with asyncio.timeout(30):
        while (await buyer.open(plan="starter")).status_code != 201:
            await asyncio.sleep(0.1)


async def test_a_disputed_pack_is_taken_back_and_given_again_when_the_dispute_is_won(
    new_buyer: NewBuyer, card_server: CardServer
) -> None:
    buyer, sdk = await new_buyer("live"), sdk_of(card_server, "live")
    session_id = await buyer.buy(card="pm_card_createDispute", pack="small")
    async with asyncio.timeout(30):
        while (await buyer.credits())["revoked"] != BOOK.packs["small"].credits:
            await asyncio.sleep(0.1)
    session = await asyncio.to_thread(sdk.v1.checkout.sessions.retrieve, session_id)
    (dispute,) = (await asyncio.to_thread(sdk.v1.disputes.list, {"payment_intent": str(session.payment_intent)})).data
    won: Any = {"evidence": {"uncategorized_text": "winning_evidence"}}
    await asyncio.to_thread(sdk.v1.disputes.update, dispute.id, won)
    await buyer.has(BOOK.packs["small"].credits)


@pytest.mark.parametrize(("card", "first", "later"), [("pm_card_pendingRefund", 100, 50), ("pm_card_refundFail", 50, 100)])
async def test_a_refund_that_changes_later_takes_and_gives_again_what_it_comes_to(
    new_buyer: NewBuyer, card_server: CardServer, card: str, first: int, later: int
) -> None:
    """https://docs.stripe.com/testing#refunds: one that is pending first, and one that fails after all."""
    buyer, sdk = await new_buyer("live"), sdk_of(card_server, "live")
    session = await asyncio.to_thread(sdk.v1.checkout.sessions.retrieve, await buyer.buy(card=card, pack="small"))
    await buyer.has(BOOK.packs["small"].credits)
    half: Any = {"payment_intent": session.payment_intent, "amount": BOOK.packs["small"].price // 2}
    refund = await asyncio.to_thread(sdk.v1.refunds.create, half)
    await buyer.has(first)
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {card_server.live_key}"}) as browser:
        (await browser.post(f"{card_server.url}/stand-in/refunds/{refund.id}/settle")).raise_for_status()
    await buyer.has(later)


async def test_the_client_opens_a_page_where_another_card_may_be_tried(new_buyer: NewBuyer) -> None:
    buyer = await new_buyer("live")
    token = buyer.http.headers["Authorization"].removeprefix("Bearer ")

    def buy() -> None:
        with Client(str(buyer.http.base_url), token) as client:
            page = client.open_checkout(**URLS, pack="medium").url
            with pytest.raises(CardDeclined) as declined:
                pay_page(page, TestCard.INSUFFICIENT_FUNDS)
            assert declined.value.decline_code == "insufficient_funds"
            pay_page(page, TestCard.VISA)
            assert client.open_portal("https://example.com/account").startswith("http://127.0.0.1:")

    await asyncio.to_thread(buy)
    await buyer.has(BOOK.packs["medium"].credits)


async def test_one_key_is_one_page_and_another_body_under_it_is_refused(new_buyer: NewBuyer) -> None:
    buyer, other = await new_buyer("live"), await new_buyer("live")
    first, again = await buyer.open("key", pack="small"), await buyer.open("key", pack="small")
    assert first.json() == again.json()
    refused = await buyer.open("key", pack="large")
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert (await other.open("key", pack="small")).json()["id"] != first.json()["id"]


async def test_of_two_pages_for_a_plan_only_the_last_can_be_paid(new_buyer: NewBuyer, card_server: CardServer) -> None:
    buyer, sdk = await new_buyer("live"), sdk_of(card_server, "live")
    pack = (await buyer.open(pack="small")).json()
    first = (await buyer.open("first", plan="starter")).json()
    second = (await buyer.open("second", plan="studio")).json()
    assert (await buyer.open("first", plan="starter")).json() == first  # again, which ends no page that came later
    async with httpx.AsyncClient() as browser:
        assert (await browser.post(first["url"])).status_code == 400
        assert (await browser.post(second["url"])).status_code == 200
        assert (await buyer.open(plan="starter")).json()["code"] == "plan_subscribed"  # before its event was handled, too
        assert (await browser.post(pack["url"])).status_code == 200
    await buyer.has(BOOK.plans["studio"].credits + BOOK.packs["small"].credits)
    customer = str((await asyncio.to_thread(sdk.v1.checkout.sessions.retrieve, first["id"])).customer)
    assert len((await asyncio.to_thread(sdk.v1.subscriptions.list, {"customer": customer})).data) == 1


async def test_a_page_that_was_paid_while_another_was_opened_ends_the_other(
    new_buyer: NewBuyer, card_server: CardServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paid after it was seen to be open, and before it could be ended."""
    buyer, sdk = await new_buyer("live"), sdk_of(card_server, "live")
    first = (await buyer.open(plan="starter")).json()
    expire = checkouts._expire

    async def too_late(cards: Cards, session_id: str) -> str | None:
        if session_id == first["id"]:
            async with httpx.AsyncClient() as browser:
                (await browser.post(first["url"])).raise_for_status()
        return await expire(cards, session_id)

    monkeypatch.setattr(checkouts, "_expire", too_late)
    assert (await buyer.open(plan="studio")).json()["code"] == "plan_subscribed"
    customer = str((await asyncio.to_thread(sdk.v1.checkout.sessions.retrieve, first["id"])).customer)
    pages = await asyncio.to_thread(sdk.v1.checkout.sessions.list, {"customer": customer})
    assert sorted(str(page.status) for page in pages.data) == ["complete", "expired"]


async def test_one_key_is_one_portal_and_another_body_under_it_is_refused(new_buyer: NewBuyer) -> None:
    buyer = await new_buyer("live")
    assert (await buyer.open(pack="small")).status_code == 201
    key, body = {"Idempotency-Key": "key"}, {"return_url": "https://example.com"}
    first, again = [await buyer.http.post("/v1/portal-sessions", json=body, headers=key) for _ in range(2)]
    assert first.json() == again.json()
    refused = await buyer.http.post("/v1/portal-sessions", json={"return_url": "https://example.com/x"}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({}, "offer_unclear"),
        ({"plan": "starter", "pack": "small"}, "offer_unclear"),
        ({"plan": "free"}, "plan_unknown"),
        ({"plan": "platinum"}, "plan_unknown"),
        ({"pack": "huge"}, "pack_unknown"),
        ({"pack": "small", "success_url": "javascript:alert(1)"}, "invalid_request"),
        ({"pack": "small", "coins": "1"}, "invalid_request"),
    ],
)
async def test_what_cannot_be_bought_is_refused_before_stripe_hears_of_it(
    new_buyer: NewBuyer, wanted: dict[str, str], code: str
) -> None:
    refused = await (await new_buyer("live")).open(**wanted)
    assert (refused.status_code, refused.json()["code"]) == (422, code)


async def test_who_has_bought_nothing_has_no_portal(new_buyer: NewBuyer) -> None:
    refused = await (await new_buyer("live")).http.post("/v1/portal-sessions", json={"return_url": "https://example.com"})
    assert (refused.status_code, refused.json()["code"]) == (404, "customer_unknown")


async def test_without_a_key_nothing_is_sold(settings: Settings, system: Database) -> None:
    app = create_app(settings.model_copy(update={"stripe_test_key": SecretStr("")}))
    async with app.router.lifespan_context(app), system.transaction(None) as session:
        org_id = await identity.create_organisation(session, "buyer")
        _, token = await identity.create_token(session, org_id, "test", "live", ["credits:write"])
        await session.commit()
        headers = {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api", headers=headers) as http:
            refused = await http.post("/v1/checkouts", json=URLS | {"pack": "small"})
    assert refused.json()["code"] == "cards_not_set_up"
