"""The stand-in for Stripe: its answers have the shapes that the SDK documents, and it does what Stripe's documentation says."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from cutroom.local.cards.server import CardServer
from cutroom.local.cards.shapes import Body
from cutroom.local.cards.state import State
from cutroom.local.ports import free_port
from tests.cards.shape import misfits
from tests.conftest import serving

GOOD = "pm_card_visa"


def customer(sdk: stripe.StripeClient) -> str:
    return sdk.v1.customers.create({"metadata": {"organisation": "org_x", "mode": "test"}}).id


def held(sdk: stripe.StripeClient, amount: int = 900, card: str = GOOD) -> stripe.PaymentIntent:
    """An intent whose card was authorised."""
    made = sdk.v1.payment_intents.create({"amount": amount, "currency": "usd", "capture_method": "manual"})
    return sdk.v1.payment_intents.confirm(made.id, {"payment_method": card})


def bought(sdk: stripe.StripeClient, mode: Any, card: str = GOOD, name: str = "") -> stripe.checkout.Session:
    """A Checkout session that was paid on its page."""
    key = f"prod_{name or mode}_{time.monotonic_ns()}"
    recurring: Any = {"recurring": {"interval": "month"}} if mode == "subscription" else {}
    price = sdk.v1.prices.create(
        {"currency": "usd", "unit_amount": 1900, "lookup_key": key, "product_data": {"id": key, "name": "credits"}, **recurring}
    )
    session = sdk.v1.checkout.sessions.create(
        {
            "mode": mode,
            "customer": customer(sdk),
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": "https://example.com/thanks",
            "metadata": {"product": key},
        }
    )
    assert session.url
    assert httpx.post(session.url, data={"payment_method": card}).status_code == 200
    return sdk.v1.checkout.sessions.retrieve(session.id)


def kinds(sdk: stripe.StripeClient, object_id: str) -> list[str]:
    """The types of the events about an object, oldest first."""
    events = sdk.v1.events.list({"limit": 100}).data
    return [event.type for event in reversed(events) if event.data.object["id"] == object_id]


def test_every_object_has_the_shape_that_the_sdk_documents(sdk: stripe.StripeClient) -> None:
    intent = held(sdk, card="pm_card_createDispute")
    sdk.v1.payment_intents.capture(intent.id)
    refunded = held(sdk)
    sdk.v1.payment_intents.capture(refunded.id)
    sdk.v1.refunds.create({"payment_intent": refunded.id, "amount": 100})
    with pytest.raises(stripe.CardError):
        held(sdk, card="pm_card_visa_chargeDeclined")
    session = bought(sdk, "subscription")
    bought(sdk, "payment")
    configuration = sdk.v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})
    portal = sdk.v1.billing_portal.sessions.create({"customer": str(session.customer), "configuration": configuration.id})

    found: list[Body] = [portal.to_dict()]
    for service in (
        sdk.v1.payment_intents,
        sdk.v1.charges,
        sdk.v1.refunds,
        sdk.v1.disputes,
        sdk.v1.customers,
        sdk.v1.products,
        sdk.v1.prices,
        sdk.v1.checkout.sessions,
        sdk.v1.subscriptions,
        sdk.v1.invoices,
        sdk.v1.invoice_payments,
        sdk.v1.billing_portal.configurations,
        sdk.v1.events,
    ):
        listed = service.list({"limit": 100})
        assert listed.data
        found += listed.to_dict()["data"]
    types = {kind.OBJECT_NAME: kind for kind in TYPES}
    assert {body["object"] for body in found} == set(types)
    assert sorted({misfit for body in found for misfit in misfits(body, types[body["object"]], body["object"])}) == []


TYPES: list[Any] = [
    stripe.PaymentIntent,
    stripe.Charge,
    stripe.Refund,
    stripe.Dispute,
    stripe.Customer,
    stripe.Product,
    stripe.Price,
    stripe.checkout.Session,
    stripe.Subscription,
    stripe.Invoice,
    stripe.InvoicePayment,
    stripe.billing_portal.Configuration,
    stripe.billing_portal.Session,
    stripe.Event,
]


def test_a_shape_that_lacks_a_field_or_has_a_wrong_one_is_found(sdk: stripe.StripeClient) -> None:
    """Else the test above would say nothing."""
    body = held(sdk).to_dict()
    assert misfits(body, stripe.PaymentIntent) == []
    assert misfits({**body, "status": "paid"}, stripe.PaymentIntent) == []  # the SDK leaves statuses open
    assert misfits({**body, "amount": "900"}, stripe.PaymentIntent) == [".amount: '900' is no int"]
    assert misfits({**body, "charges": []}, stripe.PaymentIntent) == [".charges is unknown to PaymentIntent"]
    assert misfits({name: value for name, value in body.items() if name != "currency"}, stripe.PaymentIntent) == [
        ".currency is missing"
    ]


def test_a_card_is_authorised_then_captured_in_part(sdk: stripe.StripeClient) -> None:
    """https://docs.stripe.com/payments/place-a-hold-on-a-payment-method"""
    intent = held(sdk)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 900, 0)
    charge = sdk.v1.charges.retrieve(str(intent.latest_charge))
    assert charge.payment_method_details
    assert charge.payment_method_details.card
    assert charge.payment_method_details.card.capture_before == charge.created + 7 * 24 * 3600

    captured = sdk.v1.payment_intents.capture(intent.id, {"amount_to_capture": 400})
    assert (captured.status, captured.amount_capturable, captured.amount_received) == ("succeeded", 0, 400)
    assert kinds(sdk, intent.id) == [
        "payment_intent.created",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
    ]


def test_more_than_was_authorised_is_never_captured(sdk: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.payment_intents.capture(held(sdk).id, {"amount_to_capture": 901})
    assert refused.value.code == "amount_too_large"


def test_a_canceled_payment_is_not_captured(sdk: stripe.StripeClient) -> None:
    """https://docs.stripe.com/error-codes#payment-intent-unexpected-state"""
    intent = held(sdk)
    assert sdk.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"}).status == "canceled"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.payment_intents.capture(intent.id)
    assert (refused.value.code, refused.value.http_status) == ("payment_intent_unexpected_state", 400)
    assert kinds(sdk, intent.id)[-1] == "payment_intent.canceled"


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
    ],
)
def test_a_card_declines_and_another_one_may_be_tried(sdk: stripe.StripeClient, card: str, code: str, decline_code: str) -> None:
    """https://docs.stripe.com/testing#declined-payments"""
    intent = sdk.v1.payment_intents.create({"amount": 900, "currency": "usd", "capture_method": "manual"})
    with pytest.raises(stripe.CardError) as declined:
        sdk.v1.payment_intents.confirm(intent.id, {"payment_method": card})
    assert (declined.value.http_status, declined.value.code) == (402, code)
    assert declined.value.error
    assert declined.value.error.decline_code == decline_code
    again = sdk.v1.payment_intents.retrieve(intent.id)
    assert again.status == "requires_payment_method"
    assert again.last_payment_error
    assert again.last_payment_error.decline_code == decline_code
    assert sdk.v1.payment_intents.confirm(intent.id, {"payment_method": GOOD}).status == "requires_capture"
    assert "payment_intent.payment_failed" in kinds(sdk, intent.id)


@pytest.mark.parametrize(("outcome", "status"), [("succeed", "requires_capture"), ("fail", "requires_payment_method")])
def test_a_card_asks_for_authentication(sdk: stripe.StripeClient, outcome: str, status: str) -> None:
    """https://docs.stripe.com/testing#regulatory-cards"""
    intent = held(sdk, card="pm_card_authenticationRequired")
    assert intent.status == "requires_action"
    assert intent.next_action
    assert intent.next_action.redirect_to_url
    assert intent.next_action.redirect_to_url.url
    httpx.post(intent.next_action.redirect_to_url.url, data={"outcome": outcome})
    assert sdk.v1.payment_intents.retrieve(intent.id).status == status


def test_an_authorisation_lapses(sdk: stripe.StripeClient, card_server: CardServer) -> None:
    intent = held(sdk)
    key = {"Authorization": f"Bearer {card_server.test_key}"}
    httpx.post(f"{card_server.url}/stand-in/payment_intents/{intent.id}/lapse", headers=key).raise_for_status()
    lapsed = sdk.v1.payment_intents.retrieve(intent.id)
    assert (lapsed.status, lapsed.cancellation_reason, lapsed.amount_capturable) == ("canceled", "automatic", 0)


def test_a_browser_confirms_with_the_client_secret_of_its_own_intent_alone(
    sdk: stripe.StripeClient, card_server: CardServer
) -> None:
    mine = sdk.v1.payment_intents.create({"amount": 900, "currency": "usd", "capture_method": "manual"})
    other = sdk.v1.payment_intents.create({"amount": 900, "currency": "usd", "capture_method": "manual"})
    form = {"client_secret": str(mine.client_secret), "payment_method": GOOD}
    assert httpx.post(f"{card_server.url}/v1/payment_intents/{other.id}/confirm", data=form).status_code == 401
    assert httpx.post(f"{card_server.url}/v1/payment_intents/{mine.id}/confirm", data=form).json()["status"] == "requires_capture"
    assert httpx.post(f"{card_server.url}/v1/payment_intents/{mine.id}/capture", data=form).status_code == 401


def test_refunds_never_exceed_what_was_captured(sdk: stripe.StripeClient) -> None:
    """https://docs.stripe.com/refunds"""
    intent = held(sdk)
    sdk.v1.payment_intents.capture(intent.id, {"amount_to_capture": 400})
    sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 101})
    sdk.v1.refunds.create({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"
    assert kinds(sdk, str(intent.latest_charge)).count("charge.refunded") == 2


@pytest.mark.parametrize(
    ("card", "first", "later", "refunded"),
    [("pm_card_pendingRefund", "pending", "succeeded", 300), ("pm_card_refundFail", "succeeded", "failed", 0)],
)
def test_a_refund_may_go_through_late_or_fail_late(
    sdk: stripe.StripeClient, card_server: CardServer, card: str, first: str, later: str, refunded: int
) -> None:
    """https://docs.stripe.com/testing#refunds"""
    intent = held(sdk, card=card)
    sdk.v1.payment_intents.capture(intent.id)
    refund = sdk.v1.refunds.create({"payment_intent": intent.id, "amount": 300})
    assert refund.status == first
    key = {"Authorization": f"Bearer {card_server.test_key}"}
    httpx.post(f"{card_server.url}/stand-in/refunds/{refund.id}/settle", headers=key).raise_for_status()
    settled = sdk.v1.refunds.retrieve(refund.id)
    assert settled.status == later
    assert misfits(settled.to_dict(), stripe.Refund) == []
    assert sdk.v1.charges.retrieve(str(intent.latest_charge)).amount_refunded == refunded
    assert kinds(sdk, refund.id)[-2:] == ["refund.updated", "charge.refund.updated"]
    assert ("refund.failed" in kinds(sdk, refund.id)) == (later == "failed")


@pytest.mark.parametrize(("evidence", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_a_dispute_is_decided_by_its_evidence(sdk: stripe.StripeClient, evidence: str, status: str) -> None:
    """https://docs.stripe.com/testing#disputes"""
    session = bought(sdk, "payment", "pm_card_createDispute")
    (dispute,) = sdk.v1.disputes.list({"payment_intent": str(session.payment_intent)}).data
    assert dispute.status == "needs_response"
    sdk.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": evidence}})
    assert sdk.v1.disputes.retrieve(dispute.id).status == status
    assert kinds(sdk, dispute.id)[:2] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert "charge.dispute.closed" in kinds(sdk, dispute.id)


def test_a_subscription_is_bought_renewed_and_ended(sdk: stripe.StripeClient, card_server: CardServer) -> None:
    """https://docs.stripe.com/billing/subscriptions/overview"""
    session = bought(sdk, "subscription")
    assert (session.status, session.payment_status) == ("complete", "paid")
    subscription = sdk.v1.subscriptions.retrieve(str(session.subscription))
    first = sdk.v1.invoices.retrieve(str(session.invoice))
    assert first.lines.data[0].period.end == subscription["items"]["data"][0]["current_period_end"]
    key = {"Authorization": f"Bearer {card_server.test_key}"}
    renewed = httpx.post(f"{card_server.url}/stand-in/subscriptions/{subscription.id}/renew", headers=key).json()
    assert renewed["lines"]["data"][0]["period"]["start"] == first.lines.data[0].period.end
    assert sdk.v1.subscriptions.cancel(subscription.id).status == "canceled"
    assert kinds(sdk, subscription.id) == [f"customer.subscription.{what}" for what in ("created", "updated", "deleted")]


def test_lists_come_in_pages_and_windows(sdk: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/pagination"""
    made = [held(sdk) for _ in range(3)]
    first = sdk.v1.payment_intents.list({"limit": 2})
    assert ([intent.id for intent in first.data], first.has_more) == ([made[2].id, made[1].id], True)
    second = sdk.v1.payment_intents.list({"limit": 1, "starting_after": made[1].id})
    assert [intent.id for intent in second.data] == [made[0].id]
    assert sdk.v1.payment_intents.list({"created": {"gte": made[0].created + 3600}}).data == []


def test_one_idempotency_key_is_one_payment(sdk: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/idempotent_requests"""
    key: Any = {"idempotency_key": f"job_{time.monotonic_ns()}"}
    made = [sdk.v1.payment_intents.create({"amount": 900, "currency": "usd"}, key) for _ in range(2)]
    assert made[0].id == made[1].id
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.payment_intents.create({"amount": 901, "currency": "usd"}, key)


def test_the_modes_never_see_each_other(sdk: stripe.StripeClient, card_server: CardServer) -> None:
    """https://docs.stripe.com/keys"""
    live = stripe.StripeClient(card_server.live_key, base_addresses={"api": card_server.url}, max_network_retries=0)
    intent = held(sdk)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        live.v1.payment_intents.retrieve(intent.id)
    assert refused.value.code == "resource_missing"
    assert live.v1.payment_intents.create({"amount": 900, "currency": "usd"}).livemode is True
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("sk_unknown", base_addresses={"api": card_server.url}).v1.customers.list()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cards"


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    return dict(os.environ)


def test_what_it_holds_and_the_keys_of_what_it_did_outlive_a_restart(
    folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    server = CardServer(folder, free_port(), free_port(), "live", "test", "whsec_x")
    sdk = stripe.StripeClient("test", base_addresses={"api": server.url}, max_network_retries=0)
    ids = []
    for _ in range(2):
        with serving(server, environment | server.environment(), tmp_path / "log"):
            ids.append(sdk.v1.payment_intents.create({"amount": 900, "currency": "usd"}, {"idempotency_key": "job/authorise"}).id)
            assert len(sdk.v1.payment_intents.list().data) == 1
    assert ids[0] == ids[1]


def test_a_key_is_forgotten_after_a_day(tmp_path: Path) -> None:
    now = 1_000_000.0
    state = State(tmp_path / "state.db", lambda: now)
    state.keep_answer(False, "key", "request", 200, {"id": "pi_1"})
    assert state.answer_of(False, "key", "request") == (200, {"id": "pi_1"})
    assert state.answer_of(True, "key", "request") is None
    now += 24 * 3600
    assert state.answer_of(False, "key", "request") is None
    state.close()


async def test_events_are_signed_and_sent_again_until_somebody_takes_them(
    folder: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    """https://docs.stripe.com/webhooks"""
    server = CardServer(folder, free_port(), free_port(), "live", "test", "whsec_x")
    arrived: list[tuple[str, bytes]] = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:] if line)
        arrived.append((head, await reader.readexactly(int(fields["content-length"]))))
        status = "500 Not now" if len(arrived) == 1 else "200 OK"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    with serving(server, environment | server.environment(), tmp_path / "log"):
        sdk = stripe.StripeClient("test", base_addresses={"api": server.url}, max_network_retries=0)
        await asyncio.to_thread(sdk.v1.payment_intents.create, {"amount": 900, "currency": "usd"})
        receiver = await asyncio.start_server(receive, "127.0.0.1", server.api_port)
        async with receiver, asyncio.timeout(20):
            while len(arrived) < 2:
                await asyncio.sleep(0.05)
    events = []
    for head, body in arrived:
        signature = next(line.split(": ", 1)[1] for line in head.splitlines() if line.lower().startswith("stripe-signature"))
        events.append(stripe.Webhook.construct_event(body, signature, "whsec_x"))
    assert [event.type for event in events] == ["payment_intent.created"] * 2
    assert events[0].id == events[1].id
