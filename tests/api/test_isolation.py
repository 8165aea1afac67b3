"""Two organisations and every operation of the OpenAPI document: the owner gets in, the other sees nothing.

Made from the document itself. Path parameters are filled by their names, bodies by `BODIES`; a new operation, parameter or
`..._id` field that this module knows nothing of fails.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

import httpx
import pytest

from api.app import create_app
from cutroom.contracts.base import ArtifactRef, JobRef
from cutroom.contracts.campaign import FinishClipInput, PackagedClip
from cutroom.contracts.documents import ClipChoice
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.local.cards.server import CardServer
from cutroom.settings import Settings
from cutroom.store import clips, jobs, ledger, payments, reconciliation
from tests.api.conftest import MakeTenant, Tenant
from tests.conftest import card_settings

ANSWER_WITHIN_S = 60
SOURCE = b"bytes"
HASH = hashlib.sha256(SOURCE).hexdigest()
CHECKOUT = {"pack": "small", "success_url": "https://example.com/thanks", "cancel_url": "https://example.com/back"}
UPLOAD = {"filename": "talk.mp4", "size_bytes": len(SOURCE)}


@dataclass(frozen=True)
class World:
    """The ids of what one organisation has, under the names that paths and bodies use for them."""

    upload_id: str
    asset_id: str
    captions_asset_id: str
    campaign_id: str
    job_id: str
    clip_id: str
    token_id: str
    finding_subject: str
    endpoint_id: str
    delivery_id: str
    quote_id: str
    summary_id: str
    summary_quote_id: str


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    spec: dict[str, Any]

    @property
    def parameters(self) -> set[str]:
        return {parameter["name"] for parameter in self.spec.get("parameters", []) if parameter["in"] == "path"}

    @property
    def secured(self) -> bool:
        return bool(self.spec.get("security"))

    @property
    def has_body(self) -> bool:
        return "requestBody" in self.spec

    async def call(self, http: httpx.AsyncClient, world: World, body: dict[str, Any] | None) -> httpx.Response:
        async with asyncio.timeout(ANSWER_WITHIN_S):  # a stream that should have been refused would never end
            return await http.request(self.method, self.path.format(**asdict(world)), json=body)


def operations() -> Iterator[Operation]:
    for path, methods in DOCUMENT["paths"].items():
        for method, spec in methods.items():
            yield Operation(spec["operationId"], method, path, spec)


DOCUMENT = create_app(Settings()).openapi()
SECURED = [pytest.param(operation, id=operation.id) for operation in operations() if operation.secured]

BODIES: dict[str, Callable[[World], dict[str, Any]]] = {
    "create_upload": lambda _: UPLOAD,
    "create_part_urls": lambda _: {"parts": [{"number": 1, "sha256": HASH}]},
    "create_quote": lambda world: {"kind": "campaign", "asset_id": world.asset_id},
    "create_campaign": lambda world: {
        "asset_id": world.asset_id,
        "captions_asset_id": world.captions_asset_id,
        "quote_id": world.quote_id,
    },
    "create_summary": lambda world: {
        "asset_id": world.asset_id,
        "captions_asset_id": world.captions_asset_id,
        "quote_id": world.summary_quote_id,
    },
    "create_checkout": lambda _: CHECKOUT,
    "create_portal_session": lambda _: {"return_url": "https://example.com/account"},
    "create_token": lambda _: {"name": "another", "scopes": ["jobs:read"]},
    "create_webhook_endpoint": lambda _: {"url": "https://example.com/hook", "events": ["*"]},
    "change_webhook_endpoint": lambda _: {"description": "ours"},
    "create_grant": lambda _: {"amount": 5, "reason": "thanks"},
    "create_adjustment": lambda _: {"amount": -5, "reason": "typed twice"},
    "create_refund": lambda world: {"job_id": world.job_id, "amount": 5, "reason": "blurred"},
}
# What shows no ids of its owner.
WITHOUT_IDS = {"list_prices", "get_credits"}
PUBLIC = {"healthz", "readyz", "receive_stripe_event"}


@pytest.fixture
def settings(settings: Settings, card_server: CardServer) -> Settings:
    """With somewhere to pay."""
    return settings.model_copy(update=card_settings(card_server))


async def send_source(tenant: Tenant, world: World) -> None:
    wanted = BODIES["create_part_urls"](world)
    (url,) = (await tenant.http.post(f"/v1/uploads/{world.upload_id}/parts", json=wanted)).json()["urls"]
    async with httpx.AsyncClient() as store:
        assert (await store.put(url["url"], headers=url["headers"], content=SOURCE)).status_code == 200


async def end_job(tenant: Tenant, world: World) -> None:
    await end(tenant, world.job_id)


async def end_summary(tenant: Tenant, world: World) -> None:
    await end(tenant, world.summary_id)


async def end(tenant: Tenant, job_id: str) -> None:
    job = JobRef(org_id=tenant.org_id, job_id=job_id)
    async with tenant.services.database.transaction(tenant.org_id) as session:
        await jobs.record_event(session, EventInput(job=job, seq=1, kind="status", status=JobStatus.SUCCEEDED))


async def spend(tenant: Tenant, world: World) -> None:
    async with tenant.services.database.transaction(tenant.org_id) as session:
        await ledger.settle(session, JobRef(org_id=tenant.org_id, job_id=world.job_id), 5)


async def become_customer(tenant: Tenant, _: World) -> None:
    assert (await tenant.http.post("/v1/checkouts", json=CHECKOUT)).status_code == 201


async def open_payment(tenant: Tenant, world: World) -> None:
    cards, job = tenant.services.cards("live"), JobRef(org_id=tenant.org_id, job_id=world.summary_id)
    customer = await cards.create_customer(tenant.org_id)
    async with tenant.services.database.transaction(tenant.org_id) as session:
        payment = await payments.of_job(session, job)
        await payments.note(session, job, await cards.create_intent(job, payment.amount, payment.currency, customer, {}))


# What must have happened before the owner's call can succeed.
BEFORE: dict[str, Callable[[Tenant, World], Awaitable[None]]] = {
    "complete_upload": send_source,
    "delete_asset": end_summary,
    "stream_job_events": end_job,
    "create_refund": spend,
    "create_portal_session": become_customer,
    "get_summary_payment": open_payment,
}


async def furnish(tenant: Tenant) -> World:
    """One of everything."""
    upload = (await tenant.http.post("/v1/uploads", json=UPLOAD)).json()
    job_id = (await tenant.campaign())["id"]
    hook = {"url": "https://example.com/hook", "events": ["*"]}
    endpoint = (await tenant.http.post("/v1/webhook-endpoints", json=hook)).json()
    pinged = (await tenant.http.post(f"/v1/webhook-endpoints/{endpoint['id']}/test")).json()
    token = (await tenant.http.post("/v1/tokens", json={"name": "spare", "scopes": ["jobs:read"]})).json()
    asset_id = await tenant.asset()
    kinds = ("campaign", "summary")
    quotes = {kind: (await tenant.http.post("/v1/quotes", json={"kind": kind, "asset_id": asset_id})).json() for kind in kinds}
    summary = (await tenant.http.post("/v1/summaries", json={"asset_id": asset_id})).json()
    async with tenant.services.system.transaction(None) as session:
        await reconciliation.add_finding(session, tenant.org_id, "stuck", job_id, "Nothing happened.", "None.")
    return World(
        upload_id=upload["id"],
        asset_id=asset_id,
        captions_asset_id=await tenant.asset("captions"),
        campaign_id=job_id,
        job_id=job_id,
        clip_id=await ready_clip(tenant, JobRef(org_id=tenant.org_id, job_id=job_id)),
        token_id=token["id"],
        finding_subject=job_id,
        endpoint_id=endpoint["id"],
        delivery_id=pinged["id"],
        quote_id=quotes["campaign"]["id"],
        summary_id=summary["id"],
        summary_quote_id=quotes["summary"]["id"],
    )


async def ready_clip(tenant: Tenant, job: JobRef) -> str:
    choice = ClipChoice(
        ordinal=1, start_s=0, end_s=20, first_sentence=0, last_sentence=1, title="", text="", score=1, score_parts={}, why=""
    )
    file = ArtifactRef(key=f"org/{tenant.org_id}/jobs/{job.job_id}/x.mp4", sha256=HASH, size=5)
    packaged = PackagedClip(video=file, subtitles=None, thumbnail=file, framing=file, duration_s=20)
    async with tenant.services.database.transaction(tenant.org_id) as session:
        (clip,) = await clips.record_clips(session, job, [choice])
        await clips.finish_clip(session, FinishClipInput(job=job, clip_id=clip.id, packaged=packaged))
    return clip.id


def shows(response: httpx.Response, world: World) -> bool:
    return any(id in response.text for id in asdict(world).values())


@pytest.mark.parametrize("operation", SECURED)
async def test_the_owner_gets_in_and_the_other_organisation_sees_nothing(operation: Operation, make_tenant: MakeTenant) -> None:
    owner, other = await make_tenant(), await make_tenant()
    theirs, ours = await furnish(owner), await furnish(other)
    body = BODIES[operation.id](theirs) if operation.has_body else None

    if operation.parameters:
        refused = await operation.call(other.http, theirs, BODIES[operation.id](ours) if operation.has_body else None)
        assert (refused.status_code, shows(refused, theirs)) == (404, False)
    for field in [name for name in body or {} if name.endswith("_id")]:
        refused = await operation.call(other.http, ours, {**BODIES[operation.id](ours), field: (body or {})[field]})
        assert (refused.status_code, shows(refused, theirs)) == (404, False)
    if operation.method == "get" and not operation.parameters:
        seen = await operation.call(other.http, ours, None)
        assert (seen.status_code, shows(seen, theirs)) == (200, False)

    await BEFORE.get(operation.id, nothing)(owner, theirs)
    answer = await operation.call(owner.http, theirs, body)
    assert answer.status_code in (200, 201, 202, 204), answer.text
    if operation.method == "get" and not operation.parameters and operation.id not in WITHOUT_IDS:
        assert shows(answer, theirs)


async def nothing(_tenant: Tenant, _world: World) -> None:
    return None


@pytest.mark.parametrize("operation", SECURED)
async def test_without_a_token_nobody_gets_in(operation: Operation, tenant: Tenant) -> None:
    world = World(*["x"] * len(fields(World)))
    del tenant.http.headers["Authorization"]
    assert (await operation.call(tenant.http, world, {} if operation.has_body else None)).status_code == 401


def test_every_operation_but_health_asks_for_a_token() -> None:
    assert {operation.id for operation in operations() if not operation.secured} == PUBLIC


def test_every_id_that_a_body_can_name_is_tried_with_a_foreign_one() -> None:
    world = World(*[f"id-{n}" for n, _ in enumerate(fields(World))])
    for operation in operations():
        if operation.has_body:
            reference = operation.spec["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            schema = DOCUMENT["components"]["schemas"][reference.rsplit("/", 1)[1]]
            named = {field for field in schema["properties"] if field.endswith("_id")} - {"external_id"}
            assert named <= set(BODIES[operation.id](world)), operation.id
