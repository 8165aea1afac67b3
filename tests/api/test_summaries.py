"""Summaries over HTTP: what is refused before a card is asked for anything."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from httpx import Response

from cutroom.contracts.base import JobRef
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.local.cards.server import CardServer
from cutroom.settings import Settings
from cutroom.store import jobs
from tests.api.conftest import MakeTenant, running
from tests.api.test_contract import is_problem
from tests.conftest import card_settings


@pytest.fixture
async def selling(settings: Settings, card_server: CardServer) -> AsyncIterator[FastAPI]:
    """The API of somebody who sells: who subscribes to nothing has the plan `free`, of one job at a time."""
    async with running(settings.model_copy(update={"default_plan": "free", **card_settings(card_server)})) as app:
        yield app


@pytest.fixture
async def carded(settings: Settings, card_server: CardServer) -> AsyncIterator[FastAPI]:
    """The API where cards are set up, on a machine of one's own."""
    async with running(settings.model_copy(update=card_settings(card_server))) as app:
        yield app


async def test_over_the_jobs_that_a_plan_allows_at_a_time_no_summary_begins(selling: FastAPI, make_tenant: MakeTenant) -> None:
    tenant = await make_tenant(selling)
    body = {"asset_id": await tenant.asset()}
    paid, waiting = [(await tenant.http.post("/v1/summaries", json=body)).json()["id"] for _ in range(2)]
    event = EventInput(job=JobRef(org_id=tenant.org_id, job_id=paid), seq=1, kind="status", status=JobStatus.PROCESSING)
    async with tenant.services.database.transaction(tenant.org_id) as session:
        await jobs.record_event(session, event)
    is_problem(await tenant.http.post("/v1/summaries", json=body), 402, "plan_limit")
    listed = (await tenant.http.get("/v1/summaries")).json()["items"]
    assert {job["id"] for job in listed} == {paid, waiting}


async def test_a_quote_in_another_currency_than_the_one_asked_for_is_refused(selling: FastAPI, make_tenant: MakeTenant) -> None:
    tenant = await make_tenant(selling)
    asset_id = await tenant.asset()
    quoted = (await tenant.http.post("/v1/quotes", json={"kind": "summary", "asset_id": asset_id, "currency": "eur"})).json()
    body = {"asset_id": asset_id, "quote_id": quoted["id"]}
    is_problem(await tenant.http.post("/v1/summaries", json={**body, "currency": "usd"}), 409, "quote_differs")
    made = await tenant.http.post("/v1/summaries", json={**body, "currency": "eur"})
    assert (made.status_code, made.json()["price"]["unit"]) == (202, "eur")


async def test_a_reel_is_in_the_quote_only_where_it_is_asked_for(app: FastAPI, make_tenant: MakeTenant) -> None:
    tenant = await make_tenant(app)
    body = {"kind": "summary", "asset_id": await tenant.asset()}
    without, quoted = [(await tenant.http.post("/v1/quotes", json={**body, "reel": reel})).json() for reel in (False, True)]
    assert [line["kind"] for line in without["lines"]] == ["minute", "minimum"]
    assert [line["kind"] for line in quoted["lines"]] == ["minute", "minimum", "reel"]
    assert quoted["total"] == without["total"] + 50


async def test_a_quote_without_a_reel_is_not_good_for_one_and_with_one_it_is_good_for_both(
    carded: FastAPI, make_tenant: MakeTenant
) -> None:
    tenant = await make_tenant(carded)
    asset_id = await tenant.asset()

    async def asked(quoted: bool, reel: dict[str, str] | None) -> Response:
        body = {"kind": "summary", "asset_id": asset_id, "reel": quoted}
        quote_id = (await tenant.http.post("/v1/quotes", json=body)).json()["id"]
        return await tenant.http.post("/v1/summaries", json={"asset_id": asset_id, "quote_id": quote_id, "reel": reel})

    is_problem(await asked(False, {}), 409, "quote_differs")
    with_reel, without = await asked(True, {"aspect": "1:1"}), await asked(True, None)
    assert [made.json()["price"]["total"] for made in (with_reel, without)] == [100, 50]
    assert with_reel.json()["request"]["reel"] == {"aspect": "1:1", "caption_style": "classic", "resolution": "1080p"}


async def test_a_reel_is_made_in_what_the_plan_allows(selling: FastAPI, make_tenant: MakeTenant) -> None:
    tenant = await make_tenant(selling)
    made = (await tenant.http.post("/v1/summaries", json={"asset_id": await tenant.asset(), "reel": {}})).json()
    assert made["request"]["reel"]["resolution"] == "720p"
    async with tenant.services.database.transaction(tenant.org_id) as session:
        assert (await jobs.get(session, made["id"])).watermark


@pytest.mark.parametrize(
    ("wanted", "code", "field"),
    [
        ({"highlights": 0, "reel": {}}, "reel_invalid", "reel"),
        ({"reel": {"aspect": "3:2"}}, "aspect_unknown", "reel.aspect"),
        ({"reel": {"caption_style": "loud"}}, "invalid_request", "reel.caption_style"),
        ({"reel": {"seconds": 60}}, "invalid_request", "reel.seconds"),
    ],
)
async def test_a_reel_that_cannot_be_made_is_refused_with_its_field(
    carded: FastAPI, make_tenant: MakeTenant, wanted: dict[str, object], code: str, field: str
) -> None:
    tenant = await make_tenant(carded)
    refused = await tenant.http.post("/v1/summaries", json={"asset_id": await tenant.asset(), **wanted})
    is_problem(refused, 422, code)
    assert [error["field"] for error in refused.json()["errors"]] == [field]


async def test_a_reel_of_a_recording_without_a_picture_is_refused(carded: FastAPI, make_tenant: MakeTenant) -> None:
    tenant = await make_tenant(carded)
    refused = await tenant.http.post("/v1/summaries", json={"asset_id": await tenant.asset("audio"), "reel": {}})
    is_problem(refused, 422, "asset_kind_wrong")
    assert (await tenant.http.get("/v1/summaries")).json()["items"] == []
