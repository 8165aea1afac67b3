"""Summaries over HTTP: what is refused before a card is asked for anything."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

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
