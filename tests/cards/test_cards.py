"""`Cards` against the stand-in, and against servers that give no clear answer."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe
from pydantic import SecretStr

from cutroom.contracts.base import JobRef
from cutroom.contracts.cards import Intent
from cutroom.contracts.ids import new_id
from cutroom.errors import CardDeclined, Conflict, CutroomError, InvalidRequest, NotFound, SetupError, Unreachable
from cutroom.local.cards.server import CardServer
from cutroom.money import cards as cards_module
from cutroom.money.cards import CardModes, Cards
from cutroom.settings import Settings
from tests.conftest import card_settings


def new_job() -> JobRef:
    return JobRef(org_id="org_1", job_id=new_id("sum"))


async def authorised(cards: Cards, sdk: stripe.StripeClient, job: JobRef, amount: int = 900) -> Intent:
    intent = await cards.create_intent(job, amount, "usd", await cards.create_customer(job.org_id), {})
    sdk.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    return await cards.get_intent(intent.id)


async def test_a_payment_from_its_intent_to_its_refund(cards: Cards, sdk: stripe.StripeClient) -> None:
    job = new_job()
    customer = await cards.create_customer(job.org_id)
    made = await cards.create_intent(job, 900, "usd", customer, {"asset": "ast_1"})
    assert (made.status, made.amount, made.currency, made.customer) == ("requires_payment_method", 900, "usd", customer)
    assert made.metadata == {"asset": "ast_1", "job": job.job_id, "organisation": "org_1", "mode": "test"}
    assert made.capture_before is None

    sdk.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa"})
    held = await cards.get_intent(made.id)
    assert (held.status, held.amount_capturable) == ("requires_capture", 900)
    assert held.capture_before is not None
    assert timedelta(days=6) < held.capture_before - datetime.now(UTC) < timedelta(days=8)

    captured = await cards.capture(job, made.id, 400)
    assert (captured.status, captured.amount_received, captured.capture_before) == ("succeeded", 400, None)
    refunded = await cards.refund(job, made.id, 150)
    assert (refunded.intent_id, refunded.amount) == (made.id, 150)


async def test_the_same_call_again_is_the_same_payment_and_the_same_capture(cards: Cards, sdk: stripe.StripeClient) -> None:
    job = new_job()
    first = await authorised(cards, sdk, job)
    again = await cards.create_intent(job, 900, "usd", first.customer, {})
    assert again.id == first.id
    captured = [await cards.capture(job, first.id, 400) for _ in range(2)]
    assert [intent.amount_received for intent in captured] == [400, 400]
    refunds = [await cards.refund(job, first.id, 100) for _ in range(2)]
    assert refunds[0].id == refunds[1].id
    with pytest.raises(Conflict) as refused:
        await cards.create_intent(job, 901, "usd", first.customer, {})
    assert refused.value.code == "operation_differs"


async def test_a_declined_card_leaves_its_code_and_nothing_of_the_card(cards: Cards, sdk: stripe.StripeClient) -> None:
    made = await cards.create_intent(new_job(), 900, "usd", await cards.create_customer("org_1"), {})
    with pytest.raises(stripe.CardError):
        sdk.v1.payment_intents.confirm(made.id, {"payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds"})
    seen = await cards.get_intent(made.id)
    assert (seen.status, seen.decline_code) == ("requires_payment_method", "insufficient_funds")
    assert "4242" not in repr(seen)


async def test_a_client_secret_is_read_and_never_written(cards: Cards) -> None:
    made = await cards.create_intent(new_job(), 900, "usd", await cards.create_customer("org_1"), {})
    secret = made.client_secret.get_secret_value()
    assert secret.startswith(f"{made.id}_secret_")
    assert secret not in made.model_dump_json() + repr(made) + str(made.model_dump())
    assert Intent.model_validate_json(made.model_dump_json()).client_secret.get_secret_value() == ""


async def refused(call: Awaitable[Any]) -> CutroomError:
    with pytest.raises(CutroomError) as error:
        await call
    return error.value


async def test_what_stripe_refuses_has_a_name_of_ours(cards: Cards, sdk: stripe.StripeClient, card_server: CardServer) -> None:
    customer = await cards.create_customer("org_1")

    def create(amount: int, currency: str) -> Awaitable[Intent]:
        return cards.create_intent(new_job(), amount, currency, customer, {})

    job = new_job()
    held = await authorised(cards, sdk, job)
    errors = [
        await refused(create(49, "usd")),
        await refused(create(900, "xyz")),
        await refused(cards.get_intent("pi_unknown")),
        await refused(cards.capture(job, held.id, 901)),
    ]
    assert [(type(error), error.code) for error in errors] == [
        (InvalidRequest, "amount_below_minimum"),
        (InvalidRequest, "currency_unknown"),
        (NotFound, "payment_unknown"),
        (InvalidRequest, "amount_over_authorised"),
    ]
    await cards.cancel(job, held.id, "abandoned")
    again = await refused(cards.capture(JobRef(org_id="org_1", job_id="sum_other"), held.id, 900))
    assert (type(again), again.code) == (Conflict, "payment_not_capturable")
    assert (await cards.get_intent(held.id)).cancel_reason == "abandoned"
    wrong = Cards(Settings(stripe_url=card_server.url, stripe_test_key=SecretStr("unknown")), "test")
    bad_key = await refused(wrong.get_intent(held.id))
    assert (type(bad_key), bad_key.code, "unknown" in bad_key.detail) == (SetupError, "card_key_refused", False)


async def test_a_decline_at_a_call_of_ours_is_told_apart(cards: Cards) -> None:
    made = await cards.create_intent(new_job(), 900, "usd", await cards.create_customer("org_1"), {})

    def confirm(client: stripe.StripeClient) -> Awaitable[stripe.PaymentIntent]:
        return client.v1.payment_intents.confirm_async(made.id, {"payment_method": "pm_card_visa_chargeDeclinedLostCard"})

    declined = await refused(cards.ask("confirm", confirm))
    assert isinstance(declined, CardDeclined)
    assert (declined.status, declined.decline_code) == (402, "lost_card")


async def test_the_other_mode_knows_nothing_of_a_payment(card_server: CardServer, cards: Cards) -> None:
    modes = CardModes(Settings(**card_settings(card_server)))
    live = await modes("live").create_intent(new_job(), 900, "usd", await modes("live").create_customer("org_1"), {})
    assert live.mode == "live"
    assert (await refused(cards.get_intent(live.id))).code == "payment_unknown"


async def test_payments_of_a_window_are_listed_page_by_page(cards: Cards, sdk: stripe.StripeClient) -> None:
    held = await authorised(cards, sdk, new_job())
    for _ in range(101):
        await sdk.v1.payment_intents.create_async({"amount": 900, "currency": "usd"})
    now = datetime.now(UTC)
    window = (now - timedelta(minutes=10), now + timedelta(minutes=10))
    (first, after), listed = await cards.intents(*window), []
    assert len(first) == 100
    while after:
        page, after = await cards.intents(*window, after)
        listed += page
    assert held.id not in {intent.id for intent in first}
    assert {intent.id: intent.amount_capturable for intent in listed}[held.id] == 900
    assert await cards.intents(window[1], window[1] + timedelta(days=1)) == ([], "")


Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(reply: Reply) -> AsyncIterator[Cards]:
    """`Cards` whose server does what `reply` does to each connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reply(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield Cards(Settings(stripe_url=f"http://127.0.0.1:{port}", stripe_test_key=SecretStr("key-of-the-test")), "test")


def saying(status: str, body: str) -> Reply:
    async def reply(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write((head + body).encode())
        await writer.drain()

    return reply


async def cut_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{")
    await writer.drain()


async def hang_up(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    return None


async def say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


LEAKING = '{"error": {"type": "api_error", "message": "pi_1_secret_x", "payment_intent": {"client_secret": "pi_1_secret_x"}}}'
IN_USE = '{"error": {"type": "idempotency_error", "code": "idempotency_key_in_use", "message": "in progress"}}'


@pytest.mark.parametrize(
    "reply",
    [
        saying("500 Oops", LEAKING),
        saying("502 Bad Gateway", "<html>"),
        saying("409 Conflict", IN_USE),
        saying("429 Slow down", '{"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "x"}}'),
        cut_off,
        hang_up,
        say_nothing,
    ],
    ids=["500", "502", "409", "429", "cut-off", "hung-up", "silent"],
)
async def test_no_clear_answer_is_never_taken_for_a_failure(
    reply: Reply, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cards_module, "ANSWER_WITHIN_S", 0.5)
    caplog.set_level(logging.DEBUG)
    async with answering(reply) as cards:
        unclear = await refused(cards.capture(new_job(), "pi_1", 900))
    assert (type(unclear), unclear.code, unclear.retryable) == (Unreachable, "card_unclear", True)
    assert unclear.__cause__ is None
    assert "secret" not in caplog.text + str(unclear)
    assert "key-of-the-test" not in caplog.text


async def test_each_call_is_tried_once() -> None:
    tried = []

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tried.append(1)
        await saying("500 Oops", LEAKING)(reader, writer)

    async with answering(count) as cards:
        await refused(cards.get_intent("pi_1"))
    assert len(tried) == 1
