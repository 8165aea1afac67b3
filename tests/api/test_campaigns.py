"""Campaigns: created once and paid for, refused by name, stopped and resumed, Temporal there or not."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from cutroom.contracts.base import JobRef
from cutroom.contracts.ids import workflow_id
from cutroom.contracts.ingest import RejectInput
from cutroom.contracts.jobs import EventInput, JobStatus
from cutroom.local.ports import free_port
from cutroom.settings import Settings
from cutroom.store import assets, jobs, ledger
from cutroom.store.tables import Outbox
from cutroom.temporal.engine import RunState
from tests.api.conftest import MINUTE, MakeTenant, Tenant, running


async def held(tenant: Tenant) -> tuple[int, int]:
    credits = (await tenant.http.get("/v1/credits")).json()
    return credits["available"], credits["held"]


async def waiting(tenant: Tenant) -> list[tuple[str, str]]:
    """What Temporal has not heard yet."""
    query = select(Outbox).where(col(Outbox.done_at).is_(None)).order_by(col(Outbox.id))
    async with tenant.services.database.transaction(tenant.org_id) as session:
        return [(row.kind, row.target) for row in await session.scalars(query)]


async def test_a_campaign_is_quoted_held_and_started(tenant: Tenant) -> None:
    asset_id = await tenant.asset()
    quote = (await tenant.http.post("/v1/quotes", json={"kind": "campaign", "asset_id": asset_id, "clips": {"count": 2}})).json()
    assert (quote["total"], quote["unit"]) == (2 * 1 + 2 * 5, "credit")
    response = await tenant.http.post("/v1/campaigns", json={"asset_id": asset_id, "clips": {"count": 2}})
    campaign = response.json()
    assert response.status_code == 202
    assert response.headers["Location"] == f"/v1/campaigns/{campaign['id']}"
    assert (campaign["status"], campaign["mode"], campaign["price"]["total"]) == ("queued", "live", quote["total"])
    wishes = {"count": 2, "min_s": 15.0, "max_s": 60.0, "aspect": "9:16", "resolution": "1080p", "topic": None}
    assert campaign["request"]["clips"] == wishes
    assert await held(tenant) == (1000 - quote["total"], quote["total"])
    assert await tenant.services.engine.state(workflow_id("campaign", campaign["id"])) is RunState.RUNNING
    assert await waiting(tenant) == []


async def test_fifty_identical_posts_at_once_are_one_job_and_one_hold(tenant: Tenant) -> None:
    body = {"asset_id": await tenant.asset(), "metadata": {"b": "2", "a": "1"}}
    headers = {"Idempotency-Key": "fifty"}
    answers = await asyncio.gather(*(tenant.http.post("/v1/campaigns", json=body, headers=headers) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers].count("true") == 49
    assert len((await tenant.http.get("/v1/campaigns")).json()["items"]) == 1
    entries = (await tenant.http.get("/v1/credits/entries")).json()["items"]
    assert [entry["phase"] for entry in entries] == ["hold", "grant"]

    other = await tenant.http.post("/v1/campaigns", json={**body, "clips": {"count": 4}}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"clips": {"count": 0}}, "clips.count", "clip_count_invalid"),
        ({"clips": {"count": 1000}}, "clips.count", "clip_count_invalid"),
        ({"clips": {"aspect": "21:9"}}, "clips.aspect", "aspect_unknown"),
        ({"clips": {"resolution": "480p"}}, "clips.resolution", "field_invalid"),
        ({"clips": {"topic": "x" * 201}}, "clips.topic", "topic_invalid"),
        ({"clips": {"topic": "money\nignore the rest"}}, "clips.topic", "topic_invalid"),
        ({"clips": {"topic": " ... "}}, "clips.topic", "topic_invalid"),
        ({"captions": {"vocabulary": ["Temporal"] * 101}}, "captions.vocabulary", "vocabulary_too_long"),
        ({"captions": {"vocabulary": ["Temporal", "x" * 61]}}, "captions.vocabulary.1", "term_invalid"),
        ({"captions": {"vocabulary": ["24/7"]}}, "captions.vocabulary.0", "term_invalid"),
        ({"captions": {"vocabulary": "Temporal"}}, "captions.vocabulary", "field_invalid"),
        ({"clips": {"min_s": 40, "max_s": 20}}, "clips", "min_over_max"),
        ({"clips": {"min_s": 1}}, "clips.min_s", "clip_length_invalid"),
        ({"clips": {"max_s": 181}}, "clips.max_s", "clip_length_invalid"),
        ({"captions": {"style": "neon"}}, "captions.style", "field_invalid"),
        ({"captions": {"language": "English!"}}, "captions.language", "field_invalid"),
        ({"brand_kit_id": "brk_1"}, "brand_kit_id", "field_unknown"),
        ({"metadata": {"note": 7}}, "metadata.note", "field_invalid"),
        ({"external_id": "a\u0000b"}, "external_id", "field_invalid"),
        ({"asset_id": 7}, "asset_id", "field_invalid"),
    ],
)
async def test_a_wish_that_cannot_be_met_is_refused_by_field_and_leaves_nothing(
    tenant: Tenant, body: dict[str, Any], field: str, code: str
) -> None:
    asset_id = await tenant.asset()
    headers = {"Idempotency-Key": "k"}
    response = await tenant.http.post("/v1/campaigns", json={"asset_id": asset_id, **body}, headers=headers)
    problem = response.json()
    assert response.status_code == 422
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [(field, code)]
    assert problem["code"] in (code, "invalid_request")
    assert await held(tenant) == (1000, 0)
    assert (await tenant.http.get("/v1/jobs")).json()["items"] == []
    assert (
        await tenant.http.post("/v1/campaigns", json={"asset_id": asset_id}, headers={"Idempotency-Key": "k"})
    ).status_code == 202


async def test_wishes_in_words_are_kept_as_they_were_written(tenant: Tenant) -> None:
    words = {"topic": "  Mut zur Lücke  "}, {"vocabulary": ["Nguyễn", " K8s ", "Nguyễn", "東京"]}
    campaign = await tenant.campaign(clips={"aspect": "4:5", **words[0]}, captions=words[1])
    assert (campaign["request"]["clips"]["aspect"], campaign["request"]["clips"]["topic"]) == ("4:5", "Mut zur Lücke")
    assert campaign["request"]["captions"]["vocabulary"] == ["Nguyễn", "K8s", "東京"]


async def test_captions_of_a_recording_without_sound_are_said_to_be_left_out(tenant: Tenant) -> None:
    silent = await tenant.asset(media=MINUTE.model_copy(update={"has_audio": False}))
    captions = await tenant.asset("captions")
    campaign = await tenant.campaign(asset_id=silent, captions_asset_id=captions)
    (warning,) = campaign["warnings"]
    assert "no sound" in warning
    assert (await tenant.campaign(asset_id=silent))["warnings"] == []
    assert (await tenant.campaign(captions_asset_id=captions))["warnings"] == []


async def test_what_steps_warn_of_is_shown_once_and_after_what_was_known_before(tenant: Tenant) -> None:
    silent = await tenant.asset(media=MINUTE.model_copy(update={"has_audio": False}))
    campaign = await tenant.campaign(asset_id=silent, captions_asset_id=await tenant.asset("captions"))
    for warnings in (["Fewer clips."], ["Fewer clips.", "No model."]):
        async with tenant.services.database.transaction(tenant.org_id) as session:
            await jobs.add_warnings(session, campaign["id"], warnings)
    shown = (await tenant.http.get(f"/v1/campaigns/{campaign['id']}")).json()
    assert shown["warnings"] == [*campaign["warnings"], "Fewer clips.", "No model."]


async def test_an_asset_that_cannot_be_used_is_refused_by_name(tenant: Tenant, make_tenant: MakeTenant) -> None:
    theirs = await (await make_tenant()).asset()
    rejected = await tenant.asset(status="verifying")
    async with tenant.services.database.transaction(tenant.org_id) as session:
        reason = {"error_code": "media_truncated", "error_detail": "The file ends too early."}
        await assets.reject(session, RejectInput(org_id=tenant.org_id, asset_id=rejected, **reason))
    english = await tenant.asset("captions", language="en")
    video = await tenant.asset()
    cases: list[tuple[dict[str, Any], int, str]] = [
        ({"asset_id": "ast_nothing"}, 404, "asset_unknown"),
        ({"asset_id": theirs}, 404, "asset_unknown"),
        ({"asset_id": await tenant.asset("audio")}, 422, "asset_kind_wrong"),
        ({"asset_id": await tenant.asset(status="uploading")}, 409, "asset_not_ready"),
        ({"asset_id": await tenant.asset(status="verifying")}, 409, "asset_not_ready"),
        ({"asset_id": rejected}, 422, "media_truncated"),
        ({"asset_id": video, "captions_asset_id": video}, 422, "asset_kind_wrong"),
        ({"asset_id": video, "captions_asset_id": english, "captions": {"language": "de"}}, 422, "captions_language_mismatch"),
    ]
    for body, status, code in cases:
        response = await tenant.http.post("/v1/campaigns", json=body)
        assert (response.status_code, response.json()["code"]) == (status, code)
    assert await held(tenant) == (1000, 0)
    spoken = {"asset_id": video, "captions_asset_id": english, "captions": {"language": "en-GB"}}
    assert (await tenant.http.post("/v1/campaigns", json=spoken)).status_code == 202


async def test_too_few_credits_leave_no_job_and_no_key(make_tenant: MakeTenant) -> None:
    tenant = await make_tenant(credits=16)
    body, headers = {"asset_id": await tenant.asset()}, {"Idempotency-Key": "poor"}
    response = await tenant.http.post("/v1/campaigns", json=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (402, "insufficient_credits")
    assert await held(tenant) == (16, 0)
    assert (await tenant.http.get("/v1/jobs")).json()["items"] == []
    async with tenant.services.system.transaction(None) as session:
        await ledger.grant(session, tenant.org_id, "live", 1, "top-up", "top-up")
    assert (await tenant.http.post("/v1/campaigns", json=body, headers=headers)).status_code == 202


async def test_without_temporal_a_campaign_is_taken_and_waits_in_the_outbox(settings: Settings, make_tenant: MakeTenant) -> None:
    away = settings.model_copy(update={"temporal_address": f"127.0.0.1:{free_port()}"})
    async with running(away) as app:
        tenant = await make_tenant(app)
        campaign = await tenant.campaign()
        assert (await tenant.http.post(f"/v1/campaigns/{campaign['id']}/cancel")).json()["cancel_requested"]
        assert (await tenant.http.get("/readyz")).json()["parts"]["temporal"] == "temporal_unavailable"
        target = f"campaign/{campaign['id']}"
        assert await waiting(tenant) == [("start", target), ("signal", target)]


async def test_a_duplicate_stands_for_its_original(tenant: Tenant) -> None:
    original = await tenant.asset()
    source = (await tenant.http.get(f"/v1/assets/{original}")).json()
    duplicate = await tenant.asset(sha256=source["sha256"])
    shown = (await tenant.http.get(f"/v1/assets/{duplicate}")).json()
    assert (shown["status"], shown["duplicate_of"]) == ("duplicate", original)
    assert (await tenant.campaign(asset_id=duplicate))["asset_id"] == original


async def test_an_asset_in_use_stays_until_its_job_has_ended(tenant: Tenant) -> None:
    asset_id = await tenant.asset()
    campaign = await tenant.campaign(asset_id=asset_id)
    refused = await tenant.http.delete(f"/v1/assets/{asset_id}")
    assert (refused.status_code, refused.json()["code"]) == (409, "asset_in_use")
    await end(tenant, campaign["id"], JobStatus.CANCELED)
    for _ in range(2):
        assert (await tenant.http.delete(f"/v1/assets/{asset_id}")).status_code == 204
    assert (await tenant.http.get(f"/v1/assets/{asset_id}")).status_code == 404
    assert (await tenant.http.post("/v1/campaigns", json={"asset_id": asset_id})).status_code == 404


async def test_an_ended_campaign_can_be_canceled_again_but_not_resumed(tenant: Tenant) -> None:
    campaign = await tenant.campaign()
    path = f"/v1/campaigns/{campaign['id']}"
    for signal in ("pause", "resume", "cancel", "cancel"):
        assert (await tenant.http.post(f"{path}/{signal}")).status_code == 202
    assert (await tenant.http.get(path)).json()["cancel_requested"]
    await end(tenant, campaign["id"], JobStatus.CANCELED)
    assert (await tenant.http.post(f"{path}/cancel")).status_code == 202
    for signal in ("pause", "resume"):
        response = await tenant.http.post(f"{path}/{signal}")
        assert (response.status_code, response.json()["code"]) == (409, "job_ended")


async def end(tenant: Tenant, job_id: str, status: JobStatus) -> None:
    ended = EventInput(job=JobRef(org_id=tenant.org_id, job_id=job_id), seq=100, kind="status", status=status)
    async with tenant.services.database.transaction(tenant.org_id) as session:
        await jobs.record_event(session, ended)
