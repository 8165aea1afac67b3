"""Quotes that hold, plans that limit, and the books as their owner and an operator see them."""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from api.requests import NewCampaign
from cutroom.cli import credits
from cutroom.client import Client
from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.errors import PlanLimit
from cutroom.money.plans import PLANS
from cutroom.money.prices import quote
from cutroom.settings import Settings
from cutroom.store import identity, jobs, ledger, plans
from cutroom.store.tables import KeptQuote
from tests.api.conftest import MINUTE, MakeTenant, Tenant, running

HOUR = MINUTE.model_copy(update={"duration_s": 3600.0})


@pytest.fixture
async def selling(settings: Settings) -> AsyncIterator[FastAPI]:
    """The API of somebody who sells: who subscribes to nothing has the plan `free`."""
    async with running(settings.model_copy(update={"default_plan": "free"})) as app:
        yield app


async def quoted(tenant: Tenant, asset_id: str, count: int = 2) -> dict[str, Any]:
    body = {"kind": "campaign", "asset_id": asset_id, "clips": {"count": count}}
    answer: dict[str, Any] = (await tenant.http.post("/v1/quotes", json=body)).json()
    return answer


async def keep(tenant: Tenant, asset_id: str, *, version: str = "2026-12", minutes: int = 30) -> str:
    """A quote for two clips, as it was written when another book was current, or some minutes ago."""
    price = quote("campaign", source_s=61, clips=2, version=version).model_dump()
    expires_at = datetime.now(UTC) + timedelta(minutes=minutes)
    row = KeptQuote(id=new_id("quo"), org_id=tenant.org_id, mode="live", kind="campaign", asset_id=asset_id, expires_at=expires_at)
    row.price, row.request = price, {"clips": 2}
    async with tenant.services.database.transaction(tenant.org_id) as session:
        session.add(row)
    return row.id


async def create(tenant: Tenant, asset_id: str, count: int = 2, **body: Any) -> httpx.Response:
    return await tenant.http.post("/v1/campaigns", json={"asset_id": asset_id, "clips": {"count": count}, **body})


async def subscribe(
    tenant: Tenant, plan: str, *, status: str = "active", ends_in: int = 30, as_of: int = 0, id: str = "sub_1"
) -> None:
    """`as_of` seconds from now, `ends_in` days."""
    now = datetime.now(UTC)
    async with tenant.services.system.transaction(None) as session:
        await plans.set_subscription(
            session,
            tenant.org_id,
            "live",
            provider_id=id,
            plan=plan,
            status=status,
            period_end=now + timedelta(days=ends_in),
            as_of=now + timedelta(seconds=as_of),
        )


async def plan_of(tenant: Tenant) -> str:
    plan: str = (await tenant.http.get("/v1/credits")).json()["plan"]
    return plan


async def test_a_quote_is_kept_for_thirty_minutes_and_shown_with_its_job(tenant: Tenant) -> None:
    made = await quoted(tenant, await tenant.asset())
    left = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    assert (await tenant.http.get(f"/v1/quotes/{made['id']}")).json() == made
    job = (await create(tenant, made["asset_id"], quote_id=made["id"])).json()
    assert (job["price"]["total"], job["price"]["lines"]) == (made["total"], made["lines"])
    assert (await tenant.http.get(f"/v1/quotes/{made['id']}")).json()["job_id"] == job["id"]


async def test_a_quoted_price_holds_after_the_book_has_changed(tenant: Tenant) -> None:
    asset_id = await tenant.asset()
    job = (await create(tenant, asset_id, quote_id=await keep(tenant, asset_id, version="2026-11"))).json()
    assert job["price"]["price_version"] == "2026-11"
    fewer = (await create(tenant, asset_id, 1, quote_id=await keep(tenant, asset_id, version="2026-11"))).json()
    assert (fewer["price"]["price_version"], fewer["price"]["total"]) == ("2026-11", 2 + 5)
    assert (await create(tenant, asset_id)).json()["price"]["price_version"] == "2026-12"


async def test_a_quote_that_does_not_fit_is_refused_by_name_and_holds_nothing(tenant: Tenant) -> None:
    asset_id, other = await tenant.asset(), await tenant.asset()
    summary = (await tenant.http.post("/v1/quotes", json={"kind": "summary", "asset_id": asset_id})).json()
    cases = [
        ("quo_nothing", asset_id, 2, 404, "quote_unknown"),
        (await keep(tenant, asset_id, minutes=0), asset_id, 2, 409, "quote_expired"),
        ((await quoted(tenant, asset_id))["id"], other, 2, 409, "quote_differs"),
        ((await quoted(tenant, asset_id))["id"], asset_id, 3, 409, "quote_differs"),
        (summary["id"], asset_id, 1, 409, "quote_differs"),
    ]
    for quote_id, asset, count, status, code in cases:
        refused = await create(tenant, asset, count, quote_id=quote_id)
        assert (refused.status_code, refused.json()["code"]) == (status, code)
        assert refused.json()["errors"][0]["field"] == "quote_id"
    assert (await tenant.http.get("/v1/credits")).json()["held"] == 0
    assert (await tenant.http.get("/v1/campaigns")).json()["items"] == []


async def test_a_quote_of_another_mode_is_not_found(tenant: Tenant) -> None:
    asset_id = await tenant.asset()
    made = await quoted(tenant, asset_id)
    async with tenant.services.system.transaction(None) as session:
        _, token = await identity.create_token(session, tenant.org_id, "test", "test", ["admin"])
    tenant.http.headers["Authorization"] = f"Bearer {token}"
    assert (await tenant.http.get(f"/v1/quotes/{made['id']}")).status_code == 404
    assert (await create(tenant, asset_id, quote_id=made["id"])).json()["code"] == "quote_unknown"


async def test_a_quote_is_good_for_one_job_however_often_its_request_is_sent(tenant: Tenant) -> None:
    asset_id = await tenant.asset()
    made = await quoted(tenant, asset_id)
    answers = await asyncio.gather(*(create(tenant, asset_id, quote_id=made["id"]) for _ in range(5)))
    assert Counter(answer.status_code for answer in answers) == {202: 1, 409: 4}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"quote_used"}

    body = {"asset_id": asset_id, "quote_id": (await quoted(tenant, asset_id, 3))["id"]}
    first, again = [await tenant.http.post("/v1/campaigns", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert (first.status_code, again.headers.get("Idempotent-Replayed")) == (202, "true")
    assert first.json() == again.json()


async def test_a_summary_is_quoted_in_money_with_the_least_that_a_card_takes(tenant: Tenant) -> None:
    body = {"kind": "summary", "asset_id": await tenant.asset()}
    made = (await tenant.http.post("/v1/quotes", json=body)).json()
    assert (made["unit"], made["total"]) == ("usd", 50)
    assert [(line["kind"], line["amount"]) for line in made["lines"]] == [("minute", 10), ("minimum", 40)]
    long = {"kind": "summary", "asset_id": await tenant.asset(media=HOUR), "currency": "eur"}
    made = (await tenant.http.post("/v1/quotes", json=long)).json()
    assert (made["unit"], made["total"], len(made["lines"])) == ("eur", 300, 1)
    wrongs = [
        ({"currency": "xts"}, "currency_unknown"),
        ({"clips": {"count": 1}}, "clip_count_invalid"),
        ({"kind": "campaign", "reel": True}, "reel_invalid"),
    ]
    for wrong, code in wrongs:
        refused = await tenant.http.post("/v1/quotes", json={**body, **wrong})
        assert (refused.status_code, refused.json()["code"]) == (422, code)


async def test_prices_show_the_book_with_its_plans_and_packs(tenant: Tenant) -> None:
    shown = (await tenant.http.get("/v1/prices")).json()
    assert (shown["price_version"], shown["prices"]["campaign"]) == ("2026-12", {"analysis": 1, "clip": 5})
    assert (shown["tariffs"]["summary"]["eur"], shown["minimums"]["summary"]["eur"]) == ({"minute": 5, "reel": 50}, 50)
    assert [plan["name"] for plan in shown["plans"]] == ["own", "free", "starter", "studio"]
    terms = [(plan["max_resolution"], plan["watermark"], plan["retention_days"]) for plan in shown["plans"]]
    assert terms == [(None, False, None), ("720p", True, 7), (None, False, 30), (None, False, 90)]
    assert [pack["months"] for pack in shown["packs"]] == [12, 12, 12]


async def test_over_the_plan_the_one_that_would_allow_it_is_named(selling: FastAPI, make_tenant: MakeTenant) -> None:
    tenant = await make_tenant(selling)
    assert await plan_of(tenant) == "free"
    refused = await create(tenant, await tenant.asset(media=HOUR))
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["plan"]) == (402, "plan_limit", "starter")
    assert problem["errors"][0]["field"] == "asset_id"
    assert problem["detail"] == "Your plan free allows sources of up to 30 minutes; the plan starter allows it."
    for size, larger in ((2 << 30, "starter"), (6 << 30, "studio")):
        refused = await tenant.http.post("/v1/uploads", json={"filename": "talk.mp4", "size_bytes": size})
        assert (refused.status_code, refused.json()["plan"]) == (402, larger)
        assert refused.json()["errors"][0]["field"] == "size_bytes"
    assert (await tenant.http.post("/v1/uploads", json={"filename": "talk.mp4", "size_bytes": 1 << 30})).status_code == 201

    await subscribe(tenant, "starter")
    assert (await create(tenant, await tenant.asset(media=HOUR))).status_code == 202
    endless = MINUTE.model_copy(update={"duration_s": 5 * 3600.0})
    refused = await create(tenant, await tenant.asset(media=endless))
    assert (refused.status_code, refused.json().get("plan")) == (402, None)
    assert "no plan on sale allows it" in refused.json()["detail"]


async def test_clips_are_made_in_what_is_asked_for_as_far_as_the_plan_allows(
    selling: FastAPI, make_tenant: MakeTenant, tenant: Tenant
) -> None:
    async def made(of: Tenant, **clips: Any) -> Any:
        answer = await of.http.post("/v1/campaigns", json={"asset_id": await of.asset(), "clips": {"count": 1, **clips}})
        return answer.json()["request"]["clips"]["resolution"] if answer.status_code == 202 else answer

    assert [await made(tenant), await made(tenant, resolution="720p")] == ["1080p", "720p"]
    free, paying = await make_tenant(selling), await make_tenant(selling)
    refused = await made(free, resolution="1080p")
    assert (refused.status_code, refused.json()["plan"]) == (402, "starter")
    assert refused.json()["detail"] == "Your plan free allows clips of up to 720p; the plan starter allows it."
    assert refused.json()["errors"][0]["field"] == "clips.resolution"
    assert await made(free) == "720p"
    await subscribe(paying, "starter")
    assert [await made(paying), await made(paying, resolution="720p")] == ["1080p", "720p"]


async def test_what_the_plan_does_not_allow_is_not_quoted_either(selling: FastAPI, make_tenant: MakeTenant) -> None:
    tenant = await make_tenant(selling)
    short, long = await tenant.asset(), await tenant.asset(media=HOUR)
    refused = [
        ({"kind": "campaign", "asset_id": long}, "asset_id"),
        ({"kind": "summary", "asset_id": long}, "asset_id"),
        ({"kind": "campaign", "asset_id": short, "clips": {"resolution": "1080p"}}, "clips.resolution"),
    ]
    for body, field in refused:
        problem = (await tenant.http.post("/v1/quotes", json=body)).json()
        assert (problem["code"], problem["plan"], problem["errors"][0]["field"]) == ("plan_limit", "starter", field)
    await subscribe(tenant, "starter")
    assert [(await tenant.http.post("/v1/quotes", json=body)).status_code for body, _ in refused] == [200] * 3


async def test_a_job_keeps_what_its_plan_said_when_it_was_made(selling: FastAPI, make_tenant: MakeTenant, tenant: Tenant) -> None:
    async def kept(of: Tenant) -> tuple[bool, int | None]:
        job_id = (await create(of, await of.asset(), 1)).json()["id"]
        async with of.services.database.transaction(of.org_id) as session:
            job = await jobs.get(session, job_id)
            return job.watermark, job.retention_days

    free, paying = await make_tenant(selling), await make_tenant(selling)
    await subscribe(paying, "starter")
    assert [await kept(of) for of in (tenant, free, paying)] == [(False, None), (True, 7), (False, 30)]


async def test_of_jobs_created_at_once_no_more_get_through_than_the_plan_allows(selling: FastAPI, make_tenant: MakeTenant) -> None:
    tenant = await make_tenant(selling)
    await subscribe(tenant, "starter")
    assets = [await tenant.asset() for _ in range(10)]
    answers = await asyncio.gather(*(create(tenant, asset_id) for asset_id in assets))
    assert Counter(answer.status_code for answer in answers) == {202: 3, 402: 7}
    assert {answer.json()["plan"] for answer in answers if answer.status_code == 402} == {"studio"}
    ended = next(answer.json()["id"] for answer in answers if answer.status_code == 202)
    event = EventInput(job=JobRef(org_id=tenant.org_id, job_id=ended), seq=1, kind="status", status=JobStatus.FAILED)
    async with tenant.services.database.transaction(tenant.org_id) as session:
        await jobs.record_event(session, event)
    assert (await create(tenant, assets[0])).status_code == 202
    assert (await create(tenant, assets[0])).status_code == 402


async def test_who_runs_the_server_is_limited_by_its_settings_alone(tenant: Tenant) -> None:
    assert await plan_of(tenant) == "own"
    answers = [await create(tenant, await tenant.asset(media=HOUR), 1) for _ in range(12)]
    assert {answer.status_code for answer in answers} == {202}


async def test_a_subscription_counts_while_it_runs_whatever_order_its_news_come_in(
    selling: FastAPI, make_tenant: MakeTenant
) -> None:
    tenant = await make_tenant(selling)
    await subscribe(tenant, "studio", as_of=0)
    await subscribe(tenant, "starter", as_of=-60)
    assert await plan_of(tenant) == "studio"
    await subscribe(tenant, "studio", status="past_due", as_of=1)
    assert await plan_of(tenant) == "studio"
    await subscribe(tenant, "studio", status="canceled", as_of=2)
    await subscribe(tenant, "studio", as_of=1)
    assert await plan_of(tenant) == "free"
    await subscribe(tenant, "starter", ends_in=-2, id="sub_2")
    assert await plan_of(tenant) == "starter"  # its renewal is late
    await subscribe(tenant, "starter", ends_in=-4, id="sub_2", as_of=1)
    assert await plan_of(tenant) == "free"
    await subscribe(tenant, "a plan of another shop", id="sub_3")
    assert await plan_of(tenant) == "free"


def test_plans_grow_with_their_price() -> None:
    offers = sorted((plan for plan in PLANS.values() if plan.max_jobs), key=lambda plan: plan.price)
    for limit in ("price", "credits", "max_source_s", "max_source_bytes", "max_jobs", "retention_days"):
        values = [getattr(plan, limit) for plan in offers]
        assert values == sorted(set(values)), limit


class Bridge(httpx.BaseTransport):
    """Calls an application of this event loop from another thread."""

    def __init__(self, app: FastAPI) -> None:
        self.loop = asyncio.get_running_loop()
        self.asgi = httpx.ASGITransport(app=app)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run_coroutine_threadsafe(self.answer(request), self.loop).result(30)

    async def answer(self, request: httpx.Request) -> httpx.Response:
        asked = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        response = await self.asgi.handle_async_request(asked)
        return httpx.Response(response.status_code, headers=response.headers, content=await response.aread())


async def test_an_operator_corrects_refunds_and_reads_the_statement_from_the_command_line(
    app: FastAPI, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = Bridge(app)
    monkeypatch.setattr(credits, "open_client", lambda _: Client("http://api", tenant.token, transport=bridge))
    job_id = (await tenant.campaign(clips={"count": 2}))["id"]
    async with tenant.services.database.transaction(tenant.org_id) as session:
        await ledger.settle(session, JobRef(org_id=tenant.org_id, job_id=job_id), 12)

    async def type_in(*arguments: str) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, credits.app, list(arguments))
        assert done.exit_code == 0, done.output
        # The API of this process logs to the same place.
        return "".join(line for line in done.stdout.splitlines(keepends=True) if "[info" not in line)

    assert "1006 are available" in await type_in("adjust", "18", "--reason", "a thank you", "--key", "once")
    assert "1006 are available" in await type_in("adjust", "18", "--reason", "a thank you", "--key", "once")
    assert "1002 are available" in await type_in("adjust", "-4", "--reason", "=typed twice")
    assert "1007 are available" in await type_in("refund", job_id, "5", "--reason", "blurred")
    rows = list(csv.DictReader(io.StringIO(await type_in("statement"), newline="")))
    assert [row["entry"] for row in rows[1:-1]] == ["grant", "hold", "settle", "grant", "adjust", "refund"]
    assert [(row["reason"], row["available"]) for row in rows[4:7]] == [
        ("a thank you", "18"),
        ("'=typed twice", "-4"),
        ("blurred", "5"),
    ]
    assert (rows[-1]["available"], rows[-1]["spent"], rows[-1]["granted"]) == ("1007", "7", "1018")
    assert len((await type_in("statement", "--from", "2020-01-01", "--to", "2020-02-01")).splitlines()) == 3
    told = (await tenant.http.get("/v1/credits/entries")).json()["items"][0]
    assert (told["phase"], told["job_id"], told["reason"], told["amounts"]) == (
        "refund",
        job_id,
        "blurred",
        {"available": 5, "spent": -5},
    )


async def test_corrections_that_cannot_be_made_are_refused_by_name(tenant: Tenant) -> None:
    job_id = (await tenant.campaign(clips={"count": 2}))["id"]
    cases = [
        ("adjustments", {"amount": -989, "reason": "x"}, 402, "insufficient_credits"),
        ("adjustments", {"amount": 0, "reason": "x"}, 422, "amount_invalid"),
        ("refunds", {"job_id": job_id, "amount": 1, "reason": "x"}, 422, "amount_invalid"),
        ("refunds", {"job_id": "cmp_nothing", "amount": 1, "reason": "x"}, 404, "job_unknown"),
    ]
    for noun, body, status, code in cases:
        refused = await tenant.http.post(f"/v1/admin/{noun}", json=body)
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await tenant.http.post("/v1/admin/adjustments", json={"amount": -988, "reason": "x"})).status_code == 201


async def test_a_statement_is_a_file_of_a_period(tenant: Tenant) -> None:
    last_week = (datetime.now(UTC) - timedelta(days=7)).date().isoformat()
    answer = await tenant.http.get("/v1/credits/statement", params={"from": last_week, "to": "2999-01-01T00:00:00+02:00"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.text.splitlines()[1].startswith(f"{last_week}T00:00:00+00:00,opening balance,")
    for period in ({"from": "2026-02-01", "to": "2026-01-01"}, {"from": "2999-01-01"}):
        refused = await tenant.http.get("/v1/credits/statement", params=period)
        assert (refused.status_code, refused.json()["code"]) == (422, "period_invalid")
    refused = await tenant.http.get("/v1/credits/statement", params={"from": "2024-01-01", "to": "2025-06-01"})
    assert (refused.status_code, refused.json()["code"]) == (422, "period_too_long")
    assert (await tenant.http.get("/v1/credits/statement", params={"from": "soon"})).status_code == 422


async def test_the_client_quotes_and_meets_the_limits_of_a_plan(selling: FastAPI, make_tenant: MakeTenant) -> None:
    tenant = await make_tenant(selling)
    asset_id, hour = await tenant.asset(), await tenant.asset(media=HOUR)
    with Client("http://api", tenant.token, transport=Bridge(selling)) as client:
        offer = await asyncio.to_thread(client.quote, "campaign", asset_id, count=1)
        with pytest.raises(PlanLimit) as limited:
            await asyncio.to_thread(client.create_campaign, hour)
        assert limited.value.plan == "starter"
        for ask in (partial(client.create_campaign, asset_id), partial(client.quote, "campaign", asset_id)):
            with pytest.raises(PlanLimit):
                await asyncio.to_thread(ask, resolution="1080p")
        job = await asyncio.to_thread(client.create_campaign, asset_id, count=1, quote_id=offer.id)
    assert (offer.total, job.price["total"]) == (2 + 5, 2 + 5)


def test_a_campaign_that_leaves_out_what_is_new_is_the_body_that_it_was_so_that_an_older_key_still_fits_it() -> None:
    assert "quote_id" not in NewCampaign(asset_id="ast_1").model_dump(mode="json")
    assert NewCampaign(asset_id="ast_1", quote_id="quo_1").model_dump(mode="json")["quote_id"] == "quo_1"
    assert "resolution" not in NewCampaign(asset_id="ast_1").model_dump(mode="json")["clips"]
