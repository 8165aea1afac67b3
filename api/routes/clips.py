"""The clips of a campaign, one by one."""

from typing import Literal

from fastapi import APIRouter

from api.deps import JobsRead, PathId, ServicesDep
from api.downloads import NamedDownload, clip_file_name, download, require_kept
from api.resources import ClipResource, clip_resources
from cutroom.errors import Conflict, NotFound
from cutroom.store import clips, jobs

router = APIRouter(prefix="/v1/clips", tags=["campaigns"])


@router.get("/{clip_id}")
async def get_clip(clip_id: PathId, services: ServicesDep, caller: JobsRead) -> ClipResource:
    async with services.database.transaction(caller.org_id) as session:
        (resource,) = await clip_resources(session, [await clips.get(session, clip_id)])
    return resource


@router.get("/{clip_id}/download")
async def download_clip(
    clip_id: PathId,
    services: ServicesDep,
    caller: JobsRead,
    file: Literal["video", "subtitles", "thumbnail", "framing"] = "video",
) -> NamedDownload:
    """A URL of one file of the clip's current version, for 15 minutes."""
    async with services.database.transaction(caller.org_id) as session:
        clip = await clips.get(session, clip_id)
        require_kept(await jobs.get(session, clip.job_id))
        version = (await clips.current_versions(session, [clip_id])).get(clip_id)
    if version is None:
        raise Conflict("This clip has nothing to download; its status says why.", code="clip_not_ready")
    if file not in version.files:
        raise NotFound("This clip has no such file; `files` names those it has.", code="file_unknown", field="file")
    return await download(services, clip_file_name(clip, file), version.files[file])
