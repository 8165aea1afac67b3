"""What was uploaded."""

from typing import Literal

from fastapi import APIRouter

from api.deps import DOWNLOAD_TTL_S, AssetsRead, AssetsWrite, PageDep, PathId, ServicesDep, until
from api.resources import AssetResource, Download, ListOf, asset_resource
from cutroom.contracts.media import AssetKind
from cutroom.errors import Conflict
from cutroom.store import artifacts, assets
from cutroom.store.artifacts import Scope

router = APIRouter(prefix="/v1/assets", tags=["assets"])

AssetStatus = Literal["uploading", "verifying", "ready", "rejected", "duplicate"]


@router.get("")
async def list_assets(
    services: ServicesDep, caller: AssetsRead, page: PageDep, kind: AssetKind | None = None, status: AssetStatus | None = None
) -> ListOf[AssetResource]:
    """Your assets, newest first."""
    async with services.database.transaction(caller.org_id) as session:
        found = await assets.read_list(session, kind, status, page.cursor, page.limit)
    return ListOf(items=[asset_resource(asset) for asset in found.items], next_cursor=found.next_cursor)


@router.get("/{asset_id}")
async def get_asset(asset_id: PathId, services: ServicesDep, caller: AssetsRead) -> AssetResource:
    async with services.database.transaction(caller.org_id) as session:
        return asset_resource(await assets.get(session, asset_id))


@router.delete("/{asset_id}", status_code=204)
async def delete_asset(asset_id: PathId, services: ServicesDep, caller: AssetsWrite) -> None:
    """Delete an asset and its bytes; clips made from it stay. Refused while a job that has not ended uses it."""
    scope = Scope(caller.org_id, asset_id=asset_id)
    async with services.database.transaction(caller.org_id) as session:
        await assets.mark_deleted(session, asset_id)
    await services.objects.delete_prefix(scope.prefix)
    async with services.database.transaction(caller.org_id) as session:
        await artifacts.forget(session, scope)


@router.get("/{asset_id}/download")
async def download_asset(asset_id: PathId, services: ServicesDep, caller: AssetsRead) -> Download:
    """A URL of the uploaded file, for 15 minutes."""
    async with services.database.transaction(caller.org_id) as session:
        asset = await assets.get(session, asset_id)
        original = await assets.get_original(session, asset_id)
    if original.status != "ready":
        raise Conflict("This asset has no file to download; wait until its status is ready.", code="asset_not_ready")
    url = await services.objects.presign_get(original.source_key, DOWNLOAD_TTL_S, asset.filename)
    return Download(url=url, expires_at=until(DOWNLOAD_TTL_S))
