"""Events on their way: told in the transaction that records what they are about, tried, and noted try by try."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import cast, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.contracts.deliveries import Tried, TryInput
from cutroom.contracts.ids import new_id
from cutroom.errors import NotFound
from cutroom.store import mail, outbox, webhooks
from cutroom.store.database import after_commit
from cutroom.store.pages import Page, read_page
from cutroom.store.tables import Outbox, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from cutroom.telemetry import metrics
from cutroom.webhooks import events
from cutroom.webhooks.sender import Answer

FAILING_LIMIT = timedelta(days=5)
LONGEST_RETRY_AFTER_S = 24 * 3600.0


@dataclass(frozen=True)
class Parcel:
    """What a try needs. `failing`: the endpoint's last try went wrong."""

    endpoint_id: str
    url: str
    secrets: list[str] = field(repr=False)
    event: WebhookEvent
    failing: bool


async def announce(session: AsyncSession, org_id: str, mode: str, type: str, data: Mapping[str, Any]) -> None:
    """Tell an event to each endpoint of this mode that asked for it; without one nothing is written."""
    wants = cast(col(WebhookEndpoint.events), ARRAY(TEXT)).overlap([type, events.ALL])
    live = (col(WebhookEndpoint.enabled), col(WebhookEndpoint.deleted_at).is_(None))
    mine = (col(WebhookEndpoint.org_id) == org_id, col(WebhookEndpoint.mode) == mode)
    endpoints = (await session.scalars(select(col(WebhookEndpoint.id)).where(*mine, *live, wants))).all()
    if endpoints:
        event = await _record(session, org_id, type, data)
        for endpoint_id in endpoints:
            await _send(session, event, endpoint_id, 0)


async def ping(session: AsyncSession, endpoint: WebhookEndpoint) -> tuple[WebhookDelivery, Outbox]:
    """Tell one endpoint that it is there."""
    event = await _record(session, endpoint.org_id, events.PING, {"id": endpoint.id, "mode": endpoint.mode})
    return await _send(session, event, endpoint.id, 0)


async def replay(session: AsyncSession, delivery_id: str) -> tuple[WebhookDelivery, Outbox]:
    """Send an event to an endpoint once more, under the event's id. Raises NotFound, Conflict (`webhook_endpoint_disabled`)."""
    delivery = await get(session, delivery_id)
    await webhooks.get_enabled(session, delivery.endpoint_id)
    # One replay at a time: their numbers differ.
    await session.get_one(WebhookEndpoint, delivery.endpoint_id, with_for_update={"key_share": True})
    event = await session.get_one(WebhookEvent, delivery.event_id)
    same = (col(WebhookDelivery.event_id) == event.id, col(WebhookDelivery.endpoint_id) == delivery.endpoint_id)
    last = await session.scalar(select(func.max(WebhookDelivery.replay)).where(*same))
    return await _send(session, event, delivery.endpoint_id, (last or 0) + 1)


async def _record(session: AsyncSession, org_id: str, type: str, data: Mapping[str, Any]) -> WebhookEvent:
    event = WebhookEvent(id=new_id("evt"), org_id=org_id, type=type, data=dict(data))
    session.add(event)
    await session.flush()
    return event


async def _send(session: AsyncSession, event: WebhookEvent, endpoint_id: str, replay: int) -> tuple[WebhookDelivery, Outbox]:
    """A delivery, and the start of its workflow."""
    delivery = WebhookDelivery(
        id=new_id("dlv"),
        org_id=event.org_id,
        event_id=event.id,
        endpoint_id=endpoint_id,
        replay=replay,
        next_at=datetime.now(UTC),
    )
    session.add(delivery)
    await session.flush()
    await session.refresh(delivery)
    payload = {"org_id": event.org_id, "delivery_id": delivery.id}
    return delivery, await outbox.add(session, event.org_id, "start", target_of(delivery), payload)


def target_of(delivery: WebhookDelivery) -> str:
    """The id of a delivery's workflow."""
    target = f"delivery/{delivery.event_id}/{delivery.endpoint_id}"
    return f"{target}/{delivery.replay}" if delivery.replay else target


async def get(session: AsyncSession, delivery_id: str) -> WebhookDelivery:
    """Raises NotFound (`webhook_delivery_unknown`)."""
    delivery = await session.get(WebhookDelivery, delivery_id)
    if delivery is None:
        raise NotFound("There is no such webhook delivery in this organisation.", code="webhook_delivery_unknown")
    return delivery


async def read_list(
    session: AsyncSession, endpoint_id: str | None, status: str | None, cursor: str | None, limit: int
) -> Page[WebhookDelivery]:
    """Deliveries, newest first."""
    query = select(WebhookDelivery)
    if endpoint_id is not None:
        query = query.where(col(WebhookDelivery.endpoint_id) == endpoint_id)
    if status is not None:
        query = query.where(col(WebhookDelivery.status) == status)
    return await read_page(session, query, WebhookDelivery.created_at, WebhookDelivery.id, cursor, limit)


async def events_of(session: AsyncSession, deliveries: Iterable[WebhookDelivery]) -> dict[str, WebhookEvent]:
    """Event id -> event."""
    wanted = {delivery.event_id for delivery in deliveries}
    found = await session.scalars(select(WebhookEvent).where(col(WebhookEvent.id).in_(wanted)))
    return {event.id: event for event in found}


async def attempts_of(session: AsyncSession, deliveries: Iterable[WebhookDelivery]) -> dict[str, list[WebhookAttempt]]:
    """Delivery id -> its tries, in their order."""
    tries: dict[str, list[WebhookAttempt]] = {delivery.id: [] for delivery in deliveries}
    query = select(WebhookAttempt).where(col(WebhookAttempt.delivery_id).in_(tries)).order_by(col(WebhookAttempt.number))
    for attempt in await session.scalars(query):
        tries[attempt.delivery_id].append(attempt)
    return tries


async def open_try(session: AsyncSession, wanted: TryInput) -> Parcel | Tried:
    """What to send, or what became of this try where it was made before; a delivery that nobody waits for is canceled."""
    delivery = await get(session, wanted.delivery_id)
    if delivery.status != "pending":
        return Tried(over=True)
    if delivery.tries >= wanted.number and delivery.next_at is not None:
        return Tried(wait_s=max(0.0, (delivery.next_at - datetime.now(UTC)).total_seconds()))
    endpoint = await session.get_one(WebhookEndpoint, delivery.endpoint_id)
    if endpoint.deleted_at is not None or not endpoint.enabled:
        cancel(delivery, "webhook_endpoint_disabled" if endpoint.deleted_at is None else "webhook_endpoint_unknown")
        return Tried(over=True)
    return Parcel(
        endpoint_id=endpoint.id,
        url=endpoint.url,
        secrets=await webhooks.valid_secrets(session, endpoint),
        event=await session.get_one(WebhookEvent, delivery.event_id),
        failing=endpoint.failing_since is not None,
    )


async def overdue(session: AsyncSession, by: timedelta, limit: int) -> list[WebhookDelivery]:
    """Deliveries whose next try should have been made for so long, longest first: for the system role."""
    late = (col(WebhookDelivery.status) == "pending", col(WebhookDelivery.next_at) < func.now() - by)
    return list(await session.scalars(select(WebhookDelivery).where(*late).order_by(col(WebhookDelivery.next_at)).limit(limit)))


async def still_pending(session: AsyncSession, delivery_id: str) -> WebhookDelivery | None:
    """The delivery, nobody else's until the transaction ends; None where it is over."""
    pending = (col(WebhookDelivery.id) == delivery_id, col(WebhookDelivery.status) == "pending")
    return await session.scalar(select(WebhookDelivery).where(*pending).with_for_update())


def cancel(delivery: WebhookDelivery, code: str) -> None:
    """Give a delivery up that no try could end."""
    delivery.status, delivery.error_code, delivery.next_at, delivery.ended_at = "canceled", code, None, datetime.now(UTC)


async def put_off(session: AsyncSession, delivery_id: str, wait_s: float) -> None:
    """Note that a try is made later, since others are under way."""
    later = func.now() + timedelta(seconds=wait_s)
    await session.execute(update(WebhookDelivery).where(col(WebhookDelivery.id) == delivery_id).values(next_at=later))


async def close_try(session: AsyncSession, wanted: TryInput, answer: Answer) -> Tried:
    """Note a try, and what follows from it for the delivery and for its endpoint."""
    delivery = await session.get_one(WebhookDelivery, wanted.delivery_id, with_for_update=True)
    attempt = insert(WebhookAttempt).values(
        org_id=wanted.org_id,
        delivery_id=wanted.delivery_id,
        number=wanted.number,
        http_status=answer.status,
        duration_s=round(answer.seconds, 3),
        error_code=answer.code,
    )
    await session.execute(attempt.on_conflict_do_nothing())
    delivery.tries, delivery.http_status, delivery.error_code = wanted.number, answer.status, answer.code
    good, wait_s = not answer.code, _wait_s(wanted, answer)
    await _note_endpoint(session, delivery, answer)
    if good or wait_s is None:
        delivery.status, delivery.next_at, delivery.ended_at = "succeeded" if good else "failed", None, datetime.now(UTC)
        return Tried(over=True)
    delivery.next_at = datetime.now(UTC) + timedelta(seconds=wait_s)
    return Tried(wait_s=wait_s)


def _wait_s(wanted: TryInput, answer: Answer) -> float | None:
    """Until the next try: the schedule's wait, or longer where the receiver asks for it; None where there is none."""
    if wanted.wait_s is None or answer.status == 410:
        return None
    return max(wanted.wait_s, min(answer.retry_after_s, LONGEST_RETRY_AFTER_S))


async def _note_endpoint(session: AsyncSession, delivery: WebhookDelivery, answer: Answer) -> None:
    """Remember since when an endpoint fails; turn it off where it is gone, or has failed for days."""
    own = (col(WebhookEndpoint.org_id) == delivery.org_id, col(WebhookEndpoint.id) == delivery.endpoint_id)
    if not answer.code:
        failed = col(WebhookEndpoint.failing_since).is_not(None)
        await session.execute(update(WebhookEndpoint).where(*own, failed).values(failing_since=None))
        return
    well = col(WebhookEndpoint.failing_since).is_(None)
    await session.execute(update(WebhookEndpoint).where(*own, well).values(failing_since=func.now()))
    reason = "gone" if answer.status == 410 else "failing"
    too_long = col(WebhookEndpoint.failing_since) < func.now() - FAILING_LIMIT
    off = update(WebhookEndpoint).where(*own, col(WebhookEndpoint.enabled), *([] if reason == "gone" else [too_long]))
    mode = await session.scalar(off.values(enabled=False, disabled_reason=reason).returning(col(WebhookEndpoint.mode)))
    if mode is not None:
        data = {"id": delivery.endpoint_id, "mode": mode, "reason": reason}
        await announce(session, delivery.org_id, mode, events.DISABLED, data)
        await mail.ask(session, delivery.org_id, delivery.endpoint_id)
        after_commit(session, metrics.WEBHOOKS_DISABLED.labels(reason).inc)
