"""What holds for every route: problems, request ids, tokens, limits."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.middleware import MAX_BODY_BYTES
from cutroom.identity.tokens import new_token
from cutroom.local.ports import free_port
from cutroom.settings import Settings
from tests.api.conftest import MakeTenant, Tenant, running

SECRET = "my own words"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def stranger(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api") as http:
        yield http


def is_problem(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == response.headers["X-Request-Id"]
    assert problem["detail"].endswith(".") or "ctr_" in problem["detail"]


async def test_every_error_is_a_problem(tenant: Tenant) -> None:
    is_problem(await tenant.http.get("/v1/nothing"), 404, "route_unknown")
    is_problem(await tenant.http.put("/v1/campaigns", json={}), 405, "method_not_allowed")
    is_problem(await tenant.http.post("/v1/campaigns", content=b"{", headers=JSON), 422, "json_invalid")
    is_problem(await tenant.http.post("/v1/campaigns", json={}), 422, "invalid_request")
    is_problem(await tenant.http.post("/v1/campaigns", content=b'{"asset_id": "\\ud800"}', headers=JSON), 422, "invalid_request")
    is_problem(await tenant.http.post("/v1/campaigns", content=b"[" * 100_000, headers=JSON), 400, "body_unreadable")
    is_problem(await tenant.http.get("/v1/campaigns/cmp_nothing"), 404, "job_unknown")
    is_problem(await tenant.http.get("/v1/campaigns/%00"), 422, "invalid_request")
    is_problem(await tenant.http.get("/v1/jobs", params={"limit": 0}), 422, "invalid_request")


async def test_a_broken_route_is_an_internal_error_without_its_reason(app: FastAPI, tenant: Tenant) -> None:
    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(SECRET)

    response = await tenant.http.get("/broken")
    is_problem(response, 500, "internal_error")
    assert SECRET not in response.text


async def test_validation_names_fields_and_never_echoes_values(tenant: Tenant) -> None:
    body = {"asset_id": f"\n{SECRET}", "clips": {"count": SECRET, "aspect": SECRET}, "captions": {"style": SECRET}}
    response = await tenant.http.post("/v1/campaigns", json=body)
    assert response.status_code == 422
    fields = {error["field"] for error in response.json()["errors"]}
    assert fields == {"asset_id", "clips.count", "clips.aspect", "captions.style"}
    assert SECRET not in response.text


async def test_a_request_id_is_taken_where_it_is_sane_and_made_otherwise(stranger: httpx.AsyncClient) -> None:
    given = await stranger.get("/healthz", headers={"X-Request-Id": "trace-0123456789"})
    assert given.headers["X-Request-Id"] == "trace-0123456789"
    for bad in ("short", "x" * 65, "spaces are not sane"):
        made = await stranger.get("/healthz", headers={"X-Request-Id": bad})
        assert made.headers["X-Request-Id"].startswith("req_")


async def test_without_a_good_token_nobody_gets_in(stranger: httpx.AsyncClient, tenant: Tenant) -> None:
    unknown, mistyped = new_token("live").text, tenant.token[:-1] + ("0" if tenant.token[-1] != "0" else "1")
    cases = [
        ({}, "token_missing"),
        ({"Authorization": "Basic dXNlcjpwYXNz"}, "token_missing"),
        ({"Authorization": "Bearer nonsense"}, "token_malformed"),
        ({"Authorization": f"Bearer {mistyped}"}, "token_malformed"),
        ({"Authorization": f"Bearer {unknown}"}, "token_unknown"),
    ]
    for headers, code in cases:
        response = await stranger.get("/v1/jobs", headers=headers)
        is_problem(response, 401, code)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_token_does_only_what_its_scopes_say_and_makes_none_that_does_more(make_tenant: MakeTenant) -> None:
    tenant = await make_tenant(scopes=("jobs:read", "tokens:write"))
    assert (await tenant.http.get("/v1/jobs")).status_code == 200
    refused = await tenant.http.post("/v1/campaigns", json={"asset_id": "ast_x"})
    is_problem(refused, 403, "scope_missing")
    assert "insufficient_scope" in refused.headers["WWW-Authenticate"]
    more = await tenant.http.post("/v1/tokens", json={"name": "more", "scopes": ["admin"]})
    is_problem(more, 403, "scope_missing")


async def test_a_test_token_makes_test_tokens_only_and_a_revoked_one_is_out(tenant: Tenant, stranger: httpx.AsyncClient) -> None:
    made = (await tenant.http.post("/v1/tokens", json={"name": "ci", "mode": "test", "scopes": ["tokens:write"]})).json()
    assert made["token"].startswith("ctr_test_")
    listed = (await tenant.http.get("/v1/tokens")).json()["items"]
    assert made["id"] in [token["id"] for token in listed]
    assert all("token" not in token for token in listed)
    headers = {"Authorization": f"Bearer {made['token']}"}
    body = {"name": "up", "mode": "live", "scopes": ["tokens:write"]}
    is_problem(await stranger.post("/v1/tokens", json=body, headers=headers), 403, "mode_forbidden")
    assert (await tenant.http.delete(f"/v1/tokens/{made['id']}")).status_code == 204
    is_problem(await stranger.get("/v1/tokens", headers=headers), 401, "token_revoked")


async def test_a_body_beyond_the_limit_is_refused(tenant: Tenant) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 65536 + 2):
            yield b" " * 65536

    is_problem(await tenant.http.post("/v1/campaigns", content=b" " * (MAX_BODY_BYTES + 1), headers=JSON), 413, "body_too_large")
    is_problem(await tenant.http.post("/v1/campaigns", content=chunks(), headers=JSON), 413, "body_too_large")


async def test_a_part_that_is_away_is_503_with_retry_after(settings: Settings, tenant: Tenant) -> None:
    gone = f"127.0.0.1:{free_port()}"
    nowhere = SecretStr(f"postgresql://cutroom_app:x@{gone}/cutroom")
    cases: dict[str, dict[str, Any]] = {
        "database_unavailable": {"database_url": nowhere, "database_system_url": nowhere},
        "store_unavailable": {"s3_endpoint": f"http://{gone}"},
    }
    for code, away in cases.items():
        async with AsyncExitStack() as stack:
            app = await stack.enter_async_context(running(settings.model_copy(update=away)))
            transport = httpx.ASGITransport(app=app)
            http = httpx.AsyncClient(transport=transport, base_url="http://api", headers=tenant.http.headers, timeout=60)
            await stack.enter_async_context(http)
            response = await http.post("/v1/uploads", json={"filename": "talk.mp4", "size_bytes": 5})
            is_problem(response, 503, code)
            assert int(response.headers["Retry-After"]) > 0
            ready = await http.get("/readyz")
            assert ready.status_code == 503
            assert sorted(ready.json()["parts"].values()) == sorted([code, "ok", "ok"])


async def test_a_whole_stack_is_ready(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/healthz")).json() == {"status": "ok"}
    ready = await stranger.get("/readyz")
    assert ready.json() == {"status": "ready", "parts": {"database": "ok", "store": "ok", "temporal": "ok"}}


async def test_the_contract_and_its_pages_are_public(stranger: httpx.AsyncClient) -> None:
    document = (await stranger.get("/openapi.json")).json()
    assert document["info"]["title"] == "Cutroom"
    problem = document["paths"]["/v1/jobs"]["get"]["responses"]["default"]["content"]
    assert problem == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    clips, captions = (document["components"]["schemas"][name]["properties"] for name in ("WantedClips", "WantedCaptions"))
    assert clips["aspect"]["enum"] == ["9:16", "1:1", "4:5", "16:9"]
    assert clips["topic"]["anyOf"][0]["maxLength"] == 200
    assert (captions["vocabulary"]["maxItems"], captions["vocabulary"]["items"]["maxLength"]) == (100, 60)
    assert (await stranger.get("/docs")).status_code == 200
