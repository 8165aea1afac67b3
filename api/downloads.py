"""Files that people can download, under the names they have on a disk."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from api.deps import DOWNLOAD_TTL_S, Services, until
from api.resources import Download
from cutroom.contracts.base import ArtifactRef
from cutroom.errors import Gone
from cutroom.store import retention
from cutroom.store.tables import Clip, ClipVersion, Job

CLIP_SUFFIXES = {"video": ".mp4", "subtitles": ".srt", "thumbnail": ".jpg", "framing": ".frame.json"}


class NamedDownload(Download):
    """`url` gives the bytes under this name until `expires_at`."""

    name: str
    size_bytes: int
    sha256: str


def require_kept(job: Job) -> None:
    """Raises Gone (`file_expired`) where the files of the job and of its clips are kept no longer."""
    expired_at = retention.files_expire_at(job)
    if expired_at is not None and expired_at <= datetime.now(UTC):
        raise Gone(f"The files of this job were kept for {job.retention_days} days after its end; make them again by a new job.")


async def download(services: Services, name: str, file: dict[str, Any]) -> NamedDownload:
    """`file`: an ArtifactRef as the database keeps it."""
    ref = ArtifactRef.model_validate(file)
    url = await services.objects.presign_get(ref.key, DOWNLOAD_TTL_S, name)
    return NamedDownload(name=name, url=url, expires_at=until(DOWNLOAD_TTL_S), size_bytes=ref.size, sha256=ref.sha256)


def clip_file_name(clip: Clip, file: str) -> str:
    """`clip-01.mp4`, `clip-01.srt` ..."""
    return f"clip-{clip.ordinal:02d}{CLIP_SUFFIXES[file]}"


def job_files(job: Job, made: Iterable[tuple[Clip, ClipVersion]]) -> dict[str, dict[str, Any]]:
    """Everything a job has to give: file name -> ArtifactRef."""
    own = {name if "." in name else f"{name}.json": ref for name, ref in job.files.items()}
    theirs = {clip_file_name(clip, file): ref for clip, version in made for file, ref in version.files.items()}
    return own | theirs
