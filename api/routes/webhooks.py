"""Webhooks: where the caller's organisation wants to be told what happens, and what became of each telling."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import IdempotencyKey, PageDep, PathId, ServicesDep, WebhooksRead, WebhooksWrite
from api.handing import Made, Once
from api.requests import Body, Id, refused
from api.resources import ListOf
from cutroom.contracts.ids import new_id
from cutroom.store import deliveries, webhooks
from cutroom.store.tables import WebhookAttempt, WebhookDelivery, WebhookEndpoint, WebhookEvent
from cutroom.webhooks import events
from cutroom.webhooks.addresses import checked_url

endpoints = APIRouter(prefix="/v1/webhook-endpoints", tags=["webhooks"])
sent = APIRouter(prefix="/v1/webhook-deliveries", tags=["webhooks"])


def _event(name: str) -> str:
    if name != events.ALL and name not in events.EVENTS:
        raise refused("webhook_event_unknown", f"There is no such event; there are {', '.join(events.EVENTS)}, and * for all.")
    return name


def _once_each(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


Url = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[!-~]+$")]
EventName = Annotated[str, AfterValidator(_event), Field(json_schema_extra={"enum": [*events.EVENTS, events.ALL]})]
EventNames = Annotated[list[EventName], Field(min_length=1, max_length=50), AfterValidator(_once_each)]
Description = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]


class NewEndpoint(Body):
    """`url`: https, on the public internet."""

    url: Url
    events: EventNames
    description: Description = ""
    enabled: bool = True


class ChangedEndpoint(Body):
    """What is left out stays as it is."""

    url: Url = ""
    events: EventNames = []
    description: Description = ""
    enabled: bool = True


class EndpointResource(BaseModel):
    """`mode`: that of the token it was made with; it hears of jobs of this mode alone.

    `disabled_reason`: gone (it answered 410) | failing (nothing arrived for five days) | asked; empty while it is enabled.
    """

    id: str
    mode: str
    url: str
    events: list[str]
    description: str
    enabled: bool
    disabled_reason: str
    failing_since: datetime | None
    created_at: datetime


class MadeEndpoint(EndpointResource):
    """`secret` verifies what is sent (Standard Webhooks); it is shown this once."""

    secret: str


class AttemptResource(BaseModel):
    """`http_status` is null where there was no answer; `error_code` is explained in docs/errors.md, empty for a 2xx."""

    number: int
    at: datetime
    http_status: int | None
    duration_s: float
    error_code: str


class DeliveryResource(BaseModel):
    """status: pending | succeeded | failed | canceled. `next_at`: when it is tried next; null once it is over."""

    id: str
    event_id: str
    event_type: str
    endpoint_id: str
    replay: int
    status: str
    http_status: int | None
    error_code: str
    next_at: datetime | None
    created_at: datetime
    ended_at: datetime | None
    attempts: list[AttemptResource]

    @classmethod
    def of(cls, row: WebhookDelivery, event: WebhookEvent, tries: list[WebhookAttempt]) -> Self:
        attempts = [AttemptResource.model_validate(each, from_attributes=True) for each in tries]
        return cls(**row.model_dump(), event_type=event.type, attempts=attempts)


@endpoints.get("")
async def list_webhook_endpoints(services: ServicesDep, caller: WebhooksRead, page: PageDep) -> ListOf[EndpointResource]:
    """Newest first."""
    async with services.database.transaction(caller.org_id) as session:
        found = await webhooks.read_list(session, page.cursor, page.limit)
    return ListOf(items=[_resource(endpoint) for endpoint in found.items], next_cursor=found.next_cursor)


@endpoints.post("", status_code=201)
async def create_webhook_endpoint(wanted: NewEndpoint, services: ServicesDep, caller: WebhooksWrite) -> MadeEndpoint:
    """Begin to send events of jobs of this token's mode. There is no Idempotency-Key here: replaying an answer would mean
    keeping the secret with it. Where the answer is lost, delete the endpoint and make another.
    """
    checked_url(wanted.url, services.settings.private_hosts)
    endpoint = WebhookEndpoint(
        id=new_id("whe"),
        org_id=caller.org_id,
        mode=caller.mode,
        **wanted.model_dump(),
        disabled_reason="" if wanted.enabled else "asked",
    )
    async with services.database.transaction(caller.org_id) as session:
        secret = await webhooks.create(session, endpoint)
    return MadeEndpoint(**_resource(endpoint).model_dump(), secret=secret)


@endpoints.get("/{endpoint_id}")
async def get_webhook_endpoint(endpoint_id: PathId, services: ServicesDep, caller: WebhooksRead) -> EndpointResource:
    async with services.database.transaction(caller.org_id) as session:
        return _resource(await webhooks.get(session, endpoint_id))


@endpoints.patch("/{endpoint_id}")
async def change_webhook_endpoint(
    endpoint_id: PathId, wanted: ChangedEndpoint, services: ServicesDep, caller: WebhooksWrite
) -> EndpointResource:
    """Change what is given. `enabled: true` turns an endpoint on again; what was canceled then can be replayed."""
    values = wanted.model_dump(exclude_unset=True)
    if "url" in values:
        checked_url(wanted.url, services.settings.private_hosts)
    async with services.database.transaction(caller.org_id) as session:
        return _resource(await webhooks.change(session, endpoint_id, values))


@endpoints.delete("/{endpoint_id}", status_code=204)
async def delete_webhook_endpoint(endpoint_id: PathId, services: ServicesDep, caller: WebhooksWrite) -> None:
    """Nothing more is sent there; its deliveries stay to be read."""
    async with services.database.transaction(caller.org_id) as session:
        await webhooks.delete(session, endpoint_id)


@endpoints.post("/{endpoint_id}/rotate-secret")
async def rotate_webhook_secret(endpoint_id: PathId, services: ServicesDep, caller: WebhooksWrite) -> MadeEndpoint:
    """A new secret. For 24 hours what is sent is signed with the one before too."""
    async with services.database.transaction(caller.org_id) as session:
        endpoint, secret = await webhooks.rotate(session, endpoint_id)
    return MadeEndpoint(**_resource(endpoint).model_dump(), secret=secret)


@endpoints.post("/{endpoint_id}/test", status_code=202, response_model=DeliveryResource)
async def ping_webhook_endpoint(
    endpoint_id: PathId, services: ServicesDep, caller: WebhooksWrite, idempotency_key: IdempotencyKey = None
) -> Response:
    """Send a `webhook.ping`, whatever the endpoint listens to."""

    async def make(session: AsyncSession) -> Made:
        delivery, row = await deliveries.ping(session, await webhooks.get_enabled(session, endpoint_id))
        (resource,) = await _deliveries(session, [delivery])
        return Made(202, resource, row)

    route = f"{endpoints.prefix}/{endpoint_id}/test"
    return await Once(services, caller, route, idempotency_key, Body(), sent.prefix).respond(make)


@sent.get("")
async def list_webhook_deliveries(
    services: ServicesDep,
    caller: WebhooksRead,
    page: PageDep,
    endpoint: Annotated[Id | None, Query(description="Of this endpoint alone.")] = None,
    status: Literal["pending", "succeeded", "failed", "canceled"] | None = None,
) -> ListOf[DeliveryResource]:
    """Newest first, each with its tries."""
    async with services.database.transaction(caller.org_id) as session:
        found = await deliveries.read_list(session, endpoint, status, page.cursor, page.limit)
        return ListOf(items=await _deliveries(session, found.items), next_cursor=found.next_cursor)


@sent.get("/{delivery_id}")
async def get_webhook_delivery(delivery_id: PathId, services: ServicesDep, caller: WebhooksRead) -> DeliveryResource:
    async with services.database.transaction(caller.org_id) as session:
        (resource,) = await _deliveries(session, [await deliveries.get(session, delivery_id)])
    return resource


@sent.post("/{delivery_id}/replay", status_code=202, response_model=DeliveryResource)
async def replay_webhook_delivery(
    delivery_id: PathId, services: ServicesDep, caller: WebhooksWrite, idempotency_key: IdempotencyKey = None
) -> Response:
    """Send the event once more: a delivery of its own, under the same `webhook-id`."""

    async def make(session: AsyncSession) -> Made:
        delivery, row = await deliveries.replay(session, delivery_id)
        (resource,) = await _deliveries(session, [delivery])
        return Made(202, resource, row)

    route = f"{sent.prefix}/{delivery_id}/replay"
    return await Once(services, caller, route, idempotency_key, Body(), sent.prefix).respond(make)


async def _deliveries(session: AsyncSession, rows: list[WebhookDelivery]) -> list[DeliveryResource]:
    told, tries = await deliveries.events_of(session, rows), await deliveries.attempts_of(session, rows)
    return [DeliveryResource.of(row, told[row.event_id], tries[row.id]) for row in rows]


def _resource(endpoint: WebhookEndpoint) -> EndpointResource:
    return EndpointResource.model_validate(endpoint, from_attributes=True)
