"""Uploads: how a source gets into the object store, part by part. Part sizes and their limits are decided here."""

from math import ceil

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.errors import Conflict, NotFound
from cutroom.settings import MIB
from cutroom.store.tables import Asset, Upload

PART_SIZE = 10 * MIB
MAX_PARTS = 10_000


def part_layout(size: int) -> tuple[int, int]:
    """Bytes of each part but the last, and how many parts there are: 10 MiB, or more MiB where 10,000 would not do."""
    part_size = max(PART_SIZE, ceil(size / MAX_PARTS / MIB) * MIB)
    return part_size, ceil(size / part_size)


def size_of_part(upload: Upload, number: int) -> int:
    """Bytes of part `number`, from 1."""
    return min(upload.part_size, upload.size - (number - 1) * upload.part_size)


async def create(session: AsyncSession, asset: Asset, upload: Upload) -> None:
    """Add a new asset and the upload that will fill it."""
    session.add(asset)
    await session.flush()
    session.add(upload)
    await session.flush()


async def get(session: AsyncSession, upload_id: str) -> Upload:
    """Raises NotFound (`upload_unknown`)."""
    upload = await session.get(Upload, upload_id)
    if upload is None:
        raise NotFound("There is no such upload in this organisation.", code="upload_unknown")
    return upload


async def mark_completing(session: AsyncSession, upload_id: str) -> bool:
    """All parts are stored: the upload takes no more, its asset is being verified. False where that was so already.

    Raises NotFound (`upload_unknown`), and Conflict (`upload_aborted`) where it was given up.
    """
    upload = await session.get(Upload, upload_id, with_for_update=True)
    if upload is None:
        raise NotFound("There is no such upload in this organisation.", code="upload_unknown")
    if upload.status == "aborted":
        raise Conflict("This upload was aborted or has expired; start a new one.", code="upload_aborted")
    if upload.status != "open":
        return False
    upload.status = "completing"
    await session.execute(update(Asset).where(col(Asset.id) == upload.asset_id).values(status="verifying"))
    return True


async def abort(session: AsyncSession, upload_id: str) -> Upload:
    """Give up an upload and its asset. Safe to repeat.

    Raises NotFound (`upload_unknown`), and Conflict (`upload_completed`) where all parts were handed in already.
    """
    upload = await session.get(Upload, upload_id, with_for_update=True)
    if upload is None:
        raise NotFound("There is no such upload in this organisation.", code="upload_unknown")
    if upload.status in ("completing", "done"):
        raise Conflict("This upload is complete; delete its asset instead.", code="upload_completed")
    upload.status = "aborted"
    await session.execute(update(Asset).where(col(Asset.id) == upload.asset_id).values(status="deleted", deleted_at=func.now()))
    return upload


async def abort_open(session: AsyncSession) -> int:
    """Give up every upload that is still open, since its parts are lost (system role); answers how many there were."""
    found = list(await session.scalars(select(col(Upload.id)).where(col(Upload.status) == "open")))
    for upload_id in found:
        await abort(session, upload_id)
    return len(found)


async def expired(session: AsyncSession, limit: int) -> list[Upload]:
    """Open uploads past their time, oldest first, for the sweeper (system role)."""
    query = select(Upload).where(col(Upload.status) == "open", col(Upload.expires_at) < func.now())
    query = query.order_by(col(Upload.expires_at)).limit(limit).with_for_update(skip_locked=True)
    return list((await session.scalars(query)).all())


async def completing(session: AsyncSession) -> list[Upload]:
    """Uploads whose ingest has not ended, oldest first, for reconciliation (system role)."""
    query = select(Upload).where(col(Upload.status) == "completing").order_by(col(Upload.created_at))
    return list((await session.scalars(query)).all())


async def of_asset(session: AsyncSession, asset_id: str) -> list[Upload]:
    """The uploads that were to fill this asset."""
    return list((await session.scalars(select(Upload).where(col(Upload.asset_id) == asset_id))).all())
