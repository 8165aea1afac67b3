"""Assets: what people uploaded, from the first byte to deletion. The same bytes twice in one organisation are one asset."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from cutroom.contracts.base import ArtifactRef
from cutroom.contracts.ids import new_id
from cutroom.contracts.ingest import Accepted, AcceptInput, RejectInput
from cutroom.errors import Conflict, NotFound
from cutroom.store import jobs
from cutroom.store.pages import Page, read_page
from cutroom.store.tables import Artifact, Asset, Upload


async def get(session: AsyncSession, asset_id: str, *, lock: bool = False) -> Asset:
    """The asset; `lock` keeps it as it is until the transaction ends. Raises NotFound (`asset_unknown`)."""
    asset = await session.get(Asset, asset_id, with_for_update={"read": True} if lock else None)
    if asset is None or asset.status == "deleted":
        raise NotFound("There is no such asset in this organisation.", code="asset_unknown")
    return asset


async def get_original(session: AsyncSession, asset_id: str, *, lock: bool = False) -> Asset:
    """The asset that holds the bytes: this one, or the one it is a duplicate of. Raises NotFound (`asset_unknown`)."""
    asset = await get(session, asset_id, lock=lock)
    return asset if asset.duplicate_of is None else await get(session, asset.duplicate_of, lock=lock)


async def find_ready(session: AsyncSession, org_id: str, sha256: str) -> Asset | None:
    """The organisation's asset with these bytes; it cannot be deleted until the transaction ends."""
    query = select(Asset).where(col(Asset.org_id) == org_id, col(Asset.sha256) == sha256, col(Asset.status) == "ready")
    return (await session.scalars(query.with_for_update(read=True))).one_or_none()


async def read_list(session: AsyncSession, kind: str | None, status: str | None, cursor: str | None, limit: int) -> Page[Asset]:
    """Assets that are not deleted, newest first."""
    query = select(Asset).where(col(Asset.status) != "deleted")
    if kind is not None:
        query = query.where(col(Asset.kind) == kind)
    if status is not None:
        query = query.where(col(Asset.status) == status)
    return await read_page(session, query, Asset.created_at, Asset.id, cursor, limit)


async def mark_deleted(session: AsyncSession, asset_id: str) -> None:
    """From now on nobody sees this asset, and no job can start on it. Safe to repeat.

    Raises NotFound (`asset_unknown`), and Conflict: `asset_in_use` while a live job reads it, `asset_not_ready` while
    its upload or ingest goes on.
    """
    asset = await session.get(Asset, asset_id, with_for_update=True)
    if asset is None:
        raise NotFound("There is no such asset in this organisation.", code="asset_unknown")
    if asset.status == "deleted":
        return
    if asset.status in ("uploading", "verifying"):
        raise Conflict("This asset is still being uploaded or checked; delete its upload, or wait.", code="asset_not_ready")
    if await jobs.uses_asset(session, asset_id):
        raise Conflict("A job that has not ended uses this asset; cancel it or wait for its end.", code="asset_in_use")
    asset.status, asset.deleted_at = "deleted", datetime.now(UTC)


async def accept(session: AsyncSession, accepted: AcceptInput) -> Accepted:
    """Make a verified asset ready, or a duplicate of the one that has the same bytes. The first call decides.

    Two uploads of the same bytes that are accepted at the same time take turns.
    """
    found = accepted.inspected
    turn = func.hashtextextended(f"{accepted.org_id}/{found.source.sha256}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(turn)))
    asset = await session.get_one(Asset, accepted.asset_id, with_for_update=True)
    if asset.status == "verifying":
        older = await find_ready(session, accepted.org_id, found.source.sha256)
        await _close(session, asset.id, _duplicate(older, accepted) if older else _original(found.source, accepted))
        if older is None:
            session.add(_source_row(accepted))
        await session.refresh(asset)
    return Accepted(asset_id=asset.duplicate_of or asset.id, duplicate=asset.duplicate_of is not None)


def _original(source: ArtifactRef, accepted: AcceptInput) -> dict[str, Any]:
    found = accepted.inspected
    return {
        "status": "ready",
        "kind": found.kind,
        "content_type": found.content_type,
        "media": found.media.model_dump() if found.media else {},
        "language": found.language,
        "source_key": source.key,
        "size": source.size,
        "sha256": source.sha256,
    }


def _source_row(accepted: AcceptInput) -> Artifact:
    """The source on the list of what is stored."""
    source = accepted.inspected.source
    return Artifact(
        id=new_id("art"),
        org_id=accepted.org_id,
        scope=accepted.asset_id,
        asset_id=accepted.asset_id,
        step="source",
        fingerprint=source.sha256,
        key=source.key,
        sha256=source.sha256,
        size=source.size,
    )


def _duplicate(older: Asset, accepted: AcceptInput) -> dict[str, Any]:
    return {
        "status": "duplicate",
        "duplicate_of": older.id,
        "kind": older.kind,
        "content_type": older.content_type,
        "sha256": accepted.inspected.source.sha256,
    }


async def reject(session: AsyncSession, rejected: RejectInput) -> None:
    """Close an asset whose bytes cannot be used. An asset that is ready stays so."""
    reason = {"error_code": rejected.error_code, "error_detail": rejected.error_detail}
    await _close(session, rejected.asset_id, {"status": "rejected", **reason})


async def _close(session: AsyncSession, asset_id: str, outcome: dict[str, Any]) -> None:
    """End an asset's ingest, and its upload with it."""
    verifying = (col(Asset.id) == asset_id, col(Asset.status) == "verifying")
    closed = await session.scalar(update(Asset).where(*verifying).values(outcome).returning(col(Asset.id)))
    if closed is not None:
        await session.execute(update(Upload).where(col(Upload.asset_id) == asset_id).values(status="done"))
