"""What a request leaves in metrics, and how far its trace goes."""

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import select
from sqlmodel import col

from cutroom.contracts.ids import workflow_id
from cutroom.store.tables import Outbox
from cutroom.telemetry import tracing
from cutroom.telemetry.metrics import REGISTRY
from tests.api.conftest import Tenant

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


def requests(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("cutroom_http_request_seconds_count", labels) or 0.0


async def test_a_request_counts_under_the_template_of_its_route(tenant: Tenant) -> None:
    before = requests("GET", "/v1/jobs/{job_id}", 404)
    for job_id in ("cmp_1", "cmp_2"):
        await tenant.http.get(f"/v1/jobs/{job_id}")
    assert requests("GET", "/v1/jobs/{job_id}", 404) == before + 2


async def test_what_clients_make_up_is_one_label(tenant: Tenant) -> None:
    before = requests("other", "unmatched", 404)
    for path in ("/admin.php", "/wp-login"):
        await tenant.http.request("BREW", path)
    assert requests("other", "unmatched", 404) == before + 2


async def test_the_page_of_metrics_is_there_and_not_in_the_document(tenant: Tenant) -> None:
    assert "cutroom_http_request_seconds_bucket" in (await tenant.http.get("/metrics")).text
    assert "/metrics" not in (await tenant.http.get("/openapi.json")).json()["paths"]


async def created(tenant: Tenant, **headers: str) -> httpx.Response:
    return await tenant.http.post("/v1/campaigns", json={"asset_id": await tenant.asset()}, headers=headers)


async def test_a_job_belongs_to_the_trace_of_the_request_that_made_it(tenant: Tenant) -> None:
    job = (await created(tenant, traceparent=PARENT)).json()
    assert job["trace_id"] == TRACE
    assert (await tenant.http.get(f"/v1/jobs/{job['id']}")).json()["trace_id"] == TRACE
    async with tenant.services.database.transaction(tenant.org_id) as session:
        row = (await session.scalars(select(Outbox).where(col(Outbox.target).endswith(job["id"])))).one()
    assert row.traceparent == PARENT


async def test_its_workflow_carries_the_trace_and_nothing_else_that_the_client_sent(tenant: Tenant) -> None:
    said = {"tracestate": "vendor=of-a-user", "baggage": "name=of-a-user"}
    job = (await created(tenant, traceparent=PARENT, **said)).json()
    client = await tenant.services.engine.client()
    history = await client.get_workflow_handle(workflow_id("campaign", job["id"])).fetch_history()
    begun = history.events[0].SerializeToString()
    assert TRACE.encode() in begun
    assert b"of-a-user" not in begun


async def test_a_request_s_span_tells_of_the_route_and_nothing_that_the_client_wrote(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = InMemorySpanExporter()
    provider = tracing.provider(exporter, "test")
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    await tenant.http.get("/v1/jobs/of-a-user", params={"note": "of-a-user"}, headers={"User-Agent": "of-a-user"})
    await tenant.http.get("/healthz")
    provider.shutdown()
    (span,) = exporter.get_finished_spans()
    assert span.name == "GET /v1/jobs/{job_id}"
    assert span.attributes == {"http.request.method": "GET", "http.route": "/v1/jobs/{job_id}", "http.response.status_code": 404}
    assert "of-a-user" not in span.to_json()


async def test_without_a_trace_a_job_has_none(tenant: Tenant) -> None:
    assert (await created(tenant)).json()["trace_id"] is None
