"""Uploads: the bytes go straight to the object store, part by part; here are only URLs and bookkeeping."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import AssetsRead, AssetsWrite, Caller, IdempotencyKey, PathId, Services, ServicesDep, get_caller, until
from api.handing import SWEEPER_WAITS_S, Made, Once, hand_over
from api.requests import NewUpload, PartsToSend
from api.resources import (
    AssetResource,
    PartUrl,
    PartUrls,
    StoredPart,
    UploadResource,
    UploadState,
    asset_resource,
    upload_resource,
)
from cutroom.contracts.ids import new_id, workflow_id
from cutroom.errors import Conflict, InvalidRequest, NotFound
from cutroom.money import entitlements
from cutroom.settings import GIB
from cutroom.store import assets, outbox, uploads
from cutroom.store.objects import Part
from cutroom.store.tables import Asset, Upload

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])

PART_URL_TTL_S = 15 * 60


async def get_upload(upload_id: PathId, services: ServicesDep, caller: Annotated[Caller, Depends(get_caller)]) -> Upload:
    async with services.database.transaction(caller.org_id) as session:
        return await uploads.get(session, upload_id)


UploadDep = Annotated[Upload, Depends(get_upload)]


@router.post("", status_code=201, response_model=UploadResource)
async def create_upload(
    wanted: NewUpload, services: ServicesDep, caller: AssetsWrite, idempotency_key: IdempotencyKey = None
) -> Response:
    """Announce a file. Where `sha256` names a file that you have here already, there is nothing to send: 200, `part_count` 0."""
    check_size(wanted.size_bytes, services.settings.max_source_bytes)
    once = Once(services, caller, router.prefix, idempotency_key, wanted)
    async with services.database.transaction(caller.org_id) as session:
        plan = await entitlements.plan_for(session, caller.org_id, caller.mode, services.settings.default_plan)
        known = await assets.find_ready(session, caller.org_id, wanted.sha256) if wanted.sha256 is not None else None
    if known is not None:
        return await once.respond(lambda _: _already_here(known))
    entitlements.require_size(plan, wanted.size_bytes, "size_bytes")
    return await _begin(once, wanted)


async def _already_here(asset: Asset) -> Made:
    return Made(200, UploadResource(id=None, asset_id=asset.id, status="done", part_size=0, part_count=0, expires_at=None))


async def _begin(once: Once, wanted: NewUpload) -> Response:
    """Begin an upload in the store, then keep it. What a replay or a failure began in vain is dropped again."""
    services = once.services
    asset, upload = _rows(wanted, once.caller, services)
    upload.store_upload_id = await services.objects.create_multipart(upload.key)
    kept = False

    async def make(session: AsyncSession) -> Made:
        nonlocal kept
        await uploads.create(session, asset, upload)
        kept = True
        return Made(201, upload_resource(upload))

    try:
        return await once.respond(make)
    finally:
        if not kept:
            await services.objects.abort_multipart(upload.key, upload.store_upload_id)


def _rows(wanted: NewUpload, caller: Caller, services: Services) -> tuple[Asset, Upload]:
    asset_id, upload_id = new_id("ast"), new_id("upl")
    part_size, part_count = uploads.part_layout(wanted.size_bytes)
    asset = Asset(
        id=asset_id,
        org_id=caller.org_id,
        kind=wanted.kind or "",
        status="uploading",
        filename=wanted.filename,
        size=wanted.size_bytes,
        external_id=wanted.external_id,
        metadata_=wanted.metadata,
    )
    upload = Upload(
        id=upload_id,
        org_id=caller.org_id,
        asset_id=asset_id,
        status="open",
        key=f"org/{caller.org_id}/assets/{asset_id}/source/{upload_id}",
        store_upload_id="",
        part_size=part_size,
        part_count=part_count,
        size=wanted.size_bytes,
        sha256=wanted.sha256 or "",
        expires_at=until(services.settings.upload_ttl_s),
    )
    return asset, upload


@router.get("/{upload_id}")
async def get_upload_state(upload: UploadDep, services: ServicesDep, _: AssetsRead) -> UploadState:
    """Which parts of an open upload are stored, so that only the rest is sent."""
    parts = await _stored_parts(upload, services)
    stored = [StoredPart(number=part.number, size_bytes=part.size) for part in parts]
    return UploadState(**upload_resource(upload).model_dump(), parts=stored)


@router.post("/{upload_id}/parts")
async def create_part_urls(upload: UploadDep, wanted: PartsToSend, services: ServicesDep, _: AssetsWrite) -> PartUrls:
    """URLs for these parts, for 15 minutes, each good for exactly the bytes with this SHA-256. Up to 100 at a time."""
    check_open(upload)
    urls = []
    for part in wanted.parts:
        if part.number > upload.part_count:
            raise InvalidRequest(f"This upload has {upload.part_count} parts.", code="part_number_wrong", field="parts")
        size = uploads.size_of_part(upload, part.number)
        url, headers = await services.objects.presign_part(
            upload.key, upload.store_upload_id, part.number, size, part.sha256, PART_URL_TTL_S
        )
        urls.append(PartUrl(number=part.number, url=url, headers=headers))
    return PartUrls(urls=urls)


@router.post("/{upload_id}/complete", status_code=202)
async def complete_upload(upload: UploadDep, services: ServicesDep, caller: AssetsWrite, response: Response) -> AssetResource:
    """All parts are sent: the file is checked, and its asset becomes `ready` or `rejected`. Safe to repeat."""
    parts = await _stored_parts(upload, services)
    started = None
    async with services.database.transaction(caller.org_id) as session:
        if (await uploads.get(session, upload.id)).status == "open":
            check_parts(upload, parts)
        if await uploads.mark_completing(session, upload.id):
            ingest = {"org_id": caller.org_id, "asset_id": upload.asset_id, "upload_id": upload.id}
            target = workflow_id("ingest", upload.asset_id)
            started = await outbox.add(session, caller.org_id, "start", target, ingest, head_start_s=SWEEPER_WAITS_S)
        asset = await assets.get(session, upload.asset_id)
    if started is not None:
        await hand_over(services, started)
    response.headers["Location"] = f"/v1/assets/{asset.id}"
    return asset_resource(asset)


@router.delete("/{upload_id}", status_code=204)
async def abort_upload(upload: UploadDep, services: ServicesDep, caller: AssetsWrite) -> None:
    """Give up an upload that is not complete; its parts and its asset are gone. Safe to repeat."""
    async with services.database.transaction(caller.org_id) as session:
        await uploads.abort(session, upload.id)
    await services.objects.abort_multipart(upload.key, upload.store_upload_id)


async def _stored_parts(upload: Upload, services: Services) -> list[Part]:
    """What the store has of an open upload. None where it is completed or aborted meanwhile."""
    if upload.status != "open":
        return []
    try:
        return await services.objects.list_parts(upload.key, upload.store_upload_id)
    except NotFound:
        return []


def check_size(size: int, largest: int) -> None:
    """Raises InvalidRequest (`empty_file`, `file_too_large`)."""
    if size == 0:
        raise InvalidRequest("This file is empty.", code="empty_file", field="size_bytes")
    if size > largest:
        raise InvalidRequest(
            f"This file is larger than {largest / GIB:g} GiB, the most that is taken.", code="file_too_large", field="size_bytes"
        )


def check_open(upload: Upload) -> None:
    """Raises Conflict (`upload_aborted`, `upload_completed`)."""
    if upload.status == "aborted":
        raise Conflict("This upload was aborted or has expired; start a new one.", code="upload_aborted")
    if upload.status != "open":
        raise Conflict("All parts of this upload were handed in already.", code="upload_completed")


def check_parts(upload: Upload, parts: list[Part]) -> None:
    """Raises InvalidRequest (`part_missing`) that names the parts to send, again where their size is wrong."""
    stored = {part.number: part.size for part in parts}
    missing = [n for n in range(1, upload.part_count + 1) if stored.get(n) != uploads.size_of_part(upload, n)]
    if missing:
        shown = ", ".join(str(number) for number in missing[:20]) + (" ..." if len(missing) > 20 else "")
        raise InvalidRequest(f"{len(missing)} parts are not stored yet: {shown}.", code="part_missing", field="parts")
