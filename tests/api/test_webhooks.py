"""Webhook endpoints and deliveries over HTTP: what is shown, what is refused, and what starts a workflow."""

import asyncio
from typing import Any

import pytest

from cutroom.temporal.engine import RunState
from cutroom.webhooks.events import EVENTS
from tests.api.conftest import MakeTenant, Tenant
from tests.api.test_contract import is_problem

URL = "https://example.com/hook"


async def make(tenant: Tenant, **body: Any) -> dict[str, Any]:
    response = await tenant.http.post("/v1/webhook-endpoints", json={"url": URL, "events": ["*"], **body})
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


async def test_a_secret_is_shown_when_it_is_made_and_never_again(tenant: Tenant) -> None:
    made = await make(tenant, description="ours")
    assert made["secret"].startswith("whsec_")
    rotated = (await tenant.http.post(f"/v1/webhook-endpoints/{made['id']}/rotate-secret")).json()
    assert rotated["secret"] not in ("", made["secret"])
    changed = await tenant.http.patch(f"/v1/webhook-endpoints/{made['id']}", json={"events": ["clip.ready", "clip.ready"]})
    assert changed.json()["events"] == ["clip.ready"]
    listed = await tenant.http.get("/v1/webhook-endpoints")
    shown = await tenant.http.get(f"/v1/webhook-endpoints/{made['id']}")
    assert listed.json()["items"] == [shown.json()] == [changed.json()]
    assert (shown.json()["description"], shown.json()["mode"], shown.json()["enabled"]) == ("ours", "live", True)
    assert "whsec_" not in changed.text + listed.text + shown.text


async def test_rotations_at_once_come_one_after_the_other(tenant: Tenant) -> None:
    made = await make(tenant)
    path = f"/v1/webhook-endpoints/{made['id']}/rotate-secret"
    answers = await asyncio.gather(*(tenant.http.post(path) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer.json()["secret"] for answer in answers}) == 5


async def test_a_deleted_endpoint_is_gone_and_its_deliveries_stay(tenant: Tenant) -> None:
    made = await make(tenant)
    await tenant.http.post(f"/v1/webhook-endpoints/{made['id']}/test")
    assert (await tenant.http.delete(f"/v1/webhook-endpoints/{made['id']}")).status_code == 204
    is_problem(await tenant.http.get(f"/v1/webhook-endpoints/{made['id']}"), 404, "webhook_endpoint_unknown")
    assert (await tenant.http.get("/v1/webhook-endpoints")).json()["items"] == []
    assert len((await tenant.http.get("/v1/webhook-deliveries")).json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"url": "http://example.com"}, "webhook_url_invalid"),
        ({"url": "https://me:pw@example.com"}, "webhook_url_invalid"),
        ({"url": "https://127.0.0.1/x"}, "webhook_address_private"),
        ({"url": "https://[::ffff:10.0.0.1]/x"}, "webhook_address_private"),
        ({"url": "https://2130706433/"}, "webhook_address_private"),
        ({"url": "https://localhost/x"}, "webhook_address_private"),
        ({"url": "https://exa mple.com"}, "invalid_request"),
        ({"events": []}, "invalid_request"),
        ({"events": ["campaign.finished"]}, "webhook_event_unknown"),
        ({"description": "a\nb"}, "invalid_request"),
        ({"secret": "whsec_mine"}, "invalid_request"),
    ],
)
async def test_what_cannot_be_an_endpoint_is_refused_at_once_and_at_a_change(
    tenant: Tenant, body: dict[str, Any], code: str
) -> None:
    is_problem(await tenant.http.post("/v1/webhook-endpoints", json={"url": URL, "events": ["*"], **body}), 422, code)
    made = await make(tenant)
    is_problem(await tenant.http.patch(f"/v1/webhook-endpoints/{made['id']}", json=body), 422, code)


async def test_there_are_fifty_endpoints_at_most(tenant: Tenant) -> None:
    for _ in range(50):
        await make(tenant)
    full = await tenant.http.post("/v1/webhook-endpoints", json={"url": URL, "events": ["*"]})
    is_problem(full, 422, "webhook_endpoints_too_many")


async def test_a_ping_and_a_replay_are_started_at_once(tenant: Tenant) -> None:
    made = await make(tenant, events=["clip.ready"])
    answer = await tenant.http.post(f"/v1/webhook-endpoints/{made['id']}/test")
    assert answer.status_code == 202
    ping = answer.json()
    assert (ping["event_type"], ping["status"], ping["attempts"], ping["replay"]) == ("webhook.ping", "pending", [], 0)
    replays = [
        await tenant.http.post(f"/v1/webhook-deliveries/{ping['id']}/replay", headers={"Idempotency-Key": "once"}) for _ in range(2)
    ]
    assert [(one.status_code, one.headers.get("Idempotent-Replayed")) for one in replays] == [(202, None), (202, "true")]
    path = f"/v1/webhook-endpoints/{made['id']}/test"
    pings = [await tenant.http.post(path, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert pings[0].json() == pings[1].json() != ping
    for made_one in (answer, replays[0]):
        assert (await tenant.http.get(made_one.headers["Location"])).json()["id"] == made_one.json()["id"]
    replay = replays[0].json()
    assert replays[1].json() == replay
    assert (replay["event_id"], replay["replay"]) == (ping["event_id"], 1)
    target = f"delivery/{ping['event_id']}/{made['id']}"
    for started in (target, f"{target}/1"):
        assert await tenant.services.engine.state(started) is RunState.RUNNING
    assert (await tenant.http.get(f"/v1/webhook-deliveries/{replay['id']}")).json() == replay


async def test_deliveries_are_listed_by_endpoint_and_by_status(tenant: Tenant, make_tenant: MakeTenant) -> None:
    one, other = await make(tenant), await make(tenant)
    for made in (one, other):
        await tenant.http.post(f"/v1/webhook-endpoints/{made['id']}/test")

    async def listed(**wanted: str) -> list[str]:
        found = (await tenant.http.get("/v1/webhook-deliveries", params=wanted)).json()["items"]
        return [delivery["endpoint_id"] for delivery in found]

    assert await listed() == [other["id"], one["id"]]
    assert await listed(endpoint=one["id"], status="pending") == [one["id"]]
    assert await listed(status="failed") == []
    stranger = await make_tenant()
    foreign = await stranger.http.get("/v1/webhook-deliveries", params={"endpoint": one["id"]})
    assert foreign.json()["items"] == []
    is_problem(await tenant.http.get("/v1/webhook-deliveries", params={"status": "lost"}), 422, "invalid_request")


async def test_an_endpoint_that_is_off_gets_no_ping_and_no_replay(tenant: Tenant) -> None:
    made = await make(tenant)
    ping = (await tenant.http.post(f"/v1/webhook-endpoints/{made['id']}/test")).json()
    off = (await tenant.http.patch(f"/v1/webhook-endpoints/{made['id']}", json={"enabled": False})).json()
    assert (off["enabled"], off["disabled_reason"]) == (False, "asked")
    for path in (f"webhook-endpoints/{made['id']}/test", f"webhook-deliveries/{ping['id']}/replay"):
        is_problem(await tenant.http.post(f"/v1/{path}"), 409, "webhook_endpoint_disabled")


async def test_the_contract_names_the_events(tenant: Tenant) -> None:
    schema = (await tenant.http.get("/openapi.json")).json()["components"]["schemas"]["NewEndpoint"]
    assert schema["properties"]["events"]["items"]["enum"] == [*EVENTS, "*"]


async def test_who_may_read_webhooks_may_not_write_them(make_tenant: MakeTenant) -> None:
    reader = await make_tenant(scopes=("webhooks:read",))
    assert (await reader.http.get("/v1/webhook-endpoints")).status_code == 200
    refused = await reader.http.post("/v1/webhook-endpoints", json={"url": URL, "events": ["*"]})
    is_problem(refused, 403, "scope_missing")
