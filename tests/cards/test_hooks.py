"""`POST /hooks/stripe`: what is signed is kept once and acknowledged, everything else is refused as the sender's mistake."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import select, text
from sqlmodel import col

from api.deps import Services
from cutroom.contracts.ids import new_id
from cutroom.errors import BadSignature
from cutroom.money.stripe_signature import sign, verify
from cutroom.settings import Settings
from cutroom.store import card_events, identity
from cutroom.store.tables import CardEvent, Outbox
from tests.api.conftest import running

OLD, NEW = "whsec_old", "whsec_new"
CUSTOMER = "cus_of_the_test"


class Door:
    """The API, with what one sends to its hook."""

    def __init__(self, services: Services, http: httpx.AsyncClient, org_id: str) -> None:
        self.services, self.http, self.org_id = services, http, org_id

    async def send(self, body: bytes, header: str | None = None, secret: str = NEW, at: float | None = None) -> httpx.Response:
        signature = sign(body, secret, at or time.time()) if header is None else header
        return await self.http.post("/hooks/stripe", content=body, headers={"Stripe-Signature": signature})

    async def kept(self, event_id: str) -> CardEvent | None:
        async with self.services.system.transaction(None) as session:
            return await session.get(CardEvent, event_id)

    async def started(self, event_id: str) -> list[Outbox]:
        async with self.services.system.transaction(None) as session:
            rows = await session.scalars(select(Outbox).where(col(Outbox.target) == f"card_event/{event_id}"))
            return list(rows)


@pytest.fixture
async def door(settings: Settings) -> AsyncIterator[Door]:
    given = settings.model_copy(update={"stripe_webhook_secrets": SecretStr(f"{OLD}, {NEW}")})
    async with running(given) as app:
        services: Services = app.state.services
        async with services.system.transaction(None) as session:
            org_id = await identity.create_organisation(session, "somebody")
            await session.execute(text("delete from card_customers"))
            await card_events.keep_customer(session, org_id, "live", CUSTOMER)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api") as http:
            yield Door(services, http, org_id)


def event(kind: str = "invoice.paid", *, customer: str = CUSTOMER, livemode: bool = True, **about: Any) -> tuple[str, bytes]:
    """An event's id, and its body as Stripe sends it."""
    event_id = f"evt_{new_id('evt')[4:]}"
    body = {
        "id": event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "livemode": livemode,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
        "data": {"object": {"id": "in_1", "object": "invoice", "customer": customer, **about}},
    }
    return event_id, json.dumps(body).encode()


async def test_a_signed_event_is_kept_once_and_handed_to_its_workflow(door: Door) -> None:
    event_id, body = event()
    first, second = await door.send(body), await door.send(body)
    assert (first.status_code, first.json()) == (200, {"id": event_id, "new": True})
    assert (second.status_code, second.json()) == (200, {"id": event_id, "new": False})
    kept = await door.kept(event_id)
    assert kept is not None
    assert (kept.org_id, kept.mode, kept.kind, kept.object_id) == (door.org_id, "live", "invoice.paid", "in_1")
    (row,) = await door.started(event_id)
    assert row.payload == {"event_id": event_id, "kind": "invoice.paid", "object_id": "in_1", "mode": "live"}


async def test_both_secrets_are_good_while_they_rotate(door: Door) -> None:
    for secret, status in ((OLD, 200), (NEW, 200), ("whsec_gone", 400)):
        assert (await door.send(event()[1], secret=secret)).status_code == status


@pytest.mark.parametrize("kind", ["balance.available", "customer.created", "a.type.of.tomorrow"])
async def test_a_type_that_means_nothing_here_is_kept_and_acknowledged(door: Door, kind: str) -> None:
    event_id, body = event(kind)
    assert (await door.send(body)).status_code == 200
    assert await door.kept(event_id) is not None
    assert await door.started(event_id) == []


async def test_an_event_of_nobody_or_of_the_other_mode_is_seen_by_no_organisation(door: Door) -> None:
    ids = []
    for of in ({"customer": "cus_of_somebody_else"}, {"livemode": False}, {"customer": None}):
        event_id, body = event(**of)
        assert (await door.send(body)).status_code == 200
        ids.append(event_id)
        kept = await door.kept(event_id)
        assert kept is not None
        assert kept.org_id is None
    for org_id in (door.org_id, "", None):
        async with door.services.database.transaction(org_id) as session:
            assert set(await session.scalars(select(col(CardEvent.id)))) & set(ids) == set()


SIGNED = b'{"id": "evt_1"}'


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        "t=,v1=",
        "t=now,v1=00",
        "v1=00",
        f"t={int(time.time())}",
        f"t={int(time.time())},v1=00",
        f"t={int(time.time())},v1=\xff",
        f"t={'9' * 30},v1=00",
        "t=1" + ",v1=00" * 500,
        f"t={int(time.time())},v0=" + sign(SIGNED, NEW, time.time()).split("v1=")[1],
    ],
)
async def test_a_bad_signature_is_a_400_and_nothing_is_kept(door: Door, header: str) -> None:
    event_id, body = event()
    refused = await door.http.post("/hooks/stripe", content=body, headers=[(b"Stripe-Signature", header.encode("latin-1"))])
    assert (refused.status_code, refused.json()["code"]) == (400, "signature_invalid")
    assert await door.kept(event_id) is None


@pytest.mark.parametrize(("shift_s", "status"), [(-290, 200), (290, 200), (-310, 400), (310, 400)])
async def test_an_event_is_good_for_five_minutes_either_way(door: Door, shift_s: int, status: int) -> None:
    assert (await door.send(event()[1], at=time.time() + shift_s)).status_code == status


async def test_a_body_that_was_changed_is_refused(door: Door) -> None:
    _, body = event()
    header = sign(body, NEW, time.time())
    assert (await door.send(body.replace(b"invoice.paid", b"invoice.sent"), header)).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"id": "evt_1"}',
        b'{"id": 1, "type": "a.b", "livemode": true, "data": {"object": {}}}',
        b'{"id": "evt_' + b"x" * 300 + b'", "type": "a.b", "livemode": true, "data": {"object": {}}}',
        b'{"id": "org_1", "type": "a.b", "livemode": true, "data": {"object": {}}}',
        b'{"id": "evt_1", "type": "a.b", "livemode": true, "data": {"object": []}}',
        b"[" * 100_000,
    ],
)
async def test_a_signed_body_that_is_no_event_is_a_400(door: Door, body: bytes) -> None:
    refused = await door.send(body)
    assert (refused.status_code, refused.json()["code"]) == (400, "body_unreadable")


async def test_a_body_of_more_than_a_mebibyte_is_a_413(door: Door) -> None:
    refused = await door.send(b" " * (1024 * 1024 + 1))
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


async def test_without_a_secret_nothing_is_good(settings: Settings) -> None:
    async with running(settings) as app:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
            _, body = event()
            header = {"Stripe-Signature": sign(body, "", time.time())}
            assert (await http.post("/hooks/stripe", content=body, headers=header)).status_code == 400


@given(body=st.binary(max_size=200), secret=st.text("abcdef0123456789", min_size=1), at=st.integers(1_000_000_000, 2_000_000_000))
def test_our_signatures_are_the_sdks(body: bytes, secret: str, at: int) -> None:
    text = body.hex()
    header = sign(text.encode(), secret, at)
    assert stripe.WebhookSignature.verify_header(text, header, secret, tolerance=None)
    verify(body, sign(body, secret, at), ["another", secret], at)
    with pytest.raises(BadSignature):
        verify(body + b"x", sign(body, secret, at), [secret], at)
