"""The resources as people read them: rows of the database become JSON here, and nowhere else."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from cutroom.money.prices import Quote
from cutroom.store import clips, jobs, retention
from cutroom.store.tables import Asset, Clip, ClipVersion, Job, Upload
from cutroom.telemetry import tracing

Item = TypeVar("Item")


class ListOf(BaseModel, Generic[Item]):
    """One page. `next_cursor` asks for the next one; null on the last."""

    items: list[Item]
    next_cursor: str | None = None


class Reason(BaseModel):
    """`code` is explained in docs/errors.md."""

    code: str
    detail: str


class Download(BaseModel):
    url: str
    expires_at: datetime


class AssetResource(BaseModel):
    """status: uploading | verifying | ready | rejected | duplicate. `media` of videos: seconds, pixels, codecs.

    `warnings`: what to know of a video before paying for clips of it.
    """

    id: str
    kind: str | None
    status: str
    filename: str
    content_type: str | None
    size_bytes: int
    sha256: str | None
    media: dict[str, Any] | None
    warnings: list[str]
    language: str | None
    duplicate_of: str | None
    error: Reason | None
    metadata: dict[str, Any]
    external_id: str | None
    created_at: datetime


class UploadResource(BaseModel):
    """Send part n as bytes `(n - 1) * part_size` on, to the URL of that part. status: open | completing | done | aborted.

    `part_count` is 0, and `id` null, where the organisation has these bytes already as the asset `asset_id`.
    """

    id: str | None
    asset_id: str
    status: str
    part_size: int
    part_count: int
    expires_at: datetime | None


class StoredPart(BaseModel):
    number: int
    size_bytes: int


class UploadState(UploadResource):
    """`parts`: what is stored already; only the rest has to be sent."""

    parts: list[StoredPart]


class PartUrl(BaseModel):
    """PUT the part's bytes to `url`, with exactly these headers."""

    number: int
    url: str
    headers: dict[str, str]


class PartUrls(BaseModel):
    urls: list[PartUrl]


class Score(BaseModel):
    """`parts`: feature -> its share of `total`, 0 to 100. `why`: a sentence."""

    total: float
    parts: dict[str, float]
    why: str


class ClipResource(BaseModel):
    """status: processing | ready | failed. `start_s` and `end_s` in the source; `files` can be downloaded by name."""

    id: str
    campaign_id: str
    ordinal: int
    status: str
    title: str
    text: str
    start_s: float
    end_s: float
    duration_s: float | None
    score: Score
    version: int
    files: list[str]
    error: Reason | None
    metadata: dict[str, Any]
    external_id: str | None
    created_at: datetime


class JobResource(BaseModel):
    """status: queued | processing | pausing | paused | attention | succeeded | failed | canceled | expired.

    `progress`: step -> how much of it is done, 0 to 1. `timings`: step -> seconds. `attention` says what the job waits for
    and who must act. `warnings` say what could not be done as asked. `files` names what /v1/jobs/{id}/files gives.
    `files_expire_at`: from then on its files and those of its clips cannot be downloaded; null while it runs, and where they stay.
    `trace_id` is in the logs of all that worked on it.
    """

    id: str
    kind: str
    mode: str
    status: str
    step: str | None
    progress: dict[str, float]
    cancel_requested: bool
    attention: dict[str, Any] | None
    error: Reason | None
    asset_id: str | None
    captions_asset_id: str | None
    request: dict[str, Any]
    price: Quote
    clips: list[ClipResource]
    warnings: list[str]
    files: list[str]
    timings: dict[str, float]
    trace_id: str | None
    metadata: dict[str, Any]
    external_id: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    files_expire_at: datetime | None


def asset_resource(asset: Asset) -> AssetResource:
    return AssetResource(
        id=asset.id,
        kind=asset.kind or None,
        status=asset.status,
        filename=asset.filename,
        content_type=asset.content_type or None,
        size_bytes=asset.size,
        sha256=asset.sha256 or None,
        media={name: fact for name, fact in asset.media.items() if name != "warnings"} or None,
        warnings=asset.media.get("warnings", []),
        language=asset.language or None,
        duplicate_of=asset.duplicate_of,
        error=_reason(asset),
        metadata=asset.metadata_,
        external_id=asset.external_id,
        created_at=asset.created_at,
    )


def upload_resource(upload: Upload) -> UploadResource:
    return UploadResource.model_validate(upload, from_attributes=True)


async def clip_resources(session: AsyncSession, rows: Sequence[Clip]) -> list[ClipResource]:
    """Clips with what their current versions offer."""
    versions = await clips.current_versions(session, [row.id for row in rows])
    return [_clip_resource(row, versions.get(row.id)) for row in rows]


def _clip_resource(clip: Clip, version: ClipVersion | None) -> ClipResource:
    return ClipResource(
        id=clip.id,
        campaign_id=clip.job_id,
        ordinal=clip.ordinal,
        status=clip.status,
        title=clip.title,
        text=clip.text,
        start_s=clip.start_s,
        end_s=clip.end_s,
        duration_s=version.duration_s if version else None,
        score=Score.model_validate(clip.score),
        version=clip.current_version,
        files=sorted(version.files) if version else [],
        error=_reason(clip),
        metadata=clip.metadata_,
        external_id=clip.external_id,
        created_at=clip.created_at,
    )


async def job_resources(session: AsyncSession, rows: Sequence[Job]) -> list[JobResource]:
    """Jobs with their clips and timings; three queries for any number of them."""
    ids = [row.id for row in rows]
    timings = await jobs.timings(session, ids)
    made = await clip_resources(session, await clips.of_jobs(session, ids))
    return [_job_resource(row, [clip for clip in made if clip.campaign_id == row.id], timings.get(row.id, {})) for row in rows]


def _job_resource(job: Job, made: list[ClipResource], timings: dict[str, float]) -> JobResource:
    return JobResource(
        id=job.id,
        kind=job.kind,
        mode=job.mode,
        status=job.status,
        step=job.step or None,
        progress=job.progress,
        cancel_requested=job.cancel_requested_at is not None,
        attention=job.attention or None,
        error=_reason(job),
        asset_id=job.asset_id,
        captions_asset_id=job.captions_asset_id,
        request=job.request,
        price=Quote.model_validate(job.price),
        clips=made,
        warnings=job.result.get("warnings", []),
        files=sorted(job.files),
        timings=timings,
        trace_id=tracing.trace_id(job.traceparent) or None,
        metadata=job.metadata_,
        external_id=job.external_id,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        files_expire_at=retention.files_expire_at(job),
    )


def _reason(row: Asset | Clip | Job) -> Reason | None:
    return Reason(code=row.error_code, detail=row.error_detail) if row.error_code else None
