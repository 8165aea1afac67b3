"""Uploads: straight to the store, resumable, checked before they count."""

import hashlib
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from cutroom.settings import MIB
from cutroom.store import uploads
from cutroom.temporal.engine import RunState
from tests.api.conftest import Tenant

PARTS = [b"a" * 10 * MIB, b"b" * 10 * MIB, b"c" * 5]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def begin(tenant: Tenant, size: int = sum(map(len, PARTS)), **more: object) -> dict[str, object]:
    response = await tenant.http.post("/v1/uploads", json={"filename": "talk.mp4", "size_bytes": size, **more})
    assert response.status_code == 201, response.text
    answer: dict[str, object] = response.json()
    return answer


async def send(tenant: Tenant, upload: dict[str, object], numbers: list[int]) -> None:
    wanted = [{"number": number, "sha256": sha256(PARTS[number - 1])} for number in numbers]
    response = await tenant.http.post(f"/v1/uploads/{upload['id']}/parts", json={"parts": wanted})
    assert response.status_code == 200, response.text
    async with httpx.AsyncClient(timeout=30) as store:
        for url in response.json()["urls"]:
            put = await store.put(url["url"], headers=url["headers"], content=PARTS[url["number"] - 1])
            assert put.status_code == 200, put.text


async def test_an_interrupted_upload_goes_on_with_the_parts_that_are_missing(tenant: Tenant) -> None:
    upload = await begin(tenant)
    assert (upload["part_size"], upload["part_count"]) == (10 * MIB, 3)
    await send(tenant, upload, [1, 3])

    early = await tenant.http.post(f"/v1/uploads/{upload['id']}/complete")
    assert (early.status_code, early.json()["code"]) == (422, "part_missing")
    assert "2" in early.json()["detail"]
    state = (await tenant.http.get(f"/v1/uploads/{upload['id']}")).json()
    assert state["parts"] == [{"number": 1, "size_bytes": 10 * MIB}, {"number": 3, "size_bytes": 5}]

    await send(tenant, upload, [2])
    done = await tenant.http.post(f"/v1/uploads/{upload['id']}/complete")
    assert (done.status_code, done.json()["status"]) == (202, "verifying")
    assert done.headers["Location"] == f"/v1/assets/{upload['asset_id']}"
    again = await tenant.http.post(f"/v1/uploads/{upload['id']}/complete")
    assert (again.status_code, again.json()["status"]) == (202, "verifying")
    assert await tenant.services.engine.state(f"ingest/{upload['asset_id']}") is RunState.RUNNING


async def test_the_store_refuses_other_bytes_than_announced(tenant: Tenant) -> None:
    upload = await begin(tenant, size=5)
    wanted = [{"number": 1, "sha256": sha256(b"right")}]
    (url,) = (await tenant.http.post(f"/v1/uploads/{upload['id']}/parts", json={"parts": wanted})).json()["urls"]
    async with httpx.AsyncClient() as store:
        assert (await store.put(url["url"], headers=url["headers"], content=b"wrong")).status_code >= 400
        assert (await store.put(url["url"], headers=url["headers"], content=b"right and more")).status_code >= 400


async def test_bytes_that_are_here_already_are_not_sent_again(tenant: Tenant) -> None:
    asset_id = await tenant.asset()
    known = (await tenant.http.get(f"/v1/assets/{asset_id}")).json()
    body = {"filename": "again.mp4", "size_bytes": 7, "sha256": known["sha256"]}
    response = await tenant.http.post("/v1/uploads", json=body)
    assert response.status_code == 200
    assert (response.json()["asset_id"], response.json()["part_count"]) == (asset_id, 0)


@pytest.mark.parametrize(("size", "code"), [(0, "empty_file"), (10 * 1024 * MIB + 1, "file_too_large"), (-1, "invalid_request")])
async def test_a_size_that_cannot_be_taken_is_refused_by_name(tenant: Tenant, size: int, code: str) -> None:
    response = await tenant.http.post("/v1/uploads", json={"filename": "talk.mp4", "size_bytes": size})
    assert (response.status_code, response.json()["code"]) == (422, code)


async def test_an_aborted_upload_is_gone_and_takes_nothing_more(tenant: Tenant) -> None:
    upload = await begin(tenant)
    await send(tenant, upload, [3])
    for _ in range(2):
        assert (await tenant.http.delete(f"/v1/uploads/{upload['id']}")).status_code == 204
    late = await tenant.http.post(f"/v1/uploads/{upload['id']}/complete")
    assert (late.status_code, late.json()["code"]) == (409, "upload_aborted")
    more = await tenant.http.post(f"/v1/uploads/{upload['id']}/parts", json={"parts": [{"number": 1, "sha256": sha256(b"")}]})
    assert (more.status_code, more.json()["code"]) == (409, "upload_aborted")
    assert (await tenant.http.get(f"/v1/assets/{upload['asset_id']}")).status_code == 404


async def test_a_part_beyond_the_last_is_refused(tenant: Tenant) -> None:
    upload = await begin(tenant, size=5)
    wanted = {"parts": [{"number": 2, "sha256": sha256(b"")}]}
    response = await tenant.http.post(f"/v1/uploads/{upload['id']}/parts", json=wanted)
    assert (response.status_code, response.json()["code"]) == (422, "part_number_wrong")


async def test_a_replayed_announcement_leaves_no_second_upload_in_the_store(tenant: Tenant) -> None:
    body, headers = {"filename": "talk.mp4", "size_bytes": 5}, {"Idempotency-Key": "once"}
    first = await tenant.http.post("/v1/uploads", json=body, headers=headers)
    second = await tenant.http.post("/v1/uploads", json=body, headers=headers)
    assert second.json() == first.json()
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    begun = await tenant.services.objects.list_multiparts(datetime.now(UTC) + timedelta(minutes=1))
    assert len([upload for upload in begun if f"/{tenant.org_id}/" in upload.key]) == 1


def test_parts_are_ten_mebibytes_until_ten_thousand_of_them_would_not_do() -> None:
    assert uploads.part_layout(1) == (10 * MIB, 1)
    assert uploads.part_layout(100_000 * MIB) == (10 * MIB, 10_000)
    assert uploads.part_layout(100_000 * MIB + 1) == (11 * MIB, 9_091)
