"""Ingest: an upload becomes an asset that is ready, or rejected with a reason."""

from cutroom.contracts.base import ArtifactRef, Frozen, JobRef, Nothing, OrgInput, StepInput
from cutroom.contracts.media import AssetKind, MediaFacts, PreparedMedia, PreparedSound
from cutroom.contracts.steps import Queue, Step


class IngestInput(OrgInput):
    """`ingest/ast_...`: input of the workflow `ingest`."""

    asset_id: str
    upload_id: str


class UploadObject(OrgInput):
    """The assembled upload. `sha256` is what the client promised; empty: nothing was promised."""

    asset_id: str
    key: str
    size: int
    sha256: str


class Inspected(Frozen):
    """What the bytes are. `media` only for a video."""

    source: ArtifactRef
    kind: AssetKind
    content_type: str
    media: MediaFacts | None = None
    language: str = ""


class AcceptInput(OrgInput):
    asset_id: str
    inspected: Inspected


class RejectInput(OrgInput):
    asset_id: str
    error_code: str
    error_detail: str


class Accepted(Frozen):
    """`asset_id` is an older asset where the organisation had the same bytes already."""

    asset_id: str
    duplicate: bool


class SourceInput(StepInput):
    """A source video to be read, and what is known of it. `job_id` is empty in ingest."""

    org_id: str
    asset_id: str
    job_id: str
    source: ArtifactRef
    media: MediaFacts

    @property
    def owner(self) -> JobRef:
        return JobRef(org_id=self.org_id, job_id=self.job_id)


# Without limit: giving up on them would throw away what somebody uploaded because a server was away.
COMPLETE_UPLOAD = Step("complete_upload", Queue.CONTROL, IngestInput, UploadObject, 900, 60, attempts=0)
INSPECT_UPLOAD = Step("inspect_upload", Queue.CPU_MEDIA, UploadObject, Inspected, 3600, 300, attempts=0, must_stop=True)
ACCEPT_ASSET = Step("accept_asset", Queue.CONTROL, AcceptInput, Accepted, attempts=0, must_stop=True)
REJECT_ASSET = Step("reject_asset", Queue.CONTROL, RejectInput, Nothing, attempts=0, must_stop=True)
MAKE_POSTER = Step("make_poster", Queue.CPU_MEDIA, SourceInput, ArtifactRef, 120, 60, must_stop=True)
PREPARE_MEDIA = Step("prepare_media", Queue.CPU_MEDIA, SourceInput, PreparedMedia, 4 * 3600, 60, must_stop=True)
PREPARE_SOUND = Step("prepare_sound", Queue.CPU_MEDIA, SourceInput, PreparedSound, 3600, 60, must_stop=True)
