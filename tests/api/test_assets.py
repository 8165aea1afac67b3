"""Assets: the same bytes are one asset, however they race; each is decided once."""

import asyncio
import hashlib

from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.ingest import Accepted, AcceptInput, Inspected, RejectInput
from cutroom.store import artifacts, assets
from cutroom.store.artifacts import Scope
from tests.api.conftest import MINUTE, MakeTenant, Tenant

SHA256 = hashlib.sha256(b"the same").hexdigest()


async def accept(tenant: Tenant, asset_id: str) -> Accepted:
    source = ArtifactRef(key=f"org/{tenant.org_id}/assets/{asset_id}/source/x", sha256=SHA256, size=8)
    found = Inspected(source=source, kind="video", content_type="video/mp4", media=MINUTE)
    async with tenant.services.database.transaction(tenant.org_id) as session:
        return await assets.accept(session, AcceptInput(org_id=tenant.org_id, asset_id=asset_id, inspected=found))


async def test_of_uploads_of_the_same_bytes_one_becomes_the_asset(tenant: Tenant) -> None:
    ids = [await tenant.asset(status="verifying") for _ in range(8)]
    accepted = await asyncio.gather(*(accept(tenant, asset_id) for asset_id in ids))
    (kept,) = {answer.asset_id for answer in accepted}
    assert [answer.duplicate for answer in accepted].count(False) == 1
    assert await accept(tenant, kept) == Accepted(asset_id=kept, duplicate=False)
    listed = (await tenant.http.get("/v1/assets", params={"status": "ready"})).json()["items"]
    assert [asset["id"] for asset in listed] == [kept]
    async with tenant.services.database.transaction(tenant.org_id) as session:
        stored = [await artifacts.of(session, Scope(tenant.org_id, asset_id=asset_id)) for asset_id in ids]
    assert [row.step for rows in stored for row in rows] == ["source"]


async def test_the_same_bytes_of_two_organisations_are_two_assets(tenant: Tenant, make_tenant: MakeTenant) -> None:
    other = await make_tenant()
    for owner in (tenant, other):
        asset_id = await owner.asset(status="verifying")
        assert await accept(owner, asset_id) == Accepted(asset_id=asset_id, duplicate=False)


async def test_a_rejected_asset_says_why_and_a_ready_one_is_never_rejected(tenant: Tenant) -> None:
    rejected, ready = await tenant.asset(status="verifying"), await tenant.asset()
    async with tenant.services.database.transaction(tenant.org_id) as session:
        for asset_id in (rejected, ready):
            reason = RejectInput(org_id=tenant.org_id, asset_id=asset_id, error_code="playlist_refused", error_detail="No.")
            await assets.reject(session, reason)
    shown = (await tenant.http.get(f"/v1/assets/{rejected}")).json()
    assert (shown["status"], shown["error"]) == ("rejected", {"code": "playlist_refused", "detail": "No."})
    assert (await tenant.http.get(f"/v1/assets/{ready}")).json()["status"] == "ready"
    refused = await tenant.http.get(f"/v1/assets/{rejected}/download")
    assert (refused.status_code, refused.json()["code"]) == (409, "asset_not_ready")


async def test_a_video_says_what_its_owner_should_know_of_it(tenant: Tenant) -> None:
    late = MINUTE.model_copy(update={"warnings": ["The sound runs two seconds late."]})
    shown = [(await tenant.http.get(f"/v1/assets/{await tenant.asset(media=media)}")).json() for media in (late, MINUTE)]
    assert [asset["warnings"] for asset in shown] == [["The sound runs two seconds late."], []]
    assert all("warnings" not in asset["media"] for asset in shown)
    assert (await tenant.http.get(f"/v1/assets/{await tenant.asset('captions')}")).json()["warnings"] == []


async def test_an_asset_that_is_being_checked_cannot_be_deleted(tenant: Tenant) -> None:
    asset_id = await tenant.asset(status="verifying")
    refused = await tenant.http.delete(f"/v1/assets/{asset_id}")
    assert (refused.status_code, refused.json()["code"]) == (409, "asset_not_ready")


async def test_assets_are_filtered_by_kind(tenant: Tenant) -> None:
    await tenant.asset()
    captions = await tenant.asset("captions", language="en")
    listed = (await tenant.http.get("/v1/assets", params={"kind": "captions"})).json()["items"]
    assert [(asset["id"], asset["language"]) for asset in listed] == [(captions, "en")]
