"""The ends of an ingest: the upload is put together, the asset accepted or rejected."""

import asyncio

from activities.base import Task, implements
from cutroom.contracts.base import Nothing
from cutroom.contracts.ingest import (
    ACCEPT_ASSET,
    COMPLETE_UPLOAD,
    REJECT_ASSET,
    Accepted,
    AcceptInput,
    IngestInput,
    RejectInput,
    UploadObject,
)
from cutroom.store import assets, uploads

BEAT_EVERY_S = 5.0


@implements(COMPLETE_UPLOAD)
async def complete_upload(task: Task, ingest: IngestInput) -> UploadObject:
    """Put the parts together; safe to repeat, also where the store lost an earlier answer."""
    async with task.resources.database.transaction(ingest.org_id) as session:
        upload = await uploads.get(session, ingest.upload_id)
    completing = asyncio.create_task(task.resources.objects.complete_multipart(upload.key, upload.store_upload_id, upload.size))
    # The store tells nothing of its progress, so a beat says only that this worker lives; the step's own limit bounds it.
    while not (await asyncio.wait([completing], timeout=BEAT_EVERY_S))[0]:
        task.alive()
    await completing
    return UploadObject(org_id=ingest.org_id, asset_id=ingest.asset_id, key=upload.key, size=upload.size, sha256=upload.sha256)


@implements(ACCEPT_ASSET)
async def accept_asset(task: Task, accepted: AcceptInput) -> Accepted:
    """Make the asset ready, or a duplicate whose own bytes are not kept."""
    async with task.resources.database.transaction(accepted.org_id) as session:
        asset = await assets.accept(session, accepted)
    if asset.duplicate:
        await task.resources.objects.delete(accepted.inspected.source.key)
    return asset


@implements(REJECT_ASSET)
async def reject_asset(task: Task, rejected: RejectInput) -> Nothing:
    """Say why, and keep nothing of the bytes."""
    async with task.resources.database.transaction(rejected.org_id) as session:
        await assets.reject(session, rejected)
        uploaded = await uploads.of_asset(session, rejected.asset_id)
    for upload in uploaded:
        await task.resources.objects.abort_multipart(upload.key, upload.store_upload_id)
        await task.resources.objects.delete(upload.key)
    return Nothing()
